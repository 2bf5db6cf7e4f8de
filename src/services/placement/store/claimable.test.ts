import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { forEachDatabase, type OpenTestStore } from '../../../platform/store/testing/databases.ts';
import { findCandidates } from '../model/candidates.ts';
import { sharingTrait } from '../model/providers.ts';
import { parseCandidateQuery } from '../model/query.ts';
import { InvalidInventory } from '../model/refusals.ts';
import { setAggregates } from './aggregates.ts';
import { releaseAllocations, setAllocations } from './allocations.ts';
import { setInventories } from './inventories.ts';
import { IndexFollower } from './provider-index.ts';
import { createProvider, getProvider } from './resource-providers.ts';
import { schema } from './tables.ts';
import { setTraits } from './traits.ts';

const inventory = fc.record({
  total: fc.integer({ min: 2, max: 12 }),
  reserved: fc.constantFrom(0, 0, 1),
  allocation_ratio: fc.constantFrom(1, 1.5, 0.5),
  min_unit: fc.constantFrom(1, 1, 2),
  max_unit: fc.integer({ min: 2, max: 6 }),
  step_size: fc.constantFrom(1, 1, 2),
});
const clouds = fc.array(
  fc.record({
    parent: fc.option(fc.nat({ max: 3 })),
    inventories: fc.record({ VCPU: inventory, DISK_GB: inventory }, { requiredKeys: [] }),
    shares: fc.boolean(),
    fast: fc.boolean(),
    member: fc.boolean(),
    used: fc.record(
      { VCPU: fc.integer({ min: 1, max: 3 }), DISK_GB: fc.integer({ min: 1, max: 3 }) },
      { requiredKeys: [] },
    ),
  }),
  { minLength: 1, maxLength: 4 },
);
/** Everything that a query can ask for; `aggregate` is the one that members are in, `tree` some provider. */
const queries: readonly ((aggregate: string, tree: string) => string)[] = [
  () => 'resources=VCPU:1',
  () => 'resources=VCPU:2,DISK_GB:1',
  () => 'resources=DISK_GB:2',
  () => 'resources1=VCPU:1&resources2=VCPU:1&group_policy=none',
  () => 'resources=VCPU:1&resources_D=DISK_GB:1&group_policy=none',
  () => 'resources1=VCPU:1&resources2=VCPU:1&resources3=DISK_GB:1&group_policy=isolate',
  () => 'resources1=VCPU:1&resources2=DISK_GB:1&group_policy=none&same_subtree=1,2',
  () => 'resources1=VCPU:1&required_A=HW_CPU_X86_AVX&group_policy=none&same_subtree=1,_A',
  () => 'resources=VCPU:1,DISK_GB:1&root_required=!HW_CPU_X86_AVX',
  () => 'resources=VCPU:1&required=in:HW_CPU_X86_AVX,MISC_SHARES_VIA_AGGREGATE',
  () => 'resources1=VCPU:1&required1=!HW_CPU_X86_AVX&resources2=DISK_GB:1&group_policy=none',
  (aggregate) => `resources=VCPU:1,DISK_GB:1&member_of=${aggregate}`,
  (aggregate) => `resources1=VCPU:1&member_of1=!${aggregate}&resources2=DISK_GB:1&group_policy=none`,
  (_, tree) => `resources=VCPU:1,DISK_GB:1&in_tree=${tree}`,
  (_, tree) => `resources1=VCPU:1&in_tree1=${tree}&resources=DISK_GB:1`,
];

function claimable(open: OpenTestStore, runs: number): void {
  test('every candidate that is returned can be claimed while nothing has changed', async () => {
    const store = await open(schema);
    const follower = new IndexFollower(store);
    let claimed = 0;
    const given = new Set<number>();
    const property = fc.asyncProperty(
      clouds,
      fc.array(fc.nat({ max: queries.length - 1 }), { minLength: 2, maxLength: 6 }),
      async (providers, asked) => {
        const aggregate = randomUUID();
        const uuids: string[] = [];
        const fillers: string[] = [];
        for (const [place, { parent, inventories, shares, fast, member, used }] of providers.entries()) {
          const uuid = randomUUID();
          uuids.push(uuid);
          const parentUuid = parent !== null && parent < place ? (uuids[parent] ?? null) : null;
          await createProvider(store, { uuid, name: uuid, parentUuid });
          await setInventories(store, uuid, inventories);
          const traits = [...(shares ? [sharingTrait] : []), ...(fast ? ['HW_CPU_X86_AVX'] : [])];
          await setTraits(store, uuid, traits, (await getProvider(store, uuid)).generation);
          if (member) await setAggregates(store, uuid, [aggregate]);
          for (const [name, amount] of Object.entries(used)) {
            const consumer = randomUUID();
            const claim = {
              consumer,
              projectId: 'p',
              userId: 'u',
              allocations: { [uuid]: { [name]: amount } },
            };
            try {
              await setAllocations(store, [claim]);
              fillers.push(consumer);
            } catch (error) {
              if (!(error instanceof InvalidInventory)) throw error;
            }
          }
        }
        const mine = new Set(uuids);
        for (const which of asked) {
          const text = queries[which]?.(aggregate, uuids.at(-1) ?? '') ?? '';
          const query = parseCandidateQuery(new URLSearchParams(text), 39);
          const candidates = [...findCandidates((await follower.current()).index, query)];
          for (const { allocations } of candidates) {
            if (![...allocations.keys()].every(({ uuid }) => mine.has(uuid))) continue;
            const consumer = randomUUID();
            const plain = Object.fromEntries(
              [...allocations].map(([{ uuid }, amounts]) => [uuid, Object.fromEntries(amounts)]),
            );
            await setAllocations(store, [{ consumer, projectId: 'p', userId: 'u', allocations: plain }]);
            await releaseAllocations(store, consumer);
            claimed += 1;
            given.add(which);
          }
        }
        // The next cloud stands alone: what is full gives nothing.
        for (const consumer of fillers) await releaseAllocations(store, consumer);
        for (const uuid of uuids) await setInventories(store, uuid, {});
      },
    );
    // A query that never gives anything proves nothing: some give seldom, and are asked until they have.
    const told = () => claimed > runs / 2 && (runs < 200 || given.size === queries.length);
    for (let round = 0; round < 20 && !told(); round++) await fc.assert(property, { numRuns: runs });
    assert.ok(claimed > runs / 2, `too few candidates to tell anything: ${claimed}`);
    if (runs >= 200) assert.equal(given.size, queries.length);
  });
}

forEachDatabase((name, open) => claimable(open, name === 'SQLite in memory' ? 200 : 15));
