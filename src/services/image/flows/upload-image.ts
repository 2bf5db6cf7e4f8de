import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { BadRequest, Gone, PayloadTooLarge } from '../../../platform/errors/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { StoreWriter } from '../drivers/store.ts';
import type { Stores } from '../drivers/stores.ts';
import { assertFormat } from '../model/format-match.ts';
import { assertTransition } from '../model/image.ts';
import { type Findings, Inspection } from '../model/inspection.ts';
import type { ImageSettings } from '../settings.ts';
import type { ImageQueries, ImageStoreDb } from '../store/images.ts';
import { type Block, BlockPool, blockSize } from './digest/blocks.ts';
import { type Hashing, HashThreads } from './digest/hashes.ts';

/** Glance's default for the secure hash; md5 is what clients still call the checksum. */
const algorithms = ['md5', 'sha512'] as const;
/** How far reading may be ahead of writing and hashing: the memory that one upload takes, in blocks. */
const blocksAhead = 4;

export interface Uploads {
  /**
   * Fills a queued image with bytes, hashes and inspects them as they pass, and makes it active. Whatever fails,
   * the image is queued again and nothing of the bytes is left.
   *
   * @throws Conflict when the image is not queued, Gone when it was deleted meanwhile, PayloadTooLarge,
   *   UnsupportedMediaType for data that is not what the image says or that is not safe, and errors of the stream
   */
  fill(id: string, bytes: Readable, options?: { size?: number | undefined; store?: string }): Promise<void>;
  /** Ends the uploads that are running, as if their clients had gone, and waits for them. */
  close(): Promise<void>;
}

interface Parts {
  db: ImageStoreDb;
  images: ImageQueries;
  stores: Stores;
  settings: ImageSettings;
  host: string;
}

export function uploadsOf({ db, images, stores, settings, host }: Parts): Uploads {
  const hashes = new HashThreads(algorithms);
  const running = new Map<Promise<void>, Readable>();

  async function fill(
    id: string,
    bytes: Readable,
    { size, store: storeName }: { size?: number | undefined; store?: string } = {},
  ): Promise<void> {
    // A stream may fail before it is read; reading it tells why then.
    bytes.on('error', () => {});
    assertSize(size ?? 0);
    const store = storeName === undefined ? stores.default() : stores.get(storeName);
    const upload_id = randomUUID();
    const row = await db.transaction(async () => {
      const found = await images.row(id);
      if (!found) throw new Gone(goneMessage(id));
      assertTransition(found, 'saving');
      await images.swap({ id, status: 'queued' }, { status: 'saving', upload_id, upload_host: host });
      return found;
    });
    const mine = { id, status: 'saving', upload_id };
    let writer: StoreWriter | undefined;
    let url: string | undefined;
    try {
      writer = await store.begin(id);
      const inspection = new Inspection();
      const taken = await take(bytes, writer, inspection, (early) => void assertFormat(row, early, settings));
      const findings: Findings = inspection.finish();
      const virtual_size = assertFormat(row, findings, settings);
      url = await writer.commit();
      const filled = await db.transaction(async () => {
        const active = await images.swap(mine, {
          status: 'active',
          size: taken.size,
          virtual_size,
          checksum: taken.digests[0] ?? null,
          os_hash_algo: algorithms[1],
          os_hash_value: taken.digests[1] ?? null,
          upload_id: null,
          upload_host: null,
        });
        if (active)
          await images.addLocation({
            image_id: id,
            store: store.name,
            url: url as string,
            created_at: timestamp(),
          });
        return active;
      });
      if (!filled) throw new Gone(goneMessage(id));
    } catch (error) {
      if (url === undefined) await writer?.abort();
      else await store.remove(url);
      await images.swap(mine, { status: 'queued', upload_id: null, upload_host: null, size: null });
      throw error;
    }
  }

  function assertSize(size: number): void {
    if (size > settings.image_size_cap)
      throw new PayloadTooLarge('The incoming image is too large: The provided image is too large.');
  }

  /** Moves bytes to where they go, a block at a time: to the store, the hashes and the inspection. */
  async function take(
    bytes: Readable,
    writer: StoreWriter,
    inspection: Inspection,
    check: (early: Findings) => void,
  ): Promise<{ size: number; digests: string[] }> {
    const pool = new BlockPool(blocksAhead);
    let hashing: Hashing | undefined;
    let written = Promise.resolve();
    let failure: { error: unknown } | undefined;
    let size = 0;
    let block: Block | undefined;
    let filled = 0;

    const send = (full: Block, length: number) => {
      const view = full.subarray(0, length);
      inspection.add(view);
      hashing ??= hashes.begin();
      written = written.then(() => (failure ? undefined : writer.write(view)));
      // Both must be done with a block before it is filled again.
      Promise.all([written, hashing.update(full, length)]).then(
        () => pool.give(full),
        (error) => {
          failure ??= { error };
          pool.give(full);
        },
      );
    };
    try {
      // A refused client is still to be answered: its stream is not ours to destroy.
      for await (const chunk of bytes.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        size += chunk.length;
        assertSize(size);
        for (let at = 0; at < chunk.length; ) {
          block ??= await pool.take();
          if (failure) throw failure.error;
          const part = chunk.subarray(at, at + blockSize - filled);
          block.set(part, filled);
          at += part.length;
          filled += part.length;
          if (filled < blockSize) continue;
          send(block, filled);
          block = undefined;
          filled = 0;
          const early = inspection.early();
          if (early) check(early);
        }
      }
      if (!hashing) {
        const all = block ? block.subarray(0, filled) : new Uint8Array(0);
        inspection.add(all);
        if (filled > 0) await writer.write(all);
        return { size, digests: hashes.now(all) };
      }
      if (block && filled > 0) send(block, filled);
      const digests = await hashing.digest();
      hashing = undefined;
      await written;
      if (failure) throw failure.error;
      return { size, digests };
    } catch (error) {
      hashing?.forget();
      await written.catch(() => {});
      throw asked(error);
    }
  }

  return {
    fill(id, bytes, options) {
      const work = fill(id, bytes, options).finally(() => running.delete(work));
      running.set(work, bytes);
      return work;
    },
    async close() {
      for (const bytes of running.values()) bytes.destroy(new Error('the image service is ending'));
      await Promise.allSettled(running.keys());
      await hashes.close();
    },
  };
}

const goneMessage = (id: string): string =>
  `Image ${id} could not be found after upload. The image may have been deleted during the upload, cleaning up the chunks uploaded.`;

/** A client that went away is its own fault, and no error of ours. */
function asked(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'EPIPE')
    return new BadRequest('The upload ended before all of its bytes had come.', { cause: error });
  return error;
}
