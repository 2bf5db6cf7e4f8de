import { defineSchema } from '../../../platform/store/schema.ts';
import type { Store } from '../../../platform/store/store.ts';
import {
  bigint,
  boolean,
  type Columns,
  integer,
  json,
  type Row,
  table,
  text,
  time,
  uuid,
} from '../../../platform/store/table.ts';

/** What every resource of the network has; `api/standard.ts` says the same for the API. */
const standard = {
  id: uuid(),
  project_id: text({ length: 255 }),
  description: text({ length: 255, default: '' }),
  created_at: time(),
  updated_at: time(),
  revision_number: integer({ default: 0 }),
  tags: json<string[]>({ default: [] }),
} satisfies Columns;

/**
 * To whom a resource is shown beside its project: ids of projects, or `*`. A copy of what `rbac_policies` says, so
 * that a row tells by itself who may see it.
 */
const shareable = { shared_with: json<string[]>({ default: [] }) } satisfies Columns;

const byProject = [['project_id', 'id']] as const;

export const networks = table(
  'networks',
  {
    ...standard,
    ...shareable,
    name: text({ length: 255, default: '' }),
    admin_state_up: boolean({ default: true }),
    status: text({ length: 16, default: 'ACTIVE' }),
    mtu: integer(),
    router_external: boolean({ default: false }),
    is_default: boolean({ default: false }),
    port_security_enabled: boolean({ default: true }),
    availability_zone_hints: json<string[]>({ default: [] }),
    dns_domain: text({ length: 255, default: '' }),
    network_type: text({ length: 16 }),
    physical_network: text({ nullable: true, length: 64 }),
    segmentation_id: integer({ nullable: true }),
  },
  { primaryKey: ['id'], indexes: byProject },
);

/** Each segment that a network has taken; the key keeps two networks from taking one. */
export const segments = table(
  'segments',
  {
    network_type: text({ length: 16 }),
    physical_network: text({ length: 64 }),
    segmentation_id: integer(),
    network_id: uuid(),
  },
  {
    primaryKey: ['network_type', 'physical_network', 'segmentation_id'],
    indexes: [['network_id']],
    references: [{ columns: ['network_id'], table: networks, onDelete: 'cascade' }],
  },
);

export const subnetpools = table(
  'subnetpools',
  {
    ...standard,
    ...shareable,
    name: text({ length: 255, default: '' }),
    ip_version: integer(),
    prefixes: json<string[]>(),
    default_prefixlen: integer(),
    min_prefixlen: integer(),
    max_prefixlen: integer(),
    default_quota: integer({ nullable: true }),
    is_default: boolean({ default: false }),
  },
  { primaryKey: ['id'], indexes: byProject },
);

export interface AllocationPool {
  start: string;
  end: string;
}
export interface Route {
  destination: string;
  nexthop: string;
}

export const subnets = table(
  'subnets',
  {
    ...standard,
    network_id: uuid(),
    name: text({ length: 255, default: '' }),
    ip_version: integer(),
    cidr: text({ length: 64 }),
    gateway_ip: text({ nullable: true, length: 64 }),
    enable_dhcp: boolean({ default: true }),
    allocation_pools: json<AllocationPool[]>(),
    dns_nameservers: json<string[]>({ default: [] }),
    host_routes: json<Route[]>({ default: [] }),
    service_types: json<string[]>({ default: [] }),
    dns_publish_fixed_ip: boolean({ default: false }),
    ipv6_ra_mode: text({ nullable: true, length: 32 }),
    ipv6_address_mode: text({ nullable: true, length: 32 }),
    subnetpool_id: uuid({ nullable: true }),
  },
  {
    primaryKey: ['id'],
    indexes: [...byProject, ['network_id'], ['subnetpool_id']],
    references: [{ columns: ['network_id'], table: networks }],
  },
);

export interface AddressPair {
  mac_address?: string;
  ip_address: string;
}
export interface DhcpOption {
  opt_name: string;
  opt_value: string;
  ip_version: 4 | 6;
}

