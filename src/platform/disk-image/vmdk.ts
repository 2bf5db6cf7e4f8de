import { type Detected, type Sample, safeSize } from './format.ts';
import { descriptorDanger } from './vmdk-descriptor.ts';

const sector = 512n;
/** QEMU looks for parents here whatever the header says of where the descriptor is. */
const descriptorAt = 512;
const mostDescriptor = 2 ** 20 - 1;
const atEnd = 2n ** 64n - 1n;
/** The last three sectors of a stream: a mark, the footer, and the end's mark. */
const endBytes = 1536;
const footerMark = 3;

/** VMDK, as in VMware's Virtual Disk Format 5.0. Refused: descriptors that name files of the host. */
export function inspectVmdk({ head, tail }: Sample): Detected | undefined {
  if (isDescriptor(head)) {
    return { format: 'vmdk', virtualSize: null, danger: 'it is a descriptor that names other files' };
  }
  const magic = head.toString('latin1', 0, 4);
  if (magic === 'COWD') return { format: 'vmdk', virtualSize: null, danger: 'its kind is not allowed' };
  if (magic !== 'KDMV') return undefined;
  if (head.length < 512) return { format: 'vmdk', virtualSize: null, danger: 'its header is cut off' };
  const capacity = safeSize(head.readBigUInt64LE(12) * sector);
  const found = (danger: string | null, size = capacity): Detected => ({
    format: 'vmdk',
    virtualSize: size,
    danger,
  });
  const version = head.readUInt32LE(4);
  if (version < 1 || version > 3) return found(`its version is ${version}`);
  // With none QEMU takes the descriptor's word for everything, files that it names too.
  if (capacity === null || capacity === 0) return found('its size is impossible');
  const start = head.readBigUInt64LE(28) * sector;
  const length = safeSize(head.readBigUInt64LE(36) * sector);
  if (start !== BigInt(descriptorAt) || length === null || length === 0 || length > mostDescriptor)
    return found('its descriptor is not where it should be');
  if (descriptorAt + length > head.length) return found('its descriptor is cut off');
  const danger = descriptorDanger(head.subarray(descriptorAt, descriptorAt + length));
  if (danger !== null) return found(danger);
  if (head.readBigUInt64LE(56) !== atEnd || tail === null) return found(null);
  const footer = tail.subarray(-endBytes);
  // The footer's word counts, where there is one.
  return footerFits(head, footer)
    ? found(null, safeSize(footer.readBigUInt64LE(512 + 12) * sector))
    : found('its footer does not fit its header');
}

function footerFits(head: Buffer, end: Buffer): boolean {
  if (end.length < endBytes) return false;
  const footer = end.subarray(512, 1024);
  const same = (from: number, to: number) => head.subarray(from, to).equals(footer.subarray(from, to));
  const isMark = (mark: Buffer, kind: number, sectors: bigint | null) =>
    (sectors === null || mark.readBigUInt64LE(0) === sectors) &&
    mark.readUInt32LE(8) === 0 &&
    mark.readUInt32LE(12) === kind &&
    mark.subarray(16).every((byte) => byte === 0);
  return (
    same(0, 8) &&
    // Of the disk's size and of the descriptor's place they must agree, so that nobody is told two things.
    same(12, 20) &&
    same(28, 44) &&
    footer.readBigUInt64LE(56) !== atEnd &&
    isMark(end.subarray(0, 512), footerMark, null) &&
    isMark(end.subarray(1024), 0, 0n)
  );
}

/** A file that is nothing but a descriptor: by its first line, as QEMU knows it, or text that says its kind. */
function isDescriptor(head: Buffer): boolean {
  const begin = head.toString('latin1', 0, 4096);
  if (/^# Disk DescriptorFile/i.test(begin)) return true;
  if (/^(?:#[^\n]*\n| *\r?\n)*version=[123]\r?\n/.test(begin)) return true;
  if (!/^[\t\n\v\f\r -~]+$/.test(begin.slice(0, 512))) return false;
  return /createtype\s*=/i.test(head.toString('latin1', 0, mostDescriptor));
}
