import { Conflict } from '../../../platform/errors/errors.ts';
import { flow } from '../../../platform/flow/flow.ts';
import { whileAgentsStart } from './create-server.ts';
import type { FlowParts } from './parts.ts';

export const snapshotTask = 'image_snapshot';

/** Fills an image that has been made for it with a server's root disk. */
export const snapshotServer = ({ servers, agent, image, actions, store }: FlowParts) => {
  const over = async (serverId: string, error?: Error) => {
    await store.transaction(async () => {
      await servers.change({ id: serverId, task_state: snapshotTask }, { task_state: null });
      await actions.finish(serverId, error ? { error } : {});
    });
  };
  return flow<{ serverId: string; imageId: string }>('compute.snapshot-server', { concurrency: 10 })
    .step('write the image', {
      retry: whileAgentsStart,
      deadline: 900_000,
      do: async ({ serverId, imageId }) => {
        const server = await servers.look(serverId);
        if (!server?.host || server.deleted || server.task_state === 'deleting')
          throw new Conflict(`Instance ${serverId} is being deleted.`);
        // The image is active only if an earlier life of this step has filled it.
        const made = await image.image({ id: imageId, admin: true });
        if (made?.status === 'active') return;
        await agent(server.host).snapshot({ serverId, imageId });
      },
      undo: ({ imageId }) => image.discard({ id: imageId }),
    })
    .onDone(({ serverId }) => over(serverId))
    .onFailure(({ serverId }, { error }) => over(serverId, error));
};
