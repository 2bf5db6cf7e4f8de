import {
  type Address,
  type Cidr,
  contains,
  formatAddress,
  formatCidr,
  overlap,
  parseAddress,
  parseCidr,
} from './addresses.ts';
import { badRequest, conflict, invalidInput } from './errors.ts';

/** Modes in which guests make their own addresses. */
const automatic = new Set(['slaac', 'dhcpv6-stateless']);

/** Whether addresses of the subnet follow from a port's MAC address. */
export const isAutomatic = (subnet: {
  ipv6_address_mode: string | null;
  ipv6_ra_mode: string | null;
}): boolean => [subnet.ipv6_address_mode, subnet.ipv6_ra_mode].some((mode) => automatic.has(mode ?? ''));

/** Whether addresses must not be the ends of the subnet: they name the network and, in IPv4, everybody on it. */
export function isUsable(cidr: Cidr, { value }: Address): boolean {
  if (cidr.version === 4) return cidr.prefix >= 31 || (value !== cidr.first && value !== cidr.last);
  return cidr.prefix >= 127 || value !== cidr.first;
}

/** The subnet's first address that a host can have: where the gateway is unless somebody says otherwise. */
export const firstHost = (cidr: Cidr): string =>
  formatAddress({ version: cidr.version, value: cidr.first + (cidr.last > cidr.first ? 1n : 0n) });

export interface Pool {
  start: string;
  end: string;
}

/** All of the subnet but its ends and the gateway. */
export function defaultPools(cidr: Cidr, gateway: string | null): Pool[] {
  const wide = cidr.prefix < (cidr.version === 4 ? 31 : 127);
  const first = wide ? cidr.first + 1n : cidr.first;
  const last = wide && cidr.version === 4 ? cidr.last - 1n : cidr.last;
  const skip = gateway === null ? undefined : parseAddress(gateway)?.value;
  const ranges =
    skip === undefined || skip < first || skip > last
      ? [[first, last] as const]
      : ([
          [first, skip - 1n],
          [skip + 1n, last],
        ] as const);
  const text = (value: bigint) => formatAddress({ version: cidr.version, value });
  return ranges.filter(([a, b]) => a <= b).map(([a, b]) => ({ start: text(a), end: text(b) }));
}

/**
 * Sees that pools lie in the subnet, are the right way round, and have nothing twice.
 * @returns them in canonical text and order
 */
export function checkPools(pools: readonly Pool[], cidr: Cidr): Pool[] {
  const ranges = pools.map((pool) => {
    const start = parseAddress(pool.start);
    const end = parseAddress(pool.end);
    if (
      !start ||
      !end ||
      start.version !== cidr.version ||
      end.version !== cidr.version ||
      end.value < start.value
    ) {
      throw badRequest(
        'InvalidAllocationPool',
        `The allocation pool ${pool.start}-${pool.end} is not valid.`,
      );
    }
    const inside = [start, end].every((each) => contains(cidr, each) && isUsable(cidr, each));
    if (!inside) {
      throw badRequest(
        'OutOfBoundsAllocationPool',
        `The allocation pool ${pool.start}-${pool.end} spans beyond the subnet cidr ${formatCidr(cidr)}.`,
      );
    }
    return { start, end };
  });
  ranges.sort((a, b) => (a.start.value < b.start.value ? -1 : 1));
  const texts = ranges.map(({ start, end }) => ({ start: formatAddress(start), end: formatAddress(end) }));
  for (let i = 1; i < ranges.length; i++) {
    const [before, after] = [ranges[i - 1], ranges[i]];
    if (!before || !after || after.start.value > before.end.value) continue;
    const show = (pool: Pool | undefined) => `${pool?.start}-${pool?.end}`;
    throw conflict(
      'OverlappingAllocationPools',
      `Found overlapping allocation pools: ${show(texts[i - 1])}, ${show(texts[i])} for subnet ${formatCidr(cidr)}.`,
    );
  }
  return texts;
}

/** Sees that a gateway is an address that a host of the subnet can have, outside of the pools. */
export function checkGateway(gateway: string, cidr: Cidr, pools: readonly Pool[]): void {
  const address = parseAddress(gateway);
  if (!address || address.version !== cidr.version) {
    throw invalidInput(`Gateway IP version of ${gateway} does not match the subnet's`);
  }
  const linkLocal = address.version === 6 && address.value >> 118n === 0x3fan;
  if (!linkLocal && !(contains(cidr, address) && isUsable(cidr, address))) {
    throw invalidInput('Gateway is not valid on subnet');
  }
  const pool = pools.find(({ start, end }) => {
    const [first, last] = [parseAddress(start), parseAddress(end)];
    return first && last && address.value >= first.value && address.value <= last.value;
  });
  if (pool) {
    throw conflict(
      'GatewayConflictWithAllocationPools',
      `Gateway ip ${gateway} conflicts with allocation pool ${pool.start}-${pool.end}.`,
    );
  }
}

const modes = ['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'];

/** Sees that a subnet's family, CIDR, DHCP and IPv6 modes go together. */
export function checkFamily(subnet: {
  ip_version: number;
  cidr: Cidr;
  enable_dhcp: boolean;
  ipv6_ra_mode?: string | null | undefined;
  ipv6_address_mode?: string | null | undefined;
}): void {
  const { ip_version: version, cidr, ipv6_ra_mode: ra, ipv6_address_mode: mode } = subnet;
  if (cidr.version !== version) {
    throw badRequest(
      'BadRequest',
      `Bad cidr request: '${formatCidr(cidr)}' is not of IP version ${version}.`,
    );
  }
  const modal = Boolean(ra ?? mode);
  if (version === 4 && modal) {
    throw invalidInput(`${ra ? 'ipv6_ra_mode' : 'ipv6_address_mode'} is not valid when ip_version is 4`);
  }
  if (modal && !subnet.enable_dhcp) {
    throw invalidInput('ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False');
  }
  if (ra && mode && ra !== mode) {
    throw invalidInput(
      `ipv6_ra_mode set to '${ra}' with ipv6_address_mode set to '${mode}' is not valid. If both attributes are set, they must be the same value`,
    );
  }
  const auto = [ra, mode].some((each) => automatic.has(each ?? ''));
  if (auto && cidr.prefix !== 64) {
    throw invalidInput(
      `Invalid CIDR ${formatCidr(cidr)} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64`,
    );
  }
  if (version === 4 && subnet.enable_dhcp && cidr.prefix > 30) {
    throw invalidInput(`Subnet has a prefix length that is incompatible with DHCP service enabled`);
  }
}

export const ipv6Modes = modes;

/** Sees that a subnet's addresses are not those of another of its network. */
export function checkOverlap(
  cidr: Cidr,
  networkId: string,
  others: readonly { id: string; cidr: string }[],
): void {
  for (const other of others) {
    const theirs = parseCidr(other.cidr);
    if (theirs && overlap(cidr, theirs)) {
      throw invalidInput(
        `Requested subnet with cidr: ${formatCidr(cidr)} for network: ${networkId} overlaps with another subnet`,
      );
    }
  }
}
