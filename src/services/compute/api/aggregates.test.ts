import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Conflict } from '../../../platform/errors/errors.ts';
import { startWorld, type World } from '../../../platform/service/testing/world.ts';
import { type PlacementService, placementService } from '../../placement/contract.ts';
import { placement as placementDefinition } from '../../placement/service.ts';
import { computeService } from '../contract.ts';
import { compute } from '../service.ts';
import { asking } from './testing/ask.ts';

const beatOf = (host: string) => ({
  host,
  startedAt: new Date().toISOString(),
  hypervisorType: 'QEMU',
  hypervisorVersion: 7_002_000,
  hostIp: '192.0.2.1',
  cpus: 4,
  memoryMib: 8192,
  diskGib: 100,
  freeDiskGib: 90,
  cpu: {},
  traits: [],
  running: 0,
});

/** An aggregate with one host in it or not, as compute and placement see it. */
function membership(world: () => World, placement: () => Pick<PlacementService, 'aggregates'>) {
  const ask = asking(world);
  let made = 0;
  return {
    ask,
    async make() {
      const name = `rack-${(made += 1)}`;
      const { body } = await ask('POST', '/os-aggregates', { at: '2.41', body: { aggregate: { name } } });
      const { id, uuid } = body.aggregate as { id: number; uuid: string };
      const act = (action: 'add_host' | 'remove_host', host = 'alpha') =>
        ask('POST', `/os-aggregates/${id}/action`, { body: { [action]: { host } } });
      const hosts = async () => (await ask('GET', `/os-aggregates/${id}`)).body.aggregate.hosts as string[];
      return { id, uuid, act, hosts };
    },
    async providerOf(host: string): Promise<string> {
      const { body } = await ask('GET', '/os-hypervisors', { at: '2.53' });
      const all = body.hypervisors as { id: string; hypervisor_hostname: string }[];
      return all.find((each) => each.hypervisor_hostname === host)?.id ?? '';
    },
    inPlacement: async (provider: string) =>
      (await placement().aggregates({ providers: [provider] }))[provider],
  };
}

describe('host aggregates in placement', () => {
  let world: World;
  let placement: PlacementService;
  let provider: string;
  const { ask, make, providerOf, inPlacement } = membership(
    () => world,
    () => placement,
  );
  before(async () => {
    world = await startWorld([placementDefinition, compute]);
    placement = world.bus.client(placementService);
    await world.bus.client(computeService).heartbeat(beatOf('alpha'));
    provider = await providerOf('alpha');
  });
  after(() => world[Symbol.asyncDispose]());

  it('have the providers of their hosts at once, beside what else these are in', async () => {
    const foreign = crypto.randomUUID();
    await placement.changeAggregates({ provider, add: [foreign], remove: [] });
    const [one, two] = [await make(), await make()];
    assert.equal((await one.act('add_host')).status, 200);
    assert.equal((await two.act('add_host')).status, 200);
    assert.deepEqual((await inPlacement(provider))?.toSorted(), [foreign, one.uuid, two.uuid].toSorted());
    assert.equal((await one.act('remove_host')).status, 200);
    assert.deepEqual((await inPlacement(provider))?.toSorted(), [foreign, two.uuid].toSorted());
    assert.equal((await two.act('remove_host')).status, 200);
    assert.deepEqual(await inPlacement(provider), [foreign]);
  });

  it('are all there when a host joins many at the same time', async () => {
    const racks = await Promise.all(Array.from({ length: 6 }, make));
    const answers = await Promise.all(racks.map(({ act }) => act('add_host')));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const present = new Set(await inPlacement(provider));
    for (const { uuid } of racks) assert.ok(present.has(uuid));
    await Promise.all(racks.map(({ act }) => act('remove_host')));
    const left = new Set(await inPlacement(provider));
    for (const { uuid } of racks) assert.ok(!left.has(uuid));
  });

  it('leave nothing in placement when they are deleted: with a host in it none is', async () => {
    const rack = await make();
    await rack.act('add_host');
    assert.equal((await ask('DELETE', `/os-aggregates/${rack.id}`)).status, 400);
    assert.ok((await inPlacement(provider))?.includes(rack.uuid));
    await rack.act('remove_host');
    assert.equal((await ask('DELETE', `/os-aggregates/${rack.id}`)).status, 200);
    assert.ok(!(await inPlacement(provider))?.includes(rack.uuid));
  });

  it('take hosts in and out that have no provider yet; it is put right when they have', async () => {
    const rack = await make();
    await placement.deleteProvider({ uuid: provider });
    assert.equal((await rack.act('add_host')).status, 200);
    assert.deepEqual(await rack.hosts(), ['alpha']);
    assert.equal((await rack.act('remove_host')).status, 200);
    assert.deepEqual(await rack.hosts(), []);
    await rack.act('add_host');
    await world.bus.client(computeService).heartbeat(beatOf('alpha'));
    assert.deepEqual(await inPlacement(provider), []);
    const { changes } = await world.operate<{ changes: { result: string }[] }>(
      'compute/placement-sync-aggregates',
    );
    assert.deepEqual(
      changes.map(({ result }) => result),
      ['changed'],
    );
    assert.deepEqual(await inPlacement(provider), [rack.uuid]);
    await rack.act('remove_host');
  });

  it('do not tell placement of hosts that are refused', async () => {
    const rack = await make();
    await rack.act('add_host');
    const present = await inPlacement(provider);
    assert.equal((await rack.act('add_host')).status, 409);
    assert.equal((await rack.act('add_host', 'nobody')).status, 404);
    assert.equal((await rack.act('remove_host', 'nobody')).status, 404);
    assert.deepEqual(await inPlacement(provider), present);
    await rack.act('remove_host');
    assert.equal((await rack.act('remove_host')).status, 404);
  });
});

describe('host aggregates while placement fails', () => {
  let world: World;
  let failure: Error | undefined;
  const told: object[] = [];
  const { make } = membership(
    () => world,
    () => world.bus.client(placementService),
  );
  before(async () => {
    world = await startWorld([compute], {
      prepare: async (bus) => {
        await bus.serve(placementService, {
          ensureProvider: async () => {},
          async changeAggregates(change) {
            if (failure) throw failure;
            told.push(change);
          },
        });
      },
    });
    await world.bus.client(computeService).heartbeat(beatOf('alpha'));
  });
  beforeEach(() => {
    failure = undefined;
    told.length = 0;
  });
  after(() => world[Symbol.asyncDispose]());

  it('take a host in all the same', async () => {
    const rack = await make();
    failure = new Error('the database is away');
    assert.equal((await rack.act('add_host')).status, 200);
    assert.deepEqual(await rack.hosts(), ['alpha']);
    assert.deepEqual(told, []);
  });

  it('keep a host that cannot be taken out of placement, so that it can be tried again', async () => {
    const rack = await make();
    await rack.act('add_host');
    failure = new Conflict('somebody else was quicker');
    assert.equal((await rack.act('remove_host')).status, 409);
    failure = new Error('the database is away');
    assert.equal((await rack.act('remove_host')).status, 500);
    assert.deepEqual(await rack.hosts(), ['alpha']);
    failure = undefined;
    assert.equal((await rack.act('remove_host')).status, 200);
    assert.deepEqual(await rack.hosts(), []);
    assert.equal(told.length, 2);
  });
});
