import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startNetwork } from '../testing/cloud.ts';

describe('what should be on a host', () => {
  it('has of each IPv6 subnet what its modes say: advertisements of the router, answers by DHCPv6', async () => {
    await using cloud = await startNetwork({ min_rtr_adv_interval: 10, max_rtr_adv_interval: 20 });
    await cloud.host();
    const net = await cloud.make('network', {});
    const router = await cloud.make('router', {});
    const add = async (n: number, ra: string | null, address: string | null) => {
      const subnet = await cloud.make('subnet', {
        network_id: net['id'],
        ip_version: 6,
        cidr: `2001:db8:${n}::/64`,
        dns_nameservers: [`2001:db8:${n}::53`],
        ...(ra ? { ipv6_ra_mode: ra } : {}),
        ...(address ? { ipv6_address_mode: address } : {}),
      });
      const interfaceOf = { subnet_id: subnet['id'] };
      const added = await cloud.call('PUT', `/routers/${router['id']}/add_router_interface`, interfaceOf);
      assert.equal(added.status, 200, JSON.stringify(added.body));
    };
    await add(1, 'slaac', 'slaac');
    await add(2, 'dhcpv6-stateful', 'dhcpv6-stateful');
    await add(3, 'dhcpv6-stateless', 'dhcpv6-stateless');
    // Nothing said: addresses by DHCPv6, and whoever else advertises.
    await add(4, null, null);
    await add(5, null, 'slaac');
    await add(6, 'slaac', null);
    const { dhcp, routers } = await cloud.service.hostState({ host: 'host-1' });
    const answers = dhcp[0]?.subnets.map(({ cidr, dhcp6 }) => [cidr.split(':')[2], dhcp6]).toSorted();
    assert.deepEqual(answers, [
      ['1', undefined],
      ['2', 'stateful'],
      ['3', 'stateless'],
      ['4', 'stateful'],
      ['5', undefined],
      ['6', undefined],
    ]);
    // IPv6 subnets of one network share a port of the router.
    const [only, more] = routers[0]?.interfaces ?? [];
    assert.equal(more, undefined);
    const said = only?.advertisement;
    assert.deepEqual([said?.mtu, said?.interval], [1450, { min: 10, max: 20 }]);
    assert.deepEqual(said?.subnets.map(({ cidr, mode, dns }) => [cidr, mode, dns[0]]).toSorted(), [
      ['2001:db8:1::/64', 'slaac', '2001:db8:1::53'],
      ['2001:db8:2::/64', 'dhcpv6-stateful', '2001:db8:2::53'],
      ['2001:db8:3::/64', 'dhcpv6-stateless', '2001:db8:3::53'],
      ['2001:db8:6::/64', 'slaac', '2001:db8:6::53'],
    ]);
  });
});
