import { BadRequest } from '../../../platform/errors/errors.ts';
import { ConcurrentUpdate } from '../model/refusals.ts';
import { type ConsumerClaim, replaceAllocations } from './allocations.ts';
import { nextChange } from './changes.ts';
import { assertClasses, type Inventories, inventoriesOf, replaceInventories } from './inventories.ts';
import { findProviders } from './resource-providers.ts';
import type { PlacementStore, ProviderRow } from './tables.ts';

/** What a provider's inventories are to be, and the generation that the caller has seen. */
export interface ReshapedProvider {
  generation: number;
  inventories: Inventories;
}

/**
 * Moves inventories between providers together with the allocations from them, all or none.
 *
 * @throws what `setInventories` and `setAllocations` throw; BadRequest for a provider that does not exist
 */
export function reshape(
  store: PlacementStore,
  wanted: Readonly<Record<string, ReshapedProvider>>,
  claims: readonly ConsumerClaim[],
): Promise<void> {
  return store.transaction(async () => {
    const change = await nextChange(store);
    const providers = await seenProviders(store, wanted);
    await assertClasses(
      store,
      new Set(Object.values(wanted).flatMap(({ inventories }) => Object.keys(inventories))),
    );
    // What is to go is needed until the allocations from it are elsewhere, and what is to come must be there before.
    for (const [uuid, { inventories }] of Object.entries(wanted)) {
      const row = providers.get(uuid);
      if (!row || Object.keys(inventories).length === 0) continue;
      const present = (await inventoriesOf(store, uuid)).map(
        ({ resource_class, total, reserved, min_unit, max_unit, step_size, allocation_ratio }) => [
          resource_class,
          { total, reserved, min_unit, max_unit, step_size, allocation_ratio },
        ],
      );
      const both = { ...(Object.fromEntries(present) as Inventories), ...inventories };
      providers.set(uuid, await replaceInventories(store, row, both, change));
    }
    await replaceAllocations(store, claims, change, providers);
    for (const [uuid, { inventories }] of Object.entries(wanted)) {
      const row = providers.get(uuid);
      if (row) providers.set(uuid, await replaceInventories(store, row, inventories, change));
    }
  });
}

async function seenProviders(
  store: PlacementStore,
  wanted: Readonly<Record<string, ReshapedProvider>>,
): Promise<Map<string, ProviderRow>> {
  const providers = await findProviders(store, Object.keys(wanted));
  for (const [uuid, { generation }] of Object.entries(wanted)) {
    const row = providers.get(uuid);
    if (!row) {
      throw new BadRequest(
        `Resource provider ${uuid} in inventories not found: No resource provider with uuid ${uuid} found`,
        { code: 'placement.resource_provider.not_found' },
      );
    }
    if (row.generation === generation) continue;
    throw new ConcurrentUpdate(
      `resource provider generation conflict for provider ${uuid}: actual: ${row.generation}, given: ${generation}`,
    );
  }
  return providers;
}
