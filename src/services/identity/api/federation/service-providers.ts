import { Type } from 'typebox';
import { answer } from '../../../../platform/http/call.ts';
import { type Route, route } from '../../../../platform/http/route.ts';
import type { Identity } from '../../identity.ts';
import { countedRows } from '../../store/changes.ts';
import { type ServiceProviderRow, serviceProviders } from '../../store/tables/federation.ts';
import { Enabled, NullableText } from '../fields.ts';
import { duplicate } from '../style.ts';
import { assertSomething, FederationId, FederationUrl, federationId, federationResource } from './fields.ts';

const Prefix = Type.Union([Type.Null(), Type.String({ maxLength: 256 })]);
const Created = Type.Object(
  {
    service_provider: Type.Object(
      {
        auth_url: FederationUrl,
        sp_url: FederationUrl,
        description: Type.Optional(NullableText),
        enabled: Type.Optional(Enabled),
        relay_state_prefix: Type.Optional(Prefix),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);

/** What a relay state begins with where nobody says otherwise: mod_shib's own session store. */
const relayStatePrefix = 'ss:mem:';

/** Clouds that believe what this one says of its users: `/v3/OS-FEDERATION/service_providers`. */
export function serviceProviderRoutes(identity: Identity): Route[] {
  const rows = countedRows(identity.store, serviceProviders, identity.changes);
  const resource = federationResource(identity)({
    one: 'service_provider',
    many: 'service_providers',
    path: '/OS-FEDERATION/service_providers',
    rows,
    attributes: {
      id: { schema: FederationId, filter: true },
      auth_url: { schema: FederationUrl, update: true },
      sp_url: { schema: FederationUrl, update: true },
      description: { schema: NullableText, update: true },
      enabled: { schema: Enabled, update: true, filter: true },
      relay_state_prefix: { schema: Prefix, update: true },
    },
    policy: {
      list: 'identity:list_service_providers',
      show: 'identity:get_service_provider',
      update: 'identity:update_service_provider',
      delete: 'identity:delete_service_provider',
    },
    async update(_call, row, given) {
      assertSomething(given);
      const { relay_state_prefix, ...rest } = given;
      const changed = {
        ...rest,
        ...(relay_state_prefix === undefined ? {} : { relay_state_prefix: relay_state_prefix ?? '' }),
      } as Partial<ServiceProviderRow>;
      await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
      return { ...row, ...changed };
    },
  });

  return [
    ...resource.routes,
    route({
      method: 'PUT',
      path: '/v3/OS-FEDERATION/service_providers/:id',
      summary: 'Create a service provider',
      policy: 'identity:create_service_provider',
      body: Created,
      async handler(call) {
        const id = federationId(call);
        const {
          description = null,
          enabled = false,
          relay_state_prefix,
          ...urls
        } = call.body.service_provider;
        const prefix = relay_state_prefix === undefined ? relayStatePrefix : (relay_state_prefix ?? '');
        const made = await identity.atomically(async () => {
          if (await rows.find([{ column: 'id', op: 'eq', value: id }])) {
            throw duplicate('service_provider', `ID ${id}`);
          }
          return rows.insert({ id, ...urls, description, enabled, relay_state_prefix: prefix });
        });
        return answer(201, await resource.body(made, call));
      },
    }),
  ];
}
