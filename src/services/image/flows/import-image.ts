import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import { flow } from '../../../platform/flow/flow.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Staging } from '../drivers/staging.ts';
import type { Stores } from '../drivers/stores.ts';
import { assertFormat } from '../model/format-match.ts';
import type { Image, ImageRow } from '../model/image.ts';
import type { ImportMethod } from '../model/import-request.ts';
import { changedStores, failedImport, importingToStores, importTask } from '../model/reserved.ts';
import type { ImageSettings } from '../settings.ts';
import type { ImageQueries, ImageStoreDb } from '../store/images.ts';
import type { TaskQueries } from '../store/tasks.ts';
import { type Prepared, prepare } from './import/plugins.ts';
import type { RemoteImages, RemoteSource } from './import/remote-image.ts';
import type { StagedElsewhere } from './import/staged-elsewhere.ts';
import { openWeb } from './import/web-download.ts';
import { removeLocation } from './remove-data.ts';
import { said } from './said.ts';
import type { BytesTaker } from './take-bytes.ts';
import { described } from './upload-image.ts';

/** What an import is to do; written with its task when it is asked for. */
export interface ImportInput {
  taskId: string;
  imageId: string;
  method: ImportMethod;
  /** web-download: from where. */
  uri: string | null;
  /** glance-direct: the host whose staging folder has the bytes; absent or `null`: this one. */
  stagedOn?: string | null;
  /** glance-download: which image. */
  source: RemoteSource | null;
  stores: string[];
  mustSucceed: boolean;
  plugins: string[];
  /** Roles of who asked. */
  roles: string[];
  /** What the import may change of the image and puts back if it fails. */
  before: { diskFormat: string | null; containerFormat: string | null; properties: Record<string, string> };
}

export interface ImportParts {
  db: ImageStoreDb;
  images: ImageQueries;
  tasks: TaskQueries;
  stores: Stores;
  staging: Staging;
  taker: BytesTaker;
  remote: RemoteImages;
  elsewhere: StagedElsewhere;
  settings: ImageSettings;
  /** The tokens of those who asked for a glance-download: never stored, so such an import does not outlive a crash. */
  tokens: Map<string, string>;
  notify(event: string, image: Image): void;
  /** Something of an image could not be removed from a store. */
  left(imageId: string, error: unknown): void;
}

/** Milliseconds. Steps that move bytes take as long as they take; fetching has a limit of its own. */
const long = 7 * 86_400_000;

/**
 * Fetches an image, prepares it and puts it into its stores. What is stored of a half import is the image's
 * `os_glance_import_task`: while that names the task, nothing else touches the image's data.
 */
