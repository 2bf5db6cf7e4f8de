import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import type { ImageService } from '../../image/contract.ts';
import type { BaseImage, BaseImages } from '../drivers/qemu/base-images.ts';
import type { ImageFormat } from '../drivers/qemu/image-safety.ts';

const formats: readonly string[] = [
  'raw',
  'iso',
  'qcow2',
  'vmdk',
  'vdi',
  'vhd',
  'vhdx',
] satisfies ImageFormat[];

/** What the image service gives at once. */
const piece = 4 * 2 ** 20;

/**
 * Fetches an image into the host's base images: from the file where this host can read it, else piece by piece.
 *
 * @param maxVirtualSize bytes of the disk that it is for; absent: as big as the image
 * @throws NotFound, BadRequest for an image that cannot be booted from or does not fit
 */
export async function baseImage(
  image: ImageService,
  cache: BaseImages,
  imageId: string,
  maxVirtualSize?: number,
): Promise<BaseImage> {
  const located = await image.locate({ id: imageId });
  if (!located) throw new NotFound('image', imageId);
  const { path, size, diskFormat, osHash } = located;
  if (!formats.includes(diskFormat))
    throw new BadRequest(`Image ${imageId} is unacceptable: Image disk format not valid: ${diskFormat}`);
  return cache.obtain({
    imageId,
    format: diskFormat as ImageFormat,
    hash: osHash,
    open: async () => {
      // Once it is open its bytes stay, whatever becomes of the image. One that is deleted before has neither file nor
      // pieces; of one on another host there is no file here.
      const file = path === null ? null : await open(path).catch(() => null);
      return file ? file.createReadStream() : Readable.from(pieces(image, imageId, size));
    },
    ...(maxVirtualSize === undefined ? {} : { maxVirtualSize }),
  });
}

async function* pieces(image: ImageService, id: string, size: number): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < size; ) {
    const length = Math.min(piece, size - offset);
    const { bytes } = await image.read({ id, offset, length }).catch((cause: unknown) => {
      // Whether its record or its bytes went first.
      throw cause instanceof NotFound ? new NotFound('image', id, { cause }) : cause;
    });
    const read = Buffer.from(bytes, 'base64');
    if (read.length === 0) throw new Error(`image ${id} ends at ${offset} of ${size} bytes`);
    offset += read.length;
    yield read;
  }
}
