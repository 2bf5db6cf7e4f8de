import { repository } from '../../../platform/store/repository.ts';
import type { ComputeStore } from './schema.ts';
import { type ComputeNode, computeNodes, type Service, services } from './services.ts';

/** What the servers on a host take of it. */
export interface HostUsage {
  servers: { id: string; name: string }[];
  vcpus: number;
  memoryMib: number;
  /** GiB, as their flavors say it. */
  disk: number;
}

const nothing: HostUsage = { servers: [], vcpus: 0, memoryMib: 0, disk: 0 };

/** What is on each of these hosts; those that are missing have no servers. One query. */
export async function usageByHost(
  { db }: ComputeStore,
  hosts: readonly string[],
): Promise<(host: string) => HostUsage> {
  const found = new Map<string, HostUsage>();
  const rows =
    hosts.length === 0
      ? []
      : await db
          .selectFrom('servers')
          .select(['id', 'name', 'host', 'vcpus', 'memory_mib', 'flavor'])
          .where('host', 'in', hosts)
          .where('deleted', '=', false)
          .execute();
  for (const { id, name, host, vcpus, memory_mib, flavor } of rows) {
    const usage = found.get(host as string) ?? { ...nothing, servers: [] };
    usage.servers.push({ id, name });
    usage.vcpus += vcpus;
    usage.memoryMib += memory_mib;
    usage.disk += flavor.disk + flavor.ephemeral;
    found.set(host as string, usage);
  }
  return (host) => found.get(host) ?? nothing;
}

/** How many servers a host has that are not deleted. */
export async function serversOn({ db }: ComputeStore, hosts: readonly string[]): Promise<number> {
  if (hosts.length === 0) return 0;
  const row = await db
    .selectFrom('servers')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('host', 'in', hosts)
    .where('deleted', '=', false)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

export interface NodeQuery {
  /** Text that the host's name contains. */
  pattern?: string;
  after?: ComputeNode;
  limit?: number;
}

/** Compute nodes with their workers, oldest first. */
export async function nodesWithServices(
  store: ComputeStore,
  { pattern, after, limit }: NodeQuery = {},
): Promise<{ node: ComputeNode; service: Service }[]> {
  const nodes = await repository(store, computeNodes).list({
    where: pattern === undefined ? [] : [{ column: 'hypervisor_hostname', op: 'contains', value: pattern }],
    sort: [{ column: 'number', direction: 'asc' }],
    ...(after ? { after } : {}),
    ...(limit === undefined ? {} : { limit }),
  });
  if (nodes.length === 0) return [];
  const workers = await repository(store, services).list({
    where: { id: nodes.map(({ service_id }) => service_id) },
  });
  const byId = new Map(workers.map((each) => [each.id, each]));
  return nodes.flatMap((node) => {
    const service = byId.get(node.service_id);
    return service ? [{ node, service }] : [];
  });
}
