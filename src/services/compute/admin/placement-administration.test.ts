import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { admin } from '../../../platform/service/testing/world.ts';
import { type PlacementService, placementService } from '../../placement/contract.ts';
import { type Cloud, eventually, startCloud } from '../testing/cloud.ts';
import type { Orphan } from './audit.ts';
import type { Healed } from './heal-allocations.ts';
import type { AggregateChange } from './sync-aggregates.ts';

describe('placement administration', () => {
  let cloud: Cloud;
  let placement: PlacementService;
  let provider: string;
  before(async () => {
    cloud = await startCloud();
    placement = cloud.bus.client(placementService);
    const server = await cloud.server();
    const held = await placement.allocations({ consumer: server.id });
    [provider = ''] = Object.keys(held);
    await cloud.compute('DELETE', `/servers/${server.id}`);
    await cloud.gone(server.id);
    await eventually('its allocations to be gone', async () =>
      Object.keys(await placement.allocations({ consumer: server.id })).length === 0 ? true : undefined,
    );
  });
  after(() => cloud[Symbol.asyncDispose]());

  const audit = (args: Record<string, string> = {}) =>
    cloud.operate<{ consumers: number; orphans: Orphan[] }>('compute/placement-audit', args);
  const heal = (args: Record<string, string> = {}) =>
    cloud.operate<{ servers: number; healed: Healed[]; failed: number; more: boolean }>(
      'compute/placement-heal-allocations',
      args,
    );
  const sync = (args: Record<string, string> = {}) =>
    cloud.operate<{ changes: AggregateChange[]; failed: number }>('compute/placement-sync-aggregates', args);
  const claim = (consumer: string, where: string, consumerType = 'INSTANCE') =>
    placement.claim({
      consumer,
      projectId: 'p',
      userId: 'u',
      consumerType,
      allocations: { [where]: { VCPU: 1 } },
    });

  it('finds what nobody stands behind, leaves it in a dry run, and deletes it when told to', async () => {
    const server = await cloud.server();
    const [ghost, foreign] = [randomUUID(), randomUUID()];
    await claim(ghost, provider);
    await claim(foreign, provider, 'VOLUME');
    const found = await audit();
    assert.equal(found.consumers, 2);
    assert.deepEqual(
      found.orphans.map(({ consumer, provider: where, deleted }) => [consumer, where, deleted]),
      [[ghost, provider, false]],
    );
    assert.deepEqual((await audit({ provider: randomUUID() })).orphans, []);
    assert.deepEqual(
      (await audit({ delete: 'yes' })).orphans.map(({ deleted }) => deleted),
      [true],
    );
    assert.deepEqual((await audit()).orphans, []);
    assert.deepEqual(await placement.allocations({ consumer: ghost }), {});
    assert.deepEqual(await placement.allocations({ consumer: foreign }), { [provider]: { VCPU: 1 } });
    assert.ok(provider in (await placement.allocations({ consumer: server.id })));
    await placement.release({ consumer: foreign });
  });

  it('heals a server that holds nothing, once, with what its flavor needs', async () => {
    const server = await cloud.server();
    const held = await placement.allocations({ consumer: server.id });
    await placement.release({ consumer: server.id });
    const dry = await heal({ dry_run: 'yes' });
    assert.deepEqual(
      dry.healed.map(({ server: id, result }) => [id, result]),
      [[server.id, 'would heal']],
    );
    assert.deepEqual(await placement.allocations({ consumer: server.id }), {});
    assert.deepEqual(
      (await heal({ server: server.id })).healed.map(({ result }) => result),
      ['healed'],
    );
    assert.deepEqual(await placement.allocations({ consumer: server.id }), held);
    assert.deepEqual((await heal()).healed, []);
  });

  it('stops at the most that may be healed, and says that there are more', async () => {
    const servers = [await cloud.server(), await cloud.server()];
    for (const { id } of servers) await placement.release({ consumer: id });
    const first = await heal({ most: '1' });
    assert.deepEqual([first.healed.length, first.more], [1, true]);
    const second = await heal({ most: '1' });
    assert.deepEqual([second.healed.length, second.more], [1, false]);
    await assert.rejects(heal({ most: '-1' }), /whole number/);
  });

  it('corrects wrong allocations only when forced to, and says where there is no room', async () => {
    const server = await cloud.server();
    const held = await placement.allocations({ consumer: server.id });
    await claim(server.id, provider);
    assert.deepEqual((await heal({ server: server.id })).healed, []);
    assert.equal((await heal({ server: server.id, force: 'yes' })).healed[0]?.result, 'healed');
    assert.deepEqual(await placement.allocations({ consumer: server.id }), held);

    await placement.release({ consumer: server.id });
    const all = (
      await cloud.request('placement', 'GET', `/resource_providers/${provider}/inventories`, { as: admin })
    ).body.inventories;
    const used = (
      await cloud.request('placement', 'GET', `/resource_providers/${provider}/usages`, { as: admin })
    ).body.usages;
    const { total, reserved, allocation_ratio } = all.MEMORY_MB;
    const rest = Math.floor((total - reserved) * allocation_ratio) - used.MEMORY_MB;
    const hogs: string[] = [];
    for (let left = rest; left > 0; left -= total) {
      const consumer = randomUUID();
      hogs.push(consumer);
      const allocations = { [provider]: { MEMORY_MB: Math.min(left, total) } };
      await placement.claim({ consumer, projectId: 'p', userId: 'u', consumerType: 'VOLUME', allocations });
    }
    const { failed, healed } = await heal({ server: server.id });
    assert.equal(failed, 1);
    assert.match(healed[0]?.result ?? '', /not enough left/);
    for (const consumer of hogs) await placement.release({ consumer });
    await heal();
  });

  it('heals hosts that are not in the placement aggregates of their host aggregates, or still are', async () => {
    const { body: nodes } = await cloud.compute('GET', '/os-hypervisors', { as: admin });
    const host = nodes.hypervisors[0].hypervisor_hostname as string;
    const { body } = await cloud.compute('POST', '/os-aggregates', {
      as: admin,
      at: '2.41',
      body: { aggregate: { name: 'rack-1' } },
    });
    const { id, uuid } = body.aggregate;
    const other = randomUUID();
    await placement.changeAggregates({ provider, add: [other], remove: [] });
    const act = (action: string) =>
      cloud.compute('POST', `/os-aggregates/${id}/action`, { as: admin, body: { [action]: { host } } });
    const present = async () => (await placement.aggregates({ providers: [provider] }))[provider]?.toSorted();
    assert.equal((await act('add_host')).status, 200);
    assert.deepEqual(await present(), [other, uuid].toSorted());
    await placement.changeAggregates({ provider, add: [], remove: [uuid] });
    assert.deepEqual(
      (await sync({ dry_run: 'yes' })).changes.map((each) => [each.host, each.add, each.remove, each.result]),
      [[host, [uuid], [], 'would change']],
    );
    assert.equal((await sync()).changes[0]?.result, 'changed');
    assert.deepEqual((await sync()).changes, []);
    assert.deepEqual(await present(), [other, uuid].toSorted());
    assert.equal((await act('remove_host')).status, 200);
    assert.deepEqual(await present(), [other]);
    await placement.changeAggregates({ provider, add: [uuid], remove: [] });
    assert.deepEqual((await sync()).changes[0]?.remove, [uuid]);
    assert.deepEqual(await present(), [other]);
  });

  it('says before an upgrade what is not in order', async () => {
    const check = async () =>
      Object.fromEntries(
        (await cloud.operate<{ check: string; result: string }[]>('placement/upgrade-check')).map((each) => [
          each.check,
          each.result,
        ]),
      );
    assert.deepEqual([...new Set(Object.values(await check()))], ['success']);
    const old = { as: { ...admin, roles: ['admin', 'service'] } };
    const consumer = randomUUID();
    const put = await cloud.request('placement', 'PUT', `/allocations/${consumer}`, {
      ...old,
      body: { allocations: [{ resource_provider: { uuid: provider }, resources: { VCPU: 1 } }] },
    });
    assert.equal(put.status, 204);
    assert.equal((await check())['Incomplete Consumers'], 'warning');
    await placement.release({ consumer });
  });
});
