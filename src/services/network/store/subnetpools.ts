import { type Cidr, formatCidr, overlap, parseCidr } from '../model/addresses.ts';
import { badRequest, conflict } from '../model/errors.ts';
import type { NetworkStore, SubnetPoolRow } from './tables.ts';

/**
 * The first block of a pool that no subnet has. Like the addresses of a port it is asked for in the transaction that
 * takes it.
 * @throws BadRequest for a length that the pool does not give, Conflict-like errors when there is no room
 */
export async function takePrefix(
  store: NetworkStore,
  pool: SubnetPoolRow,
  asked: { prefixlen?: number | undefined; cidr?: Cidr | undefined },
): Promise<Cidr> {
  const prefix = asked.cidr?.prefix ?? asked.prefixlen ?? pool.default_prefixlen;
  if (prefix < pool.min_prefixlen) {
    throw badRequest(
      'MinPrefixSubnetAllocationError',
      `Unable to allocate subnet with prefix length ${prefix}, minimum allowed prefix is ${pool.min_prefixlen}.`,
    );
  }
  if (prefix > pool.max_prefixlen) {
    throw badRequest(
      'MaxPrefixSubnetAllocationError',
      `Unable to allocate subnet with prefix length ${prefix}, maximum allowed prefix is ${pool.max_prefixlen}.`,
    );
  }
  const rows = await store.db
    .selectFrom('subnets')
    .select('cidr')
    .where('subnetpool_id', '=', pool.id)
    .execute();
  const taken = rows.map(({ cidr }) => parseCidr(cidr) as Cidr);
  const whole = pool.prefixes.map((each) => parseCidr(each) as Cidr);
  const exhausted = () =>
    conflict(
      'SubnetAllocationError',
      `Failed to allocate subnet: Insufficient prefix space to allocate subnet size /${prefix}.`,
    );
  if (asked.cidr) {
    const { cidr } = asked;
    const inside = whole.some((each) => cidr.first >= each.first && cidr.last <= each.last);
    if (!inside || taken.some((each) => overlap(each, cidr))) {
      throw conflict(
        'SubnetAllocationError',
        `Failed to allocate subnet: Cannot allocate requested subnet ${formatCidr(cidr)} from the available set of prefixes.`,
      );
    }
    return cidr;
  }
  const size = 1n << BigInt((pool.ip_version === 4 ? 32 : 128) - prefix);
  for (const range of whole) {
    let first = range.first;
    while (first + size - 1n <= range.last) {
      const block = { version: range.version, first, last: first + size - 1n, prefix };
      const clash = taken.find((each) => overlap(each, block));
      if (!clash) return block;
      // The next aligned block behind the one that is in the way.
      first = ((clash.last + size) / size) * size;
    }
  }
  throw exhausted();
}
