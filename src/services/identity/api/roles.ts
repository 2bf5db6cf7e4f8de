import { Type } from 'typebox';
import { BadRequest, Conflict, Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Identity } from '../identity.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { impliedRoles, noDomain, type RoleRow, roles } from '../store/tables.ts';
import {
  assertMutable,
  assertUnmoved,
  Id,
  keptExtra,
  mergedOptions,
  Name,
  NullableId,
  Options,
} from './fields.ts';
import { notFound, unique } from './style.ts';

export const roleView = (row: RoleRow, call: Call): Record<string, unknown> => ({
  ...row.extra,
  id: row.id,
  name: row.name,
  domain_id: row.domain_id === noDomain ? null : row.domain_id,
  description: row.description,
  options: row.options,
  links: { self: `${call.origin}/v3/roles/${row.id}` },
});

const ruleFor = (verb: string, domainId: string) =>
  `identity:${verb}_${domainId === noDomain ? '' : 'domain_'}role`;

/** Roles, of the cloud or of a domain, and which roles each includes. */
export function roleRoutes(identity: Identity): Route[] {
  const { store, changes, directory } = identity;
  const rows = countedRows(store, roles, changes);
  const implied = repository(store, impliedRoles);
  const detail = (name: string, domain: string) =>
    domain === noDomain ? `name ${name}` : `name ${name} at domain ID ${domain}`;

  const resource = identity.resource({
    one: 'role',
    many: 'roles',
    path: '/roles',
    absenceFirst: ['show', 'update', 'delete'],
    rows,
    attributes: {
      id: { schema: Id },
      name: { schema: Name(255), create: 'required', update: true, filter: true },
      domain_id: {
        schema: NullableId,
        create: 'optional',
        filter: true,
        from: (row: RoleRow) => (row.domain_id === noDomain ? null : row.domain_id),
      },
      description: { schema: Type.String({ maxLength: 65_535 }), create: 'optional', update: true },
      options: { schema: Options, create: 'optional', update: true, default: {} },
    },
    policy: {
      list: null,
      show: 'identity:get_role',
      create: null,
      update: 'identity:update_role',
      delete: 'identity:delete_role',
    },
    ruleOf: (row, verb) => ruleFor({ show: 'get', update: 'update', delete: 'delete' }[verb], row.domain_id),
    target: (row) => ({ target: { role: row } }),
    scope(call, verb) {
      if (verb !== 'list') return [];
      const ofDomain = call.query['domain_id'] !== undefined;
      call.enforce(ofDomain ? 'identity:list_domain_roles' : 'identity:list_roles');
      return ofDomain ? [] : [{ column: 'domain_id', op: 'eq', value: noDomain }];
    },
    view: (view, row) => ({ ...row.extra, ...view }),
    async create(call, body, extra) {
      const domain = body.domain_id ?? noDomain;
      call.enforce(ruleFor('create', domain), { target: { role: body } });
      if (domain !== noDomain && !(await directory.domain(domain))) throw notFound('domain', domain);
      const { name, description = null } = body;
      return unique('role', detail(name, domain), () =>
        rows.insert({
          id: newId(),
          name,
          domain_id: domain,
          description,
          options: mergedOptions({}, body.options),
          extra: keptExtra(extra),
        }),
      );
    },
    async update(_call, row, given, extra) {
      const { domain_id } = given as { domain_id?: string | null };
      if (domain_id !== undefined && (domain_id ?? noDomain) !== row.domain_id)
        throw new BadRequest('Update of `domain_id` is not allowed.');
      assertUnmoved(given, { id: row.id });
      assertMutable('role', row, given.options ?? {});
      const { name, description, options } = given;
      const changed: Partial<RoleRow> = {
        extra: keptExtra(extra, row.extra),
        options: mergedOptions(row.options, options),
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
      };
      await unique('role', detail(name ?? row.name, row.domain_id), () =>
        rows.update([{ column: 'id', op: 'eq', value: row.id }], changed),
      );
      return { ...row, ...changed };
    },
    async delete(_call, row) {
      assertMutable('role', row);
      await rows.delete([{ column: 'id', op: 'eq', value: row.id }]);
    },
  });

  const short = (row: RoleRow, call: Call) => ({
    id: row.id,
    name: row.name,
    links: { self: `${call.origin}/v3/roles/${row.id}` },
  });

  /** @throws NotFound */
  async function role(id: string): Promise<RoleRow> {
    const found = (await directory.shared()).roles.get(id);
    if (!found) throw notFound('role', id);
    return found;
  }

  /** Both roles of a rule's path. */
  async function both(call: Call): Promise<{ prior: RoleRow; other: RoleRow }> {
    const { id = '', implied_id = '' } = call.params;
    return { prior: await role(id), other: await role(implied_id) };
  }
  const inference = async (prior: RoleRow, call: Call, ids: readonly string[]) => ({
    prior_role: short(prior, call),
    implies: (await Promise.all(ids.map(role))).map((row) => short(row, call)),
  });
  const rule = (prior: RoleRow, other: RoleRow, call: Call) => ({
    role_inference: { prior_role: short(prior, call), implies: short(other, call) },
    links: { self: `${call.origin}/v3/roles/${prior.id}/implies/${other.id}` },
  });
  const keyOf = (prior: RoleRow, other: RoleRow) => ({ prior_role_id: prior.id, implied_role_id: other.id });
  const noRule = (prior: RoleRow, other: RoleRow) => new NotFound(`${prior.id} does not imply ${other.id}.`);
  const path = '/v3/roles/:id/implies/:implied_id';

  return [
    ...resource.routes,
    route({
      method: 'GET',
      path: '/v3/roles/:id/implies',
      summary: 'List the roles that a role includes',
      policy: 'identity:list_implied_roles',
      async handler(call) {
        const prior = await role(call.params['id'] as string);
        const { implications } = await directory.shared();
        const ids = implications
          .filter(({ priorRoleId }) => priorRoleId === prior.id)
          .map(({ impliedRoleId }) => impliedRoleId);
        return {
          role_inference: await inference(prior, call, ids),
          links: { self: `${call.origin}/v3/roles/${prior.id}/implies` },
        };
      },
    }),
    route({
      method: 'PUT',
      path,
      summary: 'Let a role include another',
      policy: 'identity:create_implied_role',
      async handler(call) {
        const { prior, other } = await both(call);
        const ofDomain = prior.domain_id === noDomain && other.domain_id !== noDomain;
        if (ofDomain || (other.name === 'admin' && other.domain_id === noDomain))
          throw new Forbidden(`${other.id} cannot be an implied roles.`);
        await identity.atomically(async () => {
          if (await implied.find(keyOf(prior, other)))
            throw new Conflict('Conflict occurred attempting to store implied_role - Duplicate entry.');
          await implied.insert(keyOf(prior, other));
          changes.revoked();
        });
        return answer(201, rule(prior, other, call));
      },
    }),
    route({
      method: 'GET',
      path,
      summary: 'Show that a role includes another',
      policy: 'identity:get_implied_role',
      async handler(call) {
        const { prior, other } = await both(call);
        if (!(await implied.find(keyOf(prior, other)))) throw noRule(prior, other);
        return call.method === 'HEAD' ? undefined : rule(prior, other, call);
      },
    }),
    route({
      method: 'DELETE',
      path,
      summary: 'Let a role no longer include another',
      policy: 'identity:delete_implied_role',
      async handler(call) {
        const { prior, other } = await both(call);
        if ((await implied.delete(keyOf(prior, other))) === 0) throw noRule(prior, other);
        changes.revoked();
      },
    }),
    route({
      method: 'GET',
      path: '/v3/role_inferences',
      summary: 'List which roles include which',
      policy: 'identity:list_role_inference_rules',
      async handler(call) {
        const { implications } = await directory.shared();
        const byPrior = Map.groupBy(implications, ({ priorRoleId }) => priorRoleId);
        const inferences = await Promise.all(
          [...byPrior].map(async ([id, some]) =>
            inference(
              await role(id),
              call,
              some.map(({ impliedRoleId }) => impliedRoleId),
            ),
          ),
        );
        return { role_inferences: inferences };
      },
    }),
  ];
}
