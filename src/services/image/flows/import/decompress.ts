import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import yauzl from 'yauzl';
import { BadRequest } from '../../../../platform/errors/errors.ts';
import { assertSize } from '../take-bytes.ts';

interface Packing {
  at: number;
  magic: Buffer;
  unpack(path: string, signal: AbortSignal): Promise<Readable[]>;
}

const packings: readonly Packing[] = [
  {
    at: 0,
    magic: Buffer.from([0x1f, 0x8b]),
    unpack: async (path, signal) => [createReadStream(path, { signal }), createGunzip()],
  },
  { at: 0, magic: Buffer.from('PK\x03\x04', 'latin1'), unpack: async (path) => [await onlyEntry(path)] },
  {
    at: 2,
    magic: Buffer.from('-lh'),
    unpack: async () => {
      throw new BadRequest('Images packed with LHA are not taken.');
    },
  },
];

/**
 * Unpacks a file that is packed: gzip, or a zip of exactly one file.
 *
 * @param most bytes of what comes out; whatever a packed file promises, writing stops there
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
  let size = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      try {
        assertSize(size, most);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
  try {
    const streams = await packing.unpack(path, signal);
    await pipeline([...streams, counted, createWriteStream(target, { mode: 0o600 })] as never, { signal });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code === 'string' && code.startsWith('Z_'))
      throw new BadRequest('The image is packed, but cannot be unpacked.', { cause });
    throw cause;
  }
  return true;
}

async function beginning(path: string): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
  return buffer.subarray(0, bytesRead);
}

/** The bytes of the only file in a zip. What it is called is of no interest. */
async function onlyEntry(path: string): Promise<Readable> {
  try {
    const zip = await yauzl.openPromise(path, { lazyEntries: true, autoClose: true, decodeStrings: false });
    if (zip.entryCount !== 1) {
      zip.close();
      throw new BadRequest('Archive contains more than one file.');
    }
    for await (const entry of zip.eachEntry()) return await zip.openReadStreamPromise(entry);
    throw new BadRequest('Archive contains no file.');
  } catch (cause) {
    if (cause instanceof BadRequest) throw cause;
    throw new BadRequest('The image is packed, but cannot be unpacked.', { cause });
  }
}
