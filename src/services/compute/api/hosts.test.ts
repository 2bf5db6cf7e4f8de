import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { member, startWorld, type World } from '../../../platform/service/testing/world.ts';
import { placementService } from '../../placement/contract.ts';
import { computeAgent, computeService } from '../contract.ts';
import { compute } from '../service.ts';
import { asking } from './testing/ask.ts';

describe('compute hosts', () => {
  let world: World;
  const ask = asking(() => world);
  const deletedProviders: string[] = [];
  const beat = (host: string) =>
    world.bus.client(computeService).heartbeat({
      host,
      startedAt: new Date().toISOString(),
      hypervisorType: 'QEMU',
      hypervisorVersion: 7_002_000,
      hostIp: '192.0.2.1',
      cpus: 4,
      memoryMib: 8192,
      diskGib: 100,
      freeDiskGib: 90,
      cpu: { arch: 'x86_64' },
      traits: [],
      running: 0,
    });

  before(async () => {
    world = await startWorld([compute], {
      async prepare(bus) {
        await bus.serve(placementService, {
          ensureProvider: async () => {},
          changeAggregates: async () => {},
          deleteProvider: async ({ uuid }: { uuid: string }) => void deletedProviders.push(uuid),
        } as never);
        await bus.serve(
          computeAgent,
          { hostUptime: async () => ({ uptime: ' 12:00:00 up 1 min' }) } as never,
          { host: 'alpha' },
        );
      },
    });
    await beat('alpha');
    await beat('beta');
  });
  after(() => world[Symbol.asyncDispose]());

  const computeServices = async (at: string, query = '') =>
    (await ask('GET', `/os-services?binary=nova-compute${query}`, { at })).body.services;

  it('are services, which administrators list by host and binary', async () => {
    const [alpha, beta, ...more] = await computeServices('2.1');
    assert.deepEqual([alpha.host, beta.host, more.length], ['alpha', 'beta', 0]);
    assert.deepEqual(
      [alpha.state, alpha.status, alpha.zone, alpha.disabled_reason],
      ['up', 'enabled', 'nova', null],
    );
    assert.ok(Number.isInteger(alpha.id) && !('forced_down' in alpha));
    const [only] = await computeServices('2.53', '&host=beta');
    assert.deepEqual([only.host, only.forced_down, only.id.length], ['beta', false, 36]);
    assert.equal((await ask('GET', '/os-services', { as: member })).status, 403);
    assert.equal((await ask('GET', '/os-services?colour=red', { at: '2.75' })).status, 400);
  });

  it('are disabled and forced down by name before 2.53', async () => {
    const put = (action: string, body: object, at = '2.11') =>
      ask('PUT', `/os-services/${action}`, { at, body: { host: 'beta', binary: 'nova-compute', ...body } });
    const disabled = await put('disable-log-reason', { disabled_reason: 'new disks' });
    assert.deepEqual(disabled.body.service, {
      host: 'beta',
      binary: 'nova-compute',
      status: 'disabled',
      disabled_reason: 'new disks',
    });
    assert.equal((await computeServices('2.11', '&host=beta'))[0].disabled_reason, 'new disks');
    assert.equal((await put('enable', {})).body.service.status, 'enabled');
    assert.equal((await put('force-down', { forced_down: true })).body.service.forced_down, true);
    assert.equal((await computeServices('2.11', '&host=beta'))[0].state, 'down');
    await put('force-down', { forced_down: 'false' });
    assert.equal((await put('force-down', { forced_down: true }, '2.10')).status, 400);
    assert.equal((await put('explode', {})).status, 404);
    assert.equal((await put('disable', { host: 'gamma' })).status, 404);
    assert.equal((await put('disable', { binary: 'nova-scheduler' })).status, 400);
  });

  it('are disabled and forced down by uuid since 2.53', async () => {
    const [{ id }] = await computeServices('2.53', '&host=beta');
    const put = (body: object) => ask('PUT', `/os-services/${id}`, { at: '2.53', body });
    const { service } = (await put({ status: 'disabled', disabled_reason: 'why not' })).body;
    assert.deepEqual([service.status, service.disabled_reason, service.id], ['disabled', 'why not', id]);
    assert.equal((await put({ status: 'enabled', disabled_reason: 'no' })).status, 400);
    assert.equal((await put({ status: 'enabled', forced_down: false })).body.service.status, 'enabled');
    assert.equal((await put({})).status, 400);
    assert.equal(
      (await ask('PUT', '/os-services/7', { at: '2.53', body: { status: 'enabled' } })).status,
      400,
    );
  });

  it('are hypervisors with what they have and what is used', async () => {
    const detail = async (at: string) => (await ask('GET', '/os-hypervisors/detail', { at })).body;
    const old = (await detail('2.1')).hypervisors[0];
    assert.deepEqual(
      [old.hypervisor_hostname, old.vcpus, old.vcpus_used, old.free_ram_mb, old.disk_available_least],
      ['alpha', 4, 0, 8192, 90],
    );
    assert.equal(old.cpu_info, '{"arch":"x86_64"}');
    assert.deepEqual((await detail('2.28')).hypervisors[0].cpu_info, { arch: 'x86_64' });
    const [alpha, beta] = (await detail('2.88')).hypervisors;
    assert.ok(!('vcpus' in alpha));
    assert.equal(alpha.uptime, ' 12:00:00 up 1 min');
    assert.equal(beta.uptime, null);
    assert.equal((await ask('GET', '/os-hypervisors', { as: member })).status, 403);
    const { hypervisor_statistics } = (await ask('GET', '/os-hypervisors/statistics')).body;
    assert.deepEqual([hypervisor_statistics.count, hypervisor_statistics.memory_mb], [2, 16_384]);
    assert.equal((await ask('GET', '/os-hypervisors/statistics', { at: '2.88' })).status, 404);
  });

  it('are hypervisors that are found by id, by name and in pages', async () => {
    const list = async (query: string, at: string) => ask('GET', `/os-hypervisors${query}`, { at });
    const first = await list('?limit=1', '2.33');
    assert.equal(first.body.hypervisors[0].hypervisor_hostname, 'alpha');
    const next = new URL(first.body.hypervisors_links[0].href);
    assert.equal((await list(next.search, '2.33')).body.hypervisors[0].hypervisor_hostname, 'beta');
    assert.equal((await list('?marker=99', '2.33')).status, 400);
    const named = await list('?hypervisor_hostname_pattern=bet&with_servers=true', '2.75');
    assert.deepEqual(named.body.hypervisors[0].servers, []);
    assert.equal((await list('?hypervisor_hostname_pattern=gamma', '2.53')).status, 404);
    assert.equal((await list('?with_servers=maybe', '2.53')).status, 400);
    const { id } = named.body.hypervisors[0];
    assert.equal((await list(`/${id}`, '2.53')).body.hypervisor.hypervisor_hostname, 'beta');
    assert.equal((await list('/1', '2.53')).status, 400);
    assert.equal((await list('/99', '2.1')).status, 404);
    assert.equal((await list(`/${first.body.hypervisors[0].id}/uptime`, '2.1')).status, 200);
    assert.equal((await list(`/${id}/uptime`, '2.53')).status, 400);
    assert.equal((await list('/alph/search', '2.1')).body.hypervisors.length, 1);
    assert.equal((await list('/alph/servers', '2.52')).body.hypervisors.length, 1);
    assert.equal((await list('/alph/search', '2.53')).status, 404);
  });

  it('are put into aggregates, some of which are availability zones', async () => {
    const make = (aggregate: object) => ask('POST', '/os-aggregates', { at: '2.41', body: { aggregate } });
    const made = (await make({ name: 'fast', availability_zone: 'zone-1' })).body.aggregate;
    assert.deepEqual([made.availability_zone, made.updated_at, 'hosts' in made], ['zone-1', null, false]);
    assert.equal((await make({ name: 'fast' })).status, 409);
    assert.equal((await make({ name: 'x', availability_zone: 'a:b' })).status, 400);
    const path = `/os-aggregates/${made.id}`;
    const act = (body: object) => ask('POST', `${path}/action`, { body });
    assert.deepEqual((await act({ add_host: { host: 'alpha' } })).body.aggregate.hosts, ['alpha']);
    assert.equal((await act({ add_host: { host: 'alpha' } })).status, 409);
    assert.equal((await act({ add_host: { host: 'gamma' } })).status, 404);
    const zones = await ask('GET', '/os-availability-zone', { as: member });
    assert.deepEqual(
      zones.body.availabilityZoneInfo.map((each: { zoneName: string }) => each.zoneName).toSorted(),
      ['nova', 'zone-1'],
    );
    const detail = (await ask('GET', '/os-availability-zone/detail')).body.availabilityZoneInfo;
    const zone = detail.find((each: { zoneName: string }) => each.zoneName === 'zone-1');
    assert.equal(zone.hosts.alpha['nova-compute'].available, true);
    assert.equal((await ask('GET', '/os-availability-zone/detail', { as: member })).status, 403);
    const other = (await make({ name: 'other', availability_zone: 'zone-2' })).body.aggregate;
    const refused = await ask('POST', `/os-aggregates/${other.id}/action`, {
      body: { add_host: { host: 'alpha' } },
    });
    assert.equal(refused.status, 409);
    const set = await act({ set_metadata: { metadata: { ssd: 'true' } } });
    assert.deepEqual(set.body.aggregate.metadata, { availability_zone: 'zone-1', ssd: 'true' });
    const unset = await act({ set_metadata: { metadata: { ssd: null } } });
    assert.deepEqual(unset.body.aggregate.metadata, { availability_zone: 'zone-1' });
    const renamed = await ask('PUT', path, { body: { aggregate: { name: 'faster' } } });
    assert.deepEqual([renamed.body.aggregate.name, renamed.body.aggregate.hosts], ['faster', ['alpha']]);
    assert.equal((await ask('PUT', path, { body: { aggregate: {} } })).status, 400);
    assert.equal((await ask('DELETE', path)).status, 400);
    assert.equal((await act({ remove_host: { host: 'alpha' } })).status, 200);
    assert.equal((await act({ remove_host: { host: 'alpha' } })).status, 404);
    assert.equal((await ask('DELETE', path)).status, 200);
    assert.equal((await ask('GET', path)).status, 404);
    assert.equal((await ask('GET', '/os-aggregates/x')).status, 400);
    assert.equal((await ask('GET', '/os-aggregates', { as: member })).status, 403);
    const image = { id: '6a1f6a2c-6a3e-4bb5-a9f2-0d8f36dd0f1a' };
    const cacheImages = (at: string, cache: object[]) =>
      ask('POST', `/os-aggregates/${other.id}/images`, { at, body: { cache } }).then(({ status }) => status);
    assert.deepEqual(
      [
        await cacheImages('2.80', [image]),
        await cacheImages('2.81', [image, image]),
        await cacheImages('2.81', [image]),
      ],
      [404, 400, 501],
    );
  });

  it('are gone when their service is deleted, until they are heard of again', async () => {
    const [{ id }] = await computeServices('2.53', '&host=beta');
    assert.equal((await ask('DELETE', `/os-services/${id}`, { at: '2.53', as: member })).status, 403);
    assert.equal((await ask('DELETE', `/os-services/${id}`, { at: '2.53' })).status, 204);
    assert.equal(deletedProviders.length, 1);
    assert.equal((await ask('DELETE', `/os-services/${id}`, { at: '2.53' })).status, 404);
    assert.equal((await ask('GET', '/os-hypervisors')).body.hypervisors.length, 1);
    await beat('beta');
    assert.equal((await ask('GET', '/os-hypervisors')).body.hypervisors.length, 2);
  });
});
