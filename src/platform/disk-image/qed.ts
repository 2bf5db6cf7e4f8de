import type { Detected, Sample } from './format.ts';

/** QEMU's format that qcow2 replaced: no image may be of it, so it is known only to be refused. */
export function inspectQed({ head }: Sample): Detected | undefined {
  if (head.toString('latin1', 0, 4) !== 'QED\0') return undefined;
  return { format: 'qed', virtualSize: null, danger: 'this format is not allowed' };
}
