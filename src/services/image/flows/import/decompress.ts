import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import yauzl from 'yauzl';
import { ApiError, BadRequest } from '../../../../platform/errors/errors.ts';
import { assertSize } from '../take-bytes.ts';
import { assertRoom } from './room.ts';

interface Packing {
  at: number;
  magic: Buffer;
  unpack(path: string): Promise<Unpacking>;
}

interface Unpacking {
  streams: (Readable | Transform)[];
  close(): void;
}

const packings: readonly Packing[] = [
  {
    at: 0,
    magic: Buffer.from([0x1f, 0x8b, 8]),
    unpack: async (path) => ({ streams: [createReadStream(path), createGunzip()], close: () => {} }),
  },
  { at: 0, magic: Buffer.from('PK\x03\x04', 'latin1'), unpack: onlyEntry },
  {
    at: 2,
    magic: Buffer.from('-lh'),
    unpack: async () => {
      throw new BadRequest('Images packed with LHA are not taken.');
    },
  },
];

/** Milliseconds: as long as a conversion may take. */
const longest = 6 * 3_600_000;
/** Bytes after which the disk is looked at again. */
const stride = 64 * 2 ** 20;

/**
 * Unpacks a file that is packed: gzip, or a zip of exactly one file. What comes out is not unpacked again. What fails
 * leaves no file.
 *
 * @param most bytes of what comes out; whatever a packed file promises, writing stops there, and where the disk is
 *   nearly full
 * @returns whether it was packed; if not, nothing is written
 * @throws PayloadTooLarge, BadRequest for what cannot be unpacked
 */
export async function decompress(
  path: string,
  target: string,
  { most, signal }: { most: number; signal: AbortSignal },
): Promise<boolean> {
  const head = await beginning(path);
  const packing = packings.find(({ at, magic }) => head.subarray(at, at + magic.length).equals(magic));
  if (!packing) return false;
  const until = AbortSignal.any([signal, AbortSignal.timeout(longest)]);
  // It is there before anything can fail: a file that is still being opened would come after its removal.
  const file = await open(target, 'w', 0o600);
  let unpacking: Unpacking | undefined;
  try {
    unpacking = await packing.unpack(path);
    await pipeline(
      [...unpacking.streams, limited(dirname(target), most), file.createWriteStream()] as never,
      { signal: until },
    );
  } catch (cause) {
    await file.close().catch(() => {});
    await rm(target, { force: true });
    signal.throwIfAborted();
    if (until.aborted) throw new BadRequest('The image takes too long to be unpacked.', { cause });
    // Refused already, or the disk's fault and not the image's.
    if (cause instanceof ApiError || (cause as NodeJS.ErrnoException).syscall !== undefined) throw cause;
    throw new BadRequest('The image is packed, but cannot be unpacked.', { cause });
  } finally {
    unpacking?.close();
  }
  return true;
}

/** Lets at most so many bytes pass, and only while the disk has room. */
const limited = (folder: string, most: number) =>
  async function* pass(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let size = 0;
    let looked = -stride;
    for await (const chunk of bytes) {
      size += chunk.length;
      assertSize(size, most);
      if (size - looked >= stride) {
        looked = size;
        await assertRoom(folder, stride);
      }
      yield chunk;
    }
  };

async function beginning(path: string): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
  return buffer.subarray(0, bytesRead);
}

/** The bytes of the only file in a zip. What it is called is of no interest. */
async function onlyEntry(path: string): Promise<Unpacking> {
  let zip: yauzl.ZipFile | undefined;
  try {
    zip = await yauzl.openPromise(path, { lazyEntries: true, autoClose: false, decodeStrings: false });
    if (zip.entryCount !== 1) throw new BadRequest('Archive contains more than one file.');
    const opened = zip;
    for await (const entry of zip.eachEntry())
      return { streams: [await zip.openReadStreamPromise(entry)], close: () => opened.close() };
    throw new BadRequest('Archive contains no file.');
  } catch (cause) {
    zip?.close();
    if (cause instanceof BadRequest) throw cause;
    throw new BadRequest('The image is packed, but cannot be unpacked.', { cause });
  }
}
