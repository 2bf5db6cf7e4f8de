import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Conflict } from '../../../platform/errors/errors.ts';
import { forEachDatabase } from '../../../platform/store/testing/databases.ts';
import { inventoryDefaults } from '../model/capacity.ts';
import { ImpossibleTree, UnknownProvider } from '../model/refusals.ts';
import { changeAggregates, setAggregates } from './aggregates.ts';
import { releaseAllocations, setAllocations } from './allocations.ts';
import { setInventories } from './inventories.ts';
import { IndexFollower } from './provider-index.ts';
import { createProvider, deleteProvider, updateProvider } from './resource-providers.ts';
import { type PlacementStore, schema } from './tables.ts';
import { setTraits } from './traits.ts';

const act = fc.record({
  what: fc.constantFrom(
    'create',
    'inventory',
    'traits',
    'aggregates',
    'join',
    'claim',
    'claim',
    'release',
    'move',
    'rename',
    'delete',
  ),
  provider: fc.nat({ max: 3 }),
  other: fc.nat({ max: 3 }),
  amount: fc.integer({ min: 1, max: 5 }),
});

/** All that a search or a list can see, by provider. */
async function seen(follower: IndexFollower) {
  const { index, rowOf, uuidNamed } = await follower.current();
  const sets = (some: Iterable<string>) => [...some].toSorted();
  return Object.fromEntries(
    index.providers.map((one) => [
      one.uuid,
      {
        root: one.root.uuid,
        parent: one.parent?.uuid,
        inventories: Object.fromEntries(one.inventories),
        usages: Object.fromEntries(one.usages),
        traits: sets(one.traits),
        aggregates: sets(one.aggregates),
        row: rowOf(one.uuid),
        named: uuidNamed(rowOf(one.uuid)?.name ?? ''),
        free: [0, 1, 3, 8, 20].map(
          (amount) => index.columns.stock('VCPU')?.gives(one.ordinal, amount) ?? false,
        ),
        alone: index.loners.has(one.ordinal),
      },
    ]),
  );
}

async function perform(
  store: PlacementStore,
  ids: readonly string[],
  { what, provider, other, amount }: Act,
) {
  const [uuid, second] = [ids[provider] as string, ids[other] as string];
  const name = randomUUID();
  switch (what) {
    case 'create':
      return createProvider(store, { uuid, name, parentUuid: null });
    case 'inventory':
      return setInventories(store, uuid, { VCPU: { ...inventoryDefaults, total: amount * 4 } });
    case 'traits':
      return setTraits(store, uuid, amount > 2 ? ['MISC_SHARES_VIA_AGGREGATE'] : ['HW_CPU_X86_AVX']);
    case 'aggregates':
      return setAggregates(store, uuid, [second]);
    case 'join':
      return changeAggregates(store, { provider: uuid, add: [second], remove: [uuid] });
    case 'claim':
      return setAllocations(store, [
        { consumer: second, projectId: 'p', userId: 'u', allocations: { [uuid]: { VCPU: amount } } },
      ]);
    case 'release':
      return releaseAllocations(store, second);
    case 'move':
      return updateProvider(store, uuid, { name, parentUuid: amount > 3 ? null : second }, true);
    case 'rename':
      return updateProvider(store, uuid, { name }, true);
    case 'delete':
      return deleteProvider(store, uuid);
  }
}

type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

forEachDatabase((name, open) => {
  test('an index that has followed every change is the one that is read afresh', async () => {
    const store = await open(schema);
    const follower = new IndexFollower(store);
    let changes = 0;
    const property = fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 14 }), async (acts) => {
      const ids = Array.from({ length: 4 }, () => randomUUID());
      for (const uuid of ids.slice(0, 3)) {
        await createProvider(store, { uuid, name: uuid, parentUuid: null });
        await setInventories(store, uuid, { VCPU: { ...inventoryDefaults, total: 8 } });
      }
      for (const each of acts) {
        try {
          await perform(store, ids, each);
          changes += 1;
        } catch (error) {
          const refused = [Conflict, UnknownProvider, ImpossibleTree];
          if (!refused.some((kind) => error instanceof kind) && !isBadRequest(error)) throw error;
        }
        assert.deepEqual(await seen(follower), await seen(new IndexFollower(store)), each.what);
      }
      for (const uuid of ids) await releaseAllocations(store, uuid);
      for (let left = ids.length; left > 0; left -= 1)
        for (const uuid of ids) await deleteProvider(store, uuid).catch(() => {});
    });
    const numRuns = name === 'SQLite in memory' ? 60 : 8;
    for (let round = 0; round < 10 && changes <= 20; round++) await fc.assert(property, { numRuns });
    assert.ok(changes > 20, `too few changes to tell anything: ${changes}`);
  });
});

/** A claim on a provider that is not there. */
const isBadRequest = (error: unknown): boolean => (error as { status?: number }).status === 400;
