import { type Static, Type } from 'typebox';
import { Forbidden } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { validator } from '../../../platform/http/validation.ts';
import type { Identity } from '../identity.ts';
import { assertRedelegates, redelegationCount, type TrustTerms } from '../model/trust.ts';
import { newId } from '../store/new-id.ts';
import type { TrustRow } from '../store/tables/trusts.ts';
import { isDelegated } from '../tokens/delegated.ts';
import { expiry } from './expiry.ts';
import { Enabled, Id, keptExtra, Name, NullableId, nullOr } from './fields.ts';
import { roleView } from './roles.ts';
import { collection, identityErrors, notFound, unique } from './style.ts';

const NamedRole = Type.Object(
  { id: Type.Optional(Id), name: Type.Optional(Name(255)) },
  { additionalProperties: false, minProperties: 1, maxProperties: 1 },
);
const Creation = Type.Object({
  trust: Type.Object({
    trustor_user_id: Id,
    trustee_user_id: Id,
    impersonation: Enabled,
    project_id: Type.Optional(NullableId),
    remaining_uses: Type.Optional(
      Type.Union([Type.Null(), Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })]),
    ),
    expires_at: Type.Optional(nullOr(64)),
    allow_redelegation: Type.Optional(Type.Union([Type.Null(), Type.Boolean()])),
    redelegation_count: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: 1000 })])),
    roles: Type.Optional(Type.Array(NamedRole, { maxItems: 255 })),
  }),
});
const checked = validator(Creation);
const path = '/v3/OS-TRUST/trusts';