export function importImage(parts: ImportParts) {
  const { db, images, tasks, stores, staging, settings, remote, elsewhere, tokens } = parts;

  /** The image, while it is this import's. @throws Conflict when it was deleted or somebody else has it */
  async function mine({ imageId, taskId }: ImportInput): Promise<Image> {
    const image = await images.get(imageId);
    if (image?.properties[importTask] !== taskId)
      throw new Conflict(`Image ${imageId} has been deleted or is imported by another task.`);
    return image;
  }
  const tokenOf = ({ taskId }: ImportInput): string => {
    const token = tokens.get(taskId);
    if (token === undefined)
      throw new BadRequest('The import was interrupted: it has to be asked for again.');
    return token;
  };
  /** Sets properties of an image that are anybody's; `undefined` takes one away. Within a transaction. */
  async function setProperties(image: Image, values: Record<string, string | undefined>): Promise<void> {
    const properties: Record<string, string> = { ...image.properties };
    for (const [name, value] of Object.entries(values))
      if (value === undefined) delete properties[name];
      else properties[name] = value;
    await images.save(image, { ...image, properties });
  }

  async function stage(imageId: string, bytes: Readable): Promise<number> {
    await staging.store.discard(imageId);
    const writer = await staging.store.begin(imageId);
    try {
      const { size } = await parts.taker.take(bytes, writer, {
        most: settings.image_size_cap,
        hash: null,
      });
      await writer.commit();
      return size;
    } catch (error) {
      await writer.abort();
      throw error;
    } finally {
      bytes.destroy();
    }
  }

  /** The bytes that are to go into the stores: those that were staged and prepared, or another store's. */
  async function open(input: ImportInput, made?: string): Promise<Readable> {
    if (input.method === 'copy-image') {
      const [best, ...others] = stores.best(await images.locations(input.imageId));
      if (!best) throw new Conflict(`Image ${input.imageId} has no data to be copied.`);
      return stores.first([best, ...others], (store, { url }) => store.read(url));
    }
    return createReadStream(staging.pathOf(input.imageId, made), { highWaterMark: 1024 * 1024 });
  }

  async function importTo(name: string, input: ImportInput, prepared: Prepared): Promise<void> {
    const { imageId } = input;
    const copying = input.method === 'copy-image';
    const row = (await mine(input)).row;
    const kinds = copying
      ? row
      : { disk_format: prepared.diskFormat, container_format: prepared.containerFormat };
    const store = stores.get(name);
    for (const before of await images.allLocations(imageId))
      if (before.store === name) await removeLocation(images, stores, before);
    await store.discard(imageId);
    const bytes = await open(input, prepared.made);
    let url: string | undefined;
    const writer = await store.begin(imageId);
    try {
      const taken = await parts.taker.take(bytes, writer, {
        most: copying ? Number.MAX_SAFE_INTEGER : settings.image_size_cap,
        check: (early) => void assertFormat(kinds, early, settings),
      });
      if (copying && row.os_hash_value !== null && taken.osHashValue !== row.os_hash_value)
        throw new Conflict(`The data of image ${imageId} is not what it was: it is not copied.`);
      const virtual_size = assertFormat(kinds, taken.findings, settings);
      url = await writer.commit();
      const location = { image_id: imageId, store: name, url, created_at: timestamp() };
      await db.transaction(async () => {
        const image = await mine(input);
        await images.addLocation(location);
        if (!copying)
          await images.swap(
            { id: imageId },
            {
              ...kinds,
              ...described(taken),
              virtual_size,
              ...(input.mustSucceed ? {} : { status: 'active' }),
            },
          );
        await images.setReserved(imageId, {
          [importingToStores]: changedStores(image.properties[importingToStores], { remove: [name] }),
        });
      });
    } catch (error) {
      if (url === undefined) await writer.abort();
      else await store.remove(url);
      throw error;
    } finally {
      bytes.destroy();
    }
  }

  /**
   * Tries a few times, and leaves it then: a store that does not answer must not hold the image. What it has of it
   * goes at the next start, or with the next import into it.
   */
  async function trying(imageId: string, work: () => Promise<void>): Promise<void> {
    for (let left = 2; ; left--) {
      try {
        return await work();
      } catch (error) {
        if (left === 0) return parts.left(imageId, error);
      }
    }
  }

  const failed = (input: ImportInput, names: readonly string[]): Promise<void> =>
    db.transaction(async () => {
      const { properties } = await mine(input);
      await images.setReserved(input.imageId, {
        [importingToStores]: changedStores(properties[importingToStores], { remove: names }),
        [failedImport]: changedStores(properties[failedImport], { add: names }),
      });
    });

  return flow<ImportInput>('image.import', { concurrency: 8 })
    .step('begin the task', {
      // Nothing is to be taken back: a task that was begun ends as a failure.
      do: async ({ taskId }) => void (await tasks.begin(taskId)),
    })
    .step('read the remote description', {
      do: async (input, { signal }) => ({
        description: input.source ? await remote.describe(input.source, tokenOf(input), signal) : null,
      }),
    })
    .step('take over the description', {
      do: async (input) => {
        const { description } = input;
        if (!description) return;
        await db.transaction(async () => {
          const image = await mine(input);
          await images.swap(
            { id: input.imageId },
            { disk_format: description.diskFormat, container_format: description.containerFormat },
          );
          await setProperties(await mine(input), { ...image.properties, ...description.properties });
        });
      },
      undo: (input) =>
        db.transaction(async () => {
          const image = await images.get(input.imageId);
          if (image?.properties[importTask] !== input.taskId || !input.description) return;
          const names = Object.keys(input.description.properties);
          await setProperties(
            image,
            Object.fromEntries(names.map((name) => [name, input.before.properties[name]])),
          );
        }),
    })
    .step('fetch the bytes', {
      deadline: long,
      do: async (input, { signal }) => {
        const until = AbortSignal.any([signal, AbortSignal.timeout(settings.import_timeout * 1000)]);
        const { imageId, stagedOn } = input;
        if (stagedOn) {
          // It is whole where it has its name, and may be gone from there already.
          const here = await stat(staging.pathOf(imageId)).catch(() => undefined);
          if (!here) await stage(imageId, await elsewhere.open(stagedOn, imageId));
          await elsewhere.remove(stagedOn, imageId);
        }
        if (input.method === 'web-download')
          await stage(input.imageId, await openWeb(input.uri ?? '', settings, until));
        if (input.method === 'glance-download' && input.source) {
          // A file that has its name is whole: where this process was killed after that, no token is needed again.
          const had = await stat(staging.pathOf(imageId)).catch(() => undefined);
          if (had?.size === input.description?.size) return;
          const size = await stage(input.imageId, await remote.open(input.source, tokenOf(input), until));
          if (size !== input.description?.size)
            throw new BadRequest(`The remote image has ${input.description?.size} bytes, but ${size} came.`);
        }
      },
      undo: ({ imageId }) => staging.remove(imageId),
    })
    .step('prepare the image', {
      deadline: long,
      do: async (input, { signal }): Promise<{ prepared: Prepared }> => {
        const { row } = await mine(input);
        const kinds = { diskFormat: row.disk_format, containerFormat: row.container_format };
        if (input.method === 'copy-image') return { prepared: { ...kinds, properties: {} } };
        await stat(staging.pathOf(input.imageId)).catch((cause: unknown) => {
          throw new BadRequest('The staged data of the image is not on this host.', { cause });
        });
        const prepared = await prepare(kinds, {
          plugins: input.plugins,
          pathOf: (made) => staging.pathOf(input.imageId, made),
          roles: input.roles,
          settings,
          signal,
        });
        return { prepared };
      },
      undo: ({ imageId }) => staging.remove(imageId),
    })
    .step('import to the stores', {
      deadline: long,
      do: async (input) => {
        const { prepared } = input;
        await db.transaction(() => mine(input).then((image) => setProperties(image, prepared.properties)));
        let first: unknown;
        for (const name of input.stores) {
          const present = await images.locations(input.imageId);
          if (present.some(({ store }) => store === name)) continue;
          try {
            await importTo(name, input, prepared);
          } catch (error) {
            if (input.mustSucceed) throw error;
            first ??= error;
            await failed(input, [name]);
          }
        }
        const there = (await images.locations(input.imageId)).map(({ store }) => store);
        if (!input.stores.some((name) => there.includes(name))) throw first;
      },
      undo: async (input) => {
        const { imageId } = input;
        await db.transaction(async () => {
          const image = await images.get(imageId);
          const names = Object.keys(input.prepared?.properties ?? {});
          if (image?.properties[importTask] === input.taskId)
            await setProperties(
              image,
              Object.fromEntries(names.map((name) => [name, input.before.properties[name]])),
            );
          for (const location of await images.locations(imageId))
            if (input.stores.includes(location.store)) await images.abandonLocation(location);
        });
        for (const location of await images.allLocations(imageId))
          if (input.stores.includes(location.store))
            await trying(imageId, () => removeLocation(images, stores, location));
        const kept = new Set((await images.allLocations(imageId)).map(({ store }) => store));
        for (const name of input.stores)
          if (stores.has(name) && !kept.has(name))
            await trying(imageId, () => stores.get(name).discard(imageId));
      },
    })
    .onDone(async (input) => {
      const { imageId, taskId } = input;
      await staging.remove(imageId);
      const active = await db.transaction(async () => {
        const image = await images.get(imageId);
        if (image?.properties[importTask] !== taskId) {
          await tasks.fail(taskId, `Image ${imageId} was deleted while it was imported.`);
          return undefined;
        }
        await images.swap({ id: imageId, status: 'importing' }, { status: 'active' });
        await images.setReserved(imageId, { [importTask]: null });
        await tasks.succeed(taskId, { image_id: imageId });
        return image;
      });
      tokens.delete(taskId);
      if (active) parts.notify('image.upload', active);
    })
    .onFailure(async ({ imageId, taskId, method, stagedOn, stores: names, before }, { error }) => {
      await staging.remove(imageId);
      if (stagedOn) await elsewhere.remove(stagedOn, imageId);
      await db.transaction(async () => {
        const image = await images.get(imageId);
        await tasks.fail(taskId, said(error));
        if (image?.properties[importTask] !== taskId) return;
        const { properties } = image;
        if (method !== 'copy-image')
          await images.swap({ id: imageId }, { ...queuedAgain, ...kindsOf(before) });
        await images.setReserved(imageId, {
          [importTask]: null,
          [importingToStores]: changedStores(properties[importingToStores], { remove: names }),
          [failedImport]: changedStores(properties[failedImport], { add: names }),
        });
      });
      tokens.delete(taskId);
    });
}

const queuedAgain = {
  status: 'queued',
  size: null,
  virtual_size: null,
  checksum: null,
  os_hash_algo: null,
  os_hash_value: null,
} satisfies Partial<ImageRow>;

const kindsOf = ({ diskFormat, containerFormat }: ImportInput['before']) => ({
  disk_format: diskFormat,
  container_format: containerFormat,
});
