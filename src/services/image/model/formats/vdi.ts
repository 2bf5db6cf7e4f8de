import { type Detected, type Sample, safeSize } from './format.ts';

/** VirtualBox's disk image: the signature follows 64 bytes of text. */
export function inspectVdi({ head }: Sample): Detected | undefined {
  if (head.length < 0x200 || head.readUInt32LE(0x40) !== 0xbeda107f) return undefined;
  return { format: 'vdi', virtualSize: safeSize(head.readBigUInt64LE(0x170)), danger: null };
}
