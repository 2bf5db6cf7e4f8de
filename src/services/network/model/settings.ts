/** What the operator may set for the network; everything has a default that serves one host. */
export interface NetworkSettings {
  /** First and last VXLAN network identifiers of projects' networks. */
  vniRange: readonly [number, number];
  /** First and last VLAN ids that are given out, by physical network. Administrators may name others themselves. */
  vlanRanges: Readonly<Record<string, readonly [number, number]>>;
  /** The physical network of a flat or VLAN network that names none. */
  defaultPhysicalNetwork: string;
  /** The MTU of the wires between hosts. */
  physicalMtu: number;
  /** Seconds after which an agent that was not heard of is down. */
  agentDownTime: number;
  /** The domain that DHCP tells guests. */
  dnsDomain: string;
  maxDnsNameservers: number;
  maxHostRoutes: number;
  maxRoutes: number;
  maxAllowedAddressPairs: number;
  /** Limits of a project that has none of its own; -1 is no limit. */
  quotas: Readonly<Record<QuotaResource, number>>;
}

/** Resources that are counted, by the names of the quota API. */
export const quotaResources = [
  'floatingip',
  'network',
  'port',
  'rbac_policy',
  'router',
  'security_group',
  'security_group_rule',
  'subnet',
  'subnetpool',
] as const;
export type QuotaResource = (typeof quotaResources)[number];

export const defaultSettings: NetworkSettings = {
  vniRange: [1, 65_535],
  vlanRanges: {},
  defaultPhysicalNetwork: 'physnet1',
  physicalMtu: 1500,
  agentDownTime: 75,
  dnsDomain: 'openstacklocal',
  maxDnsNameservers: 5,
  maxHostRoutes: 20,
  maxRoutes: 30,
  maxAllowedAddressPairs: 10,
  quotas: {
    floatingip: 50,
    network: 100,
    port: 500,
    rbac_policy: 10,
    router: 10,
    security_group: 10,
    security_group_rule: 100,
    subnet: 100,
    subnetpool: -1,
  },
};

/** What VXLAN's headers take of the outer MTU over IPv4. */
export const vxlanOverhead = 50;

/** Reads the settings of the network's section; what is absent or malformed keeps its default. */
export function networkSettings(given: Readonly<Record<string, unknown>>): NetworkSettings {
  const range = (name: string): readonly [number, number] | undefined => {
    const [, first, last] = /^(\d+):(\d+)$/.exec(String(given[name] ?? '')) ?? [];
    return first === undefined || last === undefined ? undefined : [Number(first), Number(last)];
  };
  const vlans = String(given['vlan_ranges'] ?? '')
    .split(',')
    .flatMap((each) => {
      const [, name, first, last] = /^\s*([\w.-]+):(\d+):(\d+)\s*$/.exec(each) ?? [];
      return name === undefined ? [] : [[name, [Number(first), Number(last)]] as const];
    });
  const number = (name: string, fallback: number): number =>
    typeof given[name] === 'number' ? (given[name] as number) : fallback;
  const text = (name: string, fallback: string): string =>
    typeof given[name] === 'string' ? (given[name] as string) : fallback;
  return {
    ...defaultSettings,
    vniRange: range('vni_range') ?? defaultSettings.vniRange,
    vlanRanges: Object.fromEntries(vlans),
    defaultPhysicalNetwork: text('physical_network', defaultSettings.defaultPhysicalNetwork),
    physicalMtu: number('physical_mtu', defaultSettings.physicalMtu),
    agentDownTime: number('agent_down_time', defaultSettings.agentDownTime),
    dnsDomain: text('dns_domain', defaultSettings.dnsDomain),
  };
}
