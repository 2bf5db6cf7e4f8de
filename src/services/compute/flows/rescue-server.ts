import { flow } from '../../../platform/flow/flow.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { faultOf } from '../model/faults.ts';
import { shutdownTimeout } from '../model/server-actions.ts';
import { powerStates } from '../model/server-states.ts';
import { whileAgentsStart } from './create-server.ts';
import type { FlowParts } from './parts.ts';
import { placed, putRight } from './placed.ts';

export const rescueTask = 'rescuing';
export const rescueEvent = 'compute_rescue_instance';

export interface RescueInput {
  serverId: string;
  /** What it is to boot from. */
  imageId: string;
  /** Whether the guest was on. */
  running: boolean;
}

/**
 * Boots a server from a fresh copy of an image, with its own disk as the second one. What fails leaves it as it was,
 * with a fault.
 */
export const rescueServer = (parts: FlowParts) => {
  const { servers, agent, actions, store } = parts;
  return flow<RescueInput>('compute.rescue-server', { concurrency: 50 })
    .step('stop the guest', {
      retry: whileAgentsStart,
      do: async ({ serverId }) => {
        const { host } = await placed(parts, serverId);
        await agent(host).power({ serverId, action: 'stop', gracefulSeconds: shutdownTimeout });
      },
      undo: async ({ serverId, running }) => {
        if (running) await putRight(parts, serverId, (host) => host.power({ serverId, action: 'start' }));
      },
    })
    .step('give it the disk to boot from', {
      retry: whileAgentsStart,
      deadline: 900_000,
      do: async ({ serverId, imageId }) => {
        const { host } = await placed(parts, serverId);
        await agent(host).rescue({ serverId, imageId });
      },
      undo: ({ serverId }) => putRight(parts, serverId, (host) => host.unrescue({ serverId })),
    })
    .step('start the guest', {
      retry: whileAgentsStart,
      do: async ({ serverId }) => {
        const { host } = await placed(parts, serverId);
        await agent(host).power({ serverId, action: 'start' });
      },
      // The disk is taken from it only when it is off.
      undo: ({ serverId }) =>
        putRight(parts, serverId, (host) => host.power({ serverId, action: 'stop', gracefulSeconds: 0 })),
    })
    .onDone(async ({ serverId }) => {
      await store.transaction(async () => {
        await servers.change(
          { id: serverId, task_state: rescueTask },
          {
            vm_state: 'rescued',
            power_state: powerStates.running,
            task_state: null,
            launched_at: timestamp(),
          },
        );
        await actions.finish(serverId);
      });
    })
    .onFailure(async ({ serverId }, { error }) => {
      await store.transaction(async () => {
        await servers.change(
          { id: serverId, task_state: rescueTask },
          { task_state: null, fault: faultOf(error) },
        );
        await actions.finish(serverId, { error });
      });
    });
};
