import { NoSuchServer } from '../../../platform/errors/errors.ts';
import { flow, type Retry } from '../../../platform/flow/flow.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { faultOf } from '../model/faults.ts';
import { powerStates } from '../model/server-states.ts';
import { buildRequest, type GuestNic, toGuestNic } from './build-request.ts';
import { claimHost, unclaimHost } from './claim-host.ts';
import type { FlowParts } from './parts.ts';
import { wanted } from './placed.ts';

/** When a cloud starts, its agents come a moment after its services. */
export const whileAgentsStart: Retry = {
  times: 6,
  delay: 250,
  when: (error) => error instanceof NoSuchServer,
};

/** The name under which the instance action's one event is listed. */
export const createEvent = 'compute__do_build_instance';

/** Finds a server a host, connects it and builds it; or leaves it in ERROR with a fault and nothing taken. */
export const createServer = (parts: FlowParts) => {
  const { servers, network, agent, actions } = parts;

  return flow<{ serverId: string }>('compute.create-server', { concurrency: 50 })
    .step('claim a host', {
      retry: { times: 2, delay: 200 },
      do: async ({ serverId }) => {
        const server = await wanted(parts, serverId);
        const { host, node, availability_zone: zone } = server;
        const claimed =
          host !== null && node !== null ? { host, node, zone: zone ?? '' } : await claimHost(parts, server);
        await servers.change({ id: serverId, task_state: 'scheduling' }, { task_state: 'networking' });
        return claimed;
      },
      undo: ({ serverId }) => unclaimHost(parts, serverId),
    })
    .step('attach the ports', {
      retry: { times: 2, delay: 200 },
      do: async ({ serverId, host, zone }) => {
        const server = await wanted(parts, serverId);
        const { networks, securityGroupIds } = server.request;
        const ports: GuestNic[] = [];
        for (const [index, request] of networks.entries()) {
          const port = await network.attachPort({
            serverId,
            serverName: server.name,
            projectId: server.project_id,
            index,
            host,
            zone,
            request,
            securityGroupIds,
          });
          ports.push(toGuestNic(port));
        }
        await servers.change({ id: serverId, task_state: 'networking' }, { task_state: 'spawning' });
        return { ports };
      },
      undo: ({ serverId }) => network.detachPorts({ serverId }),
    })
    .step('build on the host', {
      retry: whileAgentsStart,
      deadline: 900_000,
      do: async ({ serverId, host, ports }) => {
        const server = await wanted(parts, serverId);
        await agent(host).build(await buildRequest(parts, server, ports));
        await wanted(parts, serverId);
      },
      // The row has the host even where the flow's own state was lost with the process.
      undo: async ({ serverId, host }) => {
        await agent(host).destroy({ serverId });
      },
    })
    .onDone(async ({ serverId, host }) => {
      await parts.store.transaction(async () => {
        const now = timestamp();
        const active = {
          vm_state: 'active',
          power_state: powerStates.running,
          launched_at: now,
          progress: 0,
        };
        // Somebody may have asked for its deletion just now: that flow goes on from here.
        const server = await servers.look(serverId);
        if (!server || server.deleted) return;
        const task = server.task_state === 'deleting' ? {} : { task_state: null };
        await servers.change(
          { id: serverId },
          { ...active, ...task, launched_at: server.launched_at ?? now },
        );
        await actions.finish(serverId, { host });
      });
    })
    .onFailure(async ({ serverId }, { error }) => {
      await parts.store.transaction(async () => {
        const server = await servers.look(serverId);
        if (!server || server.deleted) return;
        const task = server.task_state === 'deleting' ? {} : { task_state: null, fault: faultOf(error) };
        await servers.change({ id: serverId }, { vm_state: 'error', ...task });
        await actions.finish(serverId, { error });
      });
    });
};
