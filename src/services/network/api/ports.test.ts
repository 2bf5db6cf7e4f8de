import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, stranger } from '../../../platform/service/testing/world.ts';
import { type NetworkWorld, startNetwork } from '../testing/cloud.ts';

describe('ports', () => {
  let cloud: NetworkWorld;
  before(async () => {
    cloud = await startNetwork();
  });
  after(() => cloud[Symbol.asyncDispose]());

  let count = 0;
  const place = async (subnet: object = {}) => {
    const net = await cloud.make('network', {});
    const made = await cloud.make('subnet', {
      network_id: net['id'],
      ip_version: 4,
      cidr: `10.9.${count++}.0/24`,
      ...subnet,
    });
    return { net, subnet: made };
  };

  it('get an address of the pools, a MAC, and the default group', async () => {
    const { net, subnet } = await place({ allocation_pools: [{ start: '10.9.0.20', end: '10.9.0.20' }] });
    const port = await cloud.make('port', { network_id: net['id'], name: 'one' });
    assert.deepEqual(port['fixed_ips'], [{ subnet_id: subnet['id'], ip_address: '10.9.0.20' }]);
    assert.match(port['mac_address'], /^fa:16:3e(:[0-9a-f]{2}){3}$/);
    const [group] = (await cloud.call('GET', '/security-groups?name=default')).body.security_groups;
    assert.deepEqual(port['security_groups'], [group.id]);
    assert.equal(group.security_group_rules.length, 4);
    const full = await cloud.call('POST', '/ports', { port: { network_id: net['id'] } });
    assert.equal(full.status, 409);
    assert.equal(full.body.NeutronError.type, 'IpAddressGenerationFailure');
  });

  it('make their own address from the MAC where guests do', async () => {
    const { net } = await place({
      ip_version: 6,
      cidr: '2001:db8:1::/64',
      ipv6_ra_mode: 'slaac',
      ipv6_address_mode: 'slaac',
    });
    const port = await cloud.make('port', { network_id: net['id'], mac_address: 'fa:16:3e:11:22:33' });
    assert.equal(port['fixed_ips'][0].ip_address, '2001:db8:1:0:f816:3eff:fe11:2233');
  });

  const automatic = (n: number, more: object = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }) => ({
    ip_version: 6,
    cidr: `2001:db8:${n}::/64`,
    ...more,
  });
  const own = (n: number, host = 'f816:3eff:fe11:2244') => `2001:db8:${n}:0:${host}`;

  it('have the addresses that their guests make, whatever else is asked for, also in subnets that come later', async () => {
    const { net, subnet } = await place();
    const made = await cloud.make('port', {
      network_id: net['id'],
      mac_address: 'fa:16:3e:11:22:44',
      fixed_ips: [{ subnet_id: subnet['id'] }],
    });
    const ips = (port: { fixed_ips: { ip_address: string }[] }) =>
      port.fixed_ips.map(({ ip_address }) => ip_address).slice(1);
    const show = async () => ips((await cloud.show('port', made['id'])) as never);
    await cloud.make('subnet', { network_id: net['id'], ...automatic(21) });
    assert.deepEqual(await show(), [own(21)]);
    // That somebody else advertises makes guests make addresses, too.
    await cloud.make('subnet', {
      network_id: net['id'],
      ...automatic(22, { ipv6_ra_mode: 'dhcpv6-stateless' }),
    });
    assert.deepEqual(await show(), [own(21), own(22)]);
    const change = async (port: object) => {
      const changed = await cloud.call('PUT', `/ports/${made['id']}`, { port }, admin);
      assert.equal(changed.status, 200, JSON.stringify(changed.body));
      return changed.body.port;
    };
    const kept = await change({ fixed_ips: [{ subnet_id: subnet['id'] }] });
    assert.deepEqual(ips(kept), [own(21), own(22)]);
    assert.deepEqual(await show(), ips(kept));
    const moved = await change({ mac_address: 'fa:16:3e:11:22:55' });
    const host = 'f816:3eff:fe11:2255';
    assert.deepEqual(
      moved.fixed_ips
        .map((ip: { ip_address: string }) => ip.ip_address)
        .toSorted()
        .slice(-2),
      [own(21, host), own(22, host)],
    );
    const six = (await cloud.call('GET', '/subnets?cidr=2001:db8:21::/64')).body.subnets[0];
    const foreign = { subnet_id: six.id, ip_address: own(21) };
    const refused = await cloud.call(
      'PUT',
      `/ports/${made['id']}`,
      { port: { fixed_ips: [foreign] } },
      admin,
    );
    assert.equal(refused.status, 400);
    const router = await cloud.make('router', {});
    const interfaceOf = { subnet_id: six.id };
    const added = await cloud.call('PUT', `/routers/${router['id']}/add_router_interface`, interfaceOf);
    const { fixed_ips: routers } = await cloud.show('port', added.body.port_id);
    assert.deepEqual(routers, [{ subnet_id: six.id, ip_address: '2001:db8:21::1' }]);
  });

  it('refuse addresses that are taken or foreign, and MACs that are taken', async () => {
    const { net, subnet } = await place();
    const ip = `${subnet['cidr'].slice(0, -4)}77`;
    const port = await cloud.make('port', { network_id: net['id'], fixed_ips: [{ ip_address: ip }] });
    const type = async (body: object) =>
      (await cloud.call('POST', '/ports', { port: { network_id: net['id'], ...body } })).body.NeutronError
        .type;
    assert.equal(await type({ fixed_ips: [{ ip_address: ip }] }), 'IpAddressAlreadyAllocated');
    assert.equal(await type({ fixed_ips: [{ ip_address: '192.0.2.1' }] }), 'InvalidIpForNetwork');
    assert.equal(
      await type({ fixed_ips: [{ subnet_id: subnet['id'], ip_address: '192.0.2.1' }] }),
      'InvalidIpForSubnet',
    );
    assert.equal(await type({ mac_address: port['mac_address'] }), 'MacAddressInUse');
  });

  it('keep what they have when addresses are changed', async () => {
    const { net, subnet } = await place();
    const port = await cloud.make('port', { network_id: net['id'] });
    const [first] = port['fixed_ips'];
    const two = await cloud.call('PUT', `/ports/${port['id']}`, {
      port: { fixed_ips: [{ subnet_id: subnet['id'] }, { subnet_id: subnet['id'] }] },
    });
    assert.equal(two.status, 200, JSON.stringify(two.body));
    assert.equal(two.body.port.fixed_ips.length, 2);
    assert.deepEqual(two.body.port.fixed_ips[0], first);
    const found = (await cloud.call('GET', `/ports?fixed_ips=ip_address=${first.ip_address}`)).body.ports;
    assert.deepEqual(
      found.map((each: { id: string }) => each.id),
      [port['id']],
    );
    const part = (
      await cloud.call('GET', `/ports?fixed_ips=ip_address_substr=${first.ip_address.slice(0, -1)}`)
    ).body;
    assert.ok(part.ports.some((each: { id: string }) => each.id === port['id']));
  });

  it('show their binding to administrators alone', async () => {
    const { net } = await place();
    const port = await cloud.make('port', { network_id: net['id'] });
    assert.equal('binding:host_id' in port, false);
    assert.equal(port['binding:vnic_type'], 'normal');
    const refused = await cloud.call('PUT', `/ports/${port['id']}`, {
      port: { 'binding:host_id': 'host-1' },
    });
    assert.equal(refused.status, 403);
    const failed = await cloud.call(
      'PUT',
      `/ports/${port['id']}`,
      { port: { 'binding:host_id': 'no-host' } },
      admin,
    );
    assert.equal(failed.body.port['binding:vif_type'], 'binding_failed');
    await cloud.host('host-1');
    const bound = await cloud.call(
      'PUT',
      `/ports/${port['id']}`,
      { port: { 'binding:host_id': 'host-1' } },
      admin,
    );
    assert.equal(bound.body.port['binding:vif_type'], 'bridge');
    assert.equal(bound.body.port.status, 'DOWN');
    await cloud.service.reportPorts({ host: 'host-1', up: [port['id']], down: [] });
    assert.equal((await cloud.show('port', port['id']))['status'], 'ACTIVE');
  });

  it('are made on foreign networks only where these are shared, and without privileges there', async () => {
    const { net } = await place();
    const hidden = await cloud.call('POST', '/ports', { port: { network_id: net['id'] } }, stranger);
    assert.equal(hidden.status, 404);
    await cloud.call('PUT', `/networks/${net['id']}`, { network: { shared: true } }, admin);
    const made = await cloud.call('POST', '/ports', { port: { network_id: net['id'] } }, stranger);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const mac = { network_id: net['id'], mac_address: 'fa:16:3e:00:00:01' };
    assert.equal((await cloud.call('POST', '/ports', { port: mac }, stranger)).status, 403);
    assert.equal(
      (await cloud.call('GET', `/ports/${made.body.port.id}`)).status,
      200,
      'the network owner sees it',
    );
  });

  it('have DHCP options of their own, which a null takes away and which reach the DHCP server', async () => {
    await cloud.host();
    const { net } = await place();
    const say = async (options: object[], method = 'PUT', id = '') =>
      cloud.call(method, method === 'POST' ? '/ports' : `/ports/${id}`, {
        port: { ...(method === 'POST' ? { network_id: net['id'] } : {}), extra_dhcp_opts: options },
      });
    const mtu = { opt_name: 'mtu', opt_value: '1400' };
    const made = (
      await say([mtu, { opt_name: 'router', opt_value: '' }, { opt_name: 'x', opt_value: null }], 'POST')
    ).body.port;
    assert.deepEqual(made.extra_dhcp_opts, [
      { ...mtu, ip_version: 4 },
      { opt_name: 'router', opt_value: '', ip_version: 4 },
    ]);
    const change = [
      { opt_name: 'router', opt_value: null },
      { ...mtu, opt_value: '1300', ip_version: '4' },
    ];
    const changed = (await say(change, 'PUT', made.id)).body.port;
    assert.deepEqual(changed.extra_dhcp_opts, [{ opt_name: 'mtu', opt_value: '1300', ip_version: 4 }]);
    assert.equal((await say([{ opt_name: 'mtu', opt_value: '' }], 'PUT', made.id)).status, 400);
    const { dhcp } = await cloud.service.hostState({ host: 'host-1' });
    const [host] = dhcp.find(({ networkId }) => networkId === net['id'])?.hosts ?? [];
    assert.deepEqual(host?.options, [{ name: 'mtu', value: '1300', ipVersion: 4 }]);
  });

  it('are limited by the quota, all or none', async () => {
    const poor = { roles: ['member', 'reader'], projectId: 'd'.repeat(32), userId: 'de'.repeat(16) };
    const net = await cloud.make('network', {}, poor);
    const ports = Array.from({ length: 501 }, () => ({ network_id: net['id'] }));
    const refused = await cloud.call('POST', '/ports', { ports }, poor);
    assert.equal(refused.status, 409);
    assert.equal(refused.body.NeutronError.message, "Quota exceeded for resources: ['port'].");
    assert.equal((await cloud.call('GET', '/ports', undefined, poor)).body.ports.length, 0);
  });
});
