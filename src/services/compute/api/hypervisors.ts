import { BadRequest, NotFound, ServiceUnavailable } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Compute } from '../compute.ts';
import { instanceName } from '../model/server-names.ts';
import { isUp } from '../store/host-states.ts';
import { type HostUsage, nodesWithServices, usageByHost } from '../store/hosts.ts';
import { type ComputeNode, computeNodes, type Service } from '../store/services.ts';
import { toBoolean } from './parameter-types.ts';
import { assertQuery, isUuid } from './query.ts';
import { mostItems, pageLinks, pageOf } from './style.ts';

interface Hypervisor {
  node: ComputeNode;
  service: Service;
}

const rule = (verb: string): string => `os_compute_api:os-hypervisors:${verb}`;

const idOf = (row: { id: string; number: number }, call: Call): string | number =>
  call.since('2.53') ? row.id : row.number;

/** What a node has and what is left of it, as it was shown until 2.87. */
const resources = (node: ComputeNode, used: HostUsage) => ({
  vcpus: node.vcpus,
  memory_mb: node.memory_mb,
  local_gb: node.local_gb,
  vcpus_used: used.vcpus,
  memory_mb_used: used.memoryMib,
  local_gb_used: used.disk,
  free_ram_mb: node.memory_mb - used.memoryMib,
  free_disk_gb: node.local_gb - used.disk,
  current_workload: 0,
  running_vms: used.servers.length,
  disk_available_least: node.free_disk_gb,
});

const brief = ({ node, service }: Hypervisor, call: Call) => ({
  id: idOf(node, call),
  hypervisor_hostname: node.hypervisor_hostname,
  state: isUp(service) ? 'up' : 'down',
  status: service.disabled ? 'disabled' : 'enabled',
});

const serverList = ({ servers }: HostUsage) =>
  servers.map(({ id }) => ({ name: instanceName(id), uuid: id }));

