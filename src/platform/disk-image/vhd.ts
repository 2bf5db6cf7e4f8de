import { type Detected, type Sample, safeSize } from './format.ts';

const fixed = 2;
const dynamic = 3;
const footerBytes = 512;
/** Who counts a disk's size in bytes; all others, and QEMU when it reads theirs, by cylinders, heads and sectors. */
const byBytes = new Set(['win ', 'qem2', 'd2v ', 'tap\0', 'CTXS', 'wa\0\0']);
/** Where cylinders, heads and sectors count no further. */
const mostSectors = 65_535 * 16 * 255;

/** Virtual PC's disk: a footer of 512 bytes, of which dynamic disks have a copy at the beginning. */
export function inspectVhd({ head, tail }: Sample): Detected | undefined {
  const footer = [head.subarray(0, footerBytes), tail?.subarray(-footerBytes)].find(
    (part) => part?.length === footerBytes && part.toString('latin1', 0, 8) === 'conectix',
  );
  if (!footer) return undefined;
  const size = sizeOf(footer);
  const kind = footer.readUInt32BE(60);
  const found = (danger: string | null): Detected => ({ format: 'vhd', virtualSize: size, danger });
  if (size === null) return found('its size is impossible');
  return found(kind === fixed || kind === dynamic ? null : 'it has a parent');
}

/** As QEMU's block/vpc.c sees it. */
function sizeOf(footer: Buffer): number | null {
  const sectors = footer.readUInt16BE(56) * footer.readUInt8(58) * footer.readUInt8(59);
  if (!byBytes.has(footer.toString('latin1', 28, 32)) && sectors !== mostSectors) return sectors * 512;
  const bytes = safeSize(footer.readBigUInt64BE(48));
  return bytes === null ? null : Math.floor(bytes / 512) * 512;
}
