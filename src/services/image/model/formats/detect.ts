import type { Detected, Inspector, Sample } from './format.ts';
import { inspectIso } from './iso.ts';
import { inspectQcow2 } from './qcow2.ts';
import { inspectVdi } from './vdi.ts';
import { inspectVhd } from './vhd.ts';
import { inspectVhdx } from './vhdx.ts';
import { inspectVmdk } from './vmdk.ts';

/** In the order in which QEMU would take one for another; an ISO may begin like a raw disk, so it is the last. */
const inspectors: readonly Inspector[] = [
  inspectQcow2,
  inspectVmdk,
  inspectVhdx,
  inspectVhd,
  inspectVdi,
  inspectIso,
];

/** What a file is, by its bytes and nothing else. */
export function detect(sample: Sample): Detected {
  for (const inspect of inspectors) {
    const found = inspect(sample);
    if (found) return found;
  }
  return { format: 'raw', virtualSize: sample.size, danger: null };
}
