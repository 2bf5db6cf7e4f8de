import { rm } from 'node:fs/promises';
import { Conflict } from '../../../../platform/errors/errors.ts';
import type { ImageDisk } from '../driver.ts';
import { makeDisk } from './disks.ts';
import type { QemuGuest } from './guest.ts';

function assertOff(guest: QemuGuest): void {
  if (guest.isOn) throw new Conflict(`Instance ${guest.id} is powered on.`);
}

/**
 * Gives a guest the disk that it is rescued with. The record says so before the disk is made: what is cut off between
 * both is gone on with, or taken back.
 */
export async function rescueGuest(guest: QemuGuest, disk: ImageDisk): Promise<void> {
  assertOff(guest);
  const { rescue } = guest.record;
  if (rescue && rescue.imageId !== disk.imageId) await unrescueGuest(guest);
  await guest.save({ rescue: disk });
  await makeDisk(disk, guest.files.disk(disk.id));
}

/** Lets go of that disk. */
export async function unrescueGuest(guest: QemuGuest): Promise<void> {
  const { rescue } = guest.record;
  if (!rescue) return;
  assertOff(guest);
  await rm(guest.files.disk(rescue.id), { force: true });
  await guest.save({ rescue: undefined });
}
