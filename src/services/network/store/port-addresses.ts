import {
  type Address,
  type Cidr,
  contains,
  formatAddress,
  parseAddress,
  parseCidr,
  slaacAddress,
} from '../model/addresses.ts';
import { addressAllocated, addressesExhausted, badRequest, invalidInput } from '../model/errors.ts';
import { isAutomatic, isUsable } from '../model/subnets.ts';
import { allocation, freeAddress, isTaken } from './addresses.ts';
import type { NetworkStore, SubnetRow } from './tables.ts';

/** What is asked for: an address, a subnet to take one from, or both. */
export interface FixedIpRequest {
  subnet_id?: string;
  ip_address?: string;
}

export interface FixedIp {
  subnet_id: string;
  ip_address: string;
}

/** The port that addresses are for. */
export interface AddressedPort {
  id: string;
  network_id: string;
  mac_address: string;
  device_owner: string;
}

/** What makes addresses out of advertisements: everything but the routers that advertise. */
export const listens = (port: { device_owner: string }): boolean =>
  !port.device_owner.startsWith('network:router_interface');

/** Whether the subnet's service types let a port of this owner have its addresses. */
const serves = (subnet: SubnetRow, owner: string): boolean =>
  subnet.service_types.length === 0 ||
  subnet.service_types.some((type) => owner !== '' && owner.startsWith(type));

/**
 * Takes addresses for a port, inside the caller's transaction.
 *
 * @param requests `undefined`: one address of each family. Those that follow from the MAC come by themselves.
 * @param keeps what the port has already, and goes on to have
 * @throws Conflict (taken, used up), BadRequest (not of this network)
 */
export async function takeAddresses(
  store: NetworkStore,
  port: AddressedPort,
  subnets: readonly SubnetRow[],
  requests: readonly FixedIpRequest[] | undefined,
  { keeps = [], positionFrom = 0 }: { keeps?: readonly FixedIp[]; positionFrom?: number } = {},
): Promise<FixedIp[]> {
  const taken: FixedIp[] = [];
  // Each is written at once, so that a port's second address in a subnet is not its first again.
  const take: Take = async (subnet, address, { free } = { free: false }) => {
    const text = formatAddress(address);
    if (!free && (await isTaken(store, subnet.id, address))) throw addressAllocated(subnet.id, text);
    const position = positionFrom + taken.length;
    const of = { subnet_id: subnet.id, port_id: port.id, network_id: port.network_id, position };
    await store.db.insertInto('ip_allocations').values(allocation(address, of)).execute();
    taken.push({ subnet_id: subnet.id, ip_address: text });
  };
  if (requests === undefined) await takeFreely(store, port, subnets, take);
  else for (const request of requests) await takeAsked(store, port, subnets, request, take);
  await takeAutomatic(port, subnets, [...keeps, ...taken], take);
  return taken;
}

type Take = (subnet: SubnetRow, address: Address, known?: { free: boolean }) => Promise<void>;

const cidrOf = (subnet: SubnetRow): Cidr => parseCidr(subnet.cidr) as Cidr;

async function takeFreely(
  store: NetworkStore,
  port: AddressedPort,
  all: readonly SubnetRow[],
  take: Take,
): Promise<void> {
  const subnets = all.filter((subnet) => serves(subnet, port.device_owner));
  if (subnets.length === 0 && all.length > 0) {
    throw badRequest(
      'IpAddressGenerationFailureNoMatchingSubnet',
      `No valid service subnet for the given device owner, network ${port.network_id}, service type ${port.device_owner}.`,
    );
  }
  for (const version of [4, 6]) {
    const family = subnets.filter((subnet) => subnet.ip_version === version && !isAutomatic(subnet));
    if (family.length === 0) continue;
    // Subnets that are meant for this owner come before those for everybody.
    family.sort((a, b) => b.service_types.length - a.service_types.length);
    let found: Address | undefined;
    for (const subnet of family) {
      found = await freeAddress(store, subnet);
      if (!found) continue;
      await take(subnet, found, { free: true });
      break;
    }
    if (!found) throw addressesExhausted(port.network_id);
  }
}

/** Whether an address is the one that the port's guest makes itself in this subnet. */
const isOwnAutomatic = (port: AddressedPort, subnet: SubnetRow, ip: string): boolean =>
  listens(port) &&
  isAutomatic(subnet) &&
  formatAddress(slaacAddress(cidrOf(subnet), port.mac_address)) === ip;

/** Addresses that a port has whether anybody asks for them or not, as its guest makes them itself. */
async function takeAutomatic(
  port: AddressedPort,
  subnets: readonly SubnetRow[],
  has: readonly FixedIp[],
  take: Take,
): Promise<void> {
  if (!listens(port)) return;
  for (const subnet of subnets) {
    if (!isAutomatic(subnet) || !serves(subnet, port.device_owner)) continue;
    if (has.some(({ subnet_id }) => subnet_id === subnet.id)) continue;
    await take(subnet, slaacAddress(cidrOf(subnet), port.mac_address));
  }
}

