import type { Detected, Sample } from './format.ts';

/** An encrypted disk (LUKS On-Disk Format 1.2.3): what is in it nobody here can see. Version 2 is refused as upstream does. */
export function inspectLuks({ head, size }: Sample): Detected | undefined {
  if (head.toString('latin1', 0, 6) !== 'LUKS\xba\xbe') return undefined;
  const found = (virtualSize: number | null, danger: string | null): Detected => ({
    format: 'luks',
    virtualSize,
    danger,
  });
  if (head.length < 592) return found(null, 'its header is cut off');
  const version = head.readUInt16BE(6);
  if (version !== 1) return found(null, `its version is ${version}`);
  return found(Math.max(0, size - head.readUInt32BE(104) * 512), null);
}
