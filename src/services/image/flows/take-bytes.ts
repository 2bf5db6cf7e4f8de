import { ReadStream } from 'node:fs';
import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { type Findings, Inspection } from '../../../platform/disk-image/inspection.ts';
import { BadRequest, PayloadTooLarge } from '../../../platform/errors/errors.ts';
import type { StoreWriter } from '../drivers/store.ts';
import { type Block, BlockPool, blockSize } from './digest/blocks.ts';
import { type Hashing, HashThreads } from './digest/hashes.ts';

/** Glance's default for the secure hash. */
export const secureHash = 'sha512';
/** How far reading may be ahead of writing and hashing: the memory that one upload takes, in blocks. */
const blocksAhead = 3;
/** Fewer bytes than these are hashed where they are: they are not worth waking threads for. */
const few = 1024 * 1024;

export interface Taken {
  /** Bytes. */
  size: number;
  /** Hex; `null` where nobody asked for them. */
  checksum: string | null;
  osHashValue: string | null;
  findings: Findings;
}

export interface TakeOptions {
  /** Bytes; more is refused. */
  most: number;
  /** The secure hash; default sha512. `null`: nothing is hashed, not for the checksum either. */
  hash?: string | null;
  /** Looks at what the beginning shows; throws to refuse the rest. */
  check?(early: Findings): void;
}

/** Moves streams of bytes to where they go, hashing and looking at them on the way. */
export interface BytesTaker {
  /**
   * All of a stream into a writer, which stays open. The stream is left to its owner where it is not read to its end.
   *
   * @throws PayloadTooLarge, BadRequest when the stream ends before its time, and what the check and the writer throw
   */
  take(bytes: Readable, writer: StoreWriter, options: TakeOptions): Promise<Taken>;
  close(): Promise<void>;
}

export function bytesTaker(): BytesTaker {
  const hashes = new HashThreads();

  async function take(
    bytes: Readable,
    writer: StoreWriter,
    { most, hash = secureHash, check }: TakeOptions,
  ): Promise<Taken> {
    // The checksum that clients know is MD5.
    const algorithms = hash === null ? [] : ['md5', hash];
    const pool = new BlockPool(blocksAhead);
    const inspection = new Inspection();
    let hashing: Hashing | undefined;
    let written = Promise.resolve();
    let failure: { error: unknown } | undefined;
    let size = 0;
    let block: Block | undefined;
    let filled = 0;
    // Left to the collector, a gigabyte of chunks costs nearly as much as a hash of it. What these streams give has
    // come from the kernel and is known to nobody else; a chunk that is all of its memory is given back at once.
    const fresh = bytes instanceof IncomingMessage || bytes instanceof ReadStream;

    const send = (full: Block, length: number) => {
      const view = full.subarray(0, length);
      inspection.add(view);
      if (hash !== null) hashing ??= hashes.begin(algorithms);
      written = written.then(() => (failure ? undefined : writer.write(view)));
      // Both must be done with a block before it is filled again.
      Promise.all([written, hashing?.update(full, length)]).then(
        () => pool.give(full),
        (error) => {
          failure ??= { error };
          pool.give(full);
        },
      );
    };
    const taken = (digests: string[]): Taken => ({
      size,
      checksum: digests[0] ?? null,
      osHashValue: digests[1] ?? null,
      findings: inspection.finish(),
    });
    try {
      // A refused client is still to be answered: its stream is not ours to destroy.
      for await (const chunk of bytes.iterator({ destroyOnReturn: false }) as AsyncIterable<
        Buffer<ArrayBuffer>
      >) {
        size += chunk.length;
        assertSize(size, most);
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
          const early = check && inspection.early();
          if (early) check?.(early);
        }
        if (fresh && chunk.length === chunk.buffer.byteLength) chunk.buffer.transfer(0);
      }
      if (size < few) {
        const all = block ? block.subarray(0, filled) : new Uint8Array(0);
        inspection.add(all);
        if (filled > 0) await writer.write(all);
        return taken(hashes.now(all, algorithms));
      }
      if (block && filled > 0) send(block, filled);
      const digests = (await hashing?.digest()) ?? [];
      hashing = undefined;
      await written;
      if (failure) throw failure.error;
      return taken(digests);
    } catch (error) {
      hashing?.forget();
      await written.catch(() => {});
      throw asked(error);
    }
  }

  return { take, close: () => hashes.close() };
}

/** @throws PayloadTooLarge in glance's words */
export function assertSize(size: number, most: number): void {
  if (size > most)
    throw new PayloadTooLarge('The incoming image is too large: The provided image is too large.');
}

/** A client that went away is its own fault, and no error of ours. */
function asked(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'EPIPE')
    return new BadRequest('The upload ended before all of its bytes had come.', { cause: error });
  return error;
}
