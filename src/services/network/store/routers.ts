import { repository } from '../../../platform/store/repository.ts';
import { type Cidr, contains, formatCidr, overlap, parseAddress, parseCidr } from '../model/addresses.ts';
import { badRequest, conflict, invalidInput, networkNotFound, notFound } from '../model/errors.ts';
import type { Network } from './network.ts';
import type { FixedIpRequest } from './port-addresses.ts';
import { changePort, createPort, deletePorts, type Port, subnetsOf, withDetails } from './ports.ts';
import { settleRouter } from './router-hosts.ts';
import { changeRow } from './standard.ts';
import {
  floatingips,
  networks,
  ports,
  type Route,
  type RouterRow,
  routers,
  type SubnetRow,
  subnets,
} from './tables.ts';

/** Where a router leads out of the cloud. */
export interface GatewayRequest {
  network_id: string;
  enable_snat?: boolean;
  external_fixed_ips?: readonly FixedIpRequest[];
}

const interfaceOwner = 'network:router_interface';
const gatewayOwner = 'network:router_gateway';

/** The ports of a router, its gateway's too. */
export async function portsOfRouter({ store }: Network, routerId: string): Promise<Port[]> {
  const rows = await repository(store, ports).list({ where: { device_id: routerId } });
  return withDetails(
    store,
    rows.filter(({ device_owner }) => device_owner === interfaceOwner || device_owner === gatewayOwner),
  );
}

/** The subnets that a router has a port in. */
async function subnetsOfRouter(network: Network, own: readonly Port[]): Promise<SubnetRow[]> {
  const ids = [...new Set(own.flatMap((port) => port.fixed_ips.map(({ subnet_id }) => subnet_id)))];
  return ids.length === 0 ? [] : repository(network.store, subnets).list({ where: { id: ids } });
}

/** Sees that a further subnet does not share addresses with those that the router has. */
function checkRouted(added: SubnetRow, present: readonly SubnetRow[]): void {
  const cidr = parseCidr(added.cidr) as Cidr;
  for (const other of present) {
    const theirs = parseCidr(other.cidr) as Cidr;
    if (other.id === added.id) {
      throw badRequest('BadRequest', `Bad router request: Router already has a port on subnet ${added.id}.`);
    }
    if (overlap(cidr, theirs)) {
      throw badRequest(
        'BadRequest',
        `Bad router request: Cidr ${formatCidr(cidr)} of subnet ${added.id} overlaps with cidr ${formatCidr(theirs)} of subnet ${other.id}.`,
      );
    }
  }
}

/**
 * Gives a router a port on a subnet at the subnet's gateway address, inside the caller's transaction.
 * @throws BadRequest for a subnet without gateway, with addresses the router has already; Conflict when it is taken
 */
export async function addSubnetInterface(
  network: Network,
  router: RouterRow,
  subnet: SubnetRow,
): Promise<Port> {
  const own = await portsOfRouter(network, router.id);
  if (subnet.gateway_ip === null) {
    throw badRequest('BadRequest', 'Bad router request: Subnet for router interface must have a gateway IP.');
  }
  checkRouted(subnet, await subnetsOfRouter(network, own));
  const on = await repository(network.store, networks).get(subnet.network_id);
  if (!on) throw networkNotFound(subnet.network_id);
  const address = { subnet_id: subnet.id, ip_address: subnet.gateway_ip };
  // IPv6 subnets of one network share one port of the router.
  const shared =
    subnet.ip_version === 6
      ? own.find(
          (port) =>
            port.network_id === subnet.network_id &&
            port.device_owner === interfaceOwner &&
            port.fixed_ips.some(({ ip_address }) => ip_address.includes(':')),
        )
      : undefined;
  const port = shared
    ? await changePort(network, shared.id, { fixedIps: [...shared.fixed_ips, address] })
    : await createPort(network, {
        network: on,
        projectId: router.project_id,
        unlimited: true,
        fixedIps: [address],
        row: { device_id: router.id, device_owner: interfaceOwner },
      });
  await interfacesChanged(network, router);
  return port;
}

