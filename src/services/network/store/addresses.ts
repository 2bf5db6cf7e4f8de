import { type Address, addressKey, addressOfKey, formatAddress, parseAddress } from '../model/addresses.ts';
import type { NetworkStore, SubnetRow } from './tables.ts';

/** How many addresses are tried at random before the free ones are looked for in order. */
const tries = 12;
/** Rows read at a time when looking for a gap. */
const chunk = 512;

interface Range {
  first: bigint;
  last: bigint;
}

const rangesOf = (subnet: SubnetRow): Range[] =>
  subnet.allocation_pools.map(({ start, end }) => ({
    first: (parseAddress(start) as Address).value,
    last: (parseAddress(end) as Address).value,
  }));

/** A number below `limit`; not a secret. */
function randomBelow(limit: bigint): bigint {
  let random = 0n;
  for (let i = 0; i < 3; i++) random = (random << 48n) | BigInt(Math.floor(Math.random() * 2 ** 48));
  return random % limit;
}

/** The nth address of the pools. */
function nth(ranges: readonly Range[], n: bigint): bigint {
  let left = n;
  for (const { first, last } of ranges) {
    const size = last - first + 1n;
    if (left < size) return first + left;
    left -= size;
  }
  throw new RangeError('beyond the pools');
}

/**
 * An address of the subnet's pools that no port has; `undefined` when they are used up. It is free only for the
 * transaction that this is asked in. A pool that has room gives one after one query, however many are taken.
 */
export async function freeAddress(store: NetworkStore, subnet: SubnetRow): Promise<Address | undefined> {
  const ranges = rangesOf(subnet);
  const size = ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
  if (size <= 0n) return undefined;
  const version = subnet.ip_version as 4 | 6;
  const key = (value: bigint) => addressKey({ version, value });
  const start = randomBelow(size);
  const candidates = [
    ...new Set(Array.from({ length: tries }, (_, i) => (i === 0 ? start : randomBelow(size)))),
  ].map((n) => key(nth(ranges, n)));
  const taken = await store.db
    .selectFrom('ip_allocations')
    .select('address_key')
    .where('subnet_id', '=', subnet.id)
    .where('address_key', 'in', candidates)
    .execute();
  const takenKeys = new Set(taken.map((row) => row.address_key));
  const free = candidates.find((each) => !takenKeys.has(each));
  if (free) return addressOfKey(free);
  // The pools are nearly full: the first gap behind the random start, then before it.
  const begin = nth(ranges, start);
  const around = [
    ...ranges
      .filter(({ last }) => last >= begin)
      .map((r) => ({ first: r.first > begin ? r.first : begin, last: r.last })),
    ...ranges
      .filter(({ first }) => first < begin)
      .map((r) => ({ first: r.first, last: r.last < begin ? r.last : begin - 1n })),
  ];
  for (const range of around) {
    const gap = await firstGap(store, subnet.id, range, key);
    if (gap !== undefined) return { version, value: gap };
  }
  return undefined;
}

async function firstGap(
  store: NetworkStore,
  subnetId: string,
  { first, last }: Range,
  key: (value: bigint) => string,
): Promise<bigint | undefined> {
  let next = first;
  while (next <= last) {
    const rows = await store.db
      .selectFrom('ip_allocations')
      .select('address_key')
      .where('subnet_id', '=', subnetId)
      .where('address_key', '>=', key(next))
      .where('address_key', '<=', key(last))
      .orderBy('address_key')
      .limit(chunk)
      .execute();
    for (const row of rows) {
      if (row.address_key !== key(next)) return next;
      next += 1n;
    }
    if (rows.length < chunk) return next <= last ? next : undefined;
  }
  return undefined;
}

/** Whether a port of the subnet has this address. */
export async function isTaken(store: NetworkStore, subnetId: string, address: Address): Promise<boolean> {
  const row = await store.db
    .selectFrom('ip_allocations')
    .select('port_id')
    .where('subnet_id', '=', subnetId)
    .where('address_key', '=', addressKey(address))
    .executeTakeFirst();
  return row !== undefined;
}

/** An address as the table keeps it. */
export const allocation = (
  address: Address,
  of: { subnet_id: string; port_id: string; network_id: string; position: number },
) => ({ ...of, address_key: addressKey(address), ip_address: formatAddress(address) });
