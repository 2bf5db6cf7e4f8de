import type { GuestSpec, NicSpec } from '../driver.ts';
import type { Emulator } from './accelerator.ts';
import { emulatorProgram } from './accelerator.ts';
import { blockDeviceArguments, blockGraph } from './blockdevs.ts';
import type { GuestFiles } from './files.ts';

export interface LaunchOptions {
  spec: GuestSpec;
  files: GuestFiles;
  emulator: Emulator;
  /** Wait for a memory image instead of booting. */
  incoming?: boolean;
}

/**
 * The command that starts a guest's QEMU: paused (the driver lets it go once it listens to its events),
 * within the network namespace of its taps.
 */
export function launchCommand({ spec, files, emulator, incoming }: LaunchOptions): [string, ...string[]] {
  const inside: string[] =
    spec.namespace === undefined ? [] : ['nsenter', `--net=/run/netns/${spec.namespace}`, '--'];
  const [program = emulatorProgram, ...rest] = [
    ...inside,
    emulatorProgram,
    ...identity(spec, files),
    ...machine(spec, emulator),
    ...consoles(files),
    ...disks(spec, files),
    ...spec.nics.flatMap((nic) => [
      '-netdev',
      JSON.stringify(netdevArguments(nic)),
      '-device',
      JSON.stringify(nicDeviceArguments(nic)),
    ]),
    ...(incoming ? ['-incoming', 'defer'] : []),
    '-S',
  ];
  return [program, ...rest];
}

function identity(spec: GuestSpec, files: GuestFiles): string[] {
  // Guests (cloud-init's ds-identify among them) know an OpenStack cloud by the product name.
  const smbios = `type=1,manufacturer=Cumulet,product=OpenStack Nova,serial=${spec.id},uuid=${spec.id},family=Virtual Machine`;
  return [
    '-name',
    `guest=${spec.id},debug-threads=on`,
    '-uuid',
    spec.id,
    '-smbios',
    smbios,
    '-pidfile',
    files.pid,
  ];
}

function machine(spec: GuestSpec, emulator: Emulator): string[] {
  const kvm = emulator.accelerator.kind === 'kvm';
  return [
    '-machine',
    'pc,usb=off',
    // The default translation cache is 1 GiB; small guests never fill one of 64 MiB.
    '-accel',
    kvm ? 'kvm' : `tcg,tb-size=${spec.memoryMib > 1024 ? 256 : 64}`,
    '-cpu',
    kvm ? 'host' : 'max',
    '-smp',
    `cpus=${spec.vcpus},sockets=${spec.vcpus},cores=1,threads=1`,
    '-m',
    `${spec.memoryMib}M`,
    '-no-user-config',
    '-nodefaults',
    '-boot',
    'strict=on',
    '-rtc',
    'base=utc',
    ...(emulator.sandbox
      ? ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny']
      : []),
    '-object',
    'rng-random,id=entropy,filename=/dev/urandom',
    '-device',
    'virtio-rng-pci,rng=entropy',
  ];
}

function consoles(files: GuestFiles): string[] {
  return [
    '-display',
    'none',
    '-vga',
    'std',
    '-vnc',
    `unix:${files.vnc}`,
    // Appended to, so that the log may be cut shorter under a running guest.
    '-chardev',
    `socket,id=serial,path=${files.serial},server=on,wait=off,logfile=${files.consoleLog},logappend=on`,
    '-device',
    'isa-serial,chardev=serial',
    '-chardev',
    `socket,id=monitor,path=${files.monitor},server=on,wait=off`,
    '-mon',
    'chardev=monitor,mode=control',
  ];
}

const plug = (graph: Record<string, unknown>, device: Record<string, unknown>) => [
  '-blockdev',
  JSON.stringify(graph),
  '-device',
  JSON.stringify(device),
];

function disks(spec: GuestSpec, files: GuestFiles): string[] {
  const all = spec.disks.flatMap((disk, index) =>
    plug(blockGraph(disk, files), blockDeviceArguments(disk, index === 0 ? 0 : undefined)),
  );
  if (spec.configDrive === undefined) return all;
  const file = { driver: 'file', filename: files.configDrive, 'read-only': true };
  const node = 'config-drive';
  return [
    ...all,
    // As JSON like the others: QEMU gives slots to devices in the plain form first, whatever their order.
    ...plug(
      { driver: 'raw', 'node-name': node, 'read-only': true, file },
      { driver: 'virtio-blk-pci', id: 'virtio-config-drive', drive: node, serial: node },
    ),
  ];
}

export const netdevName = (portId: string) => `tap-${portId}`;
export const nicDeviceName = (portId: string) => `nic-${portId}`;

export function netdevArguments({ portId, tap }: NicSpec): Record<string, unknown> {
  return { type: 'tap', id: netdevName(portId), ifname: tap, script: 'no', downscript: 'no' };
}

/** No option ROM: a guest boots from its disk, and memory images load only where ROMs are the same. */
export function nicDeviceArguments({ portId, mac, mtu }: NicSpec): Record<string, unknown> {
  return {
    driver: 'virtio-net-pci',
    id: nicDeviceName(portId),
    netdev: netdevName(portId),
    mac,
    romfile: '',
    ...(mtu === undefined ? {} : { host_mtu: mtu }),
  };
}
