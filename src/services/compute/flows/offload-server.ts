import { NoSuchServer } from '../../../platform/errors/errors.ts';
import { flow } from '../../../platform/flow/flow.ts';
import { powerStates } from '../model/server-states.ts';
import type { FlowParts } from './parts.ts';

export const offloadTask = 'shelving_offloading';
export const offloadEvent = 'compute_shelve_offload_instance';

/** Takes a shelved server off its host, which has nothing of it afterwards. Only goes forward. */
export const offloadServer = (parts: FlowParts) => {
  const { servers, network, placement, agent, actions, store } = parts;
  return flow<{ serverId: string }>('compute.offload-server', { unwind: false, concurrency: 50 })
    .step('destroy the guest', {
      do: async ({ serverId }) => {
        const server = await servers.look(serverId);
        if (!server?.host) return;
        await agent(server.host)
          .destroy({ serverId })
          .catch((error: unknown) => {
            // A host that is away destroys the guest when it is back: it asks which of its guests are to go.
            if (!(error instanceof NoSuchServer)) throw error;
          });
      },
    })
    .step('take the ports off the host', { do: ({ serverId }) => network.unbindPorts({ serverId }) })
    .step('give back what it had claimed', {
      do: ({ serverId }) => placement.release({ consumer: serverId }),
    })
    .onDone(async ({ serverId }) => {
      await store.transaction(async () => {
        const server = await servers.look(serverId);
        if (!server || server.deleted) return;
        await store.db.deleteFrom('console_tokens').where('server_id', '=', serverId).execute();
        await servers.change(
          { id: serverId },
          {
            vm_state: 'shelved_offloaded',
            power_state: powerStates.shutdown,
            host: null,
            node: null,
            ...(server.task_state === 'deleting' ? {} : { task_state: null }),
          },
        );
        await actions.finish(serverId);
      });
    });
};

export type OffloadServer = ReturnType<typeof offloadServer>;
