import { type Detected, type Sample, safeSize } from './format.ts';

const sector = 512n;
/** The kinds that are whole in one file. */
const selfContained = new Set(['monolithicSparse', 'streamOptimized']);

/** VMDK, as in VMware's Virtual Disk Format 5.0. Refused: descriptors that name files of the host. */
export function inspectVmdk({ head }: Sample): Detected | undefined {
  const found = (virtualSize: number | null, danger: string | null): Detected => ({
    format: 'vmdk',
    virtualSize,
    danger,
  });
  if (head.subarray(0, 21).toString('latin1') === '# Disk DescriptorFile') {
    return found(null, 'it is a descriptor that names other files');
  }
  if (head.length < 512 || head.toString('latin1', 0, 4) !== 'KDMV') return undefined;
  const capacity = safeSize(head.readBigUInt64LE(12) * sector);
  const start = safeSize(head.readBigUInt64LE(28) * sector);
  const length = safeSize(head.readBigUInt64LE(36) * sector);
  if (capacity === null) return found(null, 'its size is impossible');
  if (
    start === null ||
    length === null ||
    start === 0 ||
    length > 1024 * 1024 ||
    start + length > head.length
  ) {
    return found(capacity, 'its descriptor is not where it should be');
  }
  const descriptor = head.toString('latin1', start, start + length).split('\0')[0] ?? '';
  return found(capacity, descriptorDanger(descriptor));
}

function descriptorDanger(descriptor: string): string | null {
  const lines = descriptor.split('\n').map((line) => line.trim());
  const type = lines.flatMap((line) => /^createType\s*=\s*"?([^"]*)"?$/i.exec(line)?.[1] ?? [])[0];
  if (type === undefined || !selfContained.has(type)) return `its kind is ${type ?? 'not said'}`;
  const extents = lines.filter((line) => /^(RW|RDONLY|NOACCESS)\s/i.test(line));
  if (extents.length !== 1) return `it has ${extents.length} extents`;
  if (!/^(RW|RDONLY)\s+\d+\s+SPARSE\s+"[^"/\\]*"(\s|$)/i.test(extents[0] ?? '')) {
    return 'its extent names another file';
  }
  const parent = lines.flatMap((line) => /^parentFileNameHint\s*=/i.exec(line) ?? []);
  return parent.length > 0 ? 'it has a parent' : null;
}
