import type { ComputeService } from '../contract.ts';
import type { FlowParts } from '../flows/parts.ts';
import { powerStateOf, powerStates } from '../model/server-states.ts';
import type { Server } from '../store/servers.ts';

type Parts = Pick<FlowParts, 'store' | 'servers'>;

const isOff = (powerState: string): boolean => powerState === 'shutdown' || powerState === 'crashed';

/**
 * Brings a server's row to what its guest is. A server that is busy is left to the flow that works on it; one whose
 * guest went down by itself is stopped, as upstream's `sync_power_states` has it.
 */
export async function guestSeen({ servers }: Parts, server: Server, powerState: string): Promise<void> {
  const { id, task_state: task, vm_state: state } = server;
  // What is shelved is off, and what its guest is besides (suspended, say) is no matter any more.
  if (task !== null || server.deleted || state === 'shelved') return;
  const power_state = powerStateOf(powerState);
  const stops = isOff(powerState) && (state === 'active' || state === 'paused');
  // The guest was paused or resumed behind our back.
  const becomes = stops ? { vm_state: 'stopped', power_state: powerStates.shutdown } : { power_state };
  if (server.power_state === power_state && !stops) return;
  await servers.change({ id, task_state: null, vm_state: state }, becomes);
}

/** Compares the guests of a host with the servers that should be there. */
export async function reconcileGuests(
  parts: Parts,
  { host, guests, resume }: Parameters<ComputeService['reconcileGuests']>[0],
): Promise<{ destroy: string[]; start: string[] }> {
  const destroy: string[] = [];
  const start: string[] = [];
  for (const { serverId, powerState } of guests) {
    const server = await parts.servers.look(serverId);
    // A guest that nobody knows may be of a database that was put back from a copy: it is left alone.
    if (!server) continue;
    // It could not be built there, or was taken off while the host was away.
    const homeless =
      server.host === null &&
      ['error', 'shelved_offloaded'].includes(server.vm_state) &&
      server.task_state === null;
    if (server.deleted || homeless) destroy.push(serverId);
    else if (server.host !== host) continue;
    else if (
      resume &&
      isOff(powerState) &&
      ['active', 'rescued'].includes(server.vm_state) &&
      server.task_state === null
    )
      start.push(serverId);
    else await guestSeen(parts, server, powerState);
  }
  return { destroy, start };
}
