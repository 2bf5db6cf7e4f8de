import { join } from 'node:path';

/** Where a guest's things lie: one directory per guest, named by the server's UUID. */
export interface GuestFiles {
  directory: string;
  record: string;
  monitor: string;
  vnc: string;
  serial: string;
  pid: string;
  /** What QEMU says on its standard error. */
  log: string;
  consoleLog: string;
  olderConsoleLog: string;
  configDrive: string;
  memory: string;
  incoming: string;
  screen: string;
  disk: (id: string) => string;
  /** What was on a disk before it grew in a resize that is not settled. */
  diskBefore: (id: string) => string;
}

/** A unix socket's path is cut at 108 bytes by the kernel; the longest name of ours is `incoming.sock`. */
const socketPathLimit = 107;

export function guestFiles(instances: string, id: string): GuestFiles {
  const directory = join(instances, id);
  const file = (name: string) => join(directory, name);
  return {
    directory,
    record: file('guest.json'),
    monitor: file('qmp.sock'),
    vnc: file('vnc.sock'),
    serial: file('serial.sock'),
    pid: file('qemu.pid'),
    log: file('qemu.log'),
    consoleLog: file('console.log'),
    olderConsoleLog: file('console.log.1'),
    configDrive: file('config.iso'),
    memory: file('memory.state'),
    incoming: file('incoming.sock'),
    screen: file('screen.dump'),
    disk: (disk) => file(`disk-${disk}.qcow2`),
    diskBefore: (disk) => file(`disk-${disk}.qcow2.before`),
  };
}

/** @throws Error when sockets within would get too long a path, or QEMU would misread it */
export function assertUsablePath(instances: string): void {
  if (instances.includes(','))
    throw new Error(`The directory ${instances} has a comma in its path, which QEMU takes for a separator.`);
  const longest = guestFiles(instances, '0'.repeat(36)).incoming;
  if (Buffer.byteLength(longest) > socketPathLimit)
    throw new Error(
      `The directory ${instances} has too long a path for unix sockets: choose a shorter state directory.`,
    );
}

/** Server ids become directory names and process arguments: nothing but a UUID may pass. */
export const isGuestId = (id: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);

/** Disk and port ids become QEMU node names and file names. */
export const isDeviceId = (id: string) => /^[0-9A-Za-z][0-9A-Za-z-]{0,35}$/.test(id);
