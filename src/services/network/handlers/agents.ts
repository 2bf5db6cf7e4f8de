import { randomUUID } from 'node:crypto';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { NetworkService } from '../contract.ts';
import { agentTypes, aliveAgents } from '../store/agents.ts';
import { settleDhcp } from '../store/dhcp.ts';
import type { Network } from '../store/network.ts';
import { settleRouter } from '../store/router-hosts.ts';
import { agents } from '../store/tables.ts';

/** Agents that say that they live, and what they say of ports. */
export function agentHandlers(network: Network): Pick<NetworkService, 'heartbeat' | 'reportPorts'> {
  const { store } = network;

  return {
    async heartbeat({ binary, type, host, configurations, startedAt }) {
      const now = timestamp();
      const life = {
        binary,
        configurations,
        started_at: timestamp(new Date(startedAt)),
        heartbeat_timestamp: now,
      };
      await store.transaction(async () => {
        const changed = await repository(store, agents).update({ agent_type: type, host }, life);
        if (changed > 0) return;
        await repository(store, agents).insert({
          ...life,
          id: randomUUID(),
          agent_type: type,
          host,
          created_at: now,
          topic: topics[type] ?? 'N/A',
          admin_state_up: network.settings.enable_new_agents,
        });
      });
      if (type === agentTypes.dhcp) await serveNetworks();
      if (type === agentTypes.l3) await hostRouters();
      if (type === agentTypes.linuxBridge) await rebind(host);
    },

    async reportPorts({ host, up, down, routers, dhcp }) {
      await store.transaction(async () => {
        await setStatus(host, up, 'ACTIVE');
        await setStatus(host, down, 'DOWN');
        await setRouters(host, routers?.up ?? [], true);
        await setRouters(host, routers?.down ?? [], false);
        await setDhcp(host, dhcp?.up ?? [], 'ACTIVE');
        await setDhcp(host, dhcp?.down ?? [], 'DOWN');
      });
    },
  };

  /** Gives networks that nobody serves, or whose server is gone, to an agent that lives. */
  async function serveNetworks(): Promise<void> {
    const hosts = (await aliveAgents(network, agentTypes.dhcp)).map(({ host }) => host);
    if (hosts.length === 0) return;
    const rows = await store.db
      .selectFrom('subnets')
      .select('network_id')
      .distinct()
      .where('enable_dhcp', '=', true)
      .where(
        'network_id',
        'not in',
        store.db.selectFrom('dhcp_bindings').select('network_id').where('host', 'in', hosts),
      )
      .execute();
    for (const { network_id } of rows) await settleDhcp(network, network_id);
  }

  async function hostRouters(): Promise<void> {
    const hosts = (await aliveAgents(network, agentTypes.l3)).map(({ host }) => host);
    if (hosts.length === 0) return;
    const rows = await store.db
      .selectFrom('ports')
      .select('device_id')
      .distinct()
      .where('device_owner', 'in', ['network:router_interface', 'network:router_gateway'])
      .where(
        'device_id',
        'not in',
        store.db.selectFrom('router_bindings').select('router_id').where('host', 'in', hosts),
      )
      .execute();
    for (const { device_id } of rows) await settleRouter(network, device_id);
  }

  /** Ports that found no agent on their host are plugged in now that there is one. */
  async function rebind(host: string): Promise<void> {
    const changed = await store.db
      .updateTable('ports')
      .set({ binding_vif_type: 'bridge' })
      .where('binding_host_id', '=', host)
      .where('binding_vif_type', '=', 'binding_failed')
      .executeTakeFirst();
    if (Number(changed.numUpdatedRows) > 0) network.hosts.ring({ hosts: [host] });
  }

  async function setStatus(host: string, ids: readonly string[], status: string): Promise<void> {
    if (ids.length === 0) return;
    await store.db
      .updateTable('ports')
      .set({ status })
      .where('id', 'in', ids)
      .where('binding_host_id', '=', host)
      .where('status', '<>', status)
      .$if(status === 'ACTIVE', (query) => query.where('admin_state_up', '=', true))
      .execute();
  }

  async function setRouters(host: string, ids: readonly string[], up: boolean): Promise<void> {
    if (ids.length === 0) return;
    const status = up ? 'ACTIVE' : 'DOWN';
    await store.db
      .updateTable('router_bindings')
      .set({ up })
      .where('router_id', 'in', ids)
      .where('host', '=', host)
      .execute();
    await store.db
      .updateTable('ports')
      .set({ status })
      .where('device_id', 'in', ids)
      .where('binding_host_id', '=', host)
      .where('device_owner', 'in', ['network:router_interface', 'network:router_gateway'])
      .execute();
    await store.db
      .updateTable('floatingips')
      .set({ status })
      .where('router_id', 'in', ids)
      .where('port_id', 'is not', null)
      .execute();
  }

  async function setDhcp(host: string, networkIds: readonly string[], status: string): Promise<void> {
    if (networkIds.length === 0) return;
    await store.db
      .updateTable('ports')
      .set({ status })
      .where('network_id', 'in', networkIds)
      .where('binding_host_id', '=', host)
      .where('device_owner', '=', 'network:dhcp')
      .execute();
  }
}

/** The message topics that upstream lists for its agents. */
const topics: Record<string, string> = {
  [agentTypes.dhcp]: 'dhcp_agent',
  [agentTypes.l3]: 'l3_agent',
};
