import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Gone } from '../../../platform/errors/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Staging } from '../drivers/staging.ts';
import type { ImageStore, StoreWriter } from '../drivers/store.ts';
import type { Stores } from '../drivers/stores.ts';
import { assertFormat } from '../model/format-match.ts';
import { assertTransition, type ImageRow } from '../model/image.ts';
import { stageHost } from '../model/reserved.ts';
import type { ImageSettings } from '../settings.ts';
import type { ImageQueries, ImageStoreDb } from '../store/images.ts';
import { assertSize, type BytesTaker, secureHash, type Taken } from './take-bytes.ts';

export interface FillOptions {
  /** Bytes, where they are known before. */
  size?: number | undefined;
  /** Default: the default store. */
  store?: string;
  /** Asked in the transaction that makes the image `saving`, and so after all that were let in before. */
  admit?(): Promise<void>;
}

export interface Uploads {
  /**
   * Fills a queued image with bytes, hashes and inspects them as they pass, and makes it active. Whatever fails,
   * the image is queued again and nothing of the bytes is left.
   *
   * @throws Conflict when the image is not queued, Gone when it was deleted meanwhile, PayloadTooLarge,
   *   UnsupportedMediaType for data that is not what the image says or that is not safe, and errors of the stream
   */
  fill(id: string, bytes: Readable, options?: FillOptions): Promise<void>;
  /**
   * Puts bytes where an import will find them; the image is `uploading` then. Whatever fails, it is queued again.
   *
   * @throws Conflict, Gone, PayloadTooLarge, and errors of the stream
   */
  stage(id: string, bytes: Readable, options?: FillOptions): Promise<void>;
  /** Ends the uploads that are running, as if their clients had gone, and waits for them. */
  close(): Promise<void>;
}

interface Parts {
  db: ImageStoreDb;
  images: ImageQueries;
  stores: Stores;
  staging: Staging;
  taker: BytesTaker;
  settings: ImageSettings;
  host: string;
}

/** What has become of the bytes: `image` is what the image is to say of them. */
type Sink = (row: ImageRow, bytes: Readable, writer: StoreWriter) => Promise<Partial<ImageRow>>;

export function uploadsOf({ db, images, stores, staging, taker, settings, host }: Parts): Uploads {
  const running = new Map<Promise<void>, Readable>();
  const most = settings.image_size_cap;

  /** Both ways in: the image is taken, the bytes come, and either all of it is so or nothing. */
  async function upload(
    id: string,
    bytes: Readable,
    { size, admit }: FillOptions,
    store: ImageStore,
    state: 'saving' | 'uploading',
    sink: Sink,
  ): Promise<void> {
    // A stream may fail before it is read; reading it tells why then.
    bytes.on('error', () => {});
    assertSize(size ?? 0, most);
    const upload_id = randomUUID();
    const row = await db.transaction(async () => {
      const found = await images.row(id);
      if (!found) throw new Gone(goneMessage(id));
      assertTransition(found, state);
      await images.swap({ id, status: 'queued' }, { status: state, upload_id, upload_host: host });
      await admit?.();
      return found;
    });
    const mine = { id, status: state, upload_id };
    let writer: StoreWriter | undefined;
    let url: string | undefined;
    try {
      writer = await store.begin(id);
      const outcome = await sink(row, bytes, writer);
      url = await writer.commit();
      const location = { image_id: id, store: store.name, url, created_at: timestamp() };
      const filled = await db.transaction(async () => {
        const kept = await images.swap(mine, { ...outcome, upload_id: null, upload_host: null });
        if (!kept) return false;
        if (state === 'saving') await images.addLocation(location);
        else await images.setReserved(id, { [stageHost]: host });
        return true;
      });
      if (!filled) throw new Gone(goneMessage(id));
    } catch (error) {
      try {
        if (url === undefined) await writer?.abort();
        else await store.remove(url);
      } finally {
        const nothing = { upload_id: null, upload_host: null, size: null };
        if (!(await images.swap(mine, { status: 'queued', ...nothing }))) await images.forgetUpload(id);
      }
      throw error;
    }
  }

  const fill = (id: string, bytes: Readable, options: FillOptions): Promise<void> => {
    const store = options.store === undefined ? stores.default() : stores.get(options.store);
    return upload(id, bytes, options, store, 'saving', async (row, stream, writer) => {
      const taken = await taker.take(stream, writer, {
        most,
        check: (early) => void assertFormat(row, early, settings),
      });
      return {
        status: 'active',
        ...described(taken),
        virtual_size: assertFormat(row, taken.findings, settings),
      };
    });
  };

  const stage = (id: string, bytes: Readable, options: FillOptions): Promise<void> =>
    upload(id, bytes, options, staging.store, 'uploading', async (_row, stream, writer) => {
      const { size } = await taker.take(stream, writer, { most, hash: null });
      return { size };
    });

  const known = (work: Promise<void>, bytes: Readable): Promise<void> => {
    const tracked = work.finally(() => running.delete(tracked));
    running.set(tracked, bytes);
    return tracked;
  };
  return {
    fill: (id, bytes, options = {}) => known(fill(id, bytes, options), bytes),
    stage: (id, bytes, options = {}) => known(stage(id, bytes, options), bytes),
    async close() {
      for (const bytes of running.values()) bytes.destroy(new Error('the image service is ending'));
      await Promise.allSettled(running.keys());
    },
  };
}

/** What an image says of bytes that were hashed. */
export const described = ({ size, checksum, osHashValue }: Taken) => ({
  size,
  checksum,
  os_hash_algo: secureHash,
  os_hash_value: osHashValue,
});

const goneMessage = (id: string): string =>
  `Image ${id} could not be found after upload. The image may have been deleted during the upload, cleaning up the chunks uploaded.`;
