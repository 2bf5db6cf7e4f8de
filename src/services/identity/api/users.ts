import { Type } from 'typebox';
import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { RowQuery } from '../../../platform/resource/rows.ts';
import type { Identity } from '../identity.ts';
import { isActive } from '../model/password-rules.ts';
import { nowMicros, toIsoTime } from '../model/timestamps.ts';
import { countedRows } from '../store/changes.ts';
import { everywhere } from '../store/everywhere.ts';
import { newId } from '../store/new-id.ts';
import { removeActor, removeApplicationCredentials } from '../store/removal.ts';
import { type UserRow, users } from '../store/tables.ts';
import { scopesOf } from '../tokens/scopes.ts';
import {
  assertUnmoved,
  domainFor,
  Enabled,
  Id,
  keptExtra,
  mergedOptions,
  Name,
  NullableId,
  NullableText,
} from './fields.ts';
import { groupView } from './groups.ts';
import { inOwnDomain, listedDomain } from './listed-domain.ts';
import { expiryConditions } from './password-expiry.ts';
import { projectFields, tagsOf } from './project-view.ts';
import { collection, notFound, unique } from './style.ts';
import {
  Federated,
  type FederatedUserRow,
  federatedFilters,
  withFederated,
  writeFederated,
} from './user-federated.ts';
import { UserOptions } from './user-options.ts';
import { createElsewhere, updateElsewhere } from './users-elsewhere.ts';

const Password = Type.Union([Type.Null(), Type.String({ maxLength: 4096 })]);
/** A description is kept among what is not described, as upstream keeps it; it is checked all the same. */
const described = (
  { description }: { description?: string | null },
  extra: Record<string, unknown>,
): Record<string, unknown> => (description === undefined ? extra : { ...extra, description });
const targetOf = (user: { id?: string; domain_id: string }) => ({
  target: { user },
  ...(user.id === undefined ? {} : { user_id: user.id }),
});

