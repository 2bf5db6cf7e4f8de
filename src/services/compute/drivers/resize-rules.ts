import { BadRequest } from '../../../platform/errors/errors.ts';
import type { GuestSize, GuestSpec } from './driver.ts';

/** What is kept of a guest that was resized, until somebody settles it. */
export interface KeptSize extends GuestSize {
  resizeId: string;
}

/** The size that a guest has; a root disk of somebody else's is none of its own. */
export function sizeOf({ vcpus, memoryMib, disks: [root] }: GuestSpec): GuestSize {
  return { vcpus, memoryMib, rootGib: root && root.kind !== 'block' ? root.sizeGib : 0 };
}

/** @throws BadRequest in nova's words when the root disk would shrink */
export function assertGrows(spec: GuestSpec, { rootGib }: GuestSize): void {
  if (rootGib !== 0 && rootGib < sizeOf(spec).rootGib) throw new BadRequest('Unable to resize disk down.');
}

/** The same guest with another size. */
export function resized(spec: GuestSpec, { vcpus, memoryMib, rootGib }: GuestSize): GuestSpec {
  const [root, ...others] = spec.disks;
  const disks =
    root && root.kind !== 'block' ? [{ ...root, sizeGib: rootGib || root.sizeGib }, ...others] : spec.disks;
  return { ...spec, vcpus, memoryMib, disks };
}

/** The guest as it was: even where its disk had no size of its own. */
export function asBefore(spec: GuestSpec, kept: GuestSize): GuestSpec {
  const back = resized(spec, kept);
  const [root, ...others] = back.disks;
  if (!root || root.kind === 'block') return back;
  return { ...back, disks: [{ ...root, sizeGib: kept.rootGib }, ...others] };
}
