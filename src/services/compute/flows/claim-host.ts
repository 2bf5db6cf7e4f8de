import { ApiError, Conflict } from '../../../platform/errors/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Candidate } from '../../placement/contract.ts';
import { groupAllows } from '../model/scheduler/filters.ts';
import type { GroupRequest, HostRequest, HostState } from '../model/scheduler/request.ts';
import { resourcesAsked, traitsAsked } from '../model/scheduler/resources.ts';
import { rankHosts } from '../model/scheduler/scheduler.ts';
import { computeHosts, isUp } from '../store/host-states.ts';
import type { ComputeStore } from '../store/schema.ts';
import type { Server, ServerFlavor } from '../store/servers.ts';
import type { FlowParts } from './parts.ts';

/** The most providers that placement is asked for: as upstream's `max_placement_results`. */
const mostCandidates = 1000;

export interface ClaimedHost {
  host: string;
  node: string;
  zone: string;
}

const noValidHost = (why: string) =>
  new ApiError(500, `No valid host was found. ${why}`, { code: 'NoValidHost' });

/**
 * Finds a host for a server and claims what its flavor needs there: the best host that placement still has room on.
 * The row says the host afterwards.
 *
 * @throws ApiError `NoValidHost` (500), which becomes the server's fault
 */
export async function claimHost(
  parts: FlowParts,
  server: Server,
  flavor: ServerFlavor = server.flavor,
): Promise<ClaimedHost> {
  const { placement, store } = parts;
  const candidates = await placement.candidates({
    resources: resourcesAsked(flavor),
    ...traitsAsked(flavor),
    limit: mostCandidates,
  });
  const byProvider = new Map(candidates.flatMap((each) => providersOf(each)));
  const hosts = (await hostStates(store)).filter(({ uuid }) => byProvider.has(uuid));
  for (const host of hosts) {
    const resources = byProvider.get(host.uuid)?.providers[host.uuid]?.resources ?? {};
    const free = (name: string) => (resources[name]?.capacity ?? 0) - (resources[name]?.used ?? 0);
    host.freeRamMib = free('MEMORY_MB');
    host.freeVcpus = free('VCPU');
  }
  const request = await hostRequest(parts, server);
  const { hosts: ranked, refused } = rankHosts(hosts, request);
  if (ranked.length === 0) {
    const why = Object.entries(refused).map(([name, count]) => `${name}: ${count}`);
    throw noValidHost(`There are not enough hosts available.${why.length > 0 ? ` (${why.join(', ')})` : ''}`);
  }
  for (const { host, node, uuid, zone } of ranked) {
    const allocations = byProvider.get(uuid)?.allocations;
    if (!allocations) continue;
    try {
      await placement.claim({
        consumer: server.id,
        projectId: server.project_id,
        userId: server.user_id,
        consumerType: 'INSTANCE',
        allocations,
      });
    } catch (error) {
      // Somebody was quicker: the next best host.
      if (error instanceof Conflict) continue;
      throw error;
    }
    if (await settle(parts, server, { host, node, zone })) return { host, node, zone };
  }
  await placement.release({ consumer: server.id });
  throw noValidHost('There are not enough hosts available.');
}

const providersOf = (candidate: Candidate): [string, Candidate][] =>
  Object.keys(candidate.allocations).map((uuid) => [uuid, candidate]);

/** Writes the host down, unless the server's group has come to forbid it since the filters ran. */
function settle({ store, servers }: FlowParts, server: Server, claimed: ClaimedHost): Promise<boolean> {
  return store.transaction(async () => {
    const group = await groupRequest(store, server.id);
    if (group && !groupAllows(group, claimed.host)) return false;
    const { host, node, zone } = claimed;
    return servers.change({ id: server.id }, { host, node, availability_zone: zone });
  });
}

async function hostStates(store: ComputeStore): Promise<HostState[]> {
  return (await computeHosts(store)).map(({ node, service, zone }) => ({
    host: node.host,
    node: node.hypervisor_hostname,
    uuid: node.id,
    zone,
    enabled: !service.disabled,
    up: isUp(service),
    hypervisorType: node.hypervisor_type,
    architecture: (node.cpu_info as { arch?: string }).arch ?? 'x86_64',
    freeRamMib: 0,
    freeVcpus: 0,
  }));
}

async function hostRequest({ image, store }: FlowParts, server: Server): Promise<HostRequest> {
  const { hints, zone, forceHost, requestedHost, requestedHypervisor } = server.request;
  const record = server.image_id ? await image.image({ id: server.image_id, admin: true }) : null;
  const group = await groupRequest(store, server.id);
  const hostsOf = async (hint: unknown) => {
    const ids = [hint].flat().filter((each): each is string => typeof each === 'string');
    if (ids.length === 0) return undefined;
    const rows = await store.db
      .selectFrom('servers')
      .select('host')
      .where('id', 'in', ids)
      .where('deleted', '=', false)
      .execute();
    return rows.flatMap(({ host }) => (host === null ? [] : [host]));
  };
  const sameHosts = await hostsOf(hints['same_host']);
  const differentHosts = await hostsOf(hints['different_host']);
  return {
    imageProperties: record?.properties ?? {},
    ...(zone ? { zone } : {}),
    ...(forceHost ? { forceHost } : {}),
    ...(requestedHost ? { requestedHost } : {}),
    ...(requestedHypervisor ? { requestedHypervisor } : {}),
    ...(group ? { group } : {}),
    ...(sameHosts ? { sameHosts } : {}),
    ...(differentHosts ? { differentHosts } : {}),
  };
}

/** The group that a server is in, with the hosts of its other members. */
async function groupRequest(store: ComputeStore, serverId: string): Promise<GroupRequest | undefined> {
  const group = await store.db
    .selectFrom('server_group_members')
    .innerJoin('server_groups', 'server_groups.id', 'server_group_members.group_id')
    .select(['server_groups.id', 'server_groups.policy', 'server_groups.rules'])
    .where('server_group_members.server_id', '=', serverId)
    .executeTakeFirst();
  if (!group) return undefined;
  const others = await store.db
    .selectFrom('server_group_members')
    .innerJoin('servers', 'servers.id', 'server_group_members.server_id')
    .select('servers.host')
    .where('server_group_members.group_id', '=', group.id)
    .where('servers.id', '!=', serverId)
    .where('servers.deleted', '=', false)
    .where('servers.host', 'is not', null)
    .execute();
  return {
    policy: group.policy,
    hosts: others.map(({ host }) => host as string),
    maxPerHost: group.rules.max_server_per_host ?? 1,
  };
}

/** What a server has on placement is given back, and its row no longer says a host. */
export async function unclaimHost({ placement, servers }: FlowParts, serverId: string): Promise<void> {
  await placement.release({ consumer: serverId });
  await servers.change({ id: serverId }, { host: null, node: null, updated_at: timestamp() });
}
