import type { Detected, Sample } from './format.ts';

const entries = 446;
const protective = 0xee;

/**
 * A disk with a partition table, MBR or GPT: raw to whoever opens it. Its table is looked at as upstream does, since
 * what only seems to be one may be something else.
 */
export function inspectGpt({ head, size }: Sample): Detected | undefined {
  if (head.length < 512 || head.readUInt16LE(510) !== 0xaa55) return undefined;
  // A FAT file system on the bare disk ends its first sector alike.
  if (head[0x10] === 2 && head[0x15] === 0xf8) return undefined;
  const danger = tableDanger(head.subarray(entries, entries + 64));
  return { format: 'gpt', virtualSize: size, danger, ...(danger === null ? {} : { check: 'mbr' }) };
}

function tableDanger(table: Buffer): string | null {
  const used: number[] = [];
  let gpt = false;
  for (let number = 0; number < 4; number++) {
    const entry = table.subarray(number * 16, number * 16 + 16);
    const boot = entry.readUInt8(0);
    if (boot !== 0 && boot !== 0x80) return `partition ${number} has an invalid boot flag`;
    const type = entry.readUInt8(4);
    if (type !== 0) used.push(number);
    if (type !== protective) continue;
    gpt = true;
    if (entry.readUIntBE(1, 3) !== 0x000200 || entry.readUInt32LE(8) !== 1)
      return 'its protective partition is not where it should be';
  }
  if (gpt && (used.length !== 1 || used[0] !== 0)) return 'it has partitions beside the protective one';
  return used.length === 0 ? 'its partition table is empty' : null;
}
