import { BadRequest, NoSuchServer } from '../../../platform/errors/errors.ts';
import { flow } from '../../../platform/flow/flow.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { faultOf } from '../model/faults.ts';
import { shutdownTimeout } from '../model/server-actions.ts';
import { powerStates } from '../model/server-states.ts';
import { claimFor } from './claim-resize.ts';
import { whileAgentsStart } from './create-server.ts';
import type { FlowParts } from './parts.ts';
import { placed, putRight } from './placed.ts';

export interface ResizeInput {
  serverId: string;
  migrationId: string;
  /** Whether the guest was on. */
  running: boolean;
}

export const resizeEvent = 'compute_resize_instance';
export const confirmResizeEvent = 'compute_confirm_resize';

/**
 * Gives a server another size where it is. Until somebody confirms or reverts it, it has claimed the larger of both
 * and its host keeps what it was; what fails leaves it as it was, with a fault.
 */
export const resizeServer = (parts: FlowParts) => {
  const { servers, migrations, agent, actions, store } = parts;

  return flow<ResizeInput>('compute.resize-server', { concurrency: 50 })
    .step('claim room', {
      do: async ({ serverId, migrationId }) => {
        const server = await placed(parts, serverId);
        const { old_flavor: before, new_flavor: after } = await migrations.get(migrationId);
        if (after.disk < before.disk) throw new BadRequest('Unable to resize disk down.');
        await claimFor(parts, server, before, after);
        await migrations.to(migrationId, 'migrating');
        await servers.change({ id: serverId, task_state: 'resize_prep' }, { task_state: 'resize_migrating' });
      },
      undo: async ({ serverId, migrationId }) => {
        const server = await servers.look(serverId);
        if (!server?.host || server.deleted) return;
        await claimFor(parts, server, (await migrations.get(migrationId)).old_flavor);
      },
    })
    .step('stop the guest', {
      retry: whileAgentsStart,
      do: async ({ serverId, running }) => {
        const { host } = await placed(parts, serverId);
        if (running) await agent(host).power({ serverId, action: 'stop', gracefulSeconds: shutdownTimeout });
      },
      undo: async ({ serverId, running }) => {
        if (running) await putRight(parts, serverId, (host) => host.power({ serverId, action: 'start' }));
      },
    })
    .step('resize the guest', {
      retry: whileAgentsStart,
      do: async ({ serverId, migrationId }) => {
        const { host } = await placed(parts, serverId);
        const { vcpus, ram, disk } = (await migrations.get(migrationId)).new_flavor;
        await agent(host).resize({
          serverId,
          resizeId: migrationId,
          vcpus,
          memoryMib: ram,
          rootGib: disk,
        });
        await migrations.to(migrationId, 'post-migrating');
        await servers.change(
          { id: serverId, task_state: 'resize_migrating' },
          { task_state: 'resize_finish' },
        );
      },
      undo: ({ serverId }) =>
        putRight(parts, serverId, (host) => host.settleResize({ serverId, how: 'revert' })),
    })
    .step('start the guest', {
      retry: whileAgentsStart,
      do: async ({ serverId, running }) => {
        const { host } = await placed(parts, serverId);
        if (running) await agent(host).power({ serverId, action: 'start' });
      },
      // It goes back to what it was only when it is off.
      undo: ({ serverId }) =>
        putRight(parts, serverId, (host) => host.power({ serverId, action: 'stop', gracefulSeconds: 0 })),
    })
    .onDone(async ({ serverId, migrationId, running }) => {
      await store.transaction(async () => {
        const server = await servers.look(serverId);
        if (!server || server.deleted) return;
        const { new_flavor: flavor } = await migrations.get(migrationId);
        const task = server.task_state === 'deleting' ? {} : { task_state: null };
        await servers.change(
          { id: serverId },
          {
            vm_state: 'resized',
            power_state: running ? powerStates.running : powerStates.shutdown,
            flavor_id: flavor.id,
            flavor,
            launched_at: timestamp(),
            ...task,
          },
        );
        await migrations.to(migrationId, 'finished');
        await actions.finish(serverId);
      });
    })
    .onFailure(async ({ serverId, migrationId }, { error }) => {
      await store.transaction(async () => {
        const server = await servers.look(serverId);
        if (!server || server.deleted) return;
        const { old_flavor: flavor } = await migrations.get(migrationId);
        const task = server.task_state === 'deleting' ? {} : { task_state: null, fault: faultOf(error) };
        await servers.change({ id: serverId }, { vcpus: flavor.vcpus, memory_mib: flavor.ram, ...task });
        await migrations.to(migrationId, 'error');
        await actions.finish(serverId, { error });
      });
    });
};

/** Gives up what a resize has kept, on the host and of its room. Only goes forward: what is let go is gone. */
export const confirmResize = (parts: FlowParts) => {
  const { servers, migrations, agent, actions, store } = parts;
  return flow<{ serverId: string; migrationId: string }>('compute.confirm-resize', {
    unwind: false,
    concurrency: 50,
  })
    .step('let go of what was kept', {
      do: async ({ serverId }) => {
        const server = await servers.look(serverId);
        if (!server?.host || server.deleted || server.task_state === 'deleting') return;
        await agent(server.host)
          .settleResize({ serverId, how: 'confirm' })
          .catch((error: unknown) => {
            // A host that is away lets go of it when the guest is resized again, or destroyed.
            if (!(error instanceof NoSuchServer)) throw error;
          });
      },
    })
    .step('claim what it needs', {
      do: async ({ serverId, migrationId }) => {
        const server = await servers.look(serverId);
        if (!server?.host || server.deleted || server.task_state === 'deleting') return;
        await claimFor(parts, server, (await migrations.get(migrationId)).new_flavor);
      },
    })
    .onDone(async ({ serverId, migrationId }) => {
      await store.transaction(async () => {
        await migrations.to(migrationId, 'confirmed');
        await actions.finish(serverId);
        const server = await servers.look(serverId);
        if (!server || server.deleted) return;
        const off = server.power_state === powerStates.shutdown;
        await servers.change(
          { id: serverId, vm_state: 'resized' },
          {
            vm_state: off ? 'stopped' : 'active',
            vcpus: server.flavor.vcpus,
            memory_mib: server.flavor.ram,
          },
        );
      });
    });
};
