import type { Values } from '../../platform/config/schema.ts';
import { sectionOf } from '../../platform/config/section.ts';
import { boolean, dictionary, integer, list, text } from '../../platform/config/setting.ts';
import { checkSegmentSettings } from './model/segments.ts';

const quota = (what: string, preset: number) =>
  integer({
    description: `How many ${what} a project may have; -1 for any number.`,
    default: preset,
    min: -1,
    max: 2 ** 31 - 1,
  });
const most = (description: string, preset: number, min = 0) =>
  integer({ description, default: preset, min, max: 10_000 });
const seconds = (description: string, preset: number, min: number, max = 2 ** 31 - 1) =>
  integer({ description, default: preset, min, max });

const quotaSettings = {
  default_quota: quota('of what has no limit of its own (subnet pools)', -1),
  quota_network: quota('networks', 100),
  quota_subnet: quota('subnets', 100),
  quota_port: quota('ports', 500),
  quota_router: quota('routers', 10),
  quota_floatingip: quota('floating IPs', 50),
  quota_security_group: quota('security groups', 10),
  quota_security_group_rule: quota('security group rules', 100),
  quota_rbac_policy: quota('RBAC policies', 10),
} as const;

const segmentSettings = {
  type_drivers: list({
    description: 'The types of networks that can be made: local, flat, vlan, vxlan.',
    default: ['local', 'flat', 'vlan', 'vxlan'],
  }),
  project_network_types: list({
    description: 'The types of networks whose type nobody names, in the order in which they are tried.',
    default: ['vxlan'],
  }),
  external_network_type: text({
    description: 'The type of external networks whose type nobody names; where empty, as other networks.',
    default: '',
  }),
  flat_networks: list({
    description: 'The physical networks that can be flat networks; * for any.',
    default: ['*'],
  }),
  network_vlan_ranges: list({
    description:
      'The VLANs that are given out, physnet1:100:199 or physnet1 for all; where empty, administrators name VLANs of any physical network.',
    default: [],
  }),
  vni_ranges: list({
    description: 'The VXLAN network identifiers that are given out.',
    default: ['1:65535'],
  }),
  global_physnet_mtu: integer({
    description: 'The MTU of the wires between hosts.',
    default: 1500,
    min: 68,
    max: 65_535,
  }),
  path_mtu: integer({
    description: 'The MTU between hosts for overlay networks, where it is smaller; 0 for the same.',
    default: 0,
    min: 0,
    max: 65_535,
  }),
  physical_network_mtus: dictionary({
    description: 'The MTUs of physical networks that have smaller ones, by name.',
    default: {},
  }),
} as const;

const agentSettings = {
  agent_down_time: seconds('After how many seconds without a word an agent is down.', 75, 1, 2_147_483),
  report_interval: seconds('How many seconds pass between two signs of life of an agent.', 30, 1, 3600),
  enable_new_agents: boolean({
    description: 'Whether agents that are new are given work at once.',
    default: true,
  }),
  bridge_mappings: dictionary({
    description: 'Bridges of this host, made by its operator, that are physical networks: physnet1:br-ex.',
    default: {},
  }),
} as const;

const advertisementSettings = {
  min_rtr_adv_interval: seconds('The least seconds between two router advertisements.', 30, 3, 1350),
  max_rtr_adv_interval: seconds('The most seconds between two router advertisements.', 100, 4, 1800),
} as const;

const dhcpSettings = {
  dhcp_lease_duration: seconds('How long a DHCP lease is good; -1 for ever.', 86_400, -1),
  dhcp_renewal_time: seconds('When DHCP clients renew a lease; 0: when they like to.', 0, 0),
  dhcp_rebinding_time: seconds('When DHCP clients ask any server; 0: when they like to.', 0, 0),
  dns_domain: text({
    description: 'The domain of host names; empty for none.',
    default: 'openstacklocal',
  }),
  enable_isolated_metadata: boolean({
    description: 'Whether DHCP servers answer the metadata address where no router does.',
    default: true,
  }),
  force_metadata: boolean({
    description: 'Whether they answer it where a router does, too.',
    default: false,
  }),
} as const;

/** The section `network` of the cloud's settings; names and defaults are neutron's where it has them. */
export const networkSettings = {
  ...quotaSettings,
  ...segmentSettings,
  ...agentSettings,
  ...dhcpSettings,
  ...advertisementSettings,
  base_mac: text({
    description:
      'How MAC addresses begin: the first three octets stay, the fourth does where it is not 00, the rest is random.',
    default: 'fa:16:3e:00:00:00',
  }),
  max_dns_nameservers: most('The most DNS servers of a subnet.', 5),
  max_subnet_host_routes: most('The most host routes of a subnet.', 20),
  max_routes: most('The most routes of a router.', 30, 1),
  max_allowed_address_pair: most('The most allowed address pairs of a port.', 10),
  enable_snat_by_default: boolean({
    description: 'Whether a router translates source addresses where its gateway does not say.',
    default: true,
  }),
  pagination_max_limit: integer({
    description: 'The most resources of one answer; -1 for any number.',
    default: -1,
    min: -1,
    max: 2 ** 31 - 1,
  }),
  filter_validation: boolean({
    description: 'Whether filters that a list does not know are refused.',
    default: true,
  }),
} as const;

export type NetworkSettings = Values<typeof networkSettings>;

/**
 * The service's settings out of what the program gives it; defaults where it says nothing.
 * @throws TypeError that names the setting of which nothing can be made
 */
export function networkSettingsOf(given: Readonly<Record<string, unknown>>): NetworkSettings {
  const settings = sectionOf(networkSettings, given);
  checkSegmentSettings(settings);
  // RFC 4861, 6.2.1: radvd refuses anything else.
  if (settings.min_rtr_adv_interval > 0.75 * settings.max_rtr_adv_interval)
    throw new TypeError('min_rtr_adv_interval must be at most three quarters of max_rtr_adv_interval');
  if (!/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(settings.base_mac))
    throw new TypeError('base_mac must be the MAC address of one card');
  return settings;
}
