import { type Static, Type } from 'typebox';
import { BadRequest, Conflict, NotFound } from '../../../platform/errors/errors.ts';
import type { Route } from '../../../platform/http/route.ts';
import { ConcurrentUpdate, InvalidInventory, InventoryInUse } from '../model/refusals.ts';
import { reshape } from '../store/reshape.ts';
import type { PlacementStore } from '../store/tables.ts';
import { type ConsumerBody, reshaperAllocations, toClaim } from './allocation-bodies.ts';
import { inventoriesBody, toInventories } from './inventories.ts';
import { bodyOf, operation, schemaAt } from './operation.ts';

const inventories = Type.Unsafe<Record<string, Static<typeof inventoriesBody>>>({
  type: 'object',
  minProperties: 1,
  patternProperties: { '^[0-9a-fA-F-]{36}$': inventoriesBody },
  additionalProperties: false,
});
const bodies = reshaperAllocations.map(
  ([since, allocations]) =>
    [since, Type.Object({ inventories, allocations }, { additionalProperties: false })] as const,
);

export function reshaperRoutes(store: PlacementStore): Route[] {
  const [, documented] = bodies.at(-1) as (typeof bodies)[number];
  return [
    operation({
      method: 'POST',
      path: '/reshaper',
      summary: 'Move inventories and the allocations from them, all or none',
      since: '1.30',
      rule: 'reshaper:reshape',
      body: documented,
      async answer(call) {
        const body = bodyOf(call, schemaAt(call, bodies));
        const wanted = Object.fromEntries(
          Object.entries(body.inventories).map(([uuid, each]) => [
            uuid,
            { generation: each.resource_provider_generation, inventories: toInventories(each.inventories) },
          ]),
        );
        const claims = Object.entries(body.allocations as Record<string, ConsumerBody>).map(
          ([consumer, each]) => toClaim(consumer, each),
        );
        await reshaping(() => reshape(store, wanted, claims));
      },
    }),
  ];
}

async function reshaping(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof InvalidInventory)
      throw new Conflict(`Unable to allocate inventory: ${error.message}`);
    if (error instanceof InventoryInUse)
      throw new Conflict(`update conflict: ${error.message}`, { code: error.code });
    if (error instanceof ConcurrentUpdate) {
      const isWorded = /^(consumer|resource provider) generation/.test(error.message);
      throw isWorded ? error : new Conflict(`update conflict: ${error.message}`, { code: error.code });
    }
    if (error instanceof NotFound) throw new BadRequest(`malformed reshaper data: ${error.message}`);
    throw error;
  }
}
