import { type Detected, type Sample, safeSize } from './format.ts';

/** Parallels' and Virtuozzo's disk: docs/interop/parallels.rst of QEMU. It refers to no other file. */
export function inspectPloop({ head }: Sample): Detected | undefined {
  const magic = head.toString('latin1', 0, 16);
  if (magic !== 'WithoutFreeSpace' && magic !== 'WithouFreSpacExt') return undefined;
  const found = (virtualSize: number | null, danger: string | null): Detected => ({
    format: 'ploop',
    virtualSize,
    danger,
  });
  if (head.length < 64) return found(null, 'its header is cut off');
  const version = head.readUInt32LE(16);
  if (version !== 2) return found(null, `its version is ${version}`);
  const sectors = head.readBigUInt64LE(36);
  // The older kind has a size of 32 bits only.
  const size = safeSize((magic === 'WithoutFreeSpace' ? sectors & 0xffffffffn : sectors) * 512n);
  return found(size, size === null ? 'its size is impossible' : null);
}
