/**
 * What should be on one host, whole, as plain data. The network service computes it from its store; a driver makes
 * the host so. Everything that is not in here is taken away.
 */
export interface HostNetworkState {
  networks: HostNetwork[];
  /** Guests' ports that are bound to this host. */
  ports: HostPort[];
  /** The groups that ports here are in. Groups that are only referred to as remote need their `members` alone. */
  securityGroups: HostSecurityGroup[];
  dhcp: HostDhcp[];
  routers: HostRouter[];
}

/** Every network that a port, DHCP server or router of this host touches. */
export interface HostNetwork {
  id: string;
  segment: HostSegment;
  mtu: number;
  /** Underlay addresses of the other hosts on which this network lives; for `vxlan` only. */
  peers: string[];
}

export type HostSegment =
  | { type: 'vxlan'; id: number }
  | { type: 'flat'; physicalNetwork: string }
  | { type: 'vlan'; physicalNetwork: string; id: number }
  | { type: 'local' };

/** An address and the subnet that it is from, e.g. `{ ip: '10.0.0.5', cidr: '10.0.0.0/24' }`. */
export interface HostAddress {
  ip: string;
  cidr: string;
}

export interface HostPort {
  id: string;
  networkId: string;
  mac: string;
  fixedIps: HostAddress[];
  /** `ip` may be a CIDR. Without `mac` the port's own is meant. */
  allowedAddressPairs: { mac?: string; ip: string }[];
  /** Without it the port is neither guarded against spoofing nor filtered by security groups. */
  portSecurity: boolean;
  securityGroups: string[];
  adminStateUp: boolean;
}

export type Ethertype = 'IPv4' | 'IPv6';

export interface HostSecurityGroup {
  id: string;
  rules: HostSecurityGroupRule[];
  /** Addresses (or CIDRs) of all ports of the cloud in this group, allowed address pairs included. */
  members: { IPv4: string[]; IPv6: string[] };
}

export interface HostSecurityGroupRule {
  direction: 'ingress' | 'egress';
  ethertype: Ethertype;
  /** A name of the API (`tcp`, `icmp`, `ipv6-icmp`, …) or a number as text; any when absent. */
  protocol?: string;
  /** First port, or the ICMP type. */
  portMin?: number;
  /** Last port, or the ICMP code. */
  portMax?: number;
  remoteCidr?: string;
  remoteGroupId?: string;
}

export interface HostDhcp {
  networkId: string;
  portId: string;
  portMac: string;
  ips: HostAddress[];
  subnets: HostDhcpSubnet[];
  hosts: HostDhcpHost[];
  /** DNS domain that guests are given, e.g. `openstacklocal`. */
  domain: string;
  /** Seconds: how long a lease is good (-1: for ever), and when clients renew and rebind it (0: when they like to). */
  lease: { duration: number; renewal: number; rebinding: number };
  /** Whether this server answers 169.254.169.254, as it must where no router does. */
  isolatedMetadata: boolean;
}

/** A port of the network, as its DHCP server knows it. */
export interface HostDhcpHost {
  portId: string;
  mac: string;
  /** Those in subnets with DHCP, also where it is not the server that gives them. */
  addresses: { ip: string; subnetId: string; hostname: string }[];
  /** The port's own options, as its owner wrote them: `{ name: 'bootfile-name', value: 'x.0', ipVersion: 4 }`. */
  options: { name: string; value: string; ipVersion: 4 | 6 }[];
}

export interface HostDhcpSubnet {
  id: string;
  cidr: string;
  ipVersion: 4 | 6;
  gateway?: string;
  /** What is answered by DHCPv6: addresses and options, or options alone; nothing when absent. */
  dhcp6?: 'stateful' | 'stateless';
  dns: string[];
  hostRoutes: { destination: string; nexthop: string }[];
}

export interface HostRouter {
  id: string;
  adminStateUp: boolean;
  enableSnat: boolean;
  gateway?: { networkId: string; portId: string; mac: string; ips: HostAddress[]; nexthop?: string };
  interfaces: {
    portId: string;
    networkId: string;
    mac: string;
    ips: HostAddress[];
    /** What it says to IPv6 guests of itself; nothing when absent. */
    advertisement?: HostAdvertisement;
  }[];
  floatingIps: { floating: string; fixed: string }[];
  routes: { destination: string; nexthop: string }[];
}

/** A router's advertisements on one network (RFC 4861). */
export interface HostAdvertisement {
  /** The subnets that guests hear of from this router, and how they get their addresses there. */
  subnets: { cidr: string; mode: 'slaac' | 'dhcpv6-stateful' | 'dhcpv6-stateless'; dns: string[] }[];
  mtu: number;
  /** Seconds between advertisements that nobody asked for. */
  interval: { min: number; max: number };
}

/** What stands after a reconciliation. */
export interface HostNetworkReport {
  /** How many commands or lines of commands it took; 0 when everything was in place already. */
  changes: number;
  /** Ids of what is in place and works. */
  up: { ports: string[]; routers: string[]; dhcp: string[] };
  /** What could not be made so, in words for a log; it is tried again by the next reconciliation. */
  faults: string[];
  /** Milliseconds. */
  took: number;
}

/** Makes and keeps the network of one host. */
export interface NetworkDriver {
  /**
   * Makes the host as `wanted`, whatever was there before; changes nothing where nothing differs. Calls must not overlap.
   *
   * @throws Error when the host can't be read or written at all; what fails for one network alone is a fault in the report
   */
  reconcile(wanted: HostNetworkState): Promise<HostNetworkReport>;
  /** Lets go of what this process holds (metadata sockets). The network goes on. */
  close(): Promise<void>;
  /** Removes every trace of this cloud's network from the host, also of one that is half-made. */
  destroyAll(): Promise<void>;
  /** The network namespace, as `ip netns` names it, that holds guests' taps; none for simulated ports. */
  readonly namespace: string | undefined;
  /**
   * How a guest's process gets to its ports: `command` comes before its own command and `tap` is the device to open.
   * The simulated driver answers an empty command.
   */
  attachment(portId: string): { command: readonly string[]; tap: string };
}

/** Whose request a packet on a metadata address is: what a driver asks the network service. */
export type ResolveMetadataCaller = (from: {
  routerId?: string;
  networkId?: string;
  ip: string;
}) => Promise<{ serverId: string; projectId: string } | undefined>;

export const emptyHostNetworkState = (): HostNetworkState => ({
  networks: [],
  ports: [],
  securityGroups: [],
  dhcp: [],
  routers: [],
});
