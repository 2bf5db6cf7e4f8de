import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { NotFound } from '../../../platform/errors/errors.ts';
import { forEachDatabase, type OpenTestStore } from '../../../platform/store/testing/databases.ts';
import { inventoryDefaults } from '../model/capacity.ts';
import { InvalidInventory, InventoryInUse } from '../model/refusals.ts';
import { consumerAllocations, releaseAllocations, setAllocations } from './allocations.ts';
import { deleteInventory, inventoriesOf, setInventories } from './inventories.ts';
import { createProvider } from './resource-providers.ts';
import { type PlacementStore, schema } from './tables.ts';

const places = [0, 1] as const;
type Place = (typeof places)[number];
interface Size {
  total: number;
  reserved: number;
  allocation_ratio: number;
}

/** Two providers and three consumers, as plainly as they can be told. */
interface State {
  sizes: readonly (Size | undefined)[];
  /** By consumer, by provider. */
  held: readonly (readonly number[])[];
}

type Outcome = 'done' | 'no room' | 'in use';
type Change =
  | { what: 'claim'; consumer: number; amounts: readonly number[] }
  | { what: 'release'; consumer: number }
  | { what: 'size'; place: Place; size: Size }
  | { what: 'remove'; place: Place };

/** What a change comes to when it is alone. */
function apply({ sizes, held }: State, change: Change): { outcome: Outcome; state: State } {
  const refused = (outcome: Outcome) => ({ outcome, state: { sizes, held } });
  const usedAt = (place: Place, except?: number) =>
    held.reduce((sum, amounts, consumer) => sum + (consumer === except ? 0 : (amounts[place] ?? 0)), 0);
  switch (change.what) {
    case 'claim':
      for (const place of places) {
        const amount = change.amounts[place] ?? 0;
        const size = sizes[place];
        const limit = size ? (size.total - size.reserved) * size.allocation_ratio : 0;
        const after = usedAt(place, change.consumer) + amount;
        // On a provider that is over its capacity already who does not make it worse is let through, as upstream.
        if (amount > 0 && after > Math.max(limit, usedAt(place))) return refused('no room');
      }
      return { outcome: 'done', state: { sizes, held: held.with(change.consumer, change.amounts) } };
    case 'release':
      return { outcome: 'done', state: { sizes, held: held.with(change.consumer, [0, 0]) } };
    case 'size':
      return { outcome: 'done', state: { sizes: sizes.with(change.place, change.size), held } };
    case 'remove':
      if (usedAt(change.place) > 0) return refused('in use');
      return { outcome: 'done', state: { sizes: sizes.with(change.place, undefined), held } };
  }
}

function* ordersOf<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [at, item] of items.entries())
    for (const rest of ordersOf(items.toSpliced(at, 1))) yield [item, ...rest];
}

const place = fc.constantFrom(...places);
const consumer = fc.nat({ max: 2 });
const size = fc.record({
  total: fc.integer({ min: 1, max: 8 }),
  reserved: fc.constantFrom(0, 0, 1),
  allocation_ratio: fc.constantFrom(1, 1, 1.5, 0.5, 2),
});
const claim = fc.record({
  what: fc.constant('claim' as const),
  consumer,
  amounts: fc.constantFrom([1, 0], [3, 0], [0, 2], [0, 4], [2, 2], [5, 1]),
});
const resize = fc.record({ what: fc.constant('size' as const), place, size });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 5, arbitrary: claim },
  { weight: 4, arbitrary: resize },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('release' as const), consumer }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('remove' as const), place }) },
);
const rounds = fc.array(
  fc.array(fc.record({ by: fc.constantFrom(0, 1), change }), { minLength: 2, maxLength: 4 }),
  { minLength: 4, maxLength: 10 },
);