export const ports = table(
  'ports',
  {
    ...standard,
    network_id: uuid(),
    name: text({ length: 255, default: '' }),
    mac_address: text({ length: 32 }),
    admin_state_up: boolean({ default: true }),
    status: text({ length: 16, default: 'DOWN' }),
    device_id: text({ length: 255, default: '' }),
    device_owner: text({ length: 255, default: '' }),
    port_security_enabled: boolean({ default: true }),
    allowed_address_pairs: json<AddressPair[]>({ default: [] }),
    extra_dhcp_opts: json<DhcpOption[]>({ default: [] }),
    dns_name: text({ length: 255, default: '' }),
    binding_host_id: text({ length: 255, default: '' }),
    binding_vnic_type: text({ length: 64, default: 'normal' }),
    binding_vif_type: text({ length: 64, default: 'unbound' }),
    binding_profile: json<Record<string, unknown>>({ default: {} }),
    /** For ports of servers: which request of the server's creation it answers, and whether it was made for it. */
    attach_index: integer({ nullable: true }),
    attach_tag: text({ nullable: true, length: 255 }),
    made_for_server: boolean({ default: false }),
  },
  {
    primaryKey: ['id'],
    unique: [['network_id', 'mac_address']],
    indexes: [
      ...byProject,
      ['device_id', 'device_owner'],
      ['binding_host_id'],
      ['network_id', 'binding_host_id'],
    ],
    references: [{ columns: ['network_id'], table: networks }],
  },
);

/** Which addresses are taken: an address belongs to one port of its subnet, whoever asks at the same time. */
export const ipAllocations = table(
  'ip_allocations',
  {
    subnet_id: uuid(),
    /** `addressKey` of the address: sorts within its subnet. */
    address_key: text({ length: 32 }),
    ip_address: text({ length: 64 }),
    port_id: uuid(),
    network_id: uuid(),
    /** The order in which a port's addresses are shown. */
    position: integer({ default: 0 }),
  },
  {
    primaryKey: ['subnet_id', 'address_key'],
    indexes: [['port_id'], ['network_id', 'ip_address'], ['ip_address']],
    references: [
      { columns: ['subnet_id'], table: subnets },
      { columns: ['port_id'], table: ports, onDelete: 'cascade' },
    ],
  },
);

export const securityGroups = table(
  'security_groups',
  {
    ...standard,
    ...shareable,
    name: text({ length: 255 }),
    stateful: boolean({ default: true }),
  },
  { primaryKey: ['id'], indexes: [...byProject, ['project_id', 'name']] },
);

/** The one default group of each project; its key settles who makes it. */
export const defaultSecurityGroups = table(
  'default_security_groups',
  { project_id: text({ length: 255 }), security_group_id: uuid() },
  {
    primaryKey: ['project_id'],
    references: [{ columns: ['security_group_id'], table: securityGroups, onDelete: 'cascade' }],
  },
);

export const securityGroupRules = table(
  'security_group_rules',
  {
    ...standard,
    security_group_id: uuid(),
    direction: text({ length: 16, values: ['ingress', 'egress'] }),
    ethertype: text({ length: 16, values: ['IPv4', 'IPv6'] }),
    protocol: text({ nullable: true, length: 40 }),
    port_range_min: integer({ nullable: true }),
    port_range_max: integer({ nullable: true }),
    remote_group_id: uuid({ nullable: true }),
    remote_address_group_id: uuid({ nullable: true }),
    remote_ip_prefix: text({ nullable: true, length: 255 }),
    normalized_cidr: text({ nullable: true, length: 255 }),
  },
  {
    primaryKey: ['id'],
    indexes: [...byProject, ['security_group_id'], ['remote_group_id'], ['remote_address_group_id']],
    references: [{ columns: ['security_group_id'], table: securityGroups, onDelete: 'cascade' }],
  },
);

/** Addresses and blocks that security group rules name together. */
export const addressGroups = table(
  'address_groups',
  {
    ...standard,
    ...shareable,
    name: text({ length: 255, default: '' }),
    addresses: json<string[]>({ default: [] }),
  },
  { primaryKey: ['id'], indexes: byProject },
);

export const portSecurityGroups = table(
  'port_security_groups',
  { port_id: uuid(), security_group_id: uuid() },
  {
    primaryKey: ['port_id', 'security_group_id'],
    indexes: [['security_group_id']],
    references: [
      { columns: ['port_id'], table: ports, onDelete: 'cascade' },
      { columns: ['security_group_id'], table: securityGroups },
    ],
  },
);

export const routers = table(
  'routers',
  {
    ...standard,
    name: text({ length: 255, default: '' }),
    admin_state_up: boolean({ default: true }),
    status: text({ length: 16, default: 'ACTIVE' }),
    availability_zone_hints: json<string[]>({ default: [] }),
    routes: json<Route[]>({ default: [] }),
    gateway_port_id: uuid({ nullable: true }),
    gateway_network_id: uuid({ nullable: true }),
    enable_snat: boolean({ default: true }),
  },
  { primaryKey: ['id'], indexes: [...byProject, ['gateway_network_id']] },
);

