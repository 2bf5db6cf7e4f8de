import { link, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type FileBody, fileBody } from '../../../platform/http/file-body.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { BytesTaker } from '../flows/take-bytes.ts';
import { imageCache as cacheTable } from '../store/cache-tables.ts';
import type { ImageQueries, ImageStoreDb } from '../store/images.ts';
import type { CacheRow } from '../store/tables.ts';
import { fileStore } from './file.ts';
import type { Stores } from './stores.ts';

/** Copies of images on the disk of this host: of those in remote stores that are read, and of those asked for. */
export interface ImageCache {
  rows(): Promise<CacheRow[]>;
  /** Has an image fetched soon; nothing happens where it is cached or queued already. */
  queue(imageId: string): Promise<void>;
  /** The bytes of an image from here, if they are here; a remote one that is not is queued. */
  open(
    image: { id: string; store: string },
    range: { start: number; end: number },
  ): Promise<FileBody | undefined>;
  /** @returns whether it was cached or queued */
  remove(imageId: string): Promise<boolean>;
  /** Removes all that is in a state. @returns how many */
  clear(state: CacheRow['state']): Promise<number>;
  /** Removes files that nothing says are images, and entries whose file or image is gone. */
  clean(): Promise<void>;
  /** Removes what was read least recently until the rest fits. */
  prune(): Promise<{ files: number; bytes: number }>;
  /** Takes up what was queued before. */
  start(): Promise<void>;
  close(): Promise<void>;
}

interface Parts {
  db: ImageStoreDb;
  images: ImageQueries;
  stores: Stores;
  taker: BytesTaker;
  host: string;
  directory: string;
  /** Bytes; 0 for any number. */
  most: number;
  /** Seconds after which a file that is still being fetched counts as given up. */
  stalled: number;
  /** Seconds that what is queued waits, so that who changes his mind can take it off again. */
  patience: number;
  /** Something could not be cached: it is read where it is. */
  failed(imageId: string, error: unknown): void;
}

