import { agentTypes, aliveAgents } from './agents.ts';
import type { Network } from './network.ts';
import type { PortRow } from './tables.ts';

/** How a port is plugged in on its host: by the bridge agent that lives there, or not at all. */
export async function vifTypeOn(
  network: Network,
  host: string,
): Promise<'bridge' | 'binding_failed' | 'unbound'> {
  if (host === '') return 'unbound';
  const [agent] = await aliveAgents(network, agentTypes.linuxBridge, host);
  return agent ? 'bridge' : 'binding_failed';
}

/** What the API says of a port that is plugged into a bridge. */
export const vifDetails = (port: PortRow): Record<string, unknown> =>
  port.binding_vif_type === 'bridge' ? { connectivity: 'l2', port_filter: true } : {};
