import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BadRequest, Conflict } from '../../../../platform/errors/errors.ts';
import { run } from '../../../../platform/exec/run.ts';

/** Formats in which images may come. The names are the image service's; QEMU calls vhd `vpc`. */
export type ImageFormat = 'raw' | 'iso' | 'qcow2' | 'vmdk' | 'vdi' | 'vhd' | 'vhdx';

export interface BaseImageRequest {
  imageId: string;
  format: ImageFormat;
  /** What the bytes must hash to; part of the cache's key, so a changed image is another base. */
  hash: { algorithm: string; value: string };
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

/** As seen by qemu-img under the format that was named, never under one it guessed. */
interface ImageFacts {
  virtualSize: number;
}

/**
 * The images that guests' disks are copies of, each fetched once, checked, and kept as a sparse raw file: that is
 * the quickest to read, and has no structure left that could name other files.
 */
export class BaseImages {
  readonly #directory: string;
  readonly #underWay = new Map<string, Promise<BaseImage>>();

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
    const key = `${request.imageId}-${request.hash.value.replace(/[^0-9a-f]/gi, '').slice(0, 32)}-${request.format}`;
    const path = join(this.#directory, `${key}.raw`);
    const present = await stat(path).catch(() => undefined);
    // When a base was last asked for is when its file says it changed: what is not asked for grows old.
    if (present) await utimes(path, new Date(), new Date()).catch(() => {});
    if (present) return checkedSize({ path, format: 'raw', virtualSize: present.size }, request);
    let fetching = this.#underWay.get(key);
    if (!fetching) {
      fetching = this.#fetch(request, path).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, fetching);
    }
    return checkedSize(await fetching, request);
  }

  /**
   * Removes base images that no guest stands on: those that nobody has asked for in a while, and then the ones asked
   * for longest ago until the rest fits. What was asked for a moment ago stays, since its guest may be on its way.
   *
   * @param inUse paths of bases that guests' disks are copies of
   */
  async prune({ inUse, unusedFor, most }: PruneOptions): Promise<{ removed: number; bytes: number }> {
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
      const full = most > 0 && total > most && idle > onItsWay;
      if (idle <= unusedFor * 1000 && !full) continue;
      await rm(path, { force: true });
      total -= bytes;
      pruned.removed++;
      pruned.bytes += bytes;
    }
    return pruned;
  }

  async #fetch(request: BaseImageRequest, path: string): Promise<BaseImage> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const download = `${path}.download`;
    const fresh = `${path}.new`;
    const { algorithm, value } = request.hash;
    try {
      const digest = createHash(algorithm);
      const hashing = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          digest.update(chunk);
          done(null, chunk);
        },
      });
      await pipeline(await request.open(), hashing, createWriteStream(download, { mode: 0o600 }));
      if (digest.digest('hex') !== value.toLowerCase())
        throw new Conflict(`The bytes of image ${request.imageId} do not match its ${algorithm} hash.`);
      const format = qemuFormat(request.format);
      const { virtualSize } = await inspectImage(download, format);
      if (request.maxVirtualSize !== undefined && virtualSize > request.maxVirtualSize)
        throw tooLarge(virtualSize, request);
      // Also of raw images: the copy is sparse where the bytes are zero.
      await run(['qemu-img', 'convert', '-t', 'writeback', '-f', format, '-O', 'raw', download, fresh], {
        deadline: 1_800_000,
      });
      await chmod(fresh, 0o400);
      await rename(fresh, path);
      return { path, format: 'raw', virtualSize: (await stat(path)).size };
    } finally {
      await rm(download, { force: true });
      await rm(fresh, { force: true });
    }
  }
}

function checkedSize(image: BaseImage, request: BaseImageRequest): BaseImage {
  if (request.maxVirtualSize !== undefined && image.virtualSize > request.maxVirtualSize)
    throw tooLarge(image.virtualSize, request);
  return image;
}

const tooLarge = (size: number, { maxVirtualSize }: BaseImageRequest) =>
  new BadRequest(
    "Flavor's disk is too small for requested image. " +
      `Flavor disk is ${maxVirtualSize} bytes, image is ${size} bytes.`,
    { code: 'FlavorDiskSmallerThanImage' },
  );

const qemuFormat = (format: ImageFormat) => ({ iso: 'raw', vhd: 'vpc' })[format as string] ?? format;

/**
 * Looks at an image under the format that is named, and refuses one that would make QEMU open other files: a
 * backing file, an external data file, a VMDK made of several extents. An uploader could name the host's own
 * files there (CVE-2024-32498 and its like).
 *
 * @throws BadRequest
 */
export async function inspectImage(path: string, format: string): Promise<ImageFacts> {
  // Crafted images can make qemu-img take endless time and memory.
  const limits = ['prlimit', '--as=1073741824', '--cpu=30', '--'] as const;
  const { stdout } = await run([...limits, 'qemu-img', 'info', '--output=json', '-f', format, path]).catch(
    (cause: unknown) => {
      throw new BadRequest(`The image is not a valid ${format} image.`, { cause });
    },
  );
  const info = JSON.parse(stdout) as {
    'virtual-size': number;
    'backing-filename'?: string;
    'full-backing-filename'?: string;
    encrypted?: boolean;
    'format-specific'?: { data?: { 'data-file'?: string; 'create-type'?: string } };
  };
  const specific = info['format-specific']?.data;
  if (info['backing-filename'] !== undefined || info['full-backing-filename'] !== undefined)
    throw new BadRequest('The image has a backing file, which is not allowed.');
  if (specific?.['data-file'] !== undefined)
    throw new BadRequest('The image has an external data file, which is not allowed.');
  if (format === 'vmdk' && !['monolithicSparse', 'streamOptimized'].includes(specific?.['create-type'] ?? ''))
    throw new BadRequest(`VMDK images of type ${specific?.['create-type']} are not allowed.`);
  return { virtualSize: info['virtual-size'] };
}
