import { repository } from '../../../platform/store/repository.ts';
import { agentTypes, aliveAgents } from './agents.ts';
import { leastLoaded } from './dhcp.ts';
import type { Network } from './network.ts';
import { changePort } from './ports.ts';
import { ports, routerBindings } from './tables.ts';

/**
 * Sees that a router with a port has a host, and that its ports are bound there. The host stays while its agent
 * lives; it moves by compare-and-swap. Does nothing where no agent lives.
 */
export function settleRouter(network: Network, routerId: string): Promise<void> {
  const { store } = network;
  return store.transaction(async () => {
    const own = (await repository(store, ports).list({ where: { device_id: routerId } })).filter(
      ({ device_owner }) => /^network:router_(interface|gateway)$/.test(device_owner),
    );
    const bindings = repository(store, routerBindings);
    const bound = await bindings.get(routerId);
    if (own.length === 0) {
      if (bound) {
        await bindings.delete({ router_id: routerId });
        network.hosts.ring({ hosts: [bound.host] });
      }
      return;
    }
    const alive = (await aliveAgents(network, agentTypes.l3)).map(({ host }) => host);
    let host = bound?.host;
    if (host === undefined || (alive.length > 0 && !alive.includes(host))) {
      const chosen = await leastLoaded(network, 'router_bindings', alive);
      if (chosen === undefined) return;
      if (bound) {
        await bindings.update({ router_id: routerId, host: bound.host }, { host: chosen, up: false });
        network.hosts.ring({ hosts: [bound.host] });
      } else await bindings.insert({ router_id: routerId, host: chosen });
      host = chosen;
    }
    for (const port of own) {
      if (port.binding_host_id !== host) {
        await changePort(network, port.id, { row: { binding_host_id: host } });
        if (bound?.up && bound.host === host) await markUp(port.id);
      }
    }
    network.hosts.ring({ hosts: [host] });
  });

  /** A router that works takes up a further port at its next run. */
  async function markUp(id: string): Promise<void> {
    await store.db.updateTable('ports').set({ status: 'ACTIVE' }).where('id', '=', id).execute();
  }
}
