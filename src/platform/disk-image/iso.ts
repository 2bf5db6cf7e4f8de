import type { Detected, Sample } from './format.ts';

const descriptors = 32 * 1024;
const primary = 1;

/** ISO 9660 (and UDF bridges): volume descriptors begin at sector 16. */
export function inspectIso({ head, size }: Sample): Detected | undefined {
  const id = head.toString('latin1', descriptors + 1, descriptors + 6);
  if (id !== 'CD001' && id !== 'BEA01' && id !== 'NSR02' && id !== 'NSR03') return undefined;
  const described = id === 'CD001' && head.length >= descriptors + 132 && head[descriptors] === primary;
  const volume = described ? head.readUInt32LE(descriptors + 80) * head.readUInt16LE(descriptors + 128) : 0;
  return { format: 'iso', virtualSize: volume || size, danger: null };
}