/** What a user lets another do in his place: OS-TRUST. */
export function trustRoutes(identity: Identity): Route[] {
  const { trusts, directory, settings, store } = identity;

  const forbidden = (action: string) =>
    new Forbidden(`You are not authorized to perform the requested action: ${action}.`);
  const fields = (row: TrustRow, call: Call): Record<string, unknown> => {
    const { sameness: _, role_ids: _roles, extra, ...rest } = row;
    return { ...extra, ...rest, deleted_at: null, links: { self: `${call.origin}${path}/${row.id}` } };
  };
  async function rolesView(row: TrustRow, call: Call): Promise<Record<string, unknown>[]> {
    const { roles } = await directory.shared();
    return row.role_ids.flatMap((id) => {
      const role = roles.get(id);
      return role ? [roleView(role, call)] : [];
    });
  }
  async function view(row: TrustRow, call: Call): Promise<Record<string, unknown>> {
    return {
      ...fields(row, call),
      roles: await rolesView(row, call),
      roles_links: { self: `${call.origin}${path}/${row.id}/roles`, next: null, previous: null },
    };
  }

  /** Trust tokens hand on and look up; whatever else was delegated does not touch trusts. */
  function assertOwnAuthority(call: Call): void {
    const { methods } = call.credentials;
    if (isDelegated({ methods })) throw forbidden('Delegated tokens cannot manage trusts');
  }

  /** The trust that a path names, before anything is enforced of it, as upstream. @throws NotFound */
  async function named(call: Call, rule: string): Promise<TrustRow> {
    const { id = '' } = call.params;
    const row = await trusts.current(id);
    if (!row || (row.remaining_uses !== null && row.remaining_uses <= 0)) throw notFound('trust', id);
    call.enforce(rule, { target: { trust: row } });
    assertOwnAuthority(call);
    return row;
  }

  async function list(call: Call): Promise<object> {
    const trustor = call.queryValue('trustor_user_id');
    const trustee = call.queryValue('trustee_user_id');
    if (trustor) {
      call.enforce('identity:list_trusts_for_trustor', { target: { trust: { trustor_user_id: trustor } } });
    } else if (trustee) {
      call.enforce('identity:list_trusts_for_trustee', { target: { trust: { trustee_user_id: trustee } } });
    } else call.enforce('identity:list_trusts');
    assertOwnAuthority(call);
    const where = trustor ? { trustor_user_id: trustor } : trustee ? { trustee_user_id: trustee } : {};
    const rows = await trusts.list(where);
    return collection(
      call,
      'trusts',
      rows.map((row) => fields(row, call)),
    );
  }

  /** The ids of roles that are asked for. @throws NotFound for one that there is not, or that the trustor has not */
  async function rolesFor(
    asked: readonly Static<typeof NamedRole>[],
    trustorId: string,
    projectId: string | null,
  ): Promise<string[]> {
    const { roles } = await directory.shared();
    if (projectId !== null && !(await directory.project(projectId))) throw notFound('project', projectId);
    const held =
      projectId === null ? [] : await identity.subjects.rolesOf(trustorId, { kind: 'project', projectId });
    return asked.map(({ id, name }) => {
      const role =
        id === undefined
          ? [...roles.values()].find((each) => each.name === name && each.domain_id === '-')
          : roles.get(id);
      if (!role || !held.includes(role.id)) throw notFound('role', role?.id ?? id ?? name ?? '');
      return role.id;
    });
  }

  async function create(call: Call): Promise<Answer> {
    const { trust: given = {} } = (call.body ?? {}) as { trust?: unknown };
    // As upstream: who may not is told so, whatever is wrong with what he asks for.
    call.enforce('identity:create_trust', { target: { trust: given } });
    const problem = checked({ trust: given });
    if (problem) throw identityErrors.invalid(problem);
    const asked = given as Static<typeof Creation>['trust'];
    assertOwnAuthority(call);
    const { trustor_user_id, trustee_user_id, impersonation, remaining_uses = null } = asked;
    const project_id = asked.project_id ?? null;
    if (project_id !== null && !asked.roles?.length) throw forbidden('At least one role should be specified');
    if (call.credentials.userId !== trustor_user_id)
      throw forbidden('The authenticated user should match the trustor');
    if (!(await directory.user(trustee_user_id))) throw notFound('user', trustee_user_id);

    const { trustId } = call.credentials;
    const pedigree = trustId === undefined ? [] : await trusts.pedigree(trustId);
    if (!pedigree) throw notFound('trust', trustId ?? '');
    const [parent] = pedigree;
    const first = pedigree.at(-1);
    const role_ids = await rolesFor(asked.roles ?? [], first?.trustor_user_id ?? trustor_user_id, project_id);
    const { max_redelegation_count: most } = settings;
    const {
      trustor_user_id: _1,
      trustee_user_id: _2,
      impersonation: _3,
      project_id: _4,
      remaining_uses: _5,
      expires_at: _6,
      allow_redelegation,
      redelegation_count,
      roles: _7,
      ...extra
    } = asked as typeof asked & Record<string, unknown>;
    const row = {
      id: newId(),
      trustor_user_id,
      trustee_user_id,
      project_id,
      impersonation,
      role_ids,
      expires_at: expiry(asked.expires_at) ?? parent?.expires_at ?? null,
      remaining_uses,
      redelegated_trust_id: parent?.id ?? null,
      redelegation_count: redelegationCount(
        { allow: allow_redelegation ?? false, count: redelegation_count, remaining_uses },
        most,
        parent,
      ),
      extra: keptExtra(extra),
    };
    for (const ancestor of pedigree) assertRedelegates(ancestor, row satisfies TrustTerms, most);
    await unique('trust', `trustor ${trustor_user_id} and trustee ${trustee_user_id}`, () =>
      store.transaction(() => trusts.create(row)),
    );
    return new Answer(201, { trust: await view({ ...row, sameness: '' }, call) });
  }

  return [
    route({ method: 'GET', path, summary: 'List trusts', handler: list }),
    route({
      method: 'POST',
      path,
      summary: 'Let another user act in one’s place',
      documented: Creation,
      handler: create,
    }),
    route({
      method: 'GET',
      path: `${path}/:id`,
      summary: 'Show a trust',
      async handler(call) {
        return { trust: await view(await named(call, 'identity:get_trust'), call) };
      },
    }),
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      summary: 'End a trust, and those that hand it on',
      async handler(call) {
        const { id } = await named(call, 'identity:delete_trust');
        await identity.atomically(() => trusts.delete(id));
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:id/roles`,
      summary: 'List the roles of a trust',
      async handler(call) {
        const row = await named(call, 'identity:list_roles_for_trust');
        const self = `${call.origin}${path}/${row.id}/roles`;
        return { roles: await rolesView(row, call), links: { self, next: null, previous: null } };
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:id/roles/:role_id`,
      summary: 'Show a role of a trust',
      async handler(call) {
        const row = await named(call, 'identity:get_role_for_trust');
        const { role_id = '' } = call.params;
        const { roles } = await directory.shared();
        const role = row.role_ids.includes(role_id) ? roles.get(role_id) : undefined;
        if (!role) throw notFound('role', role_id);
        return { role: roleView(role, call) };
      },
    }),
  ];
}
