import { Conflict } from '../../../../platform/errors/errors.ts';
import type { BlockDisk, NicSpec } from '../driver.ts';
import { netdevArguments, netdevName, nicDeviceArguments, nicDeviceName } from './arguments.ts';
import { blockDevice, blockDeviceArguments, blockGraph, blockNode } from './blockdevs.ts';
import type { QemuGuest } from './guest.ts';
import { QmpError } from './qmp.ts';

/** A guest's system is asked this often to let a device go, each time for as long as QEMU takes a plea for pending. */
const unplugTries = 4;
const unplugWait = 6_000;

/** Connects a disk and plugs it in; what is there already stays. */
export async function plugDisk(guest: QemuGuest, disk: BlockDisk): Promise<void> {
  const { monitor, files } = guest;
  if (await isPlugged(guest, blockDevice(disk.id))) return;
  if (!(await hasNode(guest, blockNode(disk.id))))
    await monitor.execute('blockdev-add', blockGraph(disk, files));
  try {
    await monitor.execute('device_add', blockDeviceArguments(disk));
  } catch (error) {
    await monitor.execute('blockdev-del', { 'node-name': blockNode(disk.id) }).catch(() => {});
    throw error;
  }
}

/** @throws Conflict when the guest's system does not let go of the disk */
export async function unplugDisk(guest: QemuGuest, diskId: string): Promise<void> {
  await unplug(guest, blockDevice(diskId));
  if (guest.isOn && (await hasNode(guest, blockNode(diskId))))
    await guest.monitor.execute('blockdev-del', { 'node-name': blockNode(diskId) });
}

export async function plugNic(guest: QemuGuest, nic: NicSpec): Promise<void> {
  const { monitor } = guest;
  if (await isPlugged(guest, nicDeviceName(nic.portId))) return;
  // What an attempt left that was cut off halfway.
  await monitor.execute('netdev_del', { id: netdevName(nic.portId) }).catch(() => {});
  await monitor.execute('netdev_add', netdevArguments(nic));
  try {
    await monitor.execute('device_add', nicDeviceArguments(nic));
  } catch (error) {
    await monitor.execute('netdev_del', { id: netdevName(nic.portId) }).catch(() => {});
    throw error;
  }
}

/** @throws Conflict when the guest's system does not let go of the NIC */
export async function unplugNic(guest: QemuGuest, portId: string): Promise<void> {
  await unplug(guest, nicDeviceName(portId));
  if (guest.isOn) await guest.monitor.execute('netdev_del', { id: netdevName(portId) }).catch(ignoreMissing);
}

async function unplug(guest: QemuGuest, device: string): Promise<void> {
  for (let tries = 0; tries < unplugTries; tries++) {
    if (!guest.isOn || !(await isPlugged(guest, device))) return;
    const gone = guest.monitor.waitFor(
      ({ event, data }) => event === 'DEVICE_DELETED' && data['device'] === device,
      { deadline: unplugWait },
    );
    // Refused while an earlier plea is pending: then its answer is what is waited for.
    await guest.monitor.execute('device_del', { id: device }).catch(() => {});
    if (
      await gone.then(
        () => true,
        () => false,
      )
    )
      return;
  }
  throw new Conflict(`The system of instance ${guest.id} does not let go of device ${device}.`);
}

async function isPlugged({ monitor }: QemuGuest, device: string): Promise<boolean> {
  const children = await monitor.execute<{ name: string }[]>('qom-list', { path: '/machine/peripheral' });
  return children.some(({ name }) => name === device);
}

async function hasNode({ monitor }: QemuGuest, node: string): Promise<boolean> {
  const nodes = await monitor.execute<{ 'node-name': string }[]>('query-named-block-nodes', { flat: true });
  return nodes.some((one) => one['node-name'] === node);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof QmpError)) throw error;
}
