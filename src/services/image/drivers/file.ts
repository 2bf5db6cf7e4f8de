import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { constants, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { NotFound, PayloadTooLarge, ServiceUnavailable } from '../../../platform/errors/errors.ts';
import { type FileBody, fileBody } from '../../../platform/http/file-body.ts';
import type { ImageStore, StoreIdentity, StoreWriter } from './store.ts';

const partial = '.part';
/** Files begin with the ids of their images. */
const idLength = 36;
/** Large enough that a gigabyte takes a few thousand reads, small enough for many downloads at once. */
const readAhead = 256 * 1024;

/** Bytes that are written before the disk is told to begin. */
const flushEvery = 32 * 1024 * 1024;

/** URLs name files within the folder, so that a state directory may be moved or restored elsewhere. */
const scheme = 'file:';
const urlOf = (imageId: string): string => `${scheme}${imageId}`;

/**
 * Images as files, named by their ids, readable to the owner of the cloud only.
 *
 * @param directory made when missing
 */
export async function fileStore(
  directory: string,
  {
    name = 'file',
    description = 'Files on the host of the image service',
    weight = 0,
  }: Partial<StoreIdentity> = {},
): Promise<ImageStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const pathOf = (url: string): string => join(directory, basename(url.slice(scheme.length)));
  const opened = (url: string, range: { start: number; end: number }): Promise<FileBody> =>
    fileBody(pathOf(url), range).catch(missing);
  return {
    name,
    description,
    weight,
    type: 'file',
    readOnly: false,
    properties: { data_dir: directory, chunk_size: readAhead, thin_provisioning: false },
    async begin(imageId) {
      const temporary = join(directory, `${imageId}.${randomUUID()}${partial}`);
      const final = join(directory, imageId);
      return writer(await open(temporary, 'wx', 0o600), temporary, final, { directory, url: urlOf(imageId) });
    },
    async read(url, range): Promise<Readable> {
      const file = await openForReading(pathOf(url));
      return createReadStream('', {
        fd: file,
        highWaterMark: readAhead,
        ...(range ? { start: range.start, end: range.end } : { start: 0 }),
      });
    },
    open: opened,
    async readAt(url, offset, length) {
      const part = await opened(url, { start: offset, end: offset + length - 1 });
      return part.bytes();
    },
    async size(url) {
      const found = await stat(pathOf(url)).catch(missing);
      return found.size;
    },
    remove: (url) => rm(pathOf(url), { force: true }),
    pathOf,
    addressOf: (url) => `file://${pathOf(url)}`,
    urlOf(address) {
      const path = address.startsWith('file:///') ? address.slice('file://'.length) : undefined;
      return path !== undefined && dirname(path) === directory ? urlOf(basename(path)) : undefined;
    },
    async discard(imageId) {
      for (const entry of await readdir(directory))
        if (entry === imageId || (entry.startsWith(`${imageId}.`) && entry.endsWith(partial)))
          await rm(join(directory, entry), { force: true });
    },
    async clean(known, filled) {
      for (const entry of await readdir(directory)) {
        if (!known.has(urlOf(entry)) && !filled?.has(entry.slice(0, idLength)))
          await rm(join(directory, entry), { force: true });
      }
    },
  };
}

const openForReading = (path: string): Promise<FileHandle> => open(path, constants.O_RDONLY).catch(missing);

function missing(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT')
    throw new NotFound('Image data could not be found.');
  throw error;
}

function writer(
  file: FileHandle,
  temporary: string,
  final: string,
  { directory, url }: { directory: string; url: string },
): StoreWriter {
  let position = 0;
  let renamed = false;
  let flushed = 0;
  let flushing: Promise<void> | undefined;
  /** Lets the disk begin while bytes still come: else all of it would be waited for at the end. */
  const flush = () => {
    if (flushing || position - flushed < flushEvery) return;
    flushed = position;
    flushing = file
      .datasync()
      // Whatever is wrong, the last flush says it.
      .catch(() => {})
      .finally(() => {
        flushing = undefined;
      });
  };
  return {
    async write(bytes) {
      let written = 0;
      try {
        while (written < bytes.length) {
          const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position);
          written += bytesWritten;
          position += bytesWritten;
        }
        flush();
      } catch (error) {
        throw ofTheMedium(error);
      }
    },
    async commit() {
      try {
        await flushing;
        await file.sync();
        await file.close();
        await rename(temporary, final);
        renamed = true;
        await syncDirectory(directory);
      } catch (error) {
        throw ofTheMedium(error);
      }
      return url;
    },
    async abort() {
      await flushing;
      await file.close().catch(() => {});
      await rm(renamed ? final : temporary, { force: true });
    },
  };
}

/** Without it a rename may be forgotten by a power failure although the file's bytes are not. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A full or read-only disk, as upstream's API says it. */
function ofTheMedium(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new PayloadTooLarge(
      'Image storage media is full: There is not enough disk space on the image storage media.',
      { cause: error },
    );
  }
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new ServiceUnavailable(
      'Insufficient permissions on image storage media: Permission to write image storage media denied.',
      { cause: error },
    );
  }
  return error;
}