/** Makes a port that somebody has made before an interface of the router. */
export async function addPortInterface(network: Network, router: RouterRow, port: Port): Promise<Port> {
  if (port.device_id !== '') {
    throw conflict(
      'PortInUse',
      `Unable to complete operation on port ${port.id} for network ${port.network_id}. Port already has an attached device ${port.device_id}.`,
    );
  }
  if (port.fixed_ips.length === 0) {
    throw badRequest('BadRequest', 'Bad router request: Router port must have at least one fixed IP.');
  }
  const present = await subnetsOfRouter(network, await portsOfRouter(network, router.id));
  const added = await subnetsOfRouter(network, [port]);
  if (added.filter(({ ip_version }) => ip_version === 4).length > 1) {
    throw badRequest('BadRequest', 'Bad router request: Cannot have multiple IPv4 subnets on router port.');
  }
  for (const subnet of added) checkRouted(subnet, present);
  const taken = await changePort(network, port.id, {
    securityGroups: [],
    row: {
      device_id: router.id,
      device_owner: interfaceOwner,
      port_security_enabled: false,
      allowed_address_pairs: [],
    },
  });
  await interfacesChanged(network, router);
  return taken;
}

/**
 * Takes an interface away.
 * @throws Conflict while floating IPs or routes need it, NotFound when the router has no such port
 */
export async function removeInterface(
  network: Network,
  router: RouterRow,
  asked: { port_id?: string | undefined; subnet_id?: string | undefined },
): Promise<{ port: Port; subnetId: string }> {
  const own = (await portsOfRouter(network, router.id)).filter(
    ({ device_owner }) => device_owner === interfaceOwner,
  );
  const { port_id: portId, subnet_id: subnetId } = asked;
  const port = own.find(
    (each) =>
      (portId === undefined || each.id === portId) &&
      (subnetId === undefined ||
        portId !== undefined ||
        each.fixed_ips.some((ip) => ip.subnet_id === subnetId)),
  );
  if (!port) {
    throw portId === undefined
      ? notFound(
          'RouterInterfaceNotFoundForSubnet',
          `Router ${router.id} has no interface on subnet ${subnetId}`,
        )
      : notFound(
          'RouterInterfaceNotFound',
          `Router ${router.id} does not have an interface with id ${portId}`,
        );
  }
  if (subnetId !== undefined && !port.fixed_ips.some((ip) => ip.subnet_id === subnetId)) {
    throw badRequest(
      'SubnetMismatchForPort',
      `Subnet on port ${portId} does not match the requested subnet ${subnetId}.`,
    );
  }
  const gone =
    portId === undefined ? port.fixed_ips.filter((ip) => ip.subnet_id === subnetId) : port.fixed_ips;
  for (const { subnet_id } of gone) await assertNotNeeded(network, router, subnet_id);
  const rest = port.fixed_ips.filter((ip) => !gone.includes(ip));
  if (rest.length > 0) await changePort(network, port.id, { fixedIps: rest });
  else await deletePorts(network, [port]);
  await interfacesChanged(network, router);
  return { port, subnetId: subnetId ?? gone[0]?.subnet_id ?? '' };
}

async function interfacesChanged(network: Network, router: RouterRow): Promise<void> {
  await changeRow(network.store, routers, router, { name: router.name });
  await settleRouter(network, router.id);
}

async function assertNotNeeded({ store }: Network, router: RouterRow, subnetId: string): Promise<void> {
  const floating = await store.db
    .selectFrom('floatingips')
    .innerJoin('ip_allocations', (join) =>
      join
        .onRef('ip_allocations.port_id', '=', 'floatingips.port_id')
        .onRef('ip_allocations.ip_address', '=', 'floatingips.fixed_ip_address'),
    )
    .select('floatingips.id')
    .where('floatingips.router_id', '=', router.id)
    .where('ip_allocations.subnet_id', '=', subnetId)
    .executeTakeFirst();
  if (floating) {
    throw conflict(
      'RouterInterfaceInUseByFloatingIP',
      `Router interface for subnet ${subnetId} on router ${router.id} cannot be deleted, as it is required by one or more floating IPs.`,
    );
  }
  const subnet = await repository(store, subnets).get(subnetId);
  const cidr = subnet && parseCidr(subnet.cidr);
  const needed = router.routes.some(({ nexthop }) => {
    const address = parseAddress(nexthop);
    return cidr && address && contains(cidr, address);
  });
  if (needed) {
    throw conflict(
      'RouterInterfaceInUseByRoute',
      `Router interface for subnet ${subnetId} on router ${router.id} cannot be deleted, as it is required by one or more routes.`,
    );
  }
}