export async function openImageCache(parts: Parts): Promise<ImageCache> {
  const { db, images, stores, taker, host, directory, most, stalled, patience, failed } = parts;
  const rows = repository(db, cacheTable);
  const files = await fileStore(directory, { name: 'cache' });
  const urlOf = (id: string) => `file:${id}`;
  /** What is cached here, so that a download asks no database. */
  const cached = new Set<string>();
  let working: Promise<void> | undefined;
  const closing = new AbortController();

  /** Fetches what is queued, one image after another. */
  function work(): void {
    if (working || closing.signal.aborted) return;
    working = (async () => {
      await wait(patience * 1000, undefined, { signal: closing.signal }).catch(() => {});
      for (;;) {
        const [next] = await rows.list({
          where: { host, state: 'queued' },
          sort: [{ column: 'last_modified', direction: 'asc' }],
          limit: 1,
        });
        if (!next || closing.signal.aborted) return;
        try {
          await fetchOne(next.image_id);
        } catch (error) {
          await rows.delete({ host, image_id: next.image_id, state: 'queued' });
          failed(next.image_id, error);
        }
      }
    })()
      .catch((error: unknown) => failed('', error))
      .finally(() => {
        working = undefined;
      });
  }

  async function fetchOne(id: string): Promise<void> {
    const row = await images.row(id);
    const [location] = row?.status === 'active' ? stores.best(await images.locations(id)) : [];
    if (!row || !location) throw new Error('the image has no data');
    await files.discard(id);
    const store = stores.get(location.store);
    const path = store.pathOf?.(location.url);
    // A file on the same disk costs nothing twice.
    const linked =
      path !== undefined &&
      (await link(path, join(directory, id)).then(
        () => true,
        () => false,
      ));
    if (!linked) {
      const writer = await files.begin(id);
      const bytes = await store.read(location.url);
      const stop = () => bytes.destroy(new Error('the image service is ending'));
      closing.signal.addEventListener('abort', stop, { once: true });
      try {
        const hash = row.os_hash_value === null ? null : row.os_hash_algo;
        const taken = await taker.take(bytes, writer, { most: Number.MAX_SAFE_INTEGER, hash });
        if (row.os_hash_value !== null && taken.osHashValue !== row.os_hash_value)
          throw new Error('the data of the image is not what it was');
        await writer.commit();
      } catch (error) {
        await writer.abort();
        throw error;
      } finally {
        closing.signal.removeEventListener('abort', stop);
        bytes.destroy();
      }
    }
    const size = (await files.size(urlOf(id))) ?? 0;
    const kept = await rows.update(
      { host, image_id: id, state: 'queued' },
      { state: 'cached', size, last_accessed: timestamp(), last_modified: timestamp() },
    );
    // It was taken off the queue, or the image was deleted, while it came.
    if (kept === 0 || !(await images.row(id))) await remove(id);
    else cached.add(id);
    await prune();
  }

  async function remove(id: string): Promise<boolean> {
    cached.delete(id);
    const found = await rows.delete({ host, image_id: id });
    await files.remove(urlOf(id));
    return found > 0;
  }

  async function prune(): Promise<{ files: number; bytes: number }> {
    const pruned = { files: 0, bytes: 0 };
    const all = await rows.list({
      where: { host, state: 'cached' },
      sort: [{ column: 'last_accessed', direction: 'asc' }],
    });
    let total = all.reduce((sum, { size }) => sum + size, 0);
    for (const { image_id, size } of all) {
      if (most === 0 || total <= most) break;
      await remove(image_id);
      total -= size;
      pruned.files++;
      pruned.bytes += size;
    }
    return pruned;
  }

  async function queue(id: string): Promise<void> {
    if (!cached.has(id)) {
      const now = timestamp();
      await db.transaction(async () => {
        if (await rows.get({ host, image_id: id })) return;
        await rows.insert({ host, image_id: id, state: 'queued', last_accessed: now, last_modified: now });
      });
    }
    work();
  }

  async function clean(): Promise<void> {
    const known = new Map((await rows.list({ where: { host } })).map((row) => [row.image_id, row]));
    const present = new Set<string>();
    for (const entry of await readdir(directory)) {
      const path = join(directory, entry);
      const age =
        Date.now() -
        (await stat(path).then(
          ({ mtimeMs }) => mtimeMs,
          () => Date.now(),
        ));
      const partial = entry.includes('.');
      if (known.get(entry)?.state === 'cached') present.add(entry);
      else if (!partial ? !known.has(entry) : age > stalled * 1000) await rm(path, { force: true });
    }
    for (const { image_id: id, state } of known.values()) {
      if ((state === 'cached' && !present.has(id)) || !(await images.row(id))) await remove(id);
      else if (state === 'cached') cached.add(id);
    }
  }

  return {
    rows: () => rows.list({ where: { host }, sort: [{ column: 'last_modified', direction: 'asc' }] }),
    queue,
    async open({ id, store }, range) {
      if (cached.has(id)) {
        rows
          .get({ host, image_id: id })
          .then(
            (row) =>
              row && rows.update({ host, image_id: id }, { hits: row.hits + 1, last_accessed: timestamp() }),
          )
          .catch((error: unknown) => failed(id, error));
        try {
          return await fileBody(join(directory, id), range);
        } catch {
          await remove(id);
        }
      }
      if (!stores.get(store).pathOf) queue(id).catch((error: unknown) => failed(id, error));
      return undefined;
    },
    remove,
    async clear(state) {
      const found = await rows.list({ where: { host, state } });
      for (const { image_id } of found) await remove(image_id);
      return found.length;
    },
    clean,
    prune,
    async start() {
      // Nothing is being fetched yet: what is not whole is left of another life.
      await files.clean(
        new Set(
          (await rows.list({ where: { host, state: 'cached' } })).map(({ image_id }) => urlOf(image_id)),
        ),
      );
      await clean();
      work();
    },
    async close() {
      closing.abort();
      await working;
    },
  };
}