export const floatingips = table(
  'floatingips',
  {
    ...standard,
    status: text({ length: 16, default: 'DOWN' }),
    floating_network_id: uuid(),
    floating_ip_address: text({ length: 64 }),
    /** The port on the external network that holds the address. */
    floating_port_id: uuid(),
    port_id: uuid({ nullable: true }),
    fixed_ip_address: text({ nullable: true, length: 64 }),
    router_id: uuid({ nullable: true }),
    dns_name: text({ length: 255, default: '' }),
    dns_domain: text({ length: 255, default: '' }),
  },
  {
    primaryKey: ['id'],
    indexes: [...byProject, ['port_id'], ['router_id'], ['floating_port_id'], ['floating_ip_address']],
  },
);

export const rbacPolicies = table(
  'rbac_policies',
  {
    id: uuid(),
    project_id: text({ length: 255 }),
    object_type: text({ length: 64 }),
    object_id: uuid(),
    action: text({ length: 64 }),
    target_project: text({ length: 255 }),
  },
  {
    primaryKey: ['id'],
    unique: [['object_type', 'object_id', 'action', 'target_project']],
    indexes: [...byProject, ['object_id', 'target_project']],
  },
);

/** Limits that were set for a project; what is not here has its default. */
export const quotas = table(
  'quotas',
  { project_id: text({ length: 255 }), resource: text({ length: 64 }), quota: bigint() },
  { primaryKey: ['project_id', 'resource'] },
);

export const agents = table(
  'agents',
  {
    id: uuid(),
    binary: text({ length: 64 }),
    agent_type: text({ length: 64 }),
    host: text({ length: 255 }),
    availability_zone: text({ length: 64, default: 'nova' }),
    topic: text({ length: 64, default: 'N/A' }),
    description: text({ length: 255, default: '' }),
    admin_state_up: boolean({ default: true }),
    configurations: json<Record<string, unknown>>({ default: {} }),
    created_at: time(),
    started_at: time(),
    heartbeat_timestamp: time(),
  },
  { primaryKey: ['id'], unique: [['agent_type', 'host']], indexes: [['host']] },
);

/** Which host serves DHCP on a network. */
export const dhcpBindings = table(
  'dhcp_bindings',
  { network_id: uuid(), host: text({ length: 255 }), port_id: uuid({ nullable: true }) },
  {
    primaryKey: ['network_id'],
    indexes: [['host']],
    references: [{ columns: ['network_id'], table: networks, onDelete: 'cascade' }],
  },
);

/** Which host a router is on. */
export const routerBindings = table(
  'router_bindings',
  {
    router_id: uuid(),
    host: text({ length: 255 }),
    /** Whether the host says that the router works. */
    up: boolean({ default: false }),
  },
  {
    primaryKey: ['router_id'],
    indexes: [['host']],
    references: [{ columns: ['router_id'], table: routers, onDelete: 'cascade' }],
  },
);

const tables = {
  networks,
  segments,
  subnetpools,
  subnets,
  ports,
  ip_allocations: ipAllocations,
  security_groups: securityGroups,
  default_security_groups: defaultSecurityGroups,
  security_group_rules: securityGroupRules,
  port_security_groups: portSecurityGroups,
  address_groups: addressGroups,
  routers,
  floatingips,
  rbac_policies: rbacPolicies,
  quotas,
  agents,
  dhcp_bindings: dhcpBindings,
  router_bindings: routerBindings,
};

export const networkSchema = defineSchema('network', {
  tables,
  migrations: [
    {
      name: '0001-network',
      async up(m) {
        for (const each of Object.values(tables)) await m.createTable(each);
      },
    },
    {
      name: '0002-address-groups',
      async up(m) {
        await m.createTable(addressGroups);
        await m.addColumn(securityGroupRules, 'remote_address_group_id');
        await m.createIndex(securityGroupRules, ['remote_address_group_id']);
      },
    },
  ],
});

export type NetworkStore = Store<typeof tables>;
export type NetworkRow = Row<typeof networks>;
export type SubnetRow = Row<typeof subnets>;
export type SubnetPoolRow = Row<typeof subnetpools>;
export type PortRow = Row<typeof ports>;
export type SecurityGroupRow = Row<typeof securityGroups>;
export type SecurityGroupRuleRow = Row<typeof securityGroupRules>;
export type AddressGroupRow = Row<typeof addressGroups>;
export type RouterRow = Row<typeof routers>;
export type FloatingIpRow = Row<typeof floatingips>;
export type RbacPolicyRow = Row<typeof rbacPolicies>;
export type AgentRow = Row<typeof agents>;
