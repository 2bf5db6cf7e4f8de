import { Conflict } from '../../../platform/errors/errors.ts';
import { flow } from '../../../platform/flow/flow.ts';
import { faultOf } from '../model/faults.ts';
import {
  type PowerAction,
  type PowerActionName,
  powerActions,
  shutdownTimeout,
} from '../model/server-actions.ts';
import { powerStateOf } from '../model/server-states.ts';
import { whileAgentsStart } from './create-server.ts';
import type { FlowParts } from './parts.ts';

/**
 * One flow for each way to change a guest's power: the agent does it, the row says what it is then. There is nothing
 * to undo: where the host fails, the server keeps its state and has a fault.
 */
function powerFlow({ servers, actions, agent, store }: FlowParts, name: PowerActionName) {
  const { asks, becomes, task }: PowerAction = powerActions[name];
  return flow<{ serverId: string }>(`compute.${name}`, { concurrency: 50 })
    .step('change the power', {
      retry: whileAgentsStart,
      do: async ({ serverId }) => {
        const server = await servers.look(serverId);
        if (!server || server.deleted || server.task_state === 'deleting')
          throw new Conflict(`Instance ${serverId} is being deleted.`);
        if (server.host === null) throw new Conflict(`Instance ${serverId} is not ready`);
        const { powerState } = await agent(server.host).power({
          serverId,
          action: asks,
          gracefulSeconds: shutdownTimeout,
        });
        return { powerState };
      },
      // The guest is left as it is: its host tells what that is.
    })
    .onDone(async ({ serverId, powerState }) => {
      await store.transaction(async () => {
        await servers.change(
          { id: serverId, task_state: task },
          {
            vm_state: becomes,
            power_state: powerStateOf(powerState),
            task_state: null,
          },
        );
        await actions.finish(serverId);
      });
    })
    .onFailure(async ({ serverId }, { error }) => {
      await store.transaction(async () => {
        await servers.change({ id: serverId, task_state: task }, { task_state: null, fault: faultOf(error) });
        await actions.finish(serverId, { error });
      });
    });
}

/** All of them, by name. */
export const powerFlows = (parts: FlowParts) =>
  Object.fromEntries(
    Object.keys(powerActions).map((name) => [name, powerFlow(parts, name as PowerActionName)]),
  ) as Record<PowerActionName, ReturnType<typeof powerFlow>>;
