import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { contentBytes, hasRoom, qemuImg } from '../../../../platform/disk-image/qemu-img.ts';
import {
  type ApiError,
  BadRequest,
  Conflict,
  ServiceUnavailable,
} from '../../../../platform/errors/errors.ts';
import { CommandFailed } from '../../../../platform/exec/run.ts';
import {
  assertImageSafe,
  assertStaysRaw,
  type ImageFormat,
  inspectImage,
  qemuFormat,
} from './image-safety.ts';

export interface BaseImageRequest {
  imageId: string;
  format: ImageFormat;
  /**
   * What the bytes must hash to; part of the cache's key, so a changed image is another base. `null` for one of a
   * location that nobody has hashed.
   */
  hash: { algorithm: string; value: string } | null;
  /** Opens the image's bytes; called only when they are not cached. */
  open: () => Promise<Readable>;
  /** The most bytes that a guest may see of it. Default: no limit. */
  maxVirtualSize?: number;
}

export interface BaseImage {
  path: string;
  format: 'raw';
  /** Bytes that a guest sees. */
  virtualSize: number;
}

export interface PruneOptions {
  inUse: ReadonlySet<string>;
  /** Seconds since a base was last asked for: nova's `remove_unused_original_minimum_age_seconds`. */
  unusedFor: number;
  /** Bytes on the disk in all; 0 for any number. */
  most: number;
}

/** Milliseconds in which a guest is surely made of the base that was asked for it. */
const onItsWay = 3_600_000;
/** What is on its way to become a base. */
const unfinished = /\.raw\.(download|new)$/;

interface UnderWay {
  base: Promise<BaseImage>;
  /** Bytes of the disk that it was first asked for. */
  limit: number;
}

/**
 * The images that guests' disks are copies of, each fetched once, checked, and kept as a sparse raw file: that is
 * the quickest to read, and has no structure left that could name other files.
 */
export class BaseImages {
  readonly #directory: string;
  /** By path, as what follows. */
  readonly #underWay = new Map<string, UnderWay>();
  readonly #removing = new Map<string, Promise<void>>();
  /** Milliseconds, of this process's time. */
  readonly #askedAt = new Map<string, number>();
  #cleaning: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Gives the base file of an image; those who ask at the same time share one fetch.
   * @throws BadRequest for an image that is not what it says, or refers to other files; Conflict when the bytes
   *   do not match the hash (they may do so when fetched again)
   */
  async obtain(request: BaseImageRequest): Promise<BaseImage> {
    if (!/^[0-9A-Za-z-]{1,64}$/.test(request.imageId))
      throw new BadRequest(`Invalid image id ${request.imageId}.`);
    const hash = request.hash?.value.replace(/[^0-9a-f]/gi, '').slice(0, 32) ?? 'unhashed';
    const path = join(this.#directory, `${request.imageId}-${hash}-${request.format}.raw`);
    this.#askedAt.set(path, Date.now());
    const limit = request.maxVirtualSize ?? Number.POSITIVE_INFINITY;
    for (;;) {
      const joined = this.#underWay.get(path);
      const fetching = joined ?? this.#begin(path, limit, request);
      try {
        return checkedSize(await fetching.base, request);
      } catch (error) {
        // Too large for who asked first is not too large for everybody.
        const again = joined && isTooLarge(error) && limit > joined.limit;
        if (!again) throw error;
      }
    }
  }

  /** Takes what is there, or fetches it. */
  #begin(path: string, limit: number, request: BaseImageRequest): UnderWay {
    const base = this.#takeOrFetch(path, request).finally(() => this.#underWay.delete(path));
    const underWay = { base, limit };
    this.#underWay.set(path, underWay);
    return underWay;
  }

