import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { openStore } from '../../../platform/store/store.ts';
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
    member: fc.boolean(),
    used: fc.record(
      { VCPU: fc.integer({ min: 1, max: 3 }), DISK_GB: fc.integer({ min: 1, max: 3 }) },
      { requiredKeys: [] },
    ),
  }),
  { minLength: 1, maxLength: 4 },
);
const queries = fc.constantFrom(
  'resources=VCPU:1',
  'resources=VCPU:2,DISK_GB:1',
  'resources=DISK_GB:2',
  'resources1=VCPU:1&resources2=VCPU:1&group_policy=none',
  'resources=VCPU:1&resources_D=DISK_GB:1&group_policy=none',
  'resources1=VCPU:1&resources2=VCPU:1&resources3=DISK_GB:1&group_policy=isolate',
);

test('every candidate that is returned can be claimed while nothing has changed', async () => {
  const store = await openStore(schema, { url: 'sqlite::memory:' });
  const follower = new IndexFollower(store);
  let claimed = 0;
  try {
    await fc.assert(
      fc.asyncProperty(
        clouds,
        fc.array(queries, { minLength: 1, maxLength: 3 }),
        async (providers, asked) => {
          const aggregate = randomUUID();
          const uuids: string[] = [];
          const fillers: string[] = [];
          for (const [place, { parent, inventories, shares, member, used }] of providers.entries()) {
            const uuid = randomUUID();
            uuids.push(uuid);
            const parentUuid = parent !== null && parent < place ? (uuids[parent] ?? null) : null;
            await createProvider(store, { uuid, name: uuid, parentUuid });
            await setInventories(store, uuid, inventories);
            if (shares)
              await setTraits(store, uuid, [sharingTrait], (await getProvider(store, uuid)).generation);
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
          for (const text of asked) {
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
            }
          }
          // The next cloud stands alone: what is full gives nothing.
          for (const consumer of fillers) await releaseAllocations(store, consumer);
          for (const uuid of uuids) await setInventories(store, uuid, {});
        },
      ),
      { numRuns: 200 },
    );
  } finally {
    await store.close();
  }
  assert.ok(claimed > 100, `too few candidates to tell anything: ${claimed}`);
});
