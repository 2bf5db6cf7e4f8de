import { flow } from '../../../platform/flow/flow.ts';
import type { FlowParts } from './parts.ts';
import { writeImage } from './write-image.ts';

export const snapshotTask = 'image_snapshot';

/** Fills an image that has been made for it with a server's root disk. */
export const snapshotServer = (parts: FlowParts) => {
  const { servers, actions, store } = parts;
  const over = async (serverId: string, error?: Error) => {
    await store.transaction(async () => {
      await servers.change({ id: serverId, task_state: snapshotTask }, { task_state: null });
      await actions.finish(serverId, error ? { error } : {});
    });
  };
  return flow<{ serverId: string; imageId: string }>('compute.snapshot-server', { concurrency: 10 })
    .step('write the image', writeImage(parts))
    .onDone(({ serverId }) => over(serverId))
    .onFailure(({ serverId }, { error }) => over(serverId, error));
};
