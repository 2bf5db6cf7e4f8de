import { flow } from '../../../platform/flow/flow.ts';
import { powerStates } from '../model/server-states.ts';
import type { FlowParts } from './parts.ts';

export const unrescueTask = 'unrescuing';
export const unrescueEvent = 'compute_unrescue_instance';

/**
 * Boots a server from its own disk again. Only goes forward, until it does or somebody deletes it: what the rescuing
 * system had on its disk is gone.
 */
export const unrescueServer = (parts: FlowParts) => {
  const { servers, agent, actions, store } = parts;
  const agentOf = async (serverId: string) => {
    const server = await servers.look(serverId);
    if (!server?.host || server.deleted || server.task_state === 'deleting') return undefined;
    return agent(server.host);
  };
  return flow<{ serverId: string }>('compute.unrescue-server', { unwind: false, concurrency: 50 })
    .step('stop the guest', {
      do: async ({ serverId }) => {
        await (await agentOf(serverId))?.power({ serverId, action: 'stop', gracefulSeconds: 0 });
      },
    })
    .step('take the disk from it that it was rescued with', {
      do: async ({ serverId }) => {
        await (await agentOf(serverId))?.unrescue({ serverId });
      },
    })
    .step('start the guest', {
      do: async ({ serverId }) => {
        await (await agentOf(serverId))?.power({ serverId, action: 'start' });
      },
    })
    .onDone(async ({ serverId }) => {
      await store.transaction(async () => {
        await servers.change(
          { id: serverId, task_state: unrescueTask },
          { vm_state: 'active', power_state: powerStates.running, task_state: null },
        );
        await actions.finish(serverId);
      });
    });
};
