import { flow } from '../../../platform/flow/flow.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { powerStates } from '../model/server-states.ts';
import { claimFor } from './claim-resize.ts';
import type { FlowParts } from './parts.ts';
import type { ResizeInput } from './resize-server.ts';

export const revertTask = 'resize_reverting';
export const revertResizeEvent = 'compute_revert_resize';

/** Makes a server again what it was before a resize. Only goes forward, until it is, or somebody deletes it. */
export const revertResize = (parts: FlowParts) => {
  const { servers, migrations, agent, actions, store } = parts;
  const placed = async (serverId: string) => {
    const server = await servers.look(serverId);
    if (!server || server.host === null || server.deleted || server.task_state === 'deleting')
      return undefined;
    return { server, host: server.host };
  };
  return flow<ResizeInput>('compute.revert-resize', { unwind: false, concurrency: 50 })
    .step('stop the guest', {
      do: async ({ serverId }) => {
        const found = await placed(serverId);
        if (found) await agent(found.host).power({ serverId, action: 'stop', gracefulSeconds: 0 });
      },
    })
    .step('go back to what was kept', {
      do: async ({ serverId }) => {
        const found = await placed(serverId);
        if (found) await agent(found.host).settleResize({ serverId, how: 'revert' });
      },
    })
    .step('claim what it needs', {
      do: async ({ serverId, migrationId }) => {
        const found = await placed(serverId);
        if (found) await claimFor(parts, found.server, (await migrations.get(migrationId)).old_flavor);
      },
    })
    .step('start the guest', {
      do: async ({ serverId, running }) => {
        const found = await placed(serverId);
        if (found && running) await agent(found.host).power({ serverId, action: 'start' });
      },
    })
    .onDone(async ({ serverId, migrationId, running }) => {
      await store.transaction(async () => {
        const { old_flavor: flavor } = await migrations.get(migrationId);
        await servers.change(
          { id: serverId, task_state: revertTask },
          {
            vm_state: running ? 'active' : 'stopped',
            power_state: running ? powerStates.running : powerStates.shutdown,
            task_state: null,
            flavor_id: flavor.id,
            flavor,
            vcpus: flavor.vcpus,
            memory_mib: flavor.ram,
            launched_at: timestamp(),
          },
        );
        await migrations.to(migrationId, 'reverted');
        await actions.finish(serverId);
      });
    });
};