/** Compute hosts as hypervisors: what they have, and which servers are on them. */
export function hypervisorRoutes({ store, agent }: Compute): Route[] {
  const nodes = repository(store, computeNodes);

  /** How long a host has been up, in the words of `uptime`; `null` while nobody answers on it. */
  async function uptimeOf({ node, service }: Hypervisor): Promise<string | null> {
    if (!isUp(service)) return null;
    try {
      return (await agent(node.host).hostUptime({})).uptime;
    } catch (error) {
      if (error instanceof ServiceUnavailable) return null;
      throw error;
    }
  }

  async function detailed(each: Hypervisor, used: HostUsage, call: Call) {
    const { node, service } = each;
    return {
      ...brief(each, call),
      hypervisor_type: node.hypervisor_type,
      hypervisor_version: node.hypervisor_version,
      host_ip: node.host_ip,
      service: {
        id: idOf(service, call),
        host: node.host,
        disabled_reason: service.disabled_reason,
      },
      ...(call.since('2.88')
        ? { uptime: await uptimeOf(each) }
        : {
            ...resources(node, used),
            cpu_info: call.since('2.28') ? node.cpu_info : JSON.stringify(node.cpu_info),
          }),
    };
  }

  /** The list's member `servers`, where it was asked for; hosts without servers have had one since 2.75. */
  const withServers = (used: HostUsage, asked: boolean, call: Call): object =>
    asked && (used.servers.length > 0 || call.since('2.75')) ? { servers: serverList(used) } : {};

  const wantsServers = (call: Call): boolean => {
    if (!call.since('2.53')) return false;
    const asked = call.queryValue('with_servers');
    const flag = asked === undefined ? false : toBoolean(asked);
    if (typeof flag !== 'boolean') {
      throw new BadRequest(`Invalid input for query parameters with_servers. Value: ${asked}.`);
    }
    return flag;
  };

  async function matching(pattern: string): Promise<Hypervisor[]> {
    const found = await nodesWithServices(store, { pattern });
    if (found.length === 0) throw new NotFound(`No hypervisor matching '${pattern}' could be found.`);
    return found;
  }

  async function page(call: Call): Promise<{ found: Hypervisor[]; links: object }> {
    const pattern = call.since('2.53') ? call.queryValue('hypervisor_hostname_pattern') : undefined;
    if (pattern !== undefined) {
      if (call.queryValue('limit') !== undefined || call.queryValue('marker')) {
        throw new BadRequest(
          'Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.',
        );
      }
      return { found: await matching(pattern), links: {} };
    }
    if (!call.since('2.33')) return { found: await nodesWithServices(store), links: {} };
    const { limit: asked, marker } = pageOf(call);
    const limit = asked || mostItems;
    const after = marker === undefined ? undefined : await nodes.find(keyOf(call, marker) ?? { id: '' });
    if (marker !== undefined && !after) throw new BadRequest(`marker [${marker}] not found`);
    const found = await nodesWithServices(store, { limit, ...(after ? { after } : {}) });
    const last = found.at(-1);
    const lastId = last && String(idOf(last.node, call));
    return { found, links: pageLinks('hypervisors', lastId, found.length >= limit, call) };
  }

  const list = (verb: 'list' | 'list-detail') => async (call: Call) => {
    assertQuery(call, ['limit', 'marker', 'hypervisor_hostname_pattern', 'with_servers'], '2.53');
    const servers = wantsServers(call);
    const { found, links } = await page(call);
    const detail = verb === 'list-detail';
    const needed = servers || (detail && !call.since('2.88'));
    const used = await usageByHost(store, needed ? found.map(({ node }) => node.host) : []);
    const views = await Promise.all(
      found.map(async (each) => ({
        ...(detail ? await detailed(each, used(each.node.host), call) : brief(each, call)),
        ...withServers(used(each.node.host), servers, call),
      })),
    );
    return { hypervisors: views, ...links };
  };

  /** What an id means at a microversion; `undefined`: nothing. */
  function keyOf(call: Call, id: string): { id: string } | { number: number } | undefined {
    if (call.since('2.53')) return isUuid(id) ? { id } : undefined;
    return /^\d{1,15}$/.test(id) ? { number: Number(id) } : undefined;
  }

  async function find(call: Call): Promise<Hypervisor> {
    const id = call.params['id'] as string;
    const key = keyOf(call, id);
    if (!key && call.since('2.53')) throw new BadRequest(`Invalid uuid ${id}`);
    const node = key && (await nodes.find(key));
    const found = node && (await nodesWithServices(store, { pattern: node.hypervisor_hostname }));
    const hypervisor = found?.find((each) => each.node.id === node?.id);
    if (!hypervisor) throw new NotFound(`Hypervisor with ID '${id}' could not be found.`);
    return hypervisor;
  }

  async function statistics() {
    const found = (await nodesWithServices(store)).filter(({ service }) => !service.disabled);
    const used = await usageByHost(
      store,
      found.map(({ node }) => node.host),
    );
    const sums = { ...resources({ ...emptyNode } as ComputeNode, noUsage) };
    for (const { node } of found) {
      for (const [name, value] of Object.entries(resources(node, used(node.host)))) {
        sums[name as keyof typeof sums] += value;
      }
    }
    return { hypervisor_statistics: { count: found.length, ...sums } };
  }

  const path = '/v2.1/os-hypervisors';
  return [
    route({ method: 'GET', path, summary: 'List hypervisors', policy: rule('list'), handler: list('list') }),
    route({
      method: 'GET',
      path: `${path}/detail`,
      summary: 'List hypervisors in detail',
      policy: rule('list-detail'),
      handler: list('list-detail'),
    }),
    route({
      method: 'GET',
      path: `${path}/statistics`,
      summary: 'Show what all hypervisors have together',
      until: '2.87',
      policy: rule('statistics'),
      handler: statistics,
    }),
    route({
      method: 'GET',
      path: `${path}/:id`,
      summary: 'Show a hypervisor',
      policy: rule('show'),
      async handler(call) {
        assertQuery(call, ['with_servers'], '2.53');
        const servers = wantsServers(call);
        const found = await find(call);
        const used = (await usageByHost(store, [found.node.host]))(found.node.host);
        return {
          hypervisor: { ...(await detailed(found, used, call)), ...withServers(used, servers, call) },
        };
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:id/uptime`,
      summary: 'Show how long a hypervisor has been up',
      until: '2.87',
      policy: rule('uptime'),
      async handler(call) {
        const found = await find(call);
        const uptime = await uptimeOf(found);
        if (uptime === null) {
          throw new BadRequest(`Compute service of ${found.node.host} is unavailable at this time.`);
        }
        return { hypervisor: { ...brief(found, call), uptime } };
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:id/search`,
      summary: 'Find hypervisors by a part of their names',
      until: '2.52',
      policy: rule('search'),
      handler: async (call) => ({
        hypervisors: (await matching(call.params['id'] as string)).map((each) => brief(each, call)),
      }),
    }),
    route({
      method: 'GET',
      path: `${path}/:id/servers`,
      summary: 'List the servers on hypervisors, found by a part of their names',
      until: '2.52',
      policy: rule('servers'),
      async handler(call) {
        const found = await matching(call.params['id'] as string);
        const used = await usageByHost(
          store,
          found.map(({ node }) => node.host),
        );
        return {
          hypervisors: found.map((each) => ({
            ...brief(each, call),
            ...withServers(used(each.node.host), true, call),
          })),
        };
      },
    }),
  ];
}

const noUsage: HostUsage = { servers: [], vcpus: 0, memoryMib: 0, disk: 0 };
const emptyNode: Pick<ComputeNode, 'vcpus' | 'memory_mb' | 'local_gb' | 'free_disk_gb'> = {
  vcpus: 0,
  memory_mb: 0,
  local_gb: 0,
  free_disk_gb: 0,
};
