import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, member, stranger } from '../../../platform/service/testing/world.ts';
import { type NetworkWorld, startNetwork } from '../testing/cloud.ts';

describe('what operators see to', () => {
  let cloud: NetworkWorld;
  before(async () => {
    cloud = await startNetwork();
    await cloud.host('host-1');
  });
  after(() => cloud[Symbol.asyncDispose]());

  it('limits of projects are set, shown, held and taken away', async () => {
    const project = stranger.projectId as string;
    const path = `/quotas/${project}`;
    const set = await cloud.call('PUT', path, { quota: { network: 1, port: 0 } }, admin);
    assert.equal(set.body.quota.network, 1);
    assert.equal(set.body.quota.router, 10);
    assert.equal((await cloud.call('PUT', path, { quota: { network: 5 } }, stranger)).status, 403);
    await cloud.make('network', {}, stranger);
    const refused = await cloud.call('POST', '/networks', { network: {} }, stranger);
    assert.equal(refused.status, 409);
    assert.equal(refused.body.NeutronError.type, 'OverQuota');
    const details = (await cloud.call('GET', `${path}/details.json`, undefined, admin)).body.quota;
    assert.deepEqual(details.network, { limit: 1, used: 1, reserved: 0 });
    const own = (await cloud.call('GET', '/quotas', undefined, admin)).body.quotas;
    assert.deepEqual(
      own.map((each: { project_id: string }) => each.project_id),
      [project],
    );
    assert.equal((await cloud.call('DELETE', path, undefined, admin)).status, 204);
    const reset = (await cloud.call('GET', path, undefined, admin)).body.quota;
    assert.deepEqual(reset, (await cloud.call('GET', `${path}/default`, undefined, admin)).body.quota);
    assert.equal((await cloud.call('PUT', path, { quota: { nothing: 1 } }, admin)).status, 400);
  });

  it('agents live as long as they say so, and are for administrators', async () => {
    const { agents } = (await cloud.call('GET', '/agents', undefined, admin)).body;
    assert.deepEqual(agents.map((each: { agent_type: string }) => each.agent_type).sort(), [
      'DHCP agent',
      'L3 agent',
      'Linux bridge agent',
    ]);
    assert.ok(agents.every((each: { alive: boolean }) => each.alive));
    assert.deepEqual((await cloud.call('GET', '/agents')).body.agents, []);
    const [one] = agents;
    const changed = await cloud.call('PUT', `/agents/${one.id}`, { agent: { admin_state_up: false } }, admin);
    assert.equal(changed.body.agent.admin_state_up, false);
    await cloud.call('PUT', `/agents/${one.id}`, { agent: { admin_state_up: true } }, admin);
    const zones = (await cloud.call('GET', '/availability_zones')).body.availability_zones;
    assert.deepEqual(zones.map((each: { resource: string }) => each.resource).sort(), ['network', 'router']);
  });

  it('DHCP is served where an agent lives, by a port on each subnet', async () => {
    const net = await cloud.make('network', {});
    const subnet = await cloud.make('subnet', { network_id: net['id'], ip_version: 4, cidr: '10.50.0.0/24' });
    const port = await cloud.make('port', { network_id: net['id'] });
    const owned = `/ports?network_id=${net['id']}&device_owner=network:dhcp`;
    const [server] = (await cloud.call('GET', owned, undefined, admin)).body.ports;
    assert.equal(server['binding:host_id'], 'host-1');
    const { dhcp } = await cloud.service.hostState({ host: 'host-1' });
    const found = dhcp.find(({ networkId }) => networkId === net['id']);
    assert.equal(found?.portId, server.id);
    assert.deepEqual(
      found?.hosts.flatMap(({ addresses, mac }) => addresses.map(({ ip }) => [ip, mac])),
      [[port['fixed_ips'][0].ip_address, port['mac_address']]],
    );
    assert.equal(found?.isolatedMetadata, true);
    await cloud.call('PUT', `/subnets/${subnet['id']}`, { subnet: { enable_dhcp: false } });
    assert.deepEqual((await cloud.call('GET', owned, undefined, admin)).body.ports, []);
  });

  it('networks that came before any agent are served when one comes', async () => {
    await using early = await startNetwork();
    const net = await early.make('network', {});
    await early.make('subnet', { network_id: net['id'], ip_version: 4, cidr: '10.50.0.0/24' });
    const owned = `/ports?network_id=${net['id']}`;
    assert.deepEqual((await early.call('GET', owned)).body.ports, []);
    await early.host('late');
    const [server] = (await early.call('GET', owned, undefined, admin)).body.ports;
    assert.equal(server['binding:host_id'], 'late');
  });

  it('networks are shared with chosen projects', async () => {
    const net = await cloud.make('network', {});
    const see = () => cloud.call('GET', `/networks/${net['id']}`, undefined, stranger);
    assert.equal((await see()).status, 404);
    const body = { object_type: 'network', object_id: net['id'], action: 'access_as_shared' };
    const everybody = await cloud.call('POST', '/rbac-policies', {
      rbac_policy: { ...body, target_tenant: '*' },
    });
    assert.equal(everybody.status, 403);
    const policy = await cloud.make('rbac_policy', { ...body, target_tenant: stranger.projectId });
    assert.equal((await see()).body.network.shared, true);
    assert.equal((await cloud.show('network', net['id'], member))['shared'], false);
    assert.equal((await cloud.call('DELETE', `/rbac-policies/${policy['id']}`)).status, 204);
    assert.equal((await see()).status, 404);
  });

  it('subnets come out of pools', async () => {
    const pool = await cloud.make('subnetpool', {
      name: 'p',
      prefixes: '10.200.0.0/16',
      default_prefixlen: '26',
    });
    const net = await cloud.make('network', {});
    const ask = { network_id: net['id'], ip_version: 4, subnetpool_id: pool['id'] };
    assert.equal((await cloud.make('subnet', ask))['cidr'], '10.200.0.0/26');
    assert.equal((await cloud.make('subnet', { ...ask, prefixlen: 24 }))['cidr'], '10.200.1.0/24');
    assert.equal((await cloud.make('subnet', ask))['cidr'], '10.200.0.64/26');
    const used = await cloud.call('DELETE', `/subnetpools/${pool['id']}`);
    assert.equal(used.body.NeutronError.type, 'SubnetPoolDeleteError');
    const some = (await cloud.call('GET', `/network-ip-availabilities/${net['id']}`, undefined, admin)).body;
    assert.equal(some.network_ip_availability.subnet_ip_availability.length, 3);
  });
});
