import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import { type Address, parseAddress } from '../model/addresses.ts';
import { agentTypes, isAlive } from '../store/agents.ts';
import type { Network } from '../store/network.ts';
import { agents, type NetworkRow, networks, subnets } from '../store/tables.ts';
import type { networksApi } from './networks.ts';

/** What is there to choose from and how much of it is left: zones, providers of services, addresses. */
export function availabilityRoutes(network: Network, onNetworks: ReturnType<typeof networksApi>): Route[] {
  const { store } = network;

  async function zones() {
    const found = new Map<string, { name: string; resource: string; state: string }>();
    for (const agent of await repository(store, agents).list()) {
      const resource = { [agentTypes.dhcp]: 'network', [agentTypes.l3]: 'router' }[agent.agent_type];
      if (!resource) continue;
      const key = `${agent.availability_zone} ${resource}`;
      const usable = agent.admin_state_up && isAlive(network, agent);
      const state = usable || found.get(key)?.state === 'available' ? 'available' : 'unavailable';
      found.set(key, { name: agent.availability_zone, resource, state });
    }
    return [...found.values()];
  }

  async function addressesOf(rows: readonly NetworkRow[]) {
    if (rows.length === 0) return [];
    const ids = rows.map(({ id }) => id);
    const of = await repository(store, subnets).list({ where: { network_id: ids } });
    const counts = await store.db
      .selectFrom('ip_allocations')
      .select((count) => ['subnet_id', count.fn.countAll().as('count')])
      .where('network_id', 'in', ids)
      .groupBy('subnet_id')
      .execute();
    const used = new Map(counts.map(({ subnet_id, count }) => [subnet_id, Number(count)]));
    const value = (text: string) => (parseAddress(text) as Address).value;
    return rows.map((row) => {
      const each = of
        .filter(({ network_id }) => network_id === row.id)
        .map((subnet) => ({
          subnet_id: subnet.id,
          subnet_name: subnet.name,
          ip_version: subnet.ip_version,
          cidr: subnet.cidr,
          total_ips: Number(
            subnet.allocation_pools.reduce((sum, { start, end }) => sum + value(end) - value(start) + 1n, 0n),
          ),
          used_ips: used.get(subnet.id) ?? 0,
        }));
      return {
        network_id: row.id,
        network_name: row.name,
        tenant_id: row.project_id,
        project_id: row.project_id,
        total_ips: each.reduce((sum, { total_ips }) => sum + total_ips, 0),
        used_ips: each.reduce((sum, { used_ips }) => sum + used_ips, 0),
        subnet_ip_availability: each,
      };
    });
  }

  const filtered = (call: Call) =>
    (
      [
        ['network_id', 'id'],
        ['network_name', 'name'],
        ['project_id', 'project_id'],
        ['tenant_id', 'project_id'],
      ] as const
    ).flatMap(([param, column]) => {
      const values = call.queryValues(param);
      return values.length > 0 ? [{ column, op: 'in', value: values } as const] : [];
    });

  return [
    route({
      method: 'GET',
      path: '/v2.0/availability_zones',
      policy: 'get_availability_zone',
      summary: 'List availability zones',
      handler: async (call) => ({
        availability_zones: (await zones()).filter((zone) =>
          (['name', 'resource', 'state'] as const).every((key) => {
            const wanted = call.queryValues(key);
            return wanted.length === 0 || wanted.includes(zone[key]);
          }),
        ),
      }),
    }),
    route({
      method: 'GET',
      path: '/v2.0/service-providers',
      policy: 'get_service_provider',
      summary: 'List providers of services',
      handler: () => ({
        service_providers: [{ service_type: 'L3_ROUTER_NAT', name: 'single_node', default: true }],
      }),
    }),
    route({
      method: 'GET',
      path: '/v2.0/network-ip-availabilities',
      policy: 'get_network_ip_availability',
      summary: 'List how many addresses networks have and use',
      handler: async (call) => ({
        network_ip_availabilities: await addressesOf(
          await repository(store, networks).list({ where: filtered(call), limit: 10_000 }),
        ),
      }),
    }),
    route({
      method: 'GET',
      path: '/v2.0/network-ip-availabilities/:id',
      policy: 'get_network_ip_availability',
      summary: 'Show how many addresses a network has and uses',
      handler: async (call) => {
        const [of] = await addressesOf([await onNetworks.find(call, call.params['id'] as string)]);
        return { network_ip_availability: of };
      },
    }),
  ];
}
