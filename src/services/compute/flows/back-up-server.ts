import { ApiError } from '../../../platform/errors/errors.ts';
import { flow } from '../../../platform/flow/flow.ts';
import type { ImageRecord } from '../../image/contract.ts';
import { faultOf } from '../model/faults.ts';
import type { FlowParts } from './parts.ts';
import { writeImage } from './write-image.ts';

export const backUpTask = 'image_backup';
export const backUpEvent = 'compute_backup_instance';

export interface BackUpInput {
  serverId: string;
  imageId: string;
  backupType: string;
  /** How many backups of this type are kept. 0: none, not even this one. */
  rotation: number;
}

/** How many images are asked for at once. */
const page = 500;

/** Fills an image that has been made for it with a server's root disk, and deletes the oldest backups of its type. */
export const backUpServer = (parts: FlowParts) => {
  const { servers, image, actions, store } = parts;
  const writing = writeImage(parts);

  const over = async (serverId: string, error?: Error) => {
    await store.transaction(async () => {
      const fault = error ? { fault: faultOf(error) } : {};
      await servers.change({ id: serverId, task_state: backUpTask }, { task_state: null, ...fault });
      await actions.finish(serverId, error ? { error } : {});
    });
  };

  /** All backups of a type, newest first, as far as whoever has asked for this one may know of them. */
  async function backups({ serverId, backupType }: BackUpInput): Promise<ImageRecord[]> {
    const properties = { image_type: 'backup', backup_type: backupType, instance_uuid: serverId };
    const found: ImageRecord[] = [];
    for (;;) {
      const last = found.at(-1);
      const more = await image.list({ properties, limit: page, ...(last ? { marker: last.id } : {}) });
      found.push(...more);
      if (more.length < page) return found;
    }
  }

  return (
    flow<BackUpInput>('compute.back-up-server', { concurrency: 10 })
      .step('write the image', {
        ...writing,
        do: async (input) => {
          if (input.rotation > 0) await writing.do(input);
        },
      })
      // Not a step: once older backups are gone, there is no taking back of this one.
      .onDone(async (input) => {
        if (input.rotation === 0) await image.discard({ id: input.imageId });
        for (const { id } of (await backups(input)).slice(input.rotation))
          await image.remove({ id }).catch((error: unknown) => {
            // One that is gone, or protected, or not theirs to delete: upstream passes over it too.
            if (!(error instanceof ApiError && error.status < 500)) throw error;
          });
        await over(input.serverId);
      })
      .onFailure(({ serverId }, { error }) => over(serverId, error))
  );
};
