/**
 * What compute asks of a hypervisor. A driver owns one directory of guests, is the only one to touch it, and
 * finds its guests again after a restart: closing a driver, or killing the process, leaves guests as they are.
 *
 * All operations are safe to repeat, and take turns for each guest; `destroy` and a `stop` or `reboot` without
 * grace cut short a graceful wait that is under way. An unknown guest is `NotFound('instance', id)`, save where
 * said.
 */
export interface HypervisorDriver {
  /** As `hypervisor_type` shows it. */
  readonly type: 'QEMU' | 'simulated';

  /** What this host has to give. Slow the first time (it tries the processor's virtualization), then cached. */
  probe(): Promise<HostFacts>;

  /** Every guest that the driver's directory holds, whatever made or ended it. */
  list(): Promise<GuestState[]>;
  show(id: string): Promise<GuestState>;
  /** Paths of the base images that guests' disks stand on. */
  basesInUse(): Promise<string[]>;

  /**
   * Makes the guest's disks where they are missing and starts it. A guest that runs already is left alone.
   * @throws BadRequest when a disk is smaller than its image
   */
  create(spec: GuestSpec): Promise<void>;

  /** Powers on; does nothing for a guest that is on. A suspended guest loses its saved memory: use `resume`. */
  start(id: string): Promise<void>;

  /** Powers off: presses the power button and waits `gracefulSeconds` (0: not at all), then cuts the power. */
  stop(id: string, options: { gracefulSeconds: number }): Promise<void>;

  /**
   * `soft`: presses the power button, and starts again when the guest has gone down; after `gracefulSeconds`
   * (default 60) it becomes a `hard` one. `hard`: cuts the power and starts again, from any state.
   */
  reboot(id: string, kind: 'soft' | 'hard', options?: { gracefulSeconds?: number }): Promise<void>;

  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;

  /** Saves memory to a file and powers off; `resume` goes on where it stopped. */
  suspend(id: string): Promise<void>;
  resume(id: string): Promise<void>;

  /**
   * Gives a guest that is off another size, and keeps what it was until `settleResize`. Disks only grow. A guest that
   * was resized with this `resizeId` already is left alone; what an earlier resize kept is let go.
   * @throws Conflict when the guest is on, BadRequest when its root disk would shrink
   */
  resize(id: string, size: GuestSize & { resizeId: string }): Promise<void>;

  /**
   * `confirm`: what was kept is let go. `revert`: a guest that is off is again what it was; a root disk that grew has
   * what was on it before. Nothing happens where nothing is kept. @throws Conflict for the `revert` of a guest that is on
   */
  settleResize(id: string, how: 'confirm' | 'revert'): Promise<void>;

  /**
   * Gives a guest that is off another disk, which it boots from until `unrescue`; its own come after that one. A guest
   * that was rescued with this image already keeps what is on the disk. @throws Conflict when the guest is on
   */
  rescue(id: string, disk: ImageDisk): Promise<void>;

  /**
   * A guest that is off boots from its own disk again, and the other one is gone. Nothing happens where it is not
   * rescued. @throws Conflict when the guest is on
   */
  unrescue(id: string): Promise<void>;

  /** Leaves nothing of the guest: process, files, sockets. Unknown guests are gone already: no error. */
  destroy(id: string): Promise<void>;

  /** The end of what the guest wrote to its serial port: at most 100 KiB, and at most `lines` lines. */
  consoleLog(id: string, options?: { lines?: number }): Promise<string>;

  /**
   * The path of a unix socket that speaks RFB or raw serial bytes.
   * @throws Conflict when the guest is off; NotImplemented for simulated guests
   */
  consoleSocket(id: string, kind: 'vnc' | 'serial'): Promise<string>;

  /** What is on the guest's screen. @throws as `consoleSocket` */
  screendump(id: string): Promise<{ type: 'image/png' | 'image/x-portable-pixmap'; bytes: Uint8Array }>;

  /**
   * Writes one of the guest's own disks as a qcow2 file that stands alone: a snapshot. The guest may run; it stands
   * still for the time.
   */
  exportDisk(id: string, diskId: string, path: string): Promise<void>;

  /** @throws Conflict when the guest is off */
  diagnostics(id: string): Promise<GuestDiagnostics>;

  /** Plugs in a disk or NIC, at once when the guest is on; it stays over restarts of the guest. */
  attachDisk(id: string, disk: BlockDisk): Promise<void>;
  attachNic(id: string, nic: NicSpec): Promise<void>;