function withClaims(open: OpenTestStore): void {
  test('inventories that grow, shrink and go among claims: each claim had room at its moment', async () => {
    const url = open.freshUrl();
    const stores = [await open(schema, { url }), await open(schema, { url })] as const;
    const tally = { done: 0, 'no room': 0, 'in use': 0, overfull: 0 };

    await fc.assert(
      fc.asyncProperty(rounds, async (all) => {
        const uuids = [randomUUID(), randomUUID()] as const;
        const consumers = [randomUUID(), randomUUID(), randomUUID()] as const;
        for (const uuid of uuids) {
          await createProvider(stores[0], { uuid, name: uuid, parentUuid: null });
          await setInventories(stores[0], uuid, { VCPU: { ...inventoryDefaults, total: 4 } });
        }
        let state: State = {
          sizes: places.map(() => ({ total: 4, reserved: 0, allocation_ratio: 1 })),
          held: consumers.map(() => [0, 0]),
        };
        for (const round of all) {
          // Those of one round at once, by either service.
          const outcomes = await Promise.all(
            round.map(({ by, change: each }) =>
              perform(stores[by] as PlacementStore, each, uuids, consumers),
            ),
          );
          const seen = await read(stores[0], uuids, consumers);
          const could = [...ordersOf(round.map((each, at) => ({ ...each, at })))].some((order) => {
            let now = state;
            for (const { change: each, at } of order) {
              const { outcome, state: next } = apply(now, each);
              if (outcome !== outcomes[at]) return false;
              now = next;
            }
            return isEqual(now, seen);
          });
          assert.ok(could, `no order explains ${JSON.stringify({ state, round, outcomes, seen })}`);
          state = seen;
          for (const outcome of outcomes) tally[outcome] += 1;
          for (const at of places) if (isOverfull(state, at)) tally.overfull += 1;
        }
        for (const each of consumers) await releaseAllocations(stores[0], each);
      }),
      { numRuns: 12 },
    );
    for (const [what, count] of Object.entries(tally)) assert.ok(count > 0, `never: ${what}`);
  });
}

async function perform(
  store: PlacementStore,
  given: Change,
  uuids: readonly string[],
  consumers: readonly string[],
): Promise<Outcome> {
  try {
    switch (given.what) {
      case 'claim': {
        const allocations = Object.fromEntries(
          given.amounts.flatMap((VCPU, at) => (VCPU > 0 ? [[uuids[at], { VCPU }]] : [])),
        );
        const who = consumers[given.consumer] as string;
        await setAllocations(store, [{ consumer: who, projectId: 'p', userId: 'u', allocations }]);
        break;
      }
      case 'release':
        await releaseAllocations(store, consumers[given.consumer] as string);
        break;
      case 'size':
        await setInventories(store, uuids[given.place] as string, {
          VCPU: { ...inventoryDefaults, ...given.size },
        });
        break;
      case 'remove':
        if (given.place === 0) await setInventories(store, uuids[0] as string, {});
        else await deleteInventory(store, uuids[1] as string, 'VCPU');
    }
    return 'done';
  } catch (error) {
    if (error instanceof InvalidInventory) return 'no room';
    if (error instanceof InventoryInUse) return 'in use';
    // It is gone already, which is what was wanted.
    if (given.what === 'remove' && error instanceof NotFound) return 'done';
    throw error;
  }
}

async function read(
  store: PlacementStore,
  uuids: readonly string[],
  consumers: readonly string[],
): Promise<State> {
  const sizes: (Size | undefined)[] = [];
  for (const uuid of uuids) {
    const [row] = await inventoriesOf(store, uuid);
    sizes.push(row && { total: row.total, reserved: row.reserved, allocation_ratio: row.allocation_ratio });
  }
  const held: number[][] = [];
  for (const who of consumers) {
    const { rows } = await consumerAllocations(store, who);
    held.push(uuids.map((uuid) => rows.find((row) => row.provider_uuid === uuid)?.used ?? 0));
  }
  return { sizes, held };
}

const isEqual = (one: State, other: State): boolean =>
  JSON.stringify([one.sizes.map((each) => each ?? null), one.held]) ===
  JSON.stringify([other.sizes.map((each) => each ?? null), other.held]);

function isOverfull({ sizes, held }: State, at: Place): boolean {
  const used = held.reduce((sum, amounts) => sum + (amounts[at] ?? 0), 0);
  const own = sizes[at];
  return own !== undefined && used > (own.total - own.reserved) * own.allocation_ratio;
}

forEachDatabase((name, open) => {
  if (name !== 'SQLite in memory') withClaims(open);
});
