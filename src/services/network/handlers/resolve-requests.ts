import { type SqlBool, sql } from 'kysely';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { NetworkRequest, NetworkService, ResolvedRequest } from '../contract.ts';
import { type Cidr, contains, parseAddress, parseCidr } from '../model/addresses.ts';
import { badRequest, conflict, networkNotFound, portNotFound } from '../model/errors.ts';
import { isTaken } from '../store/addresses.ts';
import type { Network } from '../store/network.ts';
import { subnetsOf, withDetails } from '../store/ports.ts';
import { countOf, limitsOf } from '../store/quotas.ts';
import { type NetworkRow, networks, ports } from '../store/tables.ts';
import { securityGroupIds } from './security-groups.ts';
import { portInUse } from './server-ports.ts';

interface Asker {
  projectId: string;
  admin: boolean;
}

/** Which networks and ports a new server would get. Nothing is written but a project's default group. */
export function resolveRequests(network: Network): NetworkService['resolveRequests'] {
  const { store } = network;

  return async ({ requests, securityGroups, ...asker }) => {
    const groups = await securityGroupIds(network, asker.projectId, securityGroups);
    if (requests === 'none') return { requests: [], securityGroupIds: groups };
    const resolved = requests === 'auto' ? await theOne(asker) : await each(requests, asker);
    await assertRoom(asker.projectId, resolved.filter(({ portId }) => portId === undefined).length);
    return { requests: resolved, securityGroupIds: groups };
  };

  function visible({ projectId, admin }: Asker) {
    const shared = sql<SqlBool>`networks.id in (select object_id from rbac_policies where object_type = 'network' and action = 'access_as_shared' and target_project in (${projectId}, '*'))`;
    return { projectId, admin, shared };
  }

  /** The project's only network: its own, or one that is shared with it. */
  async function theOne(asker: Asker): Promise<ResolvedRequest[]> {
    const { projectId, shared } = visible(asker);
    const found = await repository(store, networks).list({
      where: [{ any: [[{ column: 'project_id', op: 'eq', value: projectId }], [{ expression: shared }]] }],
      limit: 2,
    });
    if (found.length > 1) {
      throw conflict(
        'NetworkAmbiguous',
        'Multiple possible networks found, use a Network ID to be more specific.',
      );
    }
    const [only] = found;
    if (!only) return [];
    await assertAttachable(only, asker);
    return [{ networkId: only.id }];
  }

  async function each(requests: readonly NetworkRequest[], asker: Asker): Promise<ResolvedRequest[]> {
    const resolved: ResolvedRequest[] = [];
    for (const request of requests) {
      const tag = request.tag === undefined ? {} : { tag: request.tag };
      if (request.portId !== undefined) {
        if (resolved.some(({ portId }) => portId === request.portId)) throw portInUse(request.portId);
        resolved.push({ ...(await givenPort(request.portId, asker)), ...tag });
      } else {
        const id = request.networkId as string;
        await onNetwork(id, request.fixedIp, asker);
        const fixed = request.fixedIp === undefined ? {} : { fixedIp: request.fixedIp };
        resolved.push({ networkId: id, ...fixed, ...tag });
      }
    }
    return resolved;
  }

  async function givenPort(id: string, { projectId, admin }: Asker): Promise<ResolvedRequest> {
    const [port] = await withDetails(store, await repository(store, ports).list({ where: { id } }));
    if (!port || !(admin || port.project_id === projectId)) throw portNotFound(id);
    if (port.device_id !== '') throw portInUse(id);
    if (port.fixed_ips.length === 0) {
      throw badRequest('PortRequiresFixedIP', `Port ${id} requires a FixedIP in order to be used.`);
    }
    return { networkId: port.network_id, portId: id };
  }

  async function onNetwork(id: string, fixedIp: string | undefined, asker: Asker): Promise<void> {
    const { projectId, admin } = asker;
    const on = await repository(store, networks).get(id);
    const seen =
      on &&
      (admin ||
        on.project_id === projectId ||
        on.router_external ||
        on.shared_with.includes('*') ||
        on.shared_with.includes(projectId));
    if (!seen) throw networkNotFound(id);
    const subnets = await assertAttachable(on, asker);
    if (fixedIp === undefined) return;
    const address = parseAddress(fixedIp);
    const subnet = address && subnets.find((one) => contains(parseCidr(one.cidr) as Cidr, address));
    if (!address || !subnet) {
      throw badRequest(
        'InvalidIpForNetwork',
        `IP address ${fixedIp} is not a valid IP for any of the subnets on the specified network.`,
      );
    }
    if (await isTaken(store, subnet.id, address)) {
      throw new BadRequest(`Fixed IP address ${fixedIp} is already in use.`, { code: 'FixedIpAlreadyInUse' });
    }
  }

  async function assertAttachable(on: NetworkRow, { projectId, admin }: Asker) {
    const shared = on.shared_with.includes('*') || on.shared_with.includes(projectId);
    if (on.router_external && !shared && !admin && on.project_id !== projectId) {
      throw new Forbidden(`It is not allowed to create an interface on external network ${on.id}`, {
        code: 'ExternalNetworkAttachForbidden',
      });
    }
    const subnets = await subnetsOf(store, on.id);
    if (subnets.length === 0) {
      throw badRequest(
        'NetworkRequiresSubnet',
        `Network ${on.id} requires a subnet in order to boot instances on.`,
      );
    }
    return subnets;
  }

  async function assertRoom(projectId: string, more: number): Promise<void> {
    if (more === 0) return;
    const { port: limit } = await limitsOf(network, projectId);
    if (limit >= 0 && (await countOf(store, 'port', projectId)) + more > limit) {
      throw new Forbidden('Maximum number of ports exceeded', { code: 'PortLimitExceeded' });
    }
  }
}
