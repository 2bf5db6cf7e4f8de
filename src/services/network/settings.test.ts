import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admin, member } from '../../platform/service/testing/world.ts';
import { networkSettingsOf } from './settings.ts';
import { startNetwork } from './testing/cloud.ts';

const type = 'provider:network_type';
const wire = 'provider:physical_network';
const id = 'provider:segmentation_id';

describe('the settings of the network service', () => {
  it('decide what networks are made of whose type nobody names', async () => {
    await using cloud = await startNetwork({
      project_network_types: 'vlan,vxlan',
      network_vlan_ranges: ['wire:100:101'],
      vni_ranges: ['7000:7000'],
      external_network_type: 'local',
    });
    const made = async (body: object) => {
      const network = await cloud.make('network', body, admin);
      return [network[type], network[wire], network[id]];
    };
    const vlans = [await made({}), await made({})];
    assert.deepEqual(vlans.map(String).toSorted(), ['vlan,wire,100', 'vlan,wire,101']);
    assert.deepEqual(await made({}), ['vxlan', null, 7000]);
    assert.deepEqual(await made({ 'router:external': true }), ['local', null, null]);
    const none = await cloud.call('POST', '/networks', { network: {} });
    assert.deepEqual([none.status, none.body.NeutronError.type], [503, 'NoNetworkAvailable']);
    const other = await cloud.call('POST', '/networks', { network: { [type]: 'vlan', [wire]: 'x' } }, admin);
    assert.match(other.body.NeutronError.message, /physical_network 'x' unknown for VLAN/);
  });

  it('decide which types and which flat networks there can be', async () => {
    await using cloud = await startNetwork({ type_drivers: ['flat', 'vxlan'], flat_networks: ['wire'] });
    const refusal = async (network: object) => {
      const refused = await cloud.call('POST', '/networks', { network }, admin);
      assert.equal(refused.status, 400);
      return refused.body.NeutronError.message as string;
    };
    assert.match(await refusal({ [type]: 'local' }), /network_type value 'local' not supported/);
    assert.match(await refusal({ [type]: 'flat', [wire]: 'x' }), /physical_network 'x' unknown for flat/);
    assert.match(await refusal({ [type]: 'flat' }), /physical_network required for flat/);
    assert.match(await refusal({ [wire]: 'wire' }), /network_type required/);
    await cloud.make('network', { [type]: 'flat', [wire]: 'wire' }, admin);
  });

  it('say how large frames are', async () => {
    await using cloud = await startNetwork({
      global_physnet_mtu: 9000,
      path_mtu: 4000,
      physical_network_mtus: { slow: '1400' },
    });
    const mtu = async (body: object) => (await cloud.make('network', body, admin))['mtu'];
    assert.deepEqual(
      [
        await mtu({}),
        await mtu({ [type]: 'flat', [wire]: 'slow' }),
        await mtu({ [type]: 'flat', [wire]: 'fast' }),
      ],
      [3950, 1400, 9000],
    );
  });

  it('give projects other limits', async () => {
    await using cloud = await startNetwork({ quota_network: 1, default_quota: 3 });
    const { quota } = (await cloud.call('GET', `/quotas/${admin.projectId}/default`, undefined, admin)).body;
    assert.deepEqual([quota.network, quota.subnet, quota.subnetpool], [1, 100, 3]);
    await cloud.make('network', {});
    assert.equal(
      (await cloud.call('POST', '/networks', { network: {} })).body.NeutronError.type,
      'OverQuota',
    );
  });

  it('limit pages, which then lead on though no limit was asked for', async () => {
    await using cloud = await startNetwork({ pagination_max_limit: 2 });
    for (let n = 0; n < 3; n++) await cloud.make('network', {});
    for (const query of ['', '?limit=0', '?limit=50']) {
      const { body } = await cloud.call('GET', `/networks${query}`);
      assert.equal(body.networks.length, 2, query);
      assert.deepEqual(
        body.networks_links.map((each: { rel: string }) => each.rel),
        ['next'],
      );
    }
  });

  it('limit the lists of subnets, routers and ports', async () => {
    await using cloud = await startNetwork({
      max_dns_nameservers: 1,
      max_subnet_host_routes: 1,
      max_allowed_address_pair: 1,
    });
    const net = await cloud.make('network', {});
    const subnet = { network_id: net['id'], ip_version: 4, cidr: '10.0.0.0/24' };
    const route = (n: number) => ({ destination: `10.${n}.0.0/16`, nexthop: '10.0.0.9' });
    const refusal = async (path: string, body: object) =>
      (await cloud.call('POST', path, body)).body.NeutronError.type;
    const dns = ['192.0.2.1', '192.0.2.2'];
    assert.equal(
      await refusal('/subnets', { subnet: { ...subnet, dns_nameservers: dns } }),
      'DNSNameServersExhausted',
    );
    const routes = [route(1), route(2)];
    assert.equal(
      await refusal('/subnets', { subnet: { ...subnet, host_routes: routes } }),
      'HostRoutesExhausted',
    );
    const pairs = dns.map((ip_address) => ({ ip_address }));
    assert.equal(
      await refusal('/ports', { port: { network_id: net['id'], allowed_address_pairs: pairs } }),
      'AllowedAddressPairExhausted',
    );
  });

  it('say how MAC addresses begin and what hosts are called', async () => {
    await using cloud = await startNetwork({ base_mac: '02:AA:BB:cc:00:00', dns_domain: 'cloud.test' });
    const net = await cloud.make('network', {});
    await cloud.make('subnet', { network_id: net['id'], ip_version: 4, cidr: '10.0.0.0/24' });
    const port = await cloud.make('port', { network_id: net['id'], dns_name: 'web' });
    assert.match(port['mac_address'], /^02:aa:bb:cc:/);
    assert.equal(port['dns_assignment'][0].fqdn, 'web.cloud.test.');
  });

  it('let filters pass that a list does not know, if they are to', async () => {
    await using cloud = await startNetwork({ filter_validation: false });
    assert.equal((await cloud.call('GET', '/networks?colour=red', undefined, member)).status, 200);
    assert.equal((await cloud.call('GET', '/extensions/filter-validation')).status, 404);
  });

  it('reach the DHCP server of a host', async () => {
    await using cloud = await startNetwork({
      dhcp_lease_duration: -1,
      dhcp_renewal_time: 60,
      enable_isolated_metadata: false,
    });
    await cloud.host();
    const net = await cloud.make('network', {});
    await cloud.make('subnet', { network_id: net['id'], ip_version: 4, cidr: '10.0.0.0/24' });
    const [dhcp] = (await cloud.service.hostState({ host: 'host-1' })).dhcp;
    assert.deepEqual(dhcp?.lease, { duration: -1, renewal: 60, rebinding: 0 });
    assert.equal(dhcp?.isolatedMetadata, false);
  });

  it('keep new agents waiting, if they are to', async () => {
    await using cloud = await startNetwork({ enable_new_agents: false });
    await cloud.host();
    const { agents } = (await cloud.call('GET', '/agents', undefined, admin)).body;
    assert.deepEqual(
      [...new Set(agents.map((each: { admin_state_up: boolean }) => each.admin_state_up))],
      [false],
    );
  });

  it('are refused by name where nothing can be made of them', () => {
    for (const [name, value] of [
      ['vni_ranges', ['5']],
      ['vni_ranges', ['9:5']],
      ['network_vlan_ranges', ['wire:1:5000']],
      ['project_network_types', []],
      ['type_drivers', ['geneve']],
      ['external_network_type', 'x'],
      ['physical_network_mtus', { wire: 'much' }],
      ['base_mac', '01:00:00:00:00:00'],
      ['min_rtr_adv_interval', 90],
      ['quota_port', -2],
    ] as const)
      assert.throws(() => networkSettingsOf({ [name]: value }), new RegExp(`^TypeError: ${name} `));
  });
});
