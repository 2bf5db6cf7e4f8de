import { NoSuchServer } from '../../../platform/errors/errors.ts';
import { flow } from '../../../platform/flow/flow.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { FlowParts } from './parts.ts';
import { discardShelved } from './unshelve-server.ts';

export const deleteEvent = 'compute_terminate_instance';

/** Takes a server away, whatever it is doing; only goes forward. */
export const deleteServer = (parts: FlowParts) => {
  const { servers, migrations, network, placement, agent, actions, store } = parts;
  return flow<{ serverId: string }>('compute.delete-server', { unwind: false, concurrency: 50 })
    .step('let other work end', {
      // What builds it notices that it is to be deleted, and takes its own work back.
      do: ({ serverId }, { flowId }) => parts.settled(serverId, flowId),
    })
    .step('destroy the guest', {
      do: async ({ serverId }) => {
        const server = await servers.look(serverId);
        if (!server?.host) return;
        try {
          await agent(server.host).destroy({ serverId });
        } catch (error) {
          // A host that is away destroys the guest when it is back: it asks which of its guests are deleted.
          if (!(error instanceof NoSuchServer)) throw error;
        }
      },
    })
    .step('detach the ports', { do: ({ serverId }) => network.detachPorts({ serverId }) })
    .step('give back what it had claimed', {
      do: ({ serverId }) => placement.release({ consumer: serverId }),
    })
    .step('delete the image that it was shelved as', {
      do: async ({ serverId }) =>
        discardShelved(parts, (await servers.look(serverId))?.shelved_image_id ?? null),
    })
    .onDone(async ({ serverId }) => {
      await store.transaction(async () => {
        const now = timestamp();
        await store.db.deleteFrom('server_group_members').where('server_id', '=', serverId).execute();
        await store.db.deleteFrom('console_tokens').where('server_id', '=', serverId).execute();
        await servers.change(
          { id: serverId },
          {
            vm_state: 'deleted',
            task_state: null,
            power_state: 0,
            terminated_at: now,
            deleted: true,
            deleted_at: now,
          },
        );
        const open = { server_id: serverId, status: ['finished', 'confirming', 'reverting'] };
        await migrations.rows.update(open, { status: 'confirmed', updated_at: now });
        await actions.finish(serverId);
      });
    });
};
