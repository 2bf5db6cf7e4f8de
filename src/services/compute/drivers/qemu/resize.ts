import { constants } from 'node:fs';
import { copyFile, rename, rm, stat } from 'node:fs/promises';
import { BadRequest, Conflict } from '../../../../platform/errors/errors.ts';
import { run } from '../../../../platform/exec/run.ts';
import type { GuestSpec } from '../driver.ts';
import { asBefore, assertGrows, type KeptSize, resized, sizeOf } from '../resize-rules.ts';
import type { QemuGuest } from './guest.ts';

const gib = 2 ** 30;

/** The disk that a resize may grow. */
const ownRoot = ({ disks: [root] }: GuestSpec) => (root && root.kind !== 'block' ? root.id : undefined);

function assertOff(guest: QemuGuest): void {
  if (guest.isOn) throw new Conflict(`Instance ${guest.id} is powered on.`);
}

/**
 * Makes a guest larger or smaller. The record says what it was before anything changes, so that a resize that was cut
 * off can be gone on with, or reverted.
 */
export async function resizeGuest(guest: QemuGuest, { resizeId, ...size }: KeptSize): Promise<void> {
  assertOff(guest);
  if (guest.record.before && guest.record.before.resizeId !== resizeId) await settle(guest, 'confirm');
  const before: KeptSize = guest.record.before ?? { ...sizeOf(guest.record.spec), resizeId };
  assertGrows(asBefore(guest.record.spec, before), size);
  if (!guest.record.before) await guest.save({ before });
  const root = ownRoot(guest.record.spec);
  if (root !== undefined && size.rootGib > 0) await grow(guest, root, size.rootGib * gib);
  await guest.save({ spec: resized(guest.record.spec, size) });
}

async function grow(guest: QemuGuest, disk: string, bytes: number): Promise<void> {
  const path = guest.files.disk(disk);
  const kept = guest.files.diskBefore(disk);
  const virtualSize = await virtualSizeOf(path);
  if (bytes < virtualSize) throw new BadRequest('Unable to resize disk down.');
  if (bytes === virtualSize) return;
  if (!(await exists(kept))) {
    // A copy that shares its blocks with the disk where the file system can do that.
    await copyFile(path, `${kept}.new`, constants.COPYFILE_FICLONE);
    await rename(`${kept}.new`, kept);
  }
  await run(['qemu-img', 'resize', '-q', '-f', 'qcow2', path, String(bytes)]);
}

/** Bytes that a guest sees of a disk of its own. */
async function virtualSizeOf(path: string): Promise<number> {
  const { stdout } = await run(['qemu-img', 'info', '-f', 'qcow2', '--output=json', path]);
  return (JSON.parse(stdout) as { 'virtual-size': number })['virtual-size'];
}

/** Lets go of what was kept, or goes back to it. */
export async function settle(guest: QemuGuest, how: 'confirm' | 'revert'): Promise<void> {
  const { spec, before } = guest.record;
  if (!before) return;
  const root = ownRoot(spec);
  const kept = root === undefined ? undefined : guest.files.diskBefore(root);
  if (how === 'revert') {
    assertOff(guest);
    if (root !== undefined && kept !== undefined && (await exists(kept)))
      await rename(kept, guest.files.disk(root));
    await guest.save({ spec: asBefore(spec, before), before: undefined });
    return;
  }
  // First, so that no later resize takes it for what it has kept itself.
  if (kept !== undefined) await rm(kept, { force: true });
  await guest.save({ before: undefined });
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
