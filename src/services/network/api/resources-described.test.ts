import assert from 'node:assert/strict';
import { after } from 'node:test';
import { describeResources, type Sample } from '../../../platform/resource/testing/describe-resources.ts';
import { fresh } from '../../../platform/resource/testing/values.ts';
import { admin } from '../../../platform/service/testing/world.ts';
import { startNetwork } from '../testing/cloud.ts';

const world = await startNetwork();
after(() => world[Symbol.asyncDispose]());

// The tests make more of everything than a project may have.
const unlimited = Object.fromEntries(
  [
    'network',
    'subnet',
    'port',
    'router',
    'floatingip',
    'security_group',
    'security_group_rule',
    'rbac_policy',
  ].map((each) => [each, -1]),
);
const raised = await world.call('PUT', `/quotas/${admin.projectId}`, { quota: unlimited }, admin);
assert.equal(raised.status, 200, JSON.stringify(raised.body));

const make = (kind: string, body: object) => world.make(kind, body, admin);
const network = await make('network', { name: 'one' });
const subnet = await make('subnet', { network_id: network['id'], ip_version: 4, cidr: '192.0.2.0/24' });
const outside = await make('network', { name: 'outside', 'router:external': true });
const outsideSubnet = await make('subnet', {
  network_id: outside['id'],
  ip_version: 4,
  cidr: '198.18.0.0/16',
});
const pool = await make('subnetpool', {
  name: 'one',
  prefixes: ['172.16.0.0/12'],
  default_prefixlen: 26,
});
const group = await make('security_group', { name: 'one' });
const addresses = await make('address_group', { name: 'one' });

const idOf = (row: { [name: string]: unknown }) => row['id'] as string;
const oneOf =
  (...values: readonly unknown[]): Sample =>
  ({ shown }) =>
    values.find((each) => shown === undefined || !Object.values(shown).includes(each));
const mac: Sample = () => `fa:16:3e:01:02:${(fresh() % 256).toString(16).padStart(2, '0')}`;

const address: Sample = () => [{ subnet_id: idOf(subnet), ip_address: `192.0.2.${10 + (fresh() % 200)}` }];
const ipv6 = () => ({ ip_version: 6, cidr: `2001:db8:${fresh().toString(16)}::/64` });

describeResources(world, 'network', {
  network: {
    samples: {
      mtu: () => 1280 + (fresh() % 100),
      'provider:network_type': oneOf('vxlan'),
      'provider:physical_network': () => `physical-${fresh()}`,
    },
    beside: {
      is_default: () => ({ 'router:external': true }),
      'provider:physical_network': () => ({ 'provider:network_type': 'flat' }),
      'provider:segmentation_id': () => ({ 'provider:network_type': 'vxlan' }),
    },
    sometimes: ['is_default'],
  },
  subnet: {
    samples: {
      network_id: () => idOf(network),
      ip_version: () => 4,
      cidr: () => `10.${fresh() % 256}.${fresh() % 256}.0/24`,
      prefixlen: () => 26,
      subnetpool_id: () => idOf(pool),
      gateway_ip: ({ shown }) => String(shown?.['cidr'] ?? '10.77.0.0/24').replace('.0/24', '.254'),
      allocation_pools: ({ shown }) => {
        const net = String(shown?.['cidr'] ?? '10.77.0.0/24').replace('.0/24', '');
        return [{ start: `${net}.10`, end: `${net}.20` }];
      },
      ipv6_ra_mode: () => 'slaac',
      ipv6_address_mode: () => 'slaac',
    },
    always: ['cidr'],
    untried: { use_default_subnetpool: 'it takes a default pool' },
    beside: {
      prefixlen: () => ({ cidr: undefined, subnetpool_id: idOf(pool) }),
      subnetpool_id: () => ({ cidr: undefined }),
      gateway_ip: () => ({
        cidr: '10.77.0.0/24',
        allocation_pools: [{ start: '10.77.0.10', end: '10.77.0.20' }],
      }),
      allocation_pools: () => ({ cidr: '10.77.0.0/24' }),
      ipv6_ra_mode: ipv6,
      ipv6_address_mode: ipv6,
    },
  },
  port: {
    samples: {
      network_id: () => idOf(network),
      mac_address: mac,
      fixed_ips: address,
      security_groups: () => [idOf(group)],
      allowed_address_pairs: () => [{ mac_address: mac({ verb: 'create' }), ip_address: '192.0.2.0/24' }],
    },
    beside: { port_security_enabled: () => ({ security_groups: [] }) },
    untried: { 'binding:profile': 'only services may say it' },
    touches: ['dns_assignment', 'binding:vif_type', 'binding:vif_details'],
  },
  router: {
    untried: {
      external_gateway_info: 'the answer says what was chosen beside what was asked for',
      routes: 'they lead over what the router is connected to',
      distributed: 'a router is refused that is distributed',
      ha: 'a router is refused that is highly available',
    },
  },
  floatingip: {
    samples: {
      floating_network_id: () => idOf(outside),
      floating_ip_address: () => `198.18.3.${10 + (fresh() % 200)}`,
      subnet_id: () => idOf(outsideSubnet),
    },
    untried: {
      port_id: 'it takes a router between the port and the outside',
      fixed_ip_address: 'it takes a port that has it',
    },
  },
  security_group_rule: {
    samples: {
      security_group_id: () => idOf(group),
      protocol: oneOf('tcp'),
      ethertype: () => 'IPv6',
      port_range_min: () => 1,
      port_range_max: () => 60_000,
      remote_ip_prefix: () => `10.${fresh() % 256}.${fresh() % 256}.0/24`,
      remote_group_id: () => idOf(group),
      remote_address_group_id: () => idOf(addresses),
    },
    always: ['remote_ip_prefix'],
    beside: {
      ethertype: () => ({ remote_ip_prefix: `2001:db8:${fresh().toString(16)}::/64` }),
      port_range_min: () => ({ protocol: 'tcp', port_range_max: 60_000 }),
      port_range_max: () => ({ protocol: 'tcp', port_range_min: 1 }),
      remote_group_id: () => ({ remote_ip_prefix: undefined }),
      remote_address_group_id: () => ({ remote_ip_prefix: undefined }),
    },
    untried: {
      project_id: 'a rule belongs to the project of its group',
      tenant_id: 'a rule belongs to the project of its group',
    },
  },
  address_group: {
    samples: { addresses: () => [`10.0.0.${fresh() % 256}/32`] },
  },
  subnetpool: {
    samples: {
      prefixes: ({ shown }) => [...((shown?.['prefixes'] as string[]) ?? []), `10.${fresh() % 256}.0.0/16`],
      default_prefixlen: () => 16 + (fresh() % 16),
      min_prefixlen: () => 9 + (fresh() % 6),
      max_prefixlen: () => 28 + (fresh() % 4),
      is_default: ({ verb }) => verb === 'create',
    },
    beside: {
      min_prefixlen: () => ({ default_prefixlen: 24 }),
      max_prefixlen: () => ({ default_prefixlen: 24 }),
    },
  },
  rbac_policy: {
    samples: {
      object_type: () => 'network',
      object_id: () => idOf(network),
      action: () => 'access_as_shared',
    },
  },
  agent: {
    existing: async () => {
      await world.host();
      return (await world.call('GET', '/agents?fields=id', undefined, admin)).body.agents[0].id;
    },
    touches: ['heartbeat_timestamp'],
  },
});
