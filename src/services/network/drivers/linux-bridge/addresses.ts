import { parseIp, stringifyIp } from 'ip-bigint';

/** A block of addresses; a single address is a block whose prefix is full. */
export interface Block {
  version: 4 | 6;
  first: bigint;
  last: bigint;
  prefix: number;
}

/** Reads `10.0.0.1`, `10.0.0.0/8`, `fe80::1`, `::/0`; bits beyond the prefix are cleared. @throws Error when it is neither */
export function parseBlock(text: string): Block {
  const slash = text.indexOf('/');
  const { number, version } = parseIp(slash < 0 ? text : text.slice(0, slash));
  const bits = version === 4 ? 32 : 128;
  const prefix = slash < 0 ? bits : Number(text.slice(slash + 1));
  if ((version !== 4 && version !== 6) || !Number.isInteger(prefix) || prefix < 0 || prefix > bits)
    throw new Error(`${text} is no address`);
  const size = 1n << BigInt(bits - prefix);
  const first = (number / size) * size;
  return { version, first, last: first + size - 1n, prefix };
}

export const addressText = (version: 4 | 6, value: bigint): string => stringifyIp({ number: value, version });

/** A block as nft and ip write it: the plain address when it is only one. */
export function blockText(block: Block): string {
  const address = addressText(block.version, block.first);
  return block.prefix === (block.version === 4 ? 32 : 128) ? address : `${address}/${block.prefix}`;
}

export const isBlockOf = (ethertype: 'IPv4' | 'IPv6', text: string): boolean =>
  text.includes(':') === (ethertype === 'IPv6');

/** The same addresses without repetition or overlap (nft refuses sets that overlap), sorted. */
export function distinctBlocks(texts: Iterable<string>): string[] {
  const blocks = [...texts]
    .map(parseBlock)
    .toSorted((a, b) => a.version - b.version || compare(a.first, b.first) || a.prefix - b.prefix);
  const kept: Block[] = [];
  for (const block of blocks) {
    const before = kept.at(-1);
    if (before && before.version === block.version && block.last <= before.last) continue;
    kept.push(block);
  }
  return kept.map(blockText);
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

/** The address with its subnet's prefix, as a device carries it: `10.0.0.5/24`. */
export const onSubnet = ({ ip, cidr }: { ip: string; cidr: string }): string =>
  `${blockText({ ...parseBlock(ip) })}/${parseBlock(cidr).prefix}`;

/** The link-local address that an interface with this MAC gives itself (RFC 4291, appendix A). */
export function linkLocal(mac: string): string {
  const bytes = mac.split(':').map((part) => BigInt(`0x${part}`));
  let id = 0n;
  for (const [at, byte] of bytes.entries()) {
    id = (id << 8n) | (at === 0 ? byte ^ 2n : byte);
    if (at === 2) id = (id << 16n) | 0xfffen;
  }
  return addressText(6, (0xfe80n << 112n) | id);
}

export const isInside = (ip: string, cidr: string): boolean => {
  const address = parseBlock(ip);
  const block = parseBlock(cidr);
  return address.version === block.version && address.first >= block.first && address.last <= block.last;
};
