import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Conflict } from '../../platform/errors/errors.ts';
import { admin, member, startWorld, type World } from '../../platform/service/testing/world.ts';
import { type PlacementService, placementService } from './contract.ts';
import { placement } from './service.ts';

describe('placement as the other services ask it', () => {
  let world: World;
  let service: PlacementService;
  before(async () => {
    world = await startWorld([placement]);
    service = world.bus.client(placementService);
  });
  after(() => world[Symbol.asyncDispose]());

  const get = async (path: string) =>
    (
      await world.request('placement', 'GET', path, {
        as: admin,
        headers: { 'openstack-api-version': 'placement latest' },
      })
    ).body;
  const host = async (vcpus: number, more: object = {}) => {
    const uuid = randomUUID();
    const report = {
      uuid,
      name: `host-${uuid}`,
      inventories: { VCPU: { total: vcpus }, MEMORY_MB: { total: 1024, reserved: 24 } },
      traits: ['HW_CPU_X86_VMX'],
      ...more,
    };
    await service.ensureProvider(report);
    return report;
  };
  const claim = (consumer: string, provider: string, vcpus: number) =>
    service.claim({
      consumer,
      projectId: 'p',
      userId: 'u',
      consumerType: 'INSTANCE',
      allocations: { [provider]: { VCPU: vcpus } },
    });

  it('makes a provider as reported, and writes nothing when it is so already', async () => {
    const report = await host(4);
    const first = await get(`/resource_providers/${report.uuid}`);
    await service.ensureProvider(report);
    assert.deepEqual(await get(`/resource_providers/${report.uuid}`), first);
    const { inventories } = await get(`/resource_providers/${report.uuid}/inventories`);
    assert.equal(inventories.MEMORY_MB.reserved, 24);
    await service.ensureProvider({ ...report, traits: ['CUSTOM_FAST'] });
    const { traits } = await get(`/resource_providers/${report.uuid}/traits`);
    assert.deepEqual(traits, ['CUSTOM_FAST']);
  });

  it('finds candidates that have room, with what was claimed counted at once', async () => {
    const { uuid, name } = await host(4, { traits: ['HW_CPU_X86_AVX512F'] });
    const query = { resources: { VCPU: 3 }, required: ['HW_CPU_X86_AVX512F'] };
    const [found] = await service.candidates(query);
    assert.deepEqual(found?.allocations, { [uuid]: { VCPU: 3 } });
    assert.equal(found.providers[uuid]?.name, name);
    assert.deepEqual(found.providers[uuid]?.resources['MEMORY_MB'], { capacity: 1000, used: 0 });
    const consumer = randomUUID();
    await claim(consumer, uuid, 2);
    assert.deepEqual(await service.candidates(query), []);
    await service.release({ consumer });
    assert.equal((await service.candidates(query)).length, 1);
  });

  it('replaces what a consumer has, refuses what is too much, and gives back as often as asked', async () => {
    const { uuid } = await host(4);
    const other = await host(4);
    const consumer = randomUUID();
    await claim(consumer, uuid, 4);
    await claim(consumer, uuid, 3);
    assert.deepEqual(await service.allocations({ consumer }), { [uuid]: { VCPU: 3 } });
    await assert.rejects(claim(randomUUID(), uuid, 2), (error) => {
      assert.ok(error instanceof Conflict);
      assert.match(error.message, /exceed the capacity/);
      return true;
    });
    await claim(consumer, other.uuid, 4);
    assert.deepEqual((await get(`/resource_providers/${uuid}/usages`)).usages, { VCPU: 0, MEMORY_MB: 0 });
    await service.release({ consumer });
    await service.release({ consumer });
    assert.deepEqual(await service.allocations({ consumer }), {});
  });

  it('deletes a provider that nothing is allocated from, and one that is gone', async () => {
    const { uuid } = await host(4);
    const consumer = randomUUID();
    await claim(consumer, uuid, 1);
    await assert.rejects(service.deleteProvider({ uuid }), Conflict);
    await service.release({ consumer });
    await service.deleteProvider({ uuid });
    await service.deleteProvider({ uuid });
    assert.deepEqual(await get(`/resource_providers?uuid=${uuid}`), { resource_providers: [] });
  });

  it('is for administrators and services only', async () => {
    const path = '/resource_providers';
    assert.equal((await world.request('placement', 'GET', path)).status, 401);
    const denied = await world.request('placement', 'GET', path, { as: member });
    assert.equal(denied.status, 403);
    assert.match(denied.body.errors[0].detail, /Policy does not allow placement:resource_providers:list/);
    const own = await world.request('placement', 'GET', `/usages?project_id=${member.projectId}`, {
      as: member,
      headers: { 'openstack-api-version': 'placement 1.9' },
    });
    assert.deepEqual([own.status, own.body], [200, { usages: {} }]);
  });
});
