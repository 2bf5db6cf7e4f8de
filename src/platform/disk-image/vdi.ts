import { type Detected, type Sample, safeSize } from './format.ts';

const dynamic = 1;
const fixed = 2;
const none = Buffer.alloc(16);

/** VirtualBox's disk image: the signature follows 64 bytes of text. */
export function inspectVdi({ head }: Sample): Detected | undefined {
  if (head.length < 0x44 || head.readUInt32LE(0x40) !== 0xbeda107f) return undefined;
  if (head.length < 0x200) return { format: 'vdi', virtualSize: null, danger: 'its header is cut off' };
  const size = safeSize(head.readBigUInt64LE(0x170));
  const found = (danger: string | null): Detected => ({
    format: 'vdi',
    // QEMU counts in sectors.
    virtualSize: size === null ? null : Math.ceil(size / 512) * 512,
    danger,
  });
  if (size === null || !Number.isSafeInteger(Math.ceil(size / 512) * 512))
    return found('its size is impossible');
  const kind = head.readUInt32LE(0x4c);
  const single = [0x1a8, 0x1b8].every((uuid) => head.subarray(uuid, uuid + 16).equals(none));
  if ((kind !== dynamic && kind !== fixed) || !single) return found('it has a parent');
  return found(null);
}
