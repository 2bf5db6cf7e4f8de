import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Network } from './network.ts';
import { type AgentRow, agents } from './tables.ts';

/** What the agents of a host are called in the API, by what they do. */
export const agentTypes = {
  linuxBridge: 'Linux bridge agent',
  dhcp: 'DHCP agent',
  l3: 'L3 agent',
  metadata: 'Metadata agent',
} as const;

/** The time before which an agent must not have been silent to be alive. */
export const deadline = ({ settings }: Network): string =>
  timestamp(new Date(Date.now() - settings.agent_down_time * 1000));

export const isAlive = (network: Network, agent: AgentRow): boolean =>
  agent.heartbeat_timestamp >= deadline(network);

/** Agents of a type that live and may be given work, by host. */
export async function aliveAgents(network: Network, type: string, host?: string): Promise<AgentRow[]> {
  return repository(network.store, agents).list({
    where: [
      { column: 'agent_type', op: 'eq', value: type },
      { column: 'admin_state_up', op: 'eq', value: true },
      { column: 'heartbeat_timestamp', op: 'gte', value: deadline(network) },
      ...(host === undefined ? [] : ([{ column: 'host', op: 'eq', value: host }] as const)),
    ],
    sort: [{ column: 'host', direction: 'asc' }],
  });
}
