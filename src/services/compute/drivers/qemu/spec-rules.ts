import { BadRequest } from '../../../../platform/errors/errors.ts';
import type { DiskSpec, GuestSpec, NicSpec } from '../driver.ts';
import { isDeviceId, isGuestId } from './files.ts';

/**
 * What goes into file names and arguments of processes is checked here once more, wherever it comes from.
 * @throws BadRequest
 */
export function assertSpec(spec: GuestSpec): void {
  if (!isGuestId(spec.id)) throw new BadRequest(`Invalid instance id ${spec.id}.`);
  if (!Number.isInteger(spec.vcpus) || spec.vcpus < 1) throw new BadRequest('An instance needs a VCPU.');
  if (!Number.isInteger(spec.memoryMib) || spec.memoryMib < 1)
    throw new BadRequest('An instance needs memory.');
  if (spec.namespace !== undefined && !/^[\w-][\w.-]{0,63}$/.test(spec.namespace))
    throw new BadRequest(`Invalid network namespace ${spec.namespace}.`);
  spec.disks.forEach(assertDisk);
  spec.nics.forEach(assertNic);
}

/** @throws BadRequest as `assertSpec` */
export function assertDisk(disk: DiskSpec): void {
  if (!isDeviceId(disk.id)) throw new BadRequest(`Invalid disk id ${disk.id}.`);
  if (disk.kind === 'block') return;
  if (!Number.isInteger(disk.sizeGib) || disk.sizeGib < (disk.kind === 'empty' ? 1 : 0))
    throw new BadRequest(`Invalid size of disk ${disk.id}.`);
}

export function assertNic({ portId, mac, tap, mtu }: NicSpec): void {
  if (!isDeviceId(portId)) throw new BadRequest(`Invalid port id ${portId}.`);
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) throw new BadRequest(`Invalid MAC address ${mac}.`);
  if (!/^[\w-][\w.-]{0,14}$/.test(tap)) throw new BadRequest(`Invalid tap device ${tap}.`);
  if (mtu !== undefined && !(Number.isInteger(mtu) && mtu >= 68 && mtu <= 65535))
    throw new BadRequest(`Invalid MTU ${mtu}.`);
}