/** Users, their passwords, groups and projects. */
export function userRoutes(identity: Identity): Route[] {
  const { store, changes, directory, elsewhere, passwords } = identity;
  const own = countedRows(store, users, changes);
  const rows = everywhere(
    own,
    elsewhere && {
      find: (id: string) => elsewhere.user(id),
      list: (domainId: string | undefined, query: RowQuery<UserRow>) => elsewhere.users(domainId, query),
    },
  );
  const inactiveDays = identity.settings.disable_user_account_days_inactive;
  const detail = (name: string, domain: string) => `name ${name} at domain ID ${domain}`;

  const resource = identity.resource({
    one: 'user',
    many: 'users',
    path: '/users',
    rows,
    attributes: {
      id: { schema: Id },
      name: { schema: Name(255), create: 'required', update: true, filter: true },
      domain_id: { schema: Id, create: 'optional', filter: true },
      enabled: {
        schema: Enabled,
        create: 'optional',
        update: true,
        default: true,
        filter: true,
        from: (row: UserRow) => isActive(row, inactiveDays, nowMicros()),
      },
      default_project_id: {
        schema: NullableId,
        create: 'optional',
        update: true,
        filter: true,
        from: (row: UserRow) => row.default_project_id ?? undefined,
      },
      description: {
        schema: NullableText,
        create: 'optional',
        update: true,
        column: false,
        from: (row: UserRow) => row.extra['description'],
      },
      password: { schema: Password, create: 'optional', update: true, column: false, hidden: true },
      options: { schema: UserOptions, create: 'optional', update: true, default: {} },
      password_expires_at: { schema: Type.Union([Type.Null(), Type.String()]) },
      federated: {
        schema: Federated,
        create: 'optional',
        update: true,
        column: false,
        from: (row: FederatedUserRow) => row.federated,
      },
    },
    policy: {
      list: null,
      show: 'identity:get_user',
      create: 'identity:create_user',
      update: 'identity:update_user',
      delete: 'identity:delete_user',
    },
    filters: { password_expires_at: expiryConditions, ...federatedFilters(identity) },
    expand: (page, call) => withFederated(identity, page, call),
    target: (row) => targetOf(row),
    createTarget: (body) => ({ target: { user: body } }),
    scope(call, verb) {
      if (verb !== 'list') return [];
      const { domainId } = call.credentials;
      call.enforce('identity:list_users', domainId ? { target: { domain_id: domainId } } : {});
      return listedDomain(identity, call);
    },
    view: (view, row) => ({ ...row.extra, ...view }),
    async create(call, body, extra) {
      const domain = domainFor(body.domain_id, call);
      if (!(await directory.domain(domain))) throw notFound('domain', domain);
      await assertNoDomain(body.default_project_id);
      const name = body.name.trim();
      if (elsewhere && (await elsewhere.has(domain))) {
        return createElsewhere(elsewhere, domain, { ...body, name }, described(body, extra));
      }
      const options = mergedOptions({}, body.options);
      const password = body.password === undefined ? {} : await passwords.given(body.password, options);
      return unique('user', detail(name, domain), () =>
        identity.atomically(async () => {
          const made = await rows.insert({
            id: newId(),
            name,
            domain_id: domain,
            enabled: body.enabled,
            default_project_id: body.default_project_id ?? null,
            ...password,
            user_created_at: passwords.now(),
            options,
            extra: keptExtra(described(body, extra)),
          });
          await writeFederated(identity, made, body.federated);
          return made;
        }),
      );
    },
    async update(_call, row, given, extra) {
      assertUnmoved(given, row);
      const { password, enabled, default_project_id } = given;
      await assertNoDomain(default_project_id);
      const name = given.name?.trim();
      if (elsewhere && (await directory.isElsewhere(row.id))) {
        return updateElsewhere(identity, elsewhere, row, { ...given, name }, described(given, extra));
      }
      const options = mergedOptions(row.options, given.options);
      const changed: Partial<UserRow> = {
        extra: keptExtra(described(given, extra), row.extra),
        options,
        ...(name === undefined ? {} : { name }),
        ...(enabled === undefined ? {} : { enabled }),
        ...(default_project_id === undefined ? {} : { default_project_id }),
        ...(password === undefined ? {} : await passwords.given(password, options)),
        ...(enabled || (password && enabled !== false) ? passwords.readmitted(row) : {}),
      };
      await unique('user', `name ${name ?? row.name}`, () =>
        identity.atomically(async () => {
          if (password !== undefined) await passwords.retire(row.id);
          await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
          await writeFederated(identity, row, given.federated);
          if (password !== undefined || enabled === false)
            await identity.revocations.revoke({ userId: row.id });
          if (enabled === false) await removeApplicationCredentials(store, [row.id]);
        }),
      );
      return { ...row, ...changed };
    },
    async delete(_call, row) {
      if (await directory.isElsewhere(row.id)) await elsewhere?.deleteUser(row.id);
      await identity.atomically(async () => {
        await removeActor(store, 'user', [row.id]);
        await own.delete([{ column: 'id', op: 'eq', value: row.id }]);
      });
    },
  });

  async function assertNoDomain(projectId: string | null | undefined): Promise<void> {
    if (projectId && (await directory.domain(projectId)))
      throw new BadRequest(`User's default project ID cannot be a domain ID: ${projectId}`);
  }

  /** The user of a path, once the caller may do `rule` to him. */
  async function allowed(call: Call, rule: string): Promise<UserRow> {
    const id = call.params['id'] as string;
    const user = await directory.user(id);
    call.enforce(rule, user ? targetOf(user) : { user_id: id });
    if (!user) throw notFound('user', id);
    return user;
  }

  return [
    ...resource.routes,
    route({
      method: 'GET',
      path: '/v3/users/:id/groups',
      summary: 'List the groups of a user',
      async handler(call) {
        const { id } = await allowed(call, 'identity:list_groups_for_user');
        const lasting = (await identity.memberships.groupsOf(id)).map((group) => ({ group, ends: null }));
        const passing = await identity.federation.memberships.groupsOf(id);
        const found = [...lasting, ...passing].map(({ group, ends }) => ({ ...group, ends }));
        const name = call.queryValue('name');
        return collection(
          call,
          'groups',
          inOwnDomain(call, found)
            .filter((row) => name === undefined || row.name === name)
            .map((row) => ({
              ...groupView(row, call),
              membership_expires_at: row.ends === null ? null : toIsoTime(row.ends).slice(0, -1),
            })),
        );
      },
    }),
    route({
      method: 'GET',
      path: '/v3/users/:id/projects',
      summary: 'List the projects that a user has a role on',
      async handler(call) {
        const { id } = await allowed(call, 'identity:list_user_projects');
        const { projectIds } = await scopesOf(identity, id);
        const found = (await Promise.all(projectIds.map((each) => directory.project(each)))).filter(
          (row) => row !== undefined && !row.is_domain,
        ) as NonNullable<Awaited<ReturnType<typeof directory.project>>>[];
        const tags = await tagsOf(identity, projectIds);
        return collection(
          call,
          'projects',
          found.map((row) => ({
            ...projectFields({ ...row, tags: tags.get(row.id) ?? [] }),
            links: { self: `${call.origin}/v3/projects/${row.id}` },
          })),
        );
      },
    }),
  ];
}
