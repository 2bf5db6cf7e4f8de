import { contract } from '../../platform/bus/contract.ts';
import type { HostNetworkState } from './drivers/driver.ts';

/** What other services may ask of the network. */
export interface NetworkService {
  /**
   * Which networks and ports a new server would get, checked: they exist, the project may use them, fixed IPs fit,
   * security groups are known, ports are free. Nothing is written.
   * @throws NotFound, Conflict, BadRequest with upstream's words
   */
  resolveRequests(args: {
    projectId: string;
    admin: boolean;
    /** `'auto'`: the project's one network (made by no one here: none is an empty list, several are a Conflict). */
    requests: NetworkRequest[] | 'auto' | 'none';
    /** Names or ids. */
    securityGroups: string[];
  }): Promise<{ requests: ResolvedRequest[]; securityGroupIds: string[] }>;
  /**
   * Makes (or takes) the port of one request for a server and binds it to a host. May be called twice: the port of
   * the same `serverId` and `index` is found again.
   */
  attachPort(args: {
    serverId: string;
    serverName: string;
    projectId: string;
    index: number;
    host: string;
    zone: string;
    request: ResolvedRequest;
    securityGroupIds: string[];
  }): Promise<ServerPort>;
  /** Undo of `attachPort`: deletes the ports that were made for the server and frees those that were given. */
  detachPorts(args: { serverId: string; portIds?: string[] }): Promise<void>;
  /** Binds a server's ports to a host (another one, after a move) in an availability zone (default: as it was). */
  bindPorts(args: { serverId: string; host: string; zone?: string }): Promise<ServerPort[]>;
  /** Takes a server's ports off their host; they stay the server's, with their addresses. */
  unbindPorts(args: { serverId: string }): Promise<void>;
  /** The ports of servers, each with its addresses, in the order of attachment: one query for all. */
  serverPorts(args: { serverIds: string[] }): Promise<Record<string, ServerPort[]>>;
  securityGroupsOf(args: { serverIds: string[] }): Promise<Record<string, { id: string; name: string }[]>>;
  /** Adds or removes a security group on all ports of a server. @throws NotFound, Conflict */
  changeSecurityGroup(args: {
    serverId: string;
    projectId: string;
    group: string;
    change: 'add' | 'remove';
  }): Promise<void>;
  /** Whose packet came from an address seen in a router's or a network's namespace; `null` where nobody's. */
  serverByAddress(args: {
    ip: string;
    routerId?: string;
    networkId?: string;
  }): Promise<{ serverId: string; projectId: string } | null>;
  /** What should be on a host. */
  hostState(args: { host: string }): Promise<HostNetworkState>;
  /**
   * What is on a host: ports that are up are ACTIVE, the others DOWN. `routers` are ids of routers, `dhcp` ids of
   * networks whose DHCP server is there; their ports and floating IPs are as they are.
   */
  reportPorts(args: {
    host: string;
    up: string[];
    down: string[];
    routers?: { up: string[]; down: string[] };
    dhcp?: { up: string[]; down: string[] };
  }): Promise<void>;
  /** An agent says that it lives. */
  heartbeat(args: AgentReport): Promise<void>;
}

export interface NetworkRequest {
  networkId?: string;
  portId?: string;
  fixedIp?: string;
  tag?: string;
}

export interface ResolvedRequest {
  networkId: string;
  portId?: string;
  fixedIp?: string;
  tag?: string;
}

/** A server's port as compute needs it: for the guest's NIC and for the server's addresses. */
export interface ServerPort {
  id: string;
  networkId: string;
  networkName: string;
  mac: string;
  mtu: number;
  /** The tap device that the guest's NIC opens, and the namespace it is in. */
  tap: string;
  status: string;
  fixedIps: { ip: string; version: 4 | 6; subnetId: string; floatingIps: string[] }[];
  /** For metadata and the config drive. */
  subnets: {
    id: string;
    cidr: string;
    version: 4 | 6;
    gateway: string | null;
    dns: string[];
    dhcp: boolean;
  }[];
  tag: string | null;
}

export interface AgentReport {
  /** `neutron-linuxbridge-agent`, `neutron-dhcp-agent`, `neutron-l3-agent`, `neutron-metadata-agent` */
  binary: string;
  /** `Linux bridge agent`, `DHCP agent`, `L3 agent`, `Metadata agent`: what it may be given to do. */
  type: string;
  host: string;
  /** `tunneling_ip` of the bridge agent is the host's address under VXLAN networks that span hosts. */
  configurations: Record<string, unknown>;
  startedAt: string;
}

/** What the network agent of a host does for others; served with `{ host }`. */
export interface NetworkAgent {
  /** Comes back when what should be on the host at the time of the call is there. @throws what stands in the way */
  sync(args: object): Promise<void>;
  /** Something that concerns the host has changed; work begins soon. */
  wake(args: object): Promise<void>;
  /** Where guests' taps are. */
  namespace(args: object): Promise<{ namespace: string | null }>;
}

export const networkService = contract<NetworkService>('network');
export const networkAgent = contract<NetworkAgent>('network-agent', { deadline: 120_000 });
