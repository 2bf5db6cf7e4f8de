import { flow } from '../../../platform/flow/flow.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { faultOf } from '../model/faults.ts';
import { shutdownTimeout } from '../model/server-actions.ts';
import { powerStates } from '../model/server-states.ts';
import { snapshotImage } from '../model/snapshot-image.ts';
import { whileAgentsStart } from './create-server.ts';
import { type OffloadServer, offloadTask } from './offload-server.ts';
import type { FlowParts } from './parts.ts';
import { placed, putRight, wanted } from './placed.ts';
import { writeImage } from './write-image.ts';

export const shelveTask = 'shelving';
export const shelveEvent = 'compute_shelve_instance';

export interface ShelveInput {
  serverId: string;
  /** The id that the image is to have; the row says it too. */
  imageId: string;
  /** What the server was. */
  vmState: string;
  /** Whether it is taken off its host at once. */
  offload: boolean;
}

/**
 * Stops a server and keeps its disk as an image, which it can be put back from anywhere. What fails leaves it as it
 * was, with a fault; a guest that was paused has booted anew then.
 */
export const shelveServer = (parts: FlowParts, offloadServer: OffloadServer) => {
  const { servers, agent, image, actions, store, engine } = parts;
  return flow<ShelveInput>('compute.shelve-server', { concurrency: 10 })
    .step('make the image', {
      do: async ({ serverId, imageId }) => {
        const server = await wanted(parts, serverId);
        const made = server.image_id ? await image.image({ id: server.image_id, admin: true }) : null;
        const name = `${server.name}-shelved`;
        await image.create({ ...snapshotImage(server, made, { name, type: 'snapshot' }), id: imageId });
      },
      undo: ({ imageId }) => image.discard({ id: imageId }),
    })
    .step('stop the guest', {
      retry: whileAgentsStart,
      do: async ({ serverId, vmState }) => {
        // One that is suspended is off, and keeps its memory until it is sure that it is shelved.
        if (vmState === 'suspended') return;
        const { host } = await placed(parts, serverId);
        // A guest that is paused cannot go down by itself.
        const gracefulSeconds = vmState === 'active' ? shutdownTimeout : 0;
        await agent(host).power({ serverId, action: 'stop', gracefulSeconds });
      },
      undo: async ({ serverId, vmState }) => {
        if (vmState !== 'active' && vmState !== 'paused') return;
        await putRight(parts, serverId, async (host) => {
          await host.power({ serverId, action: 'start' });
          if (vmState === 'paused') await host.power({ serverId, action: 'pause' });
        });
      },
    })
    .step('write the image', writeImage(parts))
    .onDone(async ({ serverId, offload }) => {
      await store.transaction(async () => {
        const server = await servers.look(serverId);
        if (!server || server.deleted) return;
        const shelved = {
          vm_state: 'shelved',
          power_state: powerStates.shutdown,
          shelved_at: timestamp(),
        };
        const deleting = server.task_state === 'deleting';
        const follows = offload && !deleting;
        await servers.change(
          { id: serverId },
          { ...shelved, ...(deleting ? {} : { task_state: follows ? offloadTask : null }) },
        );
        if (!follows) return actions.finish(serverId);
        const resource = { type: 'server', id: serverId };
        await engine.startFlow(offloadServer, { serverId }, { resource, projectId: server.project_id });
      });
    })
    .onFailure(async ({ serverId }, { error }) => {
      await store.transaction(async () => {
        const server = await servers.look(serverId);
        if (!server || server.deleted) return;
        const task = server.task_state === 'deleting' ? {} : { task_state: null, fault: faultOf(error) };
        await servers.change({ id: serverId }, { shelved_image_id: null, ...task });
        await actions.finish(serverId, { error });
      });
    });
};
