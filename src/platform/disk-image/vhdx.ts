import { type Detected, type Part, type Sample, safeSize } from './format.ts';

const regionTable = 192 * 1024;
const tableBytes = 64 * 1024;
/** Of the metadata: its table, and as much again for the items, which are small and follow it. */
const metadataBytes = 2 * tableBytes;
/** Identifiers as they lie in the file ([MS-VHDX] 2.2.3.2 and 2.6.2). */
const metadataRegion = '06a27c8b90479a4bb8fe575f050f886e';
const virtualDiskSize = '2442a52f1bcd7648b2115dbed83bf4b8';
const fileParameters = '3767a1ca36fa434db3b633f0aa44e76b';
const parentLocator = '2d5fd3a80bb34d45abf7d3d84834ab0c';
const hasParent = 0b10;

/** Where the metadata of a VHDX is, once its region table is in the head; `undefined` where that does not say. */
export function vhdxMetadata(head: Buffer): Part | undefined {
  if (head.toString('latin1', 0, 8) !== 'vhdxfile') return undefined;
  const table = head.subarray(regionTable, regionTable + tableBytes);
  const entry = entryOf(table, 'regi', metadataRegion, { entriesAt: 16, countAt: 8 });
  const at = entry && safeSize(entry.readBigUInt64LE(16));
  return typeof at === 'number' ? { at, length: metadataBytes } : undefined;
}

/** Hyper-V's disk: a region table says where its metadata is, that where each item is. */
export function inspectVhdx({ head, later, tail }: Sample): Detected | undefined {
  if (head.toString('latin1', 0, 8) !== 'vhdxfile') return undefined;
  const found = (virtualSize: number | null, danger: string | null): Detected => ({
    format: 'vhdx',
    virtualSize,
    danger,
  });
  const part = vhdxMetadata(head);
  const inHead = part && part.at + part.length <= head.length;
  const metadata = part && (later ?? head.subarray(part.at, part.at + part.length));
  // It is still to come.
  if (part && !inHead && tail === null) return found(null, null);
  if (!metadata || metadata.length < tableBytes) return found(null, 'its metadata is not where it should be');
  const item = (id: string, bytes: number): Buffer | undefined => {
    const at = entryOf(metadata, 'metadata', id, { entriesAt: 32, countAt: 10 })?.readUInt32LE(16);
    const value = at === undefined ? undefined : metadata.subarray(at, at + bytes);
    return value?.length === bytes ? value : undefined;
  };
  const size = item(virtualDiskSize, 8);
  const parameters = item(fileParameters, 8);
  if (!size) return found(null, 'it does not say its size');
  if (!parameters) return found(null, 'it has no parameters');
  const bytes = safeSize(size.readBigUInt64LE(0));
  if (bytes === null) return found(null, 'its size is impossible');
  const parent =
    (parameters.readUInt32LE(4) & hasParent) !== 0 ||
    entryOf(metadata, 'metadata', parentLocator, { entriesAt: 32, countAt: 10 }) !== undefined;
  return found(bytes, parent ? 'it has a parent' : null);
}

/** A table's entry of 32 bytes with this identifier. */
function entryOf(
  table: Buffer,
  signature: string,
  id: string,
  { entriesAt, countAt }: { entriesAt: number; countAt: number },
): Buffer | undefined {
  if (table.length < tableBytes || table.toString('latin1', 0, signature.length) !== signature)
    return undefined;
  const count = Math.min(table.readUInt16LE(countAt), 2047);
  for (let number = 0; number < count; number++) {
    const at = entriesAt + number * 32;
    const entry = table.subarray(at, at + 32);
    if (entry.length === 32 && entry.toString('hex', 0, 16) === id) return entry;
  }
  return undefined;
}