async function takeAsked(
  store: NetworkStore,
  port: AddressedPort,
  subnets: readonly SubnetRow[],
  request: FixedIpRequest,
  take: Take,
): Promise<void> {
  const address = request.ip_address === undefined ? undefined : parseAddress(request.ip_address);
  const subnet = subnetOf(port, subnets, request, address);
  const automatic = isAutomatic(subnet) && listens(port);
  if (address) {
    if (!contains(cidrOf(subnet), address) || !isUsable(cidrOf(subnet), address)) {
      throw badRequest(
        'InvalidIpForSubnet',
        `IP address ${request.ip_address} is not a valid IP for the specified subnet.`,
      );
    }
    const own = automatic && slaacAddress(cidrOf(subnet), port.mac_address).value === address.value;
    if (automatic && !own) {
      throw invalidInput(
        `IPv6 address ${request.ip_address} can not be directly assigned to a port on subnet ${subnet.id} since the subnet is configured for automatic addresses`,
      );
    }
    return take(subnet, address);
  }
  // It comes by itself.
  if (automatic) return;
  const free = await freeAddress(store, subnet);
  if (!free) throw addressesExhausted(port.network_id);
  return take(subnet, free, { free: true });
}

function subnetOf(
  port: AddressedPort,
  subnets: readonly SubnetRow[],
  request: FixedIpRequest,
  address: Address | undefined,
): SubnetRow {
  if (request.subnet_id !== undefined) {
    const named = subnets.find(({ id }) => id === request.subnet_id);
    if (!named) {
      throw invalidInput(
        `Failed to create port on network ${port.network_id}, because fixed_ips included invalid subnet ${request.subnet_id}`,
      );
    }
    return named;
  }
  if (!address) throw invalidInput('IP allocation requires subnet_id or ip_address');
  const holding = subnets.find((subnet) => contains(cidrOf(subnet), address));
  if (!holding) {
    throw badRequest(
      'InvalidIpForNetwork',
      `IP address ${request.ip_address} is not a valid IP for any of the subnets on the specified network.`,
    );
  }
  return holding;
}

/**
 * Keeps the addresses that are asked for again, frees the others, takes what is new. Those that a guest makes itself
 * stay, asked for or not, as long as they follow from the port's MAC.
 */
export async function replaceAddresses(
  store: NetworkStore,
  port: AddressedPort,
  subnets: readonly SubnetRow[],
  { present, asked }: { present: readonly FixedIp[]; asked: readonly FixedIpRequest[] },
): Promise<FixedIp[]> {
  const byId = new Map(subnets.map((subnet) => [subnet.id, subnet]));
  const free: FixedIp[] = [];
  const keep: FixedIp[] = [];
  const take: FixedIpRequest[] = [];
  for (const ip of present) {
    const subnet = byId.get(ip.subnet_id);
    (subnet && isOwnAutomatic(port, subnet, ip.ip_address) ? keep : free).push(ip);
  }
  const automatic = new Set(keep.map((ip) => ip.ip_address));
  const reuse = (matches: (ip: FixedIp) => boolean): boolean => {
    const at = free.findIndex(matches);
    if (at < 0) return false;
    keep.push(...free.splice(at, 1));
    return true;
  };
  const named = asked.filter((each) => each.ip_address !== undefined && !automatic.has(each.ip_address));
  const open = asked.filter((each) => each.ip_address === undefined);
  for (const each of named) if (!reuse((ip) => ip.ip_address === each.ip_address)) take.push(each);
  for (const each of open) {
    const subnet = byId.get(each.subnet_id ?? '');
    if (subnet && isAutomatic(subnet) && listens(port)) continue;
    if (!reuse((ip) => ip.subnet_id === each.subnet_id)) take.push(each);
  }
  if (free.length > 0) {
    await store.db
      .deleteFrom('ip_allocations')
      .where('port_id', '=', port.id)
      .where(
        'ip_address',
        'in',
        free.map((ip) => ip.ip_address),
      )
      .execute();
  }
  const taken = await takeAddresses(store, port, subnets, take, {
    keeps: keep,
    positionFrom: present.length,
  });
  // In the order in which they are shown later, too.
  return [...present.filter((ip) => keep.includes(ip)), ...taken];
}

/** Addresses that do not follow from the port's MAC. */
export const withoutAutomatic = (
  port: AddressedPort,
  subnets: readonly SubnetRow[],
  all: readonly FixedIp[],
): FixedIp[] =>
  all.filter(
    ({ subnet_id, ip_address }) =>
      !subnets.some((subnet) => subnet.id === subnet_id && isOwnAutomatic(port, subnet, ip_address)),
  );
