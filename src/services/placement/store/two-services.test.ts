import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../platform/errors/errors.ts';
import { forEachDatabase, type OpenTestStore } from '../../../platform/store/testing/databases.ts';
import { bruteForce, readable } from '../model/candidates.reference.ts';
import { findCandidates } from '../model/candidates.ts';
import { inventoryDefaults } from '../model/capacity.ts';
import { type ProviderRecord, sharingTrait } from '../model/providers.ts';
import { parseCandidateQuery } from '../model/query.ts';
import { ImpossibleTree } from '../model/refusals.ts';
import { setAggregates } from './aggregates.ts';
import { releaseAllocations, setAllocations } from './allocations.ts';
import { setInventories } from './inventories.ts';
import { IndexFollower } from './provider-index.ts';
import { reshape } from './reshape.ts';
import { createProvider, deleteProvider, getProvider, updateProvider } from './resource-providers.ts';
import { type PlacementStore, schema } from './tables.ts';
import { setTraits } from './traits.ts';

/** A placement service, as far as it reads and writes: a store of its own on the database, and its index. */
interface Service {
  store: PlacementStore;
  follower: IndexFollower;
}

async function twoServices(open: OpenTestStore): Promise<[Service, Service]> {
  const url = open.freshUrl();
  const one = await open(schema, { url });
  const other = await open(schema, { url });
  return [
    { store: one, follower: new IndexFollower(one) },
    { store: other, follower: new IndexFollower(other) },
  ];
}

const small = fc.nat({ max: 4 });
const classes = fc.constantFrom('VCPU', 'DISK_GB');
const write = fc.record({
  by: fc.nat({ max: 1 }),
  what: fc.constantFrom(
    'inventory',
    'traits',
    'aggregates',
    'claim',
    'claim',
    'release',
    'move',
    'new',
    'delete',
  ),
  provider: small,
  other: small,
  name: classes,
  amount: fc.integer({ min: 1, max: 6 }),
});
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

const aggregates = [randomUUID(), randomUUID()];
const queries = [
  'resources=VCPU:1',
  'resources=VCPU:2,DISK_GB:1',
  'resources=DISK_GB:1&required=!HW_CPU_X86_AVX',
  `resources=VCPU:1&member_of=in:${aggregates.join()}`,
  `resources=VCPU:1&member_of=!${aggregates[0]}`,
  'resources1=VCPU:1&resources2=DISK_GB:2&group_policy=none',
  'resources1=VCPU:1&resources2=VCPU:1&group_policy=isolate',
  'resources1=VCPU:1&required1=in:HW_CPU_X86_AVX,HW_CPU_X86_SSE&resources2=DISK_GB:1&group_policy=none',
  'resources1=VCPU:1&resources2=DISK_GB:1&group_policy=none&same_subtree=1,2',
  'resources=VCPU:1&root_required=!MISC_SHARES_VIA_AGGREGATE',
].map((text) => parseCandidateQuery(new URLSearchParams(text), 39));

async function perform({ store }: Service, ids: readonly string[], given: Write): Promise<void> {
  const { what, provider, other, name, amount } = given;
  const [uuid, second] = [ids[provider] as string, ids[other] as string];
  switch (what) {
    case 'inventory': {
      const inventory = { ...inventoryDefaults, total: amount * 2, allocation_ratio: amount > 3 ? 1.5 : 1 };
      await setInventories(store, uuid, amount === 6 ? {} : { VCPU: inventory, [name]: inventory });
      return;
    }
    case 'traits': {
      const traits = [['HW_CPU_X86_AVX'], [sharingTrait], ['HW_CPU_X86_SSE', sharingTrait], []][amount % 4];
      await setTraits(store, uuid, traits ?? []);
      return;
    }
    case 'aggregates':
      await setAggregates(store, uuid, aggregates.slice(0, amount % 3));
      return;
    case 'claim':
      await setAllocations(store, [
        { consumer: second, projectId: 'p', userId: 'u', allocations: { [uuid]: { [name]: amount } } },
      ]);
      return;
    case 'release':
      await releaseAllocations(store, second);
      return;
    case 'move':
      await updateProvider(store, uuid, { name: uuid, parentUuid: amount > 3 ? null : second }, true);
      return;
    case 'new':
      await createProvider(store, { uuid, name: uuid, parentUuid: amount > 3 ? null : second });
      return;
    case 'delete':
      await deleteProvider(store, uuid);
  }
}

