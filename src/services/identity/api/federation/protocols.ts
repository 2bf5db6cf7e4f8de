import { Type } from 'typebox';
import { BadRequest, NotFound } from '../../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../../platform/http/call.ts';
import { type Route, route } from '../../../../platform/http/route.ts';
import { repository } from '../../../../platform/store/repository.ts';
import type { Identity } from '../../identity.ts';
import { countedRows } from '../../store/changes.ts';
import { removeOrphans } from '../../store/federated-users.ts';
import {
  type FederationProtocolRow,
  federationProtocols,
  identityProviders,
  mappings,
} from '../../store/tables/federation.ts';
import { collection, duplicate, notFound } from '../style.ts';
import { FederationId, federationId } from './fields.ts';

const RemoteId = Type.String({ maxLength: 64 });
const protocol = <T extends Parameters<typeof Type.Object>[0]>(properties: T, minProperties = 0) =>
  Type.Object(
    {
      protocol: Type.Object(
        { mapping_id: FederationId, ...properties },
        { additionalProperties: false, minProperties },
      ),
    },
    { additionalProperties: false },
  );
const Created = protocol({ remote_id_attribute: Type.Optional(Type.Union([Type.Null(), RemoteId])) });
const Updated = protocol({ remote_id_attribute: Type.Optional(RemoteId) }, 1);

/** How identity providers are spoken with: `/v3/OS-FEDERATION/identity_providers/{id}/protocols`. */
export function protocolRoutes(identity: Identity): Route[] {
  const { store, changes, atomically } = identity;
  const rows = countedRows(store, federationProtocols, changes);
  const providers = repository(store, identityProviders);
  const allMappings = repository(store, mappings);
  const collectionPath = '/v3/OS-FEDERATION/identity_providers/:idp_id/protocols';
  const path = `${collectionPath}/:id`;

  const keyOf = (call: Call) => ({
    identity_provider_id: call.params['idp_id'] as string,
    id: call.params['id'] as string,
  });
  const where = (key: { identity_provider_id: string; id: string }) =>
    [
      { column: 'identity_provider_id', op: 'eq', value: key.identity_provider_id },
      { column: 'id', op: 'eq', value: key.id },
    ] as const;

  async function found(call: Call): Promise<FederationProtocolRow> {
    const key = keyOf(call);
    const row = await rows.find(where(key));
    if (row) return row;
    throw new NotFound(
      `Could not find federated protocol ${key.id} for Identity Provider: ${key.identity_provider_id}.`,
    );
  }
  async function assertMapping(id: string): Promise<void> {
    if (!(await allMappings.find({ id }))) throw new BadRequest(`Invalid mapping id: ${id}`);
  }

  const view = (row: FederationProtocolRow, call: Call) => {
    const provider = `${call.origin}/v3/OS-FEDERATION/identity_providers/${encodeURIComponent(row.identity_provider_id)}`;
    return {
      id: row.id,
      mapping_id: row.mapping_id,
      // Upstream says the attribute only where there is one, and in lists, which show the whole record.
      ...(row.remote_id_attribute === null ? {} : { remote_id_attribute: row.remote_id_attribute }),
      links: { self: `${provider}/protocols/${encodeURIComponent(row.id)}`, identity_provider: provider },
    };
  };

  return [
    route({
      method: 'GET',
      path: collectionPath,
      summary: 'List the protocols of an identity provider',
      policy: 'identity:list_protocols',
      async handler(call) {
        const identity_provider_id = call.params['idp_id'] as string;
        const listed = await rows.list({
          where: [{ column: 'identity_provider_id', op: 'eq', value: identity_provider_id }],
          sort: [{ column: 'id', direction: 'asc' }],
        });
        const views = listed.map((row) => ({
          ...view(row, call),
          idp_id: row.identity_provider_id,
          remote_id_attribute: row.remote_id_attribute,
        }));
        return collection(call, 'protocols', views);
      },
    }),
    route({
      method: 'GET',
      path,
      summary: 'Show a protocol of an identity provider',
      policy: 'identity:get_protocol',
      handler: async (call) => ({ protocol: view(await found(call), call) }),
    }),
    route({
      method: 'PUT',
      path,
      summary: 'Add a protocol to an identity provider',
      policy: 'identity:create_protocol',
      body: Created,
      async handler(call) {
        const key = keyOf(call);
        federationId(call);
        const { mapping_id, remote_id_attribute = null } = call.body.protocol;
        const made = await atomically(async () => {
          await assertMapping(mapping_id);
          if (!(await providers.find({ id: key.identity_provider_id }))) {
            throw notFound('Identity Provider', key.identity_provider_id);
          }
          if (await rows.find(where(key))) throw duplicate('federation_protocol', `ID ${key.id}`);
          return rows.insert({ ...key, mapping_id, remote_id_attribute });
        });
        return answer(201, { protocol: view(made, call) });
      },
    }),
    route({
      method: 'PATCH',
      path,
      summary: 'Update a protocol of an identity provider',
      policy: 'identity:update_protocol',
      body: Updated,
      handler: (call) =>
        atomically(async () => {
          const { mapping_id, remote_id_attribute } = call.body.protocol;
          await assertMapping(mapping_id);
          const row = await found(call);
          const changed = {
            mapping_id,
            ...(remote_id_attribute === undefined ? {} : { remote_id_attribute }),
          };
          await rows.update(where(keyOf(call)), changed);
          return { protocol: view({ ...row, ...changed }, call) };
        }),
    }),
    route({
      method: 'DELETE',
      path,
      summary: 'Delete a protocol of an identity provider',
      policy: 'identity:delete_protocol',
      handler: (call) =>
        atomically(async () => {
          const { identity_provider_id, id } = await found(call);
          await removeOrphans(identity, { identity_provider_id, protocol_id: id });
          await rows.delete(where({ identity_provider_id, id }));
        }),
    }),
  ];
}
