import { type Detected, type Sample, safeSize } from './format.ts';

const differencing = 4;

/** Virtual PC's disk: a footer of 512 bytes, of which dynamic disks have a copy at the beginning. */
export function inspectVhd({ head, tail }: Sample): Detected | undefined {
  const footer = [head.subarray(0, 512), tail].find(
    (part) => part.length === 512 && part.toString('latin1', 0, 8) === 'conectix',
  );
  if (!footer) return undefined;
  const danger = footer.readUInt32BE(60) === differencing ? 'it has a parent' : null;
  return { format: 'vhd', virtualSize: safeSize(footer.readBigUInt64BE(48)), danger };
}