/** The cloud as the tables say, read in the plainest way. */
async function recordsIn({ db }: PlacementStore): Promise<ProviderRecord[]> {
  const providers = await db.selectFrom('resource_providers').selectAll().execute();
  const inventories = await db.selectFrom('inventories').selectAll().execute();
  const allocations = await db.selectFrom('allocations').selectAll().execute();
  const traits = await db.selectFrom('provider_traits').selectAll().execute();
  const members = await db.selectFrom('provider_aggregates').selectAll().execute();
  return providers.map(({ uuid, parent_uuid }) => {
    const usages: Record<string, number> = {};
    for (const { provider_uuid, resource_class, used } of allocations)
      if (provider_uuid === uuid) usages[resource_class] = (usages[resource_class] ?? 0) + used;
    return {
      uuid,
      parentUuid: parent_uuid,
      usages,
      inventories: Object.fromEntries(
        inventories.filter((row) => row.provider_uuid === uuid).map((row) => [row.resource_class, row]),
      ),
      traits: traits.filter((row) => row.provider_uuid === uuid).map((row) => row.trait),
      aggregates: members.filter((row) => row.provider_uuid === uuid).map((row) => row.aggregate_uuid),
    };
  });
}

const isRefusal = (error: unknown): boolean =>
  error instanceof ImpossibleTree || (error instanceof ApiError && error.status < 500);

function together(open: OpenTestStore): void {
  test('each of two services on a database answers with all that either has acknowledged', async () => {
    const services = await twoServices(open);
    let [done, found] = [0, 0];
    const assertCurrent = async () => {
      const records = await recordsIn(services[0].store);
      const expected = queries.map((query) => bruteForce(records, query));
      for (const { follower } of services) {
        const { index } = await follower.current();
        const mine = queries.map((query) => [...findCandidates(index, query)].map(readable).toSorted());
        assert.deepEqual(mine, expected);
      }
      found += expected.flat().length;
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(write, { minLength: 1, maxLength: 3 }), { minLength: 3, maxLength: 12 }),
        async (rounds) => {
          const ids = Array.from({ length: 5 }, () => randomUUID());
          const { store } = services[0];
          for (const uuid of ids.slice(0, 4)) {
            await createProvider(store, { uuid, name: uuid, parentUuid: null });
            const inventory = { ...inventoryDefaults, total: 6 };
            await setInventories(store, uuid, { VCPU: inventory, DISK_GB: inventory });
          }
          for (const writes of rounds) {
            // Those of one round at once, and in no order.
            const outcomes = await Promise.allSettled(
              writes.map((each) => perform(services[each.by] as Service, ids, each)),
            );
            for (const outcome of outcomes) {
              if (outcome.status === 'fulfilled') done += 1;
              else if (!isRefusal(outcome.reason)) throw outcome.reason;
            }
            await assertCurrent();
          }
          for (const uuid of ids) await releaseAllocations(store, uuid);
          for (let left = ids.length; left > 0; left -= 1)
            for (const uuid of ids) await deleteProvider(store, uuid).catch(() => {});
        },
      ),
      { numRuns: 10 },
    );
    assert.ok(done > 50 && found > 500, `too little to tell anything: ${done} writes, ${found} candidates`);
  });

  test('no service sees the half of what another has written as a whole', async () => {
    const [writer, reader] = await twoServices(open);
    const places = [randomUUID(), randomUUID()] as const;
    const consumer = randomUUID();
    const inventories = { VCPU: { ...inventoryDefaults, total: 4 } };
    const claimOn = (uuid: string) => ({
      consumer,
      projectId: 'p',
      userId: 'u',
      allocations: { [uuid]: { VCPU: 3 } },
    });
    for (const uuid of places) await createProvider(writer.store, { uuid, name: uuid, parentUuid: null });
    await setInventories(writer.store, places[0], inventories);
    await setAllocations(writer.store, [claimOn(places[0])]);
    // All there is goes from one provider to the other, and back, with what is allocated from it.
    let moves = 0;
    let over = false;
    const moving = (async () => {
      while (!over) {
        const [from, to] = moves % 2 === 0 ? places : places.toReversed();
        const at = async (uuid: string) => (await getProvider(writer.store, uuid)).generation;
        const wanted = {
          [from as string]: { generation: await at(from as string), inventories: {} },
          [to as string]: { generation: await at(to as string), inventories },
        };
        await reshape(writer.store, wanted, [claimOn(to as string)]);
        moves += 1;
      }
    })();
    const seen = new Set<string>();
    try {
      for (let look = 0; look < 300 || (moves < 60 && look < 20000); look += 1) {
        const { index } = await reader.follower.current();
        const [one, other] = places.map((uuid) => {
          const provider = index.get(uuid);
          return [provider?.inventories.get('VCPU')?.total, provider?.usages.get('VCPU')].join();
        });
        seen.add([one, other].toSorted().join(' '));
      }
    } finally {
      over = true;
      await moving;
    }
    assert.deepEqual([...seen], [', 4,3'], `after ${moves} moves`);
  });
}

forEachDatabase((name, open) => {
  // A database in this process's memory has no other service.
  if (name !== 'SQLite in memory') together(open);
});
