import { ApiError } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { badRequest, conflict, notFound, portNotFound } from '../model/errors.ts';
import type { Network } from './network.ts';
import { createPort, type Port, subnetsOf, withDetails } from './ports.ts';
import { type FloatingIpRow, floatingips, type NetworkRow, ports } from './tables.ts';

const bad = (problem: string) => badRequest('BadRequest', `Bad floatingip request: ${problem}.`);

/** Takes an address of an external network for a floating IP, as a port that holds it. */
export async function takeFloatingPort(
  network: Network,
  on: NetworkRow,
  floatingIpId: string,
  asked: { ip_address?: string | undefined; subnet_id?: string | undefined },
): Promise<Port> {
  if (!on.router_external) throw bad(`Network ${on.id} is not a valid external network`);
  const usable = (await subnetsOf(network.store, on.id)).filter(({ ip_version }) => ip_version === 4);
  if (usable.length === 0) throw bad(`Network ${on.id} does not contain any IPv4 subnet`);
  const wanted =
    asked.ip_address !== undefined || asked.subnet_id !== undefined
      ? [
          {
            ...(asked.ip_address === undefined ? {} : { ip_address: asked.ip_address }),
            ...(asked.subnet_id === undefined ? {} : { subnet_id: asked.subnet_id }),
          },
        ]
      : undefined;
  // Without a wish it is any IPv4 subnet that has an address left.
  const choices = wanted ? [wanted] : usable.map(({ id }) => [{ subnet_id: id }]);
  for (const fixedIps of choices) {
    try {
      return await createPort(network, {
        network: on,
        projectId: '',
        unlimited: true,
        fixedIps,
        row: { device_id: floatingIpId, device_owner: 'network:floatingip' },
      });
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'IpAddressGenerationFailure')) throw error;
    }
  }
  throw badRequest(
    'ExternalIpAddressExhausted',
    `Unable to find any IP address on external network ${on.id}.`,
  );
}

type Association = Pick<FloatingIpRow, 'port_id' | 'fixed_ip_address' | 'router_id' | 'status'>;

export const unassociated: Association = {
  port_id: null,
  fixed_ip_address: null,
  router_id: null,
  status: 'DOWN',
};

/**
 * Works out where a floating IP leads: which address of the port, through which router.
 * @throws NotFound when no router leads from there to the floating IP's network; Conflict, BadRequest
 */
export async function associate(
  network: Network,
  floating: Pick<FloatingIpRow, 'id' | 'project_id' | 'floating_network_id' | 'floating_ip_address'>,
  asked: { port_id: string; fixed_ip_address?: string | null | undefined; admin: boolean },
): Promise<Association> {
  const { store } = network;
  const [port] = await withDetails(
    store,
    await repository(store, ports).list({ where: { id: asked.port_id } }),
  );
  if (!port) throw portNotFound(asked.port_id);
  if (port.project_id !== floating.project_id && !asked.admin) {
    throw bad(
      `Port ${port.id} is associated with a different tenant than Floating IP ${floating.id} and therefore cannot be bound`,
    );
  }
  const fixed = fixedOf(port, asked.fixed_ip_address ?? undefined);
  const taken = await repository(store, floatingips).find({
    port_id: port.id,
    fixed_ip_address: fixed.ip_address,
    floating_network_id: floating.floating_network_id,
  });
  if (taken && taken.id !== floating.id) {
    throw conflict(
      'FloatingIPPortAlreadyAssociated',
      `Cannot associate floating IP ${floating.floating_ip_address} (${floating.id}) with port ${port.id} using fixed IP ${fixed.ip_address}, as that fixed IP already has a floating IP on external network ${floating.floating_network_id}.`,
    );
  }
  const router = await routerBetween(network, fixed.subnet_id, floating.floating_network_id);
  if (!router) {
    throw notFound(
      'ExternalGatewayForFloatingIPNotFound',
      `External network ${floating.floating_network_id} is not reachable from subnet ${fixed.subnet_id}.  Therefore, cannot associate Port ${port.id} with a Floating IP.`,
    );
  }
  return {
    port_id: port.id,
    fixed_ip_address: fixed.ip_address,
    router_id: router.id,
    // A router that works takes it up at its next run.
    status: router.up ? 'ACTIVE' : 'DOWN',
  };
}

function fixedOf(port: Port, asked: string | undefined) {
  const own = port.fixed_ips.filter(({ ip_address }) => !ip_address.includes(':'));
  if (asked !== undefined) {
    const found = own.find(({ ip_address }) => ip_address === asked);
    if (!found) throw bad(`Port ${port.id} does not have fixed ip ${asked}`);
    return found;
  }
  const [first, second] = own;
  if (!first) throw bad(`Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses`);
  if (second) {
    throw bad(
      `Port ${port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP`,
    );
  }
  return first;
}

/** A router with a port on the subnet and its gateway on the external network; one at the subnet's gateway first. */
async function routerBetween(
  { store }: Network,
  subnetId: string,
  externalNetworkId: string,
): Promise<{ id: string; up: boolean } | undefined> {
  const rows = await store.db
    .selectFrom('ip_allocations')
    .innerJoin('ports', 'ports.id', 'ip_allocations.port_id')
    .innerJoin('routers', 'routers.id', 'ports.device_id')
    .innerJoin('subnets', 'subnets.id', 'ip_allocations.subnet_id')
    .leftJoin('router_bindings', 'router_bindings.router_id', 'routers.id')
    .select([
      'routers.id as router_id',
      'ip_allocations.ip_address',
      'subnets.gateway_ip',
      'router_bindings.up',
    ])
    .where('ip_allocations.subnet_id', '=', subnetId)
    .where('ports.device_owner', '=', 'network:router_interface')
    .where('routers.gateway_network_id', '=', externalNetworkId)
    .execute();
  const best = rows.find((row) => row.ip_address === row.gateway_ip) ?? rows[0];
  return best && { id: best.router_id, up: best.up ?? false };
}
