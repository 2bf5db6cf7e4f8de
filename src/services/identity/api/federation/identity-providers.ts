import { Type } from 'typebox';
import { Conflict } from '../../../../platform/errors/errors.ts';
import { answer } from '../../../../platform/http/call.ts';
import { type Route, route } from '../../../../platform/http/route.ts';
import { repository } from '../../../../platform/store/repository.ts';
import type { Identity } from '../../identity.ts';
import { countedRows } from '../../store/changes.ts';
import { removeOrphans } from '../../store/federated-users.ts';
import { newId } from '../../store/new-id.ts';
import { type IdentityProviderRow, identityProviders, remoteIds } from '../../store/tables/federation.ts';
import { noDomain } from '../../store/tables.ts';
import { Enabled, Id, NullableText } from '../fields.ts';
import { conflict, notFound } from '../style.ts';
import { assertSomething, FederationId, federationId, federationResource } from './fields.ts';

const RemoteIds = Type.Union([
  Type.Null(),
  Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 100, uniqueItems: true }),
]);
const Minutes = Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: 5_256_000 })]);
const Created = Type.Object(
  {
    identity_provider: Type.Object(
      {
        enabled: Type.Optional(Enabled),
        description: Type.Optional(NullableText),
        authorization_ttl: Type.Optional(Minutes),
        remote_ids: Type.Optional(RemoteIds),
        domain_id: Type.Optional(Type.Union([Type.Null(), Id])),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);

type Shown = IdentityProviderRow & { remote_ids: readonly string[] };

/** Identity providers: `/v3/OS-FEDERATION/identity_providers`. They are made by the id that the client chooses. */
export function identityProviderRoutes(identity: Identity): Route[] {
  const { store, changes, directory, atomically } = identity;
  const rows = countedRows(store, identityProviders, changes);
  const names = repository(store, remoteIds);

  async function expand(page: IdentityProviderRow[]): Promise<Shown[]> {
    const ids = page.map((row) => row.id);
    if (ids.length === 0) return [];
    const found = await store.db
      .selectFrom('remote_ids')
      .selectAll()
      .where('identity_provider_id', 'in', ids)
      .orderBy('remote_id')
      .execute();
    const byProvider = Map.groupBy(found, (row) => row.identity_provider_id);
    return page.map((row) => ({
      ...row,
      remote_ids: (byProvider.get(row.id) ?? []).map((each) => each.remote_id),
    }));
  }

  /** Joins the caller's transaction. @throws Conflict for a name that another provider has */
  async function writeRemoteIds(id: string, given: readonly string[]): Promise<void> {
    await names.delete({ identity_provider_id: id });
    for (const remote_id of given) {
      if (await names.find({ remote_id })) {
        throw new Conflict(
          `Conflict occurred attempting to store identity_provider - Duplicate remote ID: ${remote_id}.`,
        );
      }
      await names.insert({ remote_id, identity_provider_id: id });
    }
  }

  /** A domain of its own for a provider for which none was named. */
  async function makeDomain(provider: string): Promise<string> {
    const id = newId();
    await store.db
      .insertInto('projects')
      .values({
        id,
        name: id,
        domain_id: noDomain,
        parent_id: null,
        is_domain: true,
        enabled: true,
        description: `Auto generated federated domain for Identity Provider: ${provider}`,
        options: {},
        extra: {},
      })
      .execute();
    return id;
  }

  const resource = federationResource(identity)({
    one: 'identity_provider',
    many: 'identity_providers',
    path: '/OS-FEDERATION/identity_providers',
    rows,
    attributes: {
      id: { schema: FederationId, filter: true },
      domain_id: { schema: Id },
      enabled: { schema: Enabled, update: true, filter: true },
      description: { schema: NullableText, update: true },
      authorization_ttl: { schema: Minutes, update: true },
      remote_ids: { schema: RemoteIds, update: true, column: false, from: (row: Shown) => row.remote_ids },
    },
    policy: {
      list: 'identity:list_identity_providers',
      show: 'identity:get_identity_provider',
      update: 'identity:update_identity_provider',
      delete: 'identity:delete_identity_provider',
    },
    expand,
    view(view, row, call) {
      const self = `${call.origin}/v3/OS-FEDERATION/identity_providers/${encodeURIComponent(row.id)}`;
      return { ...view, links: { protocols: `${self}/protocols` } };
    },
    update: (_call, row, given) =>
      atomically(async () => {
        assertSomething(given);
        const { enabled, description, authorization_ttl, remote_ids } = given;
        const changed: Partial<IdentityProviderRow> = {
          ...(enabled === undefined ? {} : { enabled }),
          ...(description === undefined ? {} : { description }),
          ...(authorization_ttl === undefined ? {} : { authorization_ttl }),
        };
        if (remote_ids !== undefined) await writeRemoteIds(row.id, remote_ids ?? []);
        // Tokens that a provider stands behind are no good while it is disabled.
        if (Object.keys(changed).length > 0) {
          await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
        }
        return { ...row, ...changed };
      }),
    delete: (_call, row) =>
      atomically(async () => {
        await removeOrphans(identity, { identity_provider_id: row.id });
        await rows.delete([{ column: 'id', op: 'eq', value: row.id }]);
      }),
  });

  return [
    ...resource.routes,
    route({
      method: 'PUT',
      path: '/v3/OS-FEDERATION/identity_providers/:id',
      summary: 'Create an identity provider',
      policy: 'identity:create_identity_provider',
      body: Created,
      async handler(call) {
        const id = federationId(call);
        const {
          domain_id,
          enabled = false,
          description = null,
          authorization_ttl = null,
          remote_ids,
        } = call.body.identity_provider;
        const made = await atomically(async () => {
          if (await rows.find([{ column: 'id', op: 'eq', value: id }])) {
            throw conflict('identity_provider', `Duplicate entry: ${id}`);
          }
          if (domain_id && !(await directory.domain(domain_id))) throw notFound('domain', domain_id);
          const domain = domain_id ?? (await makeDomain(id));
          const row = await rows.insert({ id, domain_id: domain, enabled, description, authorization_ttl });
          await writeRemoteIds(id, remote_ids ?? []);
          return row;
        });
        return answer(201, await resource.body(made, call));
      },
    }),
  ];
}
