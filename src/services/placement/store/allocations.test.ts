import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../platform/errors/errors.ts';
import { forEachDatabase, type OpenTestStore } from '../../../platform/store/testing/databases.ts';
import { capacityOf, type Inventory, inventoryDefaults } from '../model/capacity.ts';
import { consumerAllocations, releaseAllocations, setAllocations } from './allocations.ts';
import { setInventories } from './inventories.ts';
import { IndexFollower } from './provider-index.ts';
import { createProvider, getProvider } from './resource-providers.ts';
import { type PlacementStore, schema } from './tables.ts';
import { providerUsages } from './usages.ts';

const inventory = fc.record({
  total: fc.integer({ min: 1, max: 12 }),
  reserved: fc.constantFrom(0, 0, 1),
  allocation_ratio: fc.constantFrom(1, 1.5, 2),
});
/** Who writes what, in any order: no amounts at all stands for a release. */
const write = fc.record({
  consumer: fc.nat({ max: 5 }),
  amounts: fc.array(fc.record({ provider: fc.nat({ max: 1 }), amount: fc.integer({ min: 1, max: 6 }) }), {
    maxLength: 2,
  }),
});

async function cloud(store: PlacementStore, inventories: readonly Partial<Inventory>[]): Promise<string[]> {
  const uuids: string[] = [];
  for (const each of inventories) {
    const uuid = randomUUID();
    await createProvider(store, { uuid, name: uuid, parentUuid: null });
    await setInventories(store, uuid, { VCPU: { total: 1, ...inventoryDefaults, ...each } });
    uuids.push(uuid);
  }
  return uuids;
}

const claimOf = (consumer: string, allocations: Record<string, Record<string, number>>) => ({
  consumer,
  projectId: 'p',
  userId: 'u',
  allocations,
});

function properties(open: OpenTestStore, runs: number, isShared: boolean): void {
  test('claims of many writers at once, in two services, never exceed capacity, and are all or nothing', async () => {
    const url = open.freshUrl();
    const store = await open(schema, { url });
    const stores = isShared ? [store, await open(schema, { url })] : [store];
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(inventory, inventory),
        fc.array(write, { minLength: 2, maxLength: 12 }),
        async (inventories, writes) => {
          const providers = await cloud(store, inventories);
          const consumers = Array.from({ length: 6 }, () => randomUUID());
          const outcomes = await Promise.allSettled(
            writes.map(({ consumer, amounts }, place) => {
              const by = stores[place % stores.length] as PlacementStore;
              const id = consumers[consumer] as string;
              if (amounts.length === 0) return releaseAllocations(by, id);
              const wanted = amounts.map(({ provider, amount }) => [providers[provider], { VCPU: amount }]);
              return setAllocations(by, [claimOf(id, Object.fromEntries(wanted))]);
            }),
          );
          for (const outcome of outcomes) {
            if (outcome.status === 'fulfilled') continue;
            assert.ok(outcome.reason instanceof ApiError && outcome.reason.status === 409, outcome.reason);
          }
          const view = await new IndexFollower(store).current();
          for (const [place, uuid] of providers.entries()) {
            const { VCPU: used = 0 } = await providerUsages(store, uuid);
            const capacity = capacityOf({ ...inventoryDefaults, ...inventories[place] } as Inventory);
            assert.ok(used <= capacity, `${used} of ${capacity}`);
            assert.equal(view.index.get(uuid)?.usages.get('VCPU') ?? 0, used);
          }
          for (const [place, id] of consumers.entries()) {
            const { rows } = await consumerAllocations(store, id);
            const held = Object.fromEntries(rows.map((row) => [row.provider_uuid, row.used]));
            const possible = writes
              .filter(({ consumer }) => consumer === place)
              .map(({ amounts }) =>
                Object.fromEntries(
                  amounts.map(({ provider, amount }) => [providers[provider] as string, amount]),
                ),
              );
            assert.ok(
              [{}, ...possible].some((each) => JSON.stringify(sorted(each)) === JSON.stringify(sorted(held))),
            );
          }
        },
      ),
      { numRuns: runs },
    );
  });

  test('an index that is kept by following is the one that is read afresh', async () => {
    const store = await open(schema);
    const follower = new IndexFollower(store);
    const providers = await cloud(store, [{ total: 8 }, { total: 8 }]);
    await follower.current();
    const [first, second] = providers as [string, string];
    const consumer = randomUUID();
    await setAllocations(store, [claimOf(consumer, { [first]: { VCPU: 3 } })]);
    assert.equal((await follower.current()).index.get(first)?.usages.get('VCPU'), 3);
    await setAllocations(store, [claimOf(consumer, { [second]: { VCPU: 5 } })]);
    const { index } = await follower.current();
    assert.equal(index.get(first)?.usages.get('VCPU'), undefined);
    assert.equal(index.get(second)?.usages.get('VCPU'), 5);
    const child = randomUUID();
    await createProvider(store, { uuid: child, name: child, parentUuid: first });
    assert.equal((await follower.current()).index.get(child)?.root.uuid, first);
  });

  test('a provider counts up once for each claim on it, so that what was seen before is known to be old', async () => {
    const store = await open(schema);
    const [uuid] = (await cloud(store, [{ total: 8 }])) as [string];
    const { generation } = await getProvider(store, uuid);
    await Promise.all(
      Array.from({ length: 8 }, () =>
        setAllocations(store, [claimOf(randomUUID(), { [uuid]: { VCPU: 1 } })]),
      ),
    );
    assert.equal((await getProvider(store, uuid)).generation, generation + 8);
    await assert.rejects(
      setInventories(store, uuid, {}, generation),
      (error) => error instanceof ApiError && error.code === 'placement.concurrent_update',
    );
  });
}

const sorted = (held: Record<string, number>) => Object.entries(held).toSorted();

forEachDatabase((name, open) => {
  const isAlone = name === 'SQLite in memory';
  properties(open, isAlone ? 60 : 10, !isAlone);
});
