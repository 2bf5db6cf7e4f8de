import { contract } from '../../platform/bus/contract.ts';
import type { GuestSpec, PowerEvent } from './drivers/driver.ts';

/** What other services, and compute's own agents, may ask of compute. */
export interface ComputeService {
  /** All that the metadata service tells a guest about itself; `null` where there is no such server. */
  instanceMetadata(args: { serverId: string }): Promise<InstanceMetadata | null>;
  /** The console that a token opens: once, and only before it expires. `null` for any other token. */
  redeemConsoleToken(args: { token: string }): Promise<ConsoleAccess | null>;
  /** An agent says that it lives, and what its host has. Makes the service record, compute node and placement's provider. */
  heartbeat(args: ComputeHeartbeat): Promise<void>;
  /** A guest changed its power state without being asked to. */
  powerChanged(args: { host: string } & PowerEvent): Promise<void>;
  /**
   * An agent tells what guests its host has; rows follow what guests are. What it is to destroy belongs to servers
   * that are deleted (or have failed to be built there); what it is to start was ended by a restart of the host.
   */
  reconcileGuests(args: {
    host: string;
    guests: { serverId: string; powerState: string }[];
    /** Whether guests that are off and should not be are to be started, rather than seen as stopped. */
    resume: boolean;
  }): Promise<{ destroy: string[]; start: string[] }>;
}

export interface InstanceMetadata {
  id: string;
  name: string;
  hostname: string;
  projectId: string;
  userId: string;
  availabilityZone: string;
  /** `i-` and eight hex digits, as the EC2 tree names it. */
  ec2Id: string;
  reservationId: string;
  launchIndex: number;
  createdAt: string;
  imageId: string | null;
  flavorName: string;
  metadata: Record<string, string>;
  keypair: { name: string; type: string; publicKey: string } | null;
  /** Base64, as the API took it. */
  userData: string | null;
  adminPassword: string | null;
  securityGroups: string[];
  ports: InstancePort[];
}

export interface InstancePort {
  id: string;
  mac: string;
  mtu: number;
  networkId: string;
  tag: string | null;
  fixedIps: { ip: string; version: 4 | 6; subnetId: string; floatingIps: string[] }[];
  subnets: {
    id: string;
    cidr: string;
    version: 4 | 6;
    gateway: string | null;
    dns: string[];
    dhcp: boolean;
  }[];
}

export interface ConsoleAccess {
  serverId: string;
  host: string;
  type: 'novnc' | 'serial' | 'spice-html5' | 'rdp-html5' | 'webmks';
}

export interface ComputeHeartbeat {
  host: string;
  startedAt: string;
  hypervisorType: string;
  hypervisorVersion: number;
  hostIp: string;
  cpus: number;
  memoryMib: number;
  diskGib: number;
  freeDiskGib: number;
  cpu: object;
  traits: string[];
  running: number;
}

/** What a compute host does; served with `{ host }`. Every method may be called twice. */
export interface ComputeAgent {
  /** Fetches the image where needed, makes the disks and starts the guest. */
  build(args: BuildRequest): Promise<void>;
  /** Leaves nothing of the guest. Nothing happens where there is none. */
  destroy(args: { serverId: string }): Promise<void>;
  /** Changes a guest's power; the state it is in afterwards. @throws NotFound, Conflict */
  power(args: {
    serverId: string;
    action: 'start' | 'stop' | 'soft-reboot' | 'hard-reboot' | 'pause' | 'unpause' | 'suspend' | 'resume';
    gracefulSeconds?: number;
  }): Promise<{ powerState: string }>;
  /** Gives a guest that is off another size; kept is what it was. @throws BadRequest, Conflict, NotFound */
  resize(args: {
    serverId: string;
    resizeId: string;
    vcpus: number;
    memoryMib: number;
    rootGib: number;
  }): Promise<void>;
  /** Lets go of what a resize has kept, or goes back to it. Nothing happens where there is no such guest. */
  settleResize(args: { serverId: string; how: 'confirm' | 'revert' }): Promise<void>;
  /** Gives a guest that is off a copy of an image, which it boots from until `unrescue`. @throws Conflict, NotFound, BadRequest */
  rescue(args: { serverId: string; imageId: string }): Promise<void>;
  /** Takes that away from a guest that is off. Nothing happens where it is not rescued. @throws Conflict, NotFound */
  unrescue(args: { serverId: string }): Promise<void>;
  consoleLog(args: { serverId: string; lines?: number }): Promise<{ output: string }>;
  /** The unix socket of a guest's console on this host. */
  consoleSocket(args: { serverId: string; kind: 'vnc' | 'serial' }): Promise<{ path: string }>;
  diagnostics(args: { serverId: string }): Promise<object>;
  attachNic(args: { serverId: string; nic: GuestSpec['nics'][number] }): Promise<void>;
  detachNic(args: { serverId: string; portId: string }): Promise<void>;
  /** Writes the guest's root disk as a new image file for the image service: a snapshot. */
  snapshot(args: { serverId: string; imageId: string }): Promise<void>;
  /** How long the host has been up, in the words of the command `uptime`. */
  hostUptime(args: object): Promise<{ uptime: string }>;
  /** What guests the host has. */
  guests(args: object): Promise<{ serverId: string; powerState: string }[]>;
}

export interface BuildRequest {
  serverId: string;
  name: string;
  projectId: string;
  vcpus: number;
  memoryMib: number;
  rootGib: number;
  ephemeralGib: number;
  swapMib: number;
  imageId: string | null;
  nics: { portId: string; mac: string; tap: string; mtu: number }[];
  /** Present when the server is to have a config drive. */
  configDrive: InstanceMetadata | null;
}

export const computeService = contract<ComputeService>('compute');
/** Building fetches images and may take long. */
export const computeAgent = contract<ComputeAgent>('compute-agent', { deadline: 900_000 });
