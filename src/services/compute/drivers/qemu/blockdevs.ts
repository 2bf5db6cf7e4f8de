import type { BlockDisk, DiskSpec } from '../driver.ts';
import type { GuestFiles } from './files.ts';

/** QEMU limits node names to 31 characters, so a UUID loses its dashes and its tail. */
export const blockNode = (diskId: string) => `disk-${diskId.replaceAll('-', '').slice(0, 24)}`;

/** The device's own name; the guest's plug is known by it. */
export const blockDevice = (diskId: string) => `virtio-${blockNode(diskId)}`;

/**
 * The block graph of a disk as `-blockdev` and `blockdev-add` take it. Formats and backing files are always said:
 * whatever a guest or an uploader wrote into a file never decides what QEMU opens.
 */
export function blockGraph(disk: DiskSpec, files: GuestFiles): Record<string, unknown> {
  const node = blockNode(disk.id);
  if (disk.kind === 'block') return volumeGraph(disk, node);
  const own = {
    driver: 'qcow2',
    'node-name': node,
    discard: 'unmap',
    'detect-zeroes': 'unmap',
    file: { driver: 'file', filename: files.disk(disk.id), discard: 'unmap' },
  };
  if (disk.kind === 'empty') return { ...own, backing: null };
  const base = { driver: 'file', filename: disk.base.path, 'read-only': true };
  const backing =
    disk.base.format === 'raw'
      ? { driver: 'raw', 'read-only': true, file: base }
      : { driver: 'qcow2', 'read-only': true, file: base, backing: null };
  return { ...own, backing };
}

function volumeGraph(disk: BlockDisk, node: string): Record<string, unknown> {
  const readOnly = disk.readOnly === true;
  const common = { 'node-name': node, 'read-only': readOnly, discard: 'unmap' };
  const { source } = disk;
  if (source.via === 'file') {
    const file = { driver: 'file', filename: source.path, discard: 'unmap' };
    return source.format === 'raw'
      ? { driver: 'raw', ...common, file }
      : { driver: 'qcow2', ...common, file, backing: null };
  }
  const server =
    'socket' in source
      ? { type: 'unix', path: source.socket }
      : { type: 'inet', host: source.host, port: String(source.port) };
  // A server that restarts is waited for, rather than giving the guest input/output errors at once.
  return { driver: 'nbd', ...common, server, export: source.export, 'reconnect-delay': 60 };
}

/** The virtio device through which the guest sees the disk. Its serial number is the id's first 20 characters. */
export function blockDeviceArguments(disk: DiskSpec, bootIndex?: number): Record<string, unknown> {
  return {
    driver: 'virtio-blk-pci',
    id: blockDevice(disk.id),
    drive: blockNode(disk.id),
    serial: disk.id.slice(0, 20),
    ...(bootIndex === undefined ? {} : { bootindex: bootIndex }),
  };
}
