import { type Detected, type Sample, safeSize } from './format.ts';

const regionTable = 192 * 1024;
/** Identifiers as they lie in the file ([MS-VHDX] 2.2.3.2 and 2.6.2). */
const metadataRegion = '06a27c8b90479a4bb8fe575f050f886e';
const virtualDiskSize = '2442a52f1bcd7648b2115dbed83bf4b8';
const fileParameters = '3767a1ca36fa434db3b633f0aa44e76b';
const hasParent = 0b10;

/** Hyper-V's disk: a region table says where its metadata is, that where each item is. */
export function inspectVhdx({ head }: Sample): Detected | undefined {
  if (head.toString('latin1', 0, 8) !== 'vhdxfile') return undefined;
  const found = (virtualSize: number | null, danger: string | null): Detected => ({
    format: 'vhdx',
    virtualSize,
    danger,
  });
  const metadata = entryOf(head, regionTable, 'regi', metadataRegion, 16, 8);
  const start = metadata === undefined ? undefined : safeSize(head.readBigUInt64LE(metadata + 16));
  if (start === undefined || start === null || start + 64 * 1024 > head.length) {
    return found(null, 'its metadata is not where it should be');
  }
  const item = (id: string): number | undefined => {
    const entry = entryOf(head, start, 'metadata', id, 32, 10);
    return entry === undefined ? undefined : start + head.readUInt32LE(entry + 16);
  };
  const size = item(virtualDiskSize);
  const parameters = item(fileParameters);
  if (size === undefined || size + 8 > head.length) return found(null, 'it does not say its size');
  if (parameters === undefined || parameters + 8 > head.length) return found(null, 'it has no parameters');
  const parent = (head.readUInt32LE(parameters + 4) & hasParent) !== 0;
  return found(safeSize(head.readBigUInt64LE(size)), parent ? 'it has a parent' : null);
}

/** Where a table of 32-byte entries has the one with this identifier. */
function entryOf(
  head: Buffer,
  table: number,
  signature: string,
  id: string,
  headerBytes: number,
  countAt: number,
): number | undefined {
  if (table + 64 * 1024 > head.length) return undefined;
  if (head.toString('latin1', table, table + signature.length) !== signature) return undefined;
  const count = Math.min(head.readUInt16LE(table + countAt), 2047);
  for (let at = table + headerBytes; at < table + headerBytes + count * 32; at += 32) {
    if (at + 32 > head.length) return undefined;
    if (head.toString('hex', at, at + 16) === id) return at;
  }
  return undefined;
}