  /** By `DiskSpec.id` / `NicSpec.portId`. @throws Conflict when the guest's system does not let go in time */
  detachDisk(id: string, diskId: string): Promise<void>;
  detachNic(id: string, portId: string): Promise<void>;

  /** Tells of changes that nobody asked this driver for. @returns a function that ends the subscription */
  onPower(listener: (event: PowerEvent) => void): () => void;

  /** Lets go of everything; guests run on. */
  close(): Promise<void>;
}

export type PowerState = 'running' | 'paused' | 'shutdown' | 'crashed' | 'suspended';

export interface GuestState {
  id: string;
  powerState: PowerState;
  spec: GuestSpec;
  /** What a guest that is rescued boots from, before the disks of its specification. */
  rescue?: ImageDisk;
}

export interface PowerEvent {
  id: string;
  /** The state now. A guest that reset itself is `running`. */
  powerState: PowerState;
  /** `crashed`: the emulator ended without the guest having asked for it (killed, aborted). */
  cause: 'guest-shutdown' | 'guest-reset' | 'guest-panic' | 'crashed' | 'paused' | 'resumed';
}

/** All that it takes to run a guest; plain data, kept by the driver. */
export interface GuestSpec {
  /** The server's UUID; SMBIOS serial number and UUID too. */
  id: string;
  name: string;
  projectId: string;
  vcpus: number;
  memoryMib: number;
  /** Root first: it is what boots. */
  disks: DiskSpec[];
  nics: NicSpec[];
  /** The network namespace (as `ip netns` names it) that holds the taps; the emulator runs inside. */
  namespace?: string;
  /** Path of an ISO with the label config-2; the driver copies it, and destroys the copy with the guest. */
  configDrive?: string;
}

/** What a resize changes. */
export interface GuestSize {
  vcpus: number;
  memoryMib: number;
  /** Of the disk that boots; 0: as it is. */
  rootGib: number;
}

export type DiskSpec = ImageDisk | EmptyDisk | BlockDisk;

/** A copy-on-write copy of an image. */
export interface ImageDisk {
  kind: 'image';
  /** Unique in the guest; a word of letters, digits and `-`. The guest sees it (20 characters) as serial number. */
  id: string;
  imageId: string;
  /** 0: as big as the image. */
  sizeGib: number;
  /** From the driver's base images; it is never written to. */
  base: { path: string; format: 'raw' | 'qcow2' };
}

/** An empty disk that lives and dies with the guest: ephemeral, swap. */
export interface EmptyDisk {
  kind: 'empty';
  id: string;
  sizeGib: number;
}

/** A disk that somebody else owns (a volume): the driver connects it and never makes or removes it. */
export interface BlockDisk {
  kind: 'block';
  /** The volume's UUID; guests find the disk by its first 20 characters in /dev/disk/by-id. */
  id: string;
  readOnly?: boolean;
  source:
    | { via: 'file'; path: string; format: 'raw' | 'qcow2' }
    | { via: 'nbd'; socket: string; export: string }
    | { via: 'nbd'; host: string; port: number; export: string };
}

export interface NicSpec {
  portId: string;
  mac: string;
  /** The tap device in `GuestSpec.namespace`; whoever made it removes it. */
  tap: string;
  /** Told to the guest's virtio driver. */
  mtu?: number;
}

export interface HostFacts {
  /** As `hypervisor_type` shows it. */
  hypervisorType: 'QEMU' | 'simulated';
  /** 7.2.22 is 7002022. */
  hypervisorVersion: number;
  /** What runs the guests' instructions, and, without KVM, why. */
  accelerator: { kind: 'kvm' | 'tcg' | 'none'; reason: string };
  cpus: number;
  memoryMib: number;
  diskGib: number;
  freeDiskGib: number;
  cpu: {
    arch: string;
    vendor: string;
    model: string;
    topology: { sockets: number; cores: number; threads: number };
    /** What guests get, in the words of `/proc/cpuinfo` or QEMU. */
    features: string[];
  };
  /** Standard traits (os-traits) that placement should know. */
  traits: string[];
}

export interface GuestDiagnostics {
  powerState: PowerState;
  uptimeSeconds: number;
  memoryMib: number;
  /** What the guest's process really takes. */
  residentMib: number;
  cpus: { id: number; timeNanoseconds: number }[];
  disks: { id: string; readBytes: number; readRequests: number; writeBytes: number; writeRequests: number }[];
  /** As the guest counts: what it received is rx. */
  nics: { mac: string; rxBytes: number; rxPackets: number; txBytes: number; txPackets: number }[];
}

/** The most of a console log that is ever read: what nova serves at most. */
export const consoleLogLimit = 100 * 1024;
