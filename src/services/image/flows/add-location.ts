import type { Readable } from 'node:stream';
import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import { flow } from '../../../platform/flow/flow.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { StoreWriter } from '../drivers/store.ts';
import { assertFormat } from '../model/format-match.ts';
import type { Image, ImageRow } from '../model/image.ts';
import { importTask } from '../model/reserved.ts';
import type { ImportParts } from './import-image.ts';
import { assertBeginning } from './look-at-location.ts';
import { said } from './said.ts';
import { secureHash, type Taken } from './take-bytes.ts';

/** A location that an image is to have: bytes that somebody else put into a store. */
export interface AddLocationInput {
  taskId: string;
  imageId: string;
  store: string;
  url: string;
  /** What the bytes must hash to, where that was said. */
  validation: { algorithm: string; value: string } | null;
}

export type AddLocationParts = Pick<
  ImportParts,
  'db' | 'images' | 'tasks' | 'stores' | 'taker' | 'settings' | 'notify' | 'left'
>;

/** Milliseconds: hashing takes as long as reading does. */
const long = 7 * 86_400_000;

/**
 * Gives a queued image a location, and looks at and hashes what is there. Stricter than upstream: what begins as
 * something else than the image says is refused. With a hash to compare with the image is active only
 * when they agree; without one it is active at once, and hashed afterwards.
 */
export function addLocation(parts: AddLocationParts) {
  const { db, images, tasks, stores, taker, settings } = parts;

  async function mine({ imageId, taskId }: AddLocationInput): Promise<Image> {
    const image = await images.get(imageId);
    if (image?.properties[importTask] !== taskId)
      throw new Conflict(`Image ${imageId} has been deleted or is imported by another task.`);
    return image;
  }

  async function digests({ store, url, validation }: AddLocationInput): Promise<Taken> {
    for (let again = settings.http_retries; ; again--) {
      let bytes: Readable | undefined;
      try {
        bytes = await stores.get(store).read(url);
        return await taker.take(bytes, nowhere, {
          most: Number.MAX_SAFE_INTEGER,
          hash: validation?.algorithm ?? secureHash,
        });
      } catch (error) {
        if (again <= 0) throw error;
      } finally {
        bytes?.destroy();
      }
    }
  }

  return flow<AddLocationInput>('image.add-location', { concurrency: 8 })
    .step('begin the task', {
      // Nothing is to be taken back: a task that was begun ends as a failure.
      do: async ({ taskId }) => void (await tasks.begin(taskId)),
    })
    .step('add the location', {
      do: async (input) => {
        const { imageId, store, url, validation } = input;
        const size = stores.has(store) ? await stores.get(store).size(url) : null;
        if (size === null || size <= 0) throw new BadRequest('Invalid location');
        const { do_secure_hash: secure } = settings;
        await assertBeginning(stores.get(store), { url, size }, (await mine(input)).row, settings);
        await db.transaction(async () => {
          await mine(input);
          const present = (await images.locations(imageId)).some(
            (each) => each.store === store && each.url === url,
          );
          if (!present) await images.addLocation({ image_id: imageId, store, url, created_at: timestamp() });
          await images.swap(
            { id: imageId },
            {
              size,
              status: secure && validation ? 'importing' : 'active',
              os_hash_algo: validation?.algorithm ?? (secure ? secureHash : null),
              os_hash_value: secure ? null : (validation?.value ?? null),
            },
          );
        });
      },
      undo: (input) =>
        db.transaction(async () => {
          const image = await images.get(input.imageId);
          if (image?.properties[importTask] !== input.taskId) return;
          // The bytes are another's: they stay where they are.
          for (const location of await images.locations(input.imageId))
            if (location.store === input.store && location.url === input.url)
              await images.removeLocation(location);
          await images.swap({ id: input.imageId }, nothing);
        }),
    })
    .step('hash what is there', {
      deadline: long,
      // What is written here, undoing the location takes back.
      do: async (input) => {
        if (!settings.do_secure_hash) return;
        const { imageId, validation } = input;
        try {
          const { checksum, osHashValue, findings } = await digests(input);
          if (validation && osHashValue !== validation.value.toLowerCase())
            throw new BadRequest(
              `os_hash_value: (${validation.value}) not matched with actual os_hash_value: (${osHashValue})`,
            );
          await images.swap({ id: imageId }, { checksum, os_hash_value: osHashValue });
          const image = await images.get(imageId);
          const virtual_size = image ? assertFormat(image.row, findings, settings) : null;
          await images.swap({ id: imageId }, { virtual_size });
        } catch (error) {
          if (validation) throw error;
          // The image is in use already.
          parts.left(imageId, error);
        }
      },
    })
    .onDone(async ({ imageId, taskId }) => {
      const active = await db.transaction(async () => {
        const image = await images.get(imageId);
        if (image?.properties[importTask] !== taskId) {
          await tasks.fail(taskId, `Image ${imageId} was deleted while its location was added.`);
          return undefined;
        }
        await images.swap({ id: imageId, status: 'importing' }, { status: 'active' });
        await images.setReserved(imageId, { [importTask]: null });
        await tasks.succeed(taskId, { image_id: imageId });
        return image;
      });
      if (active) parts.notify('image.upload', active);
    })
    .onFailure(({ imageId, taskId }, { error }) =>
      db.transaction(async () => {
        const image = await images.get(imageId);
        await tasks.fail(taskId, said(error));
        if (image?.properties[importTask] !== taskId) return;
        await images.swap({ id: imageId }, nothing);
        await images.setReserved(imageId, { [importTask]: null });
      }),
    );
}

const nothing = {
  status: 'queued',
  size: null,
  virtual_size: null,
  checksum: null,
  os_hash_algo: null,
  os_hash_value: null,
} satisfies Partial<ImageRow>;

const nowhere: StoreWriter = { write: async () => {}, commit: async () => '', abort: async () => {} };
