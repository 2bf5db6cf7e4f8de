import { Type } from 'typebox';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { resourcesIn } from '../../../platform/resource/resource.ts';
import { rowsOf } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import { conflict, networkNotFound, notFound, routerNotFound } from '../model/errors.ts';
import { agentTypes, deadline, isAlive } from '../store/agents.ts';
import { settleDhcp } from '../store/dhcp.ts';
import type { Network } from '../store/network.ts';
import { deletePorts } from '../store/ports.ts';
import { settleRouter } from '../store/router-hosts.ts';
import {
  type AgentRow,
  agents,
  dhcpBindings,
  networks,
  ports,
  routerBindings,
  routers,
} from '../store/tables.ts';
import type { networksApi } from './networks.ts';
import type { routersApi } from './routers.ts';
import { flag, Id, isAdmin, Name, toBoolean } from './standard.ts';
import { networkStyle } from './style.ts';

/** A time as agents show theirs: `2026-01-31 12:34:56`. */
const agentTime = (stored: string): string => stored.slice(0, 19).replace('T', ' ');

interface Apis {
  networks: ReturnType<typeof networksApi>;
  routers: ReturnType<typeof routersApi>;
}

export function agentsApi(network: Network, apis: Apis) {
  const { store } = network;
  const attribute = (length = 255) => ({
    schema: Type.String({ maxLength: length }),
    filter: true as const,
    sort: true as const,
  });
  const made = resourcesIn(networkStyle(network.settings))({
    one: 'agent',
    many: 'agents',
    path: '/agents',
    rows: rowsOf(store, agents),
    attributes: {
      id: attribute(),
      agent_type: attribute(),
      binary: attribute(),
      topic: attribute(),
      host: attribute(),
      availability_zone: attribute(),
      admin_state_up: flag({ update: true }),
      description: { ...attribute(), update: true },
      alive: { schema: Type.Boolean(), column: false, from: (row: AgentRow) => isAlive(network, row) },
      configurations: { schema: Type.Object({}) },
      created_at: { schema: Name, from: (row: AgentRow) => agentTime(row.created_at) },
      started_at: { schema: Name, from: (row: AgentRow) => agentTime(row.started_at) },
      heartbeat_timestamp: { schema: Name, from: (row: AgentRow) => agentTime(row.heartbeat_timestamp) },
      resources_synced: { schema: Type.Null(), column: false, from: () => null },
    },
    policy: { list: null, show: 'get_agent', update: 'update_agent', delete: 'delete_agent' },
    // To others than administrators there are no agents.
    scope: (call) => (isAdmin(call) ? [] : [{ any: [] }]),
    filters: {
      alive: (values) => [
        {
          column: 'heartbeat_timestamp',
          op: toBoolean(values.at(-1)) === true ? 'gte' : 'lt',
          value: deadline(network),
        },
      ],
    },
    update: async (_call, row, changes) => {
      if (Object.keys(changes).length > 0) await repository(store, agents).update({ id: row.id }, changes);
      return { ...row, ...changes };
    },
  });
  return { ...made, routes: [...made.routes, ...schedulerRoutes()] };

  async function agentOf(call: Call, type: string): Promise<AgentRow> {
    const agent = await made.find(call, call.params['id'] as string);
    if (agent.agent_type !== type) {
      throw notFound('AgentNotFound', `Agent ${agent.id} is no ${type}.`);
    }
    return agent;
  }

  /** Which agent serves what: reading and changing the bindings by hand. */
  function schedulerRoutes(): Route[] {
    const dhcp = '/v2.0/agents/:id/dhcp-networks';
    const l3 = '/v2.0/agents/:id/l3-routers';
    const shown = async (type: string, hosts: readonly string[], call: Call) => ({
      agents:
        hosts.length === 0
          ? []
          : await made.views(
              await repository(store, agents).list({ where: { agent_type: type, host: hosts } }),
              call,
            ),
    });
    return [
      route({
        method: 'GET',
        path: dhcp,
        summary: 'List the networks that a DHCP agent serves',
        handler: async (call) => {
          call.enforce('get_dhcp-networks', {});
          const { host } = await agentOf(call, agentTypes.dhcp);
          const bound = await repository(store, dhcpBindings).list({ where: { host } });
          const ids = bound.map(({ network_id }) => network_id);
          const rows = ids.length === 0 ? [] : await repository(store, networks).list({ where: { id: ids } });
          return { networks: await apis.networks.views(rows, call) };
        },
      }),
      route({
        method: 'POST',
        path: dhcp,
        body: Type.Object({ network_id: Id }),
        status: 201,
        summary: 'Let a DHCP agent serve a network',
        handler: async (call) => {
          call.enforce('create_dhcp-network', {});
          const agent = await agentOf(call, agentTypes.dhcp);
          const { network_id } = call.body;
          await store.transaction(async () => {
            if (!(await repository(store, networks).get(network_id))) throw networkNotFound(network_id);
            const bindings = repository(store, dhcpBindings);
            const bound = await bindings.get(network_id);
            if (bound?.host === agent.host) {
              throw conflict(
                'NetworkHostedByDHCPAgent',
                `The network ${network_id} has been already hosted by the DHCP Agent ${agent.id}.`,
              );
            }
            if (bound) await bindings.delete({ network_id });
            await bindings.insert({ network_id, host: agent.host });
            await settleDhcp(network, network_id);
            network.hosts.ring({ hosts: [agent.host, bound?.host ?? ''] });
          });
          return null;
        },
      }),
      route({
        method: 'DELETE',
        path: `${dhcp}/:network_id`,
        summary: 'Let a DHCP agent serve a network no more',
        handler: async (call) => {
          call.enforce('delete_dhcp-network', {});
          const agent = await agentOf(call, agentTypes.dhcp);
          const id = call.params['network_id'] as string;
          const gone = await repository(store, dhcpBindings).delete({ network_id: id, host: agent.host });
          if (gone === 0) {
            throw conflict(
              'NetworkNotHostedByDhcpAgent',
              `The network ${id} is not hosted by the DHCP agent ${agent.id}.`,
            );
          }
          const where = { network_id: id, device_owner: 'network:dhcp' };
          await deletePorts(network, await repository(store, ports).list({ where }));
          network.hosts.ring({ hosts: [agent.host] });
          return answer(204);
        },
      }),
      route({
        method: 'GET',
        path: '/v2.0/networks/:id/dhcp-agents',
        summary: 'List the DHCP agents that serve a network',
        handler: async (call) => {
          call.enforce('get_dhcp-agents', {});
          const { id } = await apis.networks.find(call, call.params['id'] as string);
          const bound = await repository(store, dhcpBindings).get(id);
          return shown(agentTypes.dhcp, bound ? [bound.host] : [], call);
        },
      }),
      route({
        method: 'GET',
        path: l3,
        summary: 'List the routers that an L3 agent hosts',
        handler: async (call) => {
          call.enforce('get_l3-routers', {});
          const { host } = await agentOf(call, agentTypes.l3);
          const bound = await repository(store, routerBindings).list({ where: { host } });
          const ids = bound.map(({ router_id }) => router_id);
          const rows = ids.length === 0 ? [] : await repository(store, routers).list({ where: { id: ids } });
          return { routers: await apis.routers.views(rows, call) };
        },
      }),
      route({
        method: 'POST',
        path: l3,
        body: Type.Object({ router_id: Id }),
        status: 201,
        summary: 'Let an L3 agent host a router',
        handler: async (call) => {
          call.enforce('create_l3-router', {});
          const agent = await agentOf(call, agentTypes.l3);
          const { router_id } = call.body;
          await store.transaction(async () => {
            if (!(await repository(store, routers).get(router_id))) throw routerNotFound(router_id);
            const bindings = repository(store, routerBindings);
            const bound = await bindings.get(router_id);
            if (bound && bound.host !== agent.host) {
              throw conflict(
                'RouterHostedByL3Agent',
                `The router ${router_id} has been already hosted by the L3 Agent on ${bound.host}.`,
              );
            }
            if (!bound) await bindings.insert({ router_id, host: agent.host });
            await settleRouter(network, router_id);
          });
          return null;
        },
      }),
      route({
        method: 'DELETE',
        path: `${l3}/:router_id`,
        summary: 'Let an L3 agent host a router no more',
        handler: async (call) => {
          call.enforce('delete_l3-router', {});
          const agent = await agentOf(call, agentTypes.l3);
          const id = call.params['router_id'] as string;
          const gone = await repository(store, routerBindings).delete({ router_id: id, host: agent.host });
          if (gone === 0) {
            throw conflict(
              'RouterNotHostedByL3Agent',
              `The router ${id} is not hosted by L3 agent ${agent.id}.`,
            );
          }
          network.hosts.ring({ hosts: [agent.host] });
          return answer(204);
        },
      }),
      route({
        method: 'GET',
        path: '/v2.0/routers/:id/l3-agents',
        summary: 'List the L3 agents that host a router',
        handler: async (call) => {
          call.enforce('get_l3-agents', {});
          const { id } = await apis.routers.find(call, call.params['id'] as string);
          const bound = await repository(store, routerBindings).get(id);
          return shown(agentTypes.l3, bound ? [bound.host] : [], call);
        },
      }),
    ];
  }
}
