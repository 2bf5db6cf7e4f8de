import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ApiError } from '../../../platform/errors/errors.ts';
import { admin, member, stranger } from '../../../platform/service/testing/world.ts';
import { networkAgent } from '../contract.ts';
import { type NetworkWorld, startNetwork } from '../testing/cloud.ts';

const projectId = member.projectId as string;
const code = (expected: string) => (error: unknown) => error instanceof ApiError && error.code === expected;

describe("servers' ports", () => {
  let cloud: NetworkWorld;
  let networkId: string;
  before(async () => {
    cloud = await startNetwork();
    await cloud.host('host-1');
    networkId = (await cloud.make('network', { name: 'blue' }))['id'];
    await cloud.make('subnet', {
      network_id: networkId,
      ip_version: 4,
      cidr: '10.3.0.0/24',
      dns_nameservers: ['9.9.9.9'],
    });
  });
  after(() => cloud[Symbol.asyncDispose]());

  const resolve = (
    requests: Parameters<typeof cloud.service.resolveRequests>[0]['requests'],
    groups = ['default'],
  ) => cloud.service.resolveRequests({ projectId, admin: false, requests, securityGroups: groups });
  const attach = (serverId: string, extra: object = {}) => ({
    serverId,
    serverName: 'My Server_1',
    projectId,
    index: 0,
    host: 'host-1',
    zone: 'nova',
    request: { networkId },
    securityGroupIds: [],
    ...extra,
  });

  it('are resolved to the one network of a project, or refused with the reason', async () => {
    const { requests, securityGroupIds } = await resolve('auto');
    assert.deepEqual(requests, [{ networkId }]);
    assert.equal(securityGroupIds.length, 1);
    await assert.rejects(resolve([{ networkId: randomUUID() }]), code('NetworkNotFound'));
    await assert.rejects(resolve('none', ['no-such-group']), code('SecurityGroupNotFound'));
    await assert.rejects(resolve([{ networkId, fixedIp: '192.0.2.1' }]), code('InvalidIpForNetwork'));
    const empty = await cloud.make('network', {});
    await assert.rejects(resolve('auto'), code('NetworkAmbiguous'));
    await assert.rejects(resolve([{ networkId: empty['id'] }]), code('NetworkRequiresSubnet'));
    await cloud.call('DELETE', `/networks/${empty['id']}`);
    const theirs = await cloud.service.resolveRequests({
      projectId: stranger.projectId as string,
      admin: false,
      requests: 'auto',
      securityGroups: [],
    });
    assert.deepEqual(theirs.requests, []);
  });

  it('are made once, however often they are asked for, and found again with their addresses', async () => {
    const serverId = randomUUID();
    const first = await cloud.service.attachPort(attach(serverId));
    const second = await cloud.service.attachPort(attach(serverId));
    assert.equal(second.id, first.id);
    assert.equal(first.tap, `tap${first.id.slice(0, 11)}`);
    assert.equal(first.networkName, 'blue');
    assert.deepEqual(first.subnets[0]?.dns, ['9.9.9.9']);
    const shown = await cloud.show('port', first.id, admin);
    assert.equal(shown['device_owner'], 'compute:nova');
    assert.equal(shown['dns_name'], 'my-server-1');
    assert.equal(shown['binding:vif_type'], 'bridge');
    const all = await cloud.service.serverPorts({ serverIds: [serverId, 'other'] });
    assert.deepEqual(all, { [serverId]: [first], other: [] });
    const groups = await cloud.service.securityGroupsOf({ serverIds: [serverId] });
    assert.deepEqual(
      groups[serverId]?.map(({ name }) => name),
      ['default'],
    );
    const seen = await cloud.service.serverByAddress({ ip: first.fixedIps[0]?.ip ?? '', networkId });
    assert.deepEqual(seen, { serverId, projectId });
    await cloud.service.detachPorts({ serverId });
    assert.equal((await cloud.call('GET', `/ports/${first.id}`)).status, 404);
    await cloud.service.detachPorts({ serverId });
  });

  it('that were given are given back', async () => {
    const port = await cloud.make('port', { network_id: networkId, name: 'mine' });
    const serverId = randomUUID();
    const request = { networkId, portId: port['id'] };
    await cloud.service.attachPort(attach(serverId, { request }));
    await assert.rejects(resolve([{ portId: port['id'] }]), code('PortInUse'));
    await assert.rejects(cloud.service.attachPort(attach(randomUUID(), { request })), code('PortInUse'));
    await cloud.service.detachPorts({ serverId });
    const back = await cloud.show('port', port['id'], admin);
    assert.deepEqual(
      [back['device_id'], back['binding:host_id'], back['binding:vif_type']],
      ['', '', 'unbound'],
    );
  });

  it('are bound only where an agent lives; nothing is left of the others', async () => {
    const serverId = randomUUID();
    await assert.rejects(
      cloud.service.attachPort(attach(serverId, { host: 'nowhere' })),
      code('PortBindingFailed'),
    );
    const left = await cloud.call('GET', `/ports?device_id=${serverId}`);
    assert.deepEqual(left.body.ports, []);
  });

  it('are taken off their host and bound again, with the addresses that they have', async () => {
    const serverId = randomUUID();
    const port = await cloud.service.attachPort(attach(serverId));
    const given = await cloud.make('port', { network_id: networkId });
    const request = { networkId, portId: given['id'] };
    await cloud.service.attachPort(attach(serverId, { index: 1, request }));
    await cloud.service.unbindPorts({ serverId });
    await cloud.service.unbindPorts({ serverId });
    for (const id of [port.id, given['id']]) {
      const shown = await cloud.show('port', id, admin);
      assert.deepEqual(
        [shown['device_id'], shown['binding:host_id'], shown['binding:vif_type'], shown['status']],
        [serverId, '', 'unbound', 'DOWN'],
      );
    }
    const { ports } = await cloud.service.hostState({ host: 'host-1' });
    assert.ok(!ports.some(({ id }) => id === port.id));
    const bound = await cloud.service.bindPorts({ serverId, host: 'host-1', zone: 'elsewhere' });
    assert.deepEqual(bound[0]?.fixedIps, port.fixedIps);
    const shown = await cloud.show('port', port.id, admin);
    assert.deepEqual([shown['binding:host_id'], shown['device_owner']], ['host-1', 'compute:elsewhere']);
    await cloud.service.detachPorts({ serverId });
  });

  it('tell what should be on their host, which hears of it', async () => {
    let woken = 0;
    const heard = Promise.withResolvers<void>();
    const listener = await cloud.bus.serve(
      networkAgent,
      {
        async wake() {
          woken++;
          heard.resolve();
        },
      },
      { host: 'host-1' },
    );
    const serverId = randomUUID();
    const port = await cloud.service.attachPort(attach(serverId));
    await heard.promise;
    assert.ok(woken >= 1);
    const state = await cloud.service.hostState({ host: 'host-1' });
    const found = state.ports.find(({ id }) => id === port.id);
    assert.equal(found?.mac, port.mac);
    assert.deepEqual(found?.fixedIps, [{ ip: port.fixedIps[0]?.ip, cidr: '10.3.0.0/24' }]);
    const group = state.securityGroups.find(({ id }) => id === found?.securityGroups[0]);
    assert.equal(group?.rules.length, 4);
    assert.ok(group?.members.IPv4.includes(port.fixedIps[0]?.ip ?? '?'));
    assert.deepEqual(
      state.networks.map(({ id, segment }) => [id, segment.type]),
      [[networkId, 'vxlan']],
    );
    await cloud.service.detachPorts({ serverId });
    await listener.close();
  });

  it('take and lose security groups', async () => {
    const serverId = randomUUID();
    const port = await cloud.service.attachPort(attach(serverId));
    const group = await cloud.make('security_group', { name: 'web' });
    await cloud.service.changeSecurityGroup({ serverId, projectId, group: 'web', change: 'add' });
    assert.ok((await cloud.show('port', port.id))['security_groups'].includes(group['id']));
    assert.equal((await cloud.call('DELETE', `/security-groups/${group['id']}`)).status, 409);
    await cloud.service.changeSecurityGroup({ serverId, projectId, group: group['id'], change: 'remove' });
    assert.equal((await cloud.call('DELETE', `/security-groups/${group['id']}`)).status, 204);
    await cloud.service.detachPorts({ serverId });
  });
});