  async #takeOrFetch(path: string, request: BaseImageRequest): Promise<BaseImage> {
    await this.#cleaned();
    await this.#removing.get(path);
    const present = await stat(path).catch(() => undefined);
    if (!present) return this.#fetch(request, path);
    // When a base was last asked for is when its file says it changed: what is not asked for grows old.
    await utimes(path, new Date(), new Date());
    return { path, format: 'raw', virtualSize: present.size };
  }

  /** Takes away, once, what fetches left that were killed: nothing is under way then. */
  #cleaned(): Promise<void> {
    this.#cleaning ??= (async () => {
      for (const name of await readdir(this.#directory).catch(() => []))
        if (unfinished.test(name)) await rm(join(this.#directory, name), { force: true });
    })();
    return this.#cleaning;
  }

  /**
   * Removes base images that no guest stands on: those that nobody has asked for in a while, and then the ones asked
   * for longest ago until all of them fit. What was asked for within an hour stays, since its guest may be on its way.
   *
   * @param inUse paths of bases that guests' disks are copies of
   */
  async prune({ inUse, unusedFor, most }: PruneOptions): Promise<{ removed: number; bytes: number }> {
    await this.#cleaned();
    const unused: { path: string; usedAt: number; bytes: number }[] = [];
    let total = 0;
    for (const name of await readdir(this.#directory).catch(() => [])) {
      const path = join(this.#directory, name);
      const found = await stat(path).catch(() => undefined);
      if (!found || !name.endsWith('.raw')) continue;
      // Sparse: what it takes, not how long it is.
      const bytes = found.blocks * 512;
      total += bytes;
      if (!inUse.has(path)) unused.push({ path, usedAt: found.mtimeMs, bytes });
    }
    const pruned = { removed: 0, bytes: 0 };
    const now = Date.now();
    for (const { path, usedAt, bytes } of unused.toSorted((a, b) => a.usedAt - b.usedAt)) {
      const idle = now - usedAt;
      const full = most > 0 && total > most;
      if (idle <= onItsWay || (idle <= unusedFor * 1000 && !full)) continue;
      // Somebody has asked for it while others were removed.
      if (this.#underWay.has(path) || now - (this.#askedAt.get(path) ?? 0) <= onItsWay) continue;
      await this.#remove(path);
      total -= bytes;
      pruned.removed++;
      pruned.bytes += bytes;
    }
    return pruned;
  }

  /** Whoever asks for it meanwhile waits, and finds it gone. */
  async #remove(path: string): Promise<void> {
    const removing = rm(path, { force: true }).finally(() => this.#removing.delete(path));
    this.#removing.set(path, removing);
    this.#askedAt.delete(path);
    await removing;
  }

  async #fetch(request: BaseImageRequest, path: string): Promise<BaseImage> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const download = `${path}.download`;
    const fresh = `${path}.new`;
    try {
      await verified(request, download);
      await assertImageSafe(download, request.format);
      const format = qemuFormat(request.format);
      const { virtualSize } = await inspectImage(download, format);
      if (request.maxVirtualSize !== undefined && virtualSize > request.maxVirtualSize)
        throw tooLarge(virtualSize, request);
      await this.#toRaw(download, fresh, { format, virtualSize });
      if (format !== 'raw') await assertStaysRaw(fresh);
      await chmod(fresh, 0o400);
      await rename(fresh, path);
      return { path, format: 'raw', virtualSize: (await stat(path)).size };
    } finally {
      await rm(download, { force: true });
      await rm(fresh, { force: true });
    }
  }

  /** Also of raw images: the copy is sparse where the bytes are zero. What it wrote is on the disk when it is done. */
  async #toRaw(
    from: string,
    to: string,
    { format, virtualSize }: { format: string; virtualSize: number },
  ): Promise<void> {
    try {
      if (!(await hasRoom(this.#directory, await contentBytes(from, format))))
        throw new ServiceUnavailable('This host has no room for the image.');
      const words = ['convert', '-t', 'writeback', '-f', format, '-O', 'raw', from, to];
      await qemuImg('write', words, { most: virtualSize + 2 ** 20 });
    } catch (cause) {
      if (!(cause instanceof CommandFailed)) throw cause;
      throw new BadRequest('The image cannot be converted to raw.', { cause });
    }
    await using file = await open(to);
    await file.sync();
  }
}

/** Fetches an image into a file that nobody had before. @throws Conflict where the bytes are not what was hashed */
async function verified({ imageId, hash, open: opened }: BaseImageRequest, path: string): Promise<void> {
  const digest = hash && createHash(hash.algorithm);
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      digest?.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(await opened(), hashing, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  if (hash && digest?.digest('hex') !== hash.value.toLowerCase())
    throw new Conflict(`The bytes of image ${imageId} do not match its ${hash.algorithm} hash.`);
}

function checkedSize(image: BaseImage, request: BaseImageRequest): BaseImage {
  if (request.maxVirtualSize !== undefined && image.virtualSize > request.maxVirtualSize)
    throw tooLarge(image.virtualSize, request);
  return image;
}

const tooLargeCode = 'FlavorDiskSmallerThanImage';
const isTooLarge = (error: unknown): boolean => (error as ApiError).code === tooLargeCode;
const tooLarge = (size: number, { maxVirtualSize }: BaseImageRequest) =>
  new BadRequest(
    "Flavor's disk is too small for requested image. " +
      `Flavor disk is ${maxVirtualSize} bytes, image is ${size} bytes.`,
    { code: tooLargeCode },
  );
