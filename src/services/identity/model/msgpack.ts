import { unpack } from 'msgpackr';

/** What token payloads are made of. A `Float` is written as a double even when it is whole, as Python's are. */
export type Packable = null | boolean | number | string | Uint8Array | Float | readonly Packable[];

export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/**
 * MessagePack byte for byte as Python's `packb` writes it. msgpackr reads, but cannot write: it stores a whole
 * float as an integer, and then the same payload would not be the same bytes as keystone's.
 * @throws RangeError for integers that are negative or above 2^53, and for more than 65535 of anything
 */
export function pack(value: Packable): Buffer {
  const parts: (Buffer | Uint8Array)[] = [];
  write(value, parts);
  return Buffer.concat(parts);
}

/** @throws Error when the bytes are not one MessagePack value */
export function unpackValue(bytes: Uint8Array): unknown {
  return unpack(bytes as Buffer);
}

function write(value: Packable, parts: (Buffer | Uint8Array)[]): void {
  if (value === null) parts.push(Buffer.of(0xc0));
  else if (typeof value === 'boolean') parts.push(Buffer.of(value ? 0xc3 : 0xc2));
  else if (typeof value === 'number') parts.push(integer(value));
  else if (value instanceof Float) {
    const bytes = Buffer.allocUnsafe(9);
    bytes[0] = 0xcb;
    bytes.writeDoubleBE(value.value, 1);
    parts.push(bytes);
  } else if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    if (bytes.length < 32) parts.push(Buffer.of(0xa0 | bytes.length), bytes);
    else parts.push(bytes.length < 256 ? Buffer.of(0xd9, bytes.length) : sized(0xda, bytes.length), bytes);
  } else if (value instanceof Uint8Array) {
    parts.push(value.length < 256 ? Buffer.of(0xc4, value.length) : sized(0xc5, value.length), value);
  } else {
    parts.push(value.length < 16 ? Buffer.of(0x90 | value.length) : sized(0xdc, value.length));
    for (const item of value) write(item, parts);
  }
}

function sized(tag: number, length: number): Buffer {
  if (length > 0xffff) throw new RangeError('Too long for a token payload');
  return Buffer.of(tag, length >> 8, length & 0xff);
}

function integer(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('Not an integer of a token payload');
  if (value < 0x80) return Buffer.of(value);
  if (value < 0x100) return Buffer.of(0xcc, value);
  if (value < 0x10000) return sized(0xcd, value);
  const wide = value >= 2 ** 32;
  const bytes = Buffer.allocUnsafe(wide ? 9 : 5);
  bytes[0] = wide ? 0xcf : 0xce;
  if (wide) bytes.writeBigUInt64BE(BigInt(value), 1);
  else bytes.writeUInt32BE(value, 1);
  return bytes;
}
