import { isIP } from 'node:net';

/** An IP address as a number, so that ranges can be computed with. */
export interface Address {
  version: 4 | 6;
  value: bigint;
}

export interface Cidr {
  version: 4 | 6;
  /** The network's own address: bits behind the prefix are 0. */
  first: bigint;
  last: bigint;
  prefix: number;
}

const bitsOf = { 4: 32, 6: 128 } as const;

/** @returns `undefined` for text that is no address; zone ids are none */
export function parseAddress(text: unknown): Address | undefined {
  if (typeof text !== 'string') return undefined;
  const version = isIP(text);
  if (version === 4) return { version, value: parse4(text) };
  if (version === 6 && !text.includes('%')) return { version, value: parse6(text) };
  return undefined;
}

const parse4 = (text: string): bigint =>
  text.split('.').reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);

function parse6(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  let hex = text;
  if (dotted) {
    const low = parse4(dotted[2] as string);
    hex = `${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  }
  const [head = '', tail] = hex.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** The canonical text of RFC 5952: small letters, the longest run of zeros as `::`. */
export function formatAddress({ version, value }: Address): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.at < 0) return hex.join(':');
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`;
}

/** The address in canonical text; what is no address comes back as it is, for a schema to refuse. */
export function canonicalAddress(text: unknown): unknown {
  const address = parseAddress(text);
  return address ? formatAddress(address) : text;
}

/** @returns `undefined` for text that is no CIDR. Bits behind the prefix are dropped. */
export function parseCidr(text: unknown): Cidr | undefined {
  if (typeof text !== 'string') return undefined;
  const [ip, prefixText, more] = text.split('/');
  const address = parseAddress(ip);
  if (!address || more !== undefined || !/^\d{1,3}$/.test(prefixText ?? '')) return undefined;
  const prefix = Number(prefixText);
  const bits = bitsOf[address.version];
  if (prefix > bits) return undefined;
  const size = 1n << BigInt(bits - prefix);
  const first = address.value - (address.value % size);
  return { version: address.version, first, last: first + size - 1n, prefix };
}

export const formatCidr = ({ version, first, prefix }: Cidr): string =>
  `${formatAddress({ version, value: first })}/${prefix}`;

export const contains = (cidr: Cidr, { version, value }: Address): boolean =>
  cidr.version === version && value >= cidr.first && value <= cidr.last;

export const overlap = (a: Cidr, b: Cidr): boolean =>
  a.version === b.version && a.first <= b.last && b.first <= a.last;

/** Text that sorts as the addresses of one family do: hexadecimal of fixed width. */
export const addressKey = ({ version, value }: Address): string =>
  value.toString(16).padStart(version === 4 ? 8 : 32, '0');

export const addressOfKey = (key: string): Address => ({
  version: key.length === 8 ? 4 : 6,
  value: BigInt(`0x${key}`),
});

/** The address that a guest gives itself from the prefix of a router's advertisement (RFC 4291, modified EUI-64). */
export function slaacAddress(cidr: Cidr, mac: string): Address {
  const octets = mac.split(':').map((each) => Number.parseInt(each, 16));
  const [a = 0, ...rest] = octets;
  const id = [a ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  return { version: 6, value: cidr.first | id.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n) };
}
