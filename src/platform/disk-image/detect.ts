import type { Detected, Inspector, Sample } from './format.ts';
import { inspectGpt } from './gpt.ts';
import { inspectIso } from './iso.ts';
import { inspectLuks } from './luks.ts';
import { inspectPloop } from './ploop.ts';
import { inspectQcow2 } from './qcow2.ts';
import { inspectQed } from './qed.ts';
import { inspectVdi } from './vdi.ts';
import { inspectVhd } from './vhd.ts';
import { inspectVhdx } from './vhdx.ts';
import { inspectVmdk } from './vmdk.ts';

/** Those that give bytes a structure of their own; what merely lies on a disk, at the end. */
const inspectors: readonly Inspector[] = [
  inspectQcow2,
  inspectQed,
  inspectVmdk,
  inspectVhdx,
  inspectVhd,
  inspectVdi,
  inspectPloop,
  inspectLuks,
  inspectIso,
];

/** What may begin with a partition table and be itself all the same. */
const mayBoot = new Set(['iso', 'vhd', 'luks']);

/**
 * What a file is, by its bytes and nothing else. What is two things at once is dangerous: one of them is there to
 * deceive whoever looks for the other.
 */
export function detect(sample: Sample): Detected {
  const found = inspectors.flatMap((inspect) => inspect(sample) ?? []);
  const disk = inspectGpt(sample);
  const [only] = found;
  if (!only) return disk ?? { format: 'raw', virtualSize: sample.size, danger: null };
  if (disk && !found.every(({ format }) => mayBoot.has(format))) found.push(disk);
  if (found.length === 1) return only;
  const names = found.map(({ format }) => format).join(', ');
  return { format: only.format, virtualSize: null, danger: `it is several formats at once: ${names}` };
}