/**
 * Sets, changes or clears a router's gateway, inside the caller's transaction.
 * @throws BadRequest when the network does not lead out, Conflict while floating IPs need the present one
 */
export async function setGateway(
  network: Network,
  router: RouterRow,
  wanted: GatewayRequest | null,
): Promise<Partial<RouterRow>> {
  const { store } = network;
  const own = await portsOfRouter(network, router.id);
  const present = own.find(({ id }) => id === router.gateway_port_id);
  if (wanted === null) {
    if (present) await dropGateway(network, router, present);
    await settleRouter(network, router.id);
    return {
      gateway_port_id: null,
      gateway_network_id: null,
      enable_snat: network.settings.enable_snat_by_default,
    };
  }
  const snat = wanted.enable_snat ?? network.settings.enable_snat_by_default;
  if (present && present.network_id === wanted.network_id) {
    if (wanted.external_fixed_ips) {
      await changePort(network, present.id, { fixedIps: wanted.external_fixed_ips });
    }
    network.hosts.ring({ hosts: [present.binding_host_id] });
    return { enable_snat: snat };
  }
  const on = await repository(store, networks).get(wanted.network_id);
  if (!on) throw networkNotFound(wanted.network_id);
  if (!on.router_external) {
    throw badRequest('BadRequest', `Bad router request: Network ${on.id} is not an external network.`);
  }
  const outside = await subnetsOf(store, on.id);
  const inside = await subnetsOfRouter(
    network,
    own.filter((port) => port !== present),
  );
  for (const subnet of outside) checkRouted(subnet, inside);
  if (present) await dropGateway(network, router, present);
  if (outside.length === 0) {
    throw badRequest('BadRequest', `Bad router request: No subnets available on external network ${on.id}.`);
  }
  const port = await createPort(network, {
    network: on,
    projectId: '',
    unlimited: true,
    fixedIps: wanted.external_fixed_ips?.length ? wanted.external_fixed_ips : undefined,
    row: { device_id: router.id, device_owner: gatewayOwner },
  });
  await settleRouter(network, router.id);
  return { gateway_port_id: port.id, gateway_network_id: on.id, enable_snat: snat };
}

async function dropGateway(network: Network, router: RouterRow, port: Port): Promise<void> {
  const needed = await repository(network.store, floatingips).find({ router_id: router.id });
  if (needed) {
    throw conflict(
      'RouterExternalGatewayInUseByFloatingIp',
      `Gateway cannot be updated for router ${router.id}, since a gateway to external network ${port.network_id} is required by one or more floating IPs.`,
    );
  }
  await deletePorts(network, [port]);
}

/** Sees that routes lead to where the router has a port. @throws BadRequest in upstream's words */
export async function checkRoutes(
  network: Network,
  routerId: string,
  routes: readonly Route[],
): Promise<Route[]> {
  const { max_routes: maxRoutes } = network.settings;
  if (routes.length > maxRoutes) {
    throw badRequest(
      'RoutesExhausted',
      `Unable to complete operation for ${routerId}. The number of routes exceeds the maximum ${maxRoutes}.`,
    );
  }
  if (routes.length === 0) return [];
  const own = await portsOfRouter(network, routerId);
  const cidrs = (await subnetsOfRouter(network, own)).map(({ cidr }) => parseCidr(cidr) as Cidr);
  const addresses = new Set(own.flatMap((port) => port.fixed_ips.map(({ ip_address }) => ip_address)));
  const seen = new Set<string>();
  return routes.map(({ destination, nexthop }) => {
    const refuse = (reason: string) =>
      badRequest('InvalidRoutes', `Invalid format for routes: ${destination} via ${nexthop}, ${reason}`);
    const cidr = parseCidr(destination);
    const hop = parseAddress(nexthop);
    if (!cidr || !hop) throw invalidInput(`'${destination}' via '${nexthop}' is not a route`);
    if (!cidrs.some((each) => contains(each, hop))) {
      throw refuse('the nexthop is not connected with router');
    }
    if (addresses.has(nexthop)) throw refuse('the nexthop is used by router');
    const key = `${formatCidr(cidr)} ${nexthop}`;
    if (seen.has(key)) throw refuse('it is there twice');
    seen.add(key);
    return { destination, nexthop };
  });
}
