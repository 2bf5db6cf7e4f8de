import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { repository } from '../../../platform/store/repository.ts';
import { openStore } from '../../../platform/store/store.ts';
import { claimQuota, quotaUsage } from './quota-claims.ts';
import { type ComputeStore, computeSchema } from './schema.ts';
import { servers } from './servers.ts';
import { serversWithin } from './usage.ts';

const at = (day: number): string => `2026-01-${String(day).padStart(2, '0')}T00:00:00.000000Z`;
const period = { start: Date.parse('2026-01-10T00:00:00Z'), end: Date.parse('2026-01-20T00:00:00Z') };

describe('what servers use', () => {
  let store: ComputeStore;
  before(async () => {
    store = await openStore(computeSchema, { url: 'sqlite::memory:' });
    const add = (name: string, project_id: string, launched: number | null, terminated: number | null) =>
      repository(store, servers).insert({
        id: `${name.padStart(8, '0')}-0000-4000-8000-000000000000`,
        project_id,
        user_id: 'u',
        name,
        hostname: name,
        reservation_id: 'r-1',
        vm_state: terminated === null ? 'active' : 'deleted',
        flavor_id: '1',
        flavor: {
          id: '1',
          name: 'm1.tiny',
          description: null,
          vcpus: 2,
          ram: 512,
          disk: 1,
          ephemeral: 0,
          swap: 0,
          rxtx_factor: 1,
          extra_specs: {},
        },
        vcpus: 2,
        memory_mib: 512,
        request: { networks: [], securityGroupIds: [], hints: {} },
        created_at: at(1),
        updated_at: at(1),
        launched_at: launched === null ? null : at(launched),
        terminated_at: terminated === null ? null : at(terminated),
        deleted: terminated !== null,
      });
    await add('a', 'p2', 5, null);
    await add('b', 'p1', 5, 12);
    await add('c', 'p1', 1, 5);
    await add('d', 'p1', 25, null);
    await add('e', 'p1', null, null);
    await add('f', 'p1', 15, null);
  });
  after(() => store.close());
  const names = (rows: { name: string }[]) => rows.map(({ name }) => name);

  it('is reported of those that ran within the period, project by project, in pages', async () => {
    const all = await serversWithin(store, { period });
    assert.deepEqual(names(all), ['b', 'f', 'a']);
    assert.deepEqual(names(await serversWithin(store, { period, projectId: 'p1' })), ['b', 'f']);
    const [first] = await serversWithin(store, { period, limit: 1 });
    assert.ok(first);
    assert.deepEqual(names(await serversWithin(store, { period, after: first })), ['f', 'a']);
  });

  it('counts against the quota of the project while they are not deleted', async () => {
    assert.deepEqual(await quotaUsage(store, 'p1'), { instances: 3, cores: 6, ram: 1536 });
    const claim = (cores: number) =>
      store.transaction(() =>
        claimQuota(store, { projectId: 'p1', userId: 'u', instances: 1, cores, ram: 512 }),
      );
    await claim(14);
    await assert.rejects(claim(15), {
      status: 403,
      message: 'Quota exceeded for cores: Requested 15, but already used 6 of 20 cores',
    });
  });
});
