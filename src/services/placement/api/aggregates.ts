import { Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import { aggregatesOf, setAggregates } from '../store/aggregates.ts';
import { getProvider } from '../store/resource-providers.ts';
import type { PlacementStore, ProviderRow } from '../store/tables.ts';
import { bodyOf, fresh, minorOf, operation } from './operation.ts';
import { idOf } from './resource-providers.ts';

const list = Type.Array(Type.String({ format: 'uuid' }), { uniqueItems: true });
const withGeneration = Type.Object(
  { aggregates: list, resource_provider_generation: Type.Integer() },
  { additionalProperties: false },
);

const toView = (call: Call, { generation }: ProviderRow, aggregates: readonly string[]) => ({
  aggregates,
  ...(minorOf(call) >= 19 ? { resource_provider_generation: generation } : {}),
});

export function aggregateRoutes(store: PlacementStore): Route[] {
  const path = '/resource_providers/:uuid/aggregates';
  return [
    operation({
      method: 'GET',
      path,
      summary: 'List aggregates of a resource provider',
      since: '1.1',
      rule: 'resource_providers:aggregates:list',
      json: true,
      async answer(call) {
        const provider = await getProvider(store, idOf(call));
        return fresh(call, 200, toView(call, provider, await aggregatesOf(store, provider.uuid)));
      },
    }),
    operation({
      method: 'PUT',
      path,
      summary: 'Set the aggregates of a resource provider',
      since: '1.1',
      rule: 'resource_providers:aggregates:update',
      body: withGeneration,
      async answer(call) {
        const id = idOf(call);
        await getProvider(store, id);
        if (minorOf(call) < 19) {
          const aggregates = bodyOf(call, list);
          const provider = await setAggregates(store, id, aggregates);
          return fresh(call, 200, toView(call, provider, aggregates));
        }
        const body = bodyOf(call, withGeneration);
        const provider = await setAggregates(store, id, body.aggregates, body.resource_provider_generation);
        return fresh(call, 200, toView(call, provider, body.aggregates));
      },
    }),
  ];
}
