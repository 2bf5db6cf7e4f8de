import { flow } from '../../../platform/flow/flow.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { faultOf } from '../model/faults.ts';
import { powerStates } from '../model/server-states.ts';
import { buildRequest, toGuestNic } from './build-request.ts';
import { whileAgentsStart } from './create-server.ts';
import type { FlowParts } from './parts.ts';
import { placed } from './placed.ts';

export const rebuildTask = 'rebuilding';
export const rebuildEvent = 'compute_rebuild_instance';

/**
 * Builds a server again where it is, from the image that its row says by now: same host, same ports, new disks. There
 * is no way back once the old disks are gone: what fails leaves the server in ERROR, from where it can be rebuilt.
 */
export const rebuildServer = (parts: FlowParts) => {
  const { servers, network, agent, actions, store } = parts;
  return flow<{ serverId: string; stopped: boolean }>('compute.rebuild-server', { concurrency: 50 })
    .step('destroy the guest', {
      retry: whileAgentsStart,
      do: async ({ serverId }) => {
        const { host } = await placed(parts, serverId);
        await agent(host).destroy({ serverId });
      },
    })
    .step('build it again', {
      retry: whileAgentsStart,
      deadline: 900_000,
      do: async ({ serverId }) => {
        const server = await placed(parts, serverId);
        const ports = (await network.serverPorts({ serverIds: [serverId] }))[serverId] ?? [];
        await agent(server.host).build(await buildRequest(parts, server, ports.map(toGuestNic)));
      },
    })
    .step('leave it as it was', {
      do: async ({ serverId, stopped }) => {
        if (!stopped) return;
        const { host } = await placed(parts, serverId);
        await agent(host).power({ serverId, action: 'stop', gracefulSeconds: 0 });
      },
    })
    .onDone(async ({ serverId, stopped }) => {
      await store.transaction(async () => {
        await servers.change(
          { id: serverId, task_state: rebuildTask },
          {
            vm_state: stopped ? 'stopped' : 'active',
            power_state: stopped ? powerStates.shutdown : powerStates.running,
            task_state: null,
            fault: null,
            launched_at: timestamp(),
          },
        );
        await actions.finish(serverId);
      });
    })
    .onFailure(async ({ serverId }, { error }) => {
      await store.transaction(async () => {
        await servers.change(
          { id: serverId, task_state: rebuildTask },
          { vm_state: 'error', task_state: null, fault: faultOf(error) },
        );
        await actions.finish(serverId, { error });
      });
    });
};
