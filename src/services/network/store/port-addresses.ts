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

const isRouterInterface = (owner: string): boolean => owner.startsWith('network:router_');

/** Whether the subnet's service types let a port of this owner have its addresses. */
const serves = (subnet: SubnetRow, owner: string): boolean =>
  subnet.service_types.length === 0 ||
  subnet.service_types.some((type) => owner !== '' && owner.startsWith(type));

/**
 * Takes addresses for a port, inside the caller's transaction.
 *
 * @param requests `undefined`: one address of each family, and those that follow from the MAC
 * @throws Conflict (taken, used up), BadRequest (not of this network)
 */
export async function takeAddresses(
  store: NetworkStore,
  port: AddressedPort,
  subnets: readonly SubnetRow[],
  requests: readonly FixedIpRequest[] | undefined,
  positionFrom = 0,
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
  if (isRouterInterface(port.device_owner)) return;
  for (const subnet of subnets.filter(isAutomatic)) {
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
  const automatic = isAutomatic(subnet) && !isRouterInterface(port.device_owner);
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
  if (automatic) return take(subnet, slaacAddress(cidrOf(subnet), port.mac_address));
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
