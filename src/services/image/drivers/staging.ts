import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileStore } from './file.ts';
import type { ImageStore } from './store.ts';

/** Where bytes wait for their import, and what imports make of them on the way: files that begin with an image's id. */
export interface Staging {
  /** Takes and gives bytes as a store does; it is no store of the cloud's. */
  readonly store: ImageStore;
  /** The file of an image's bytes, or of what a step made of them. */
  pathOf(imageId: string, made?: string): string;
  /** Removes all of an image's files. */
  remove(imageId: string): Promise<void>;
  /** Removes the files of all images but these, at the start. */
  clean(imageIds: ReadonlySet<string>): Promise<void>;
}

const idLength = 36;

/** @param directory made when missing */
export async function openStaging(directory: string): Promise<Staging> {
  const store = await fileStore(directory, { name: 'os_glance_staging_store' });
  const removeWhere = async (unwanted: (entry: string) => boolean) => {
    for (const entry of await readdir(directory))
      if (unwanted(entry)) await rm(join(directory, entry), { force: true, recursive: true });
  };
  return {
    store,
    pathOf: (imageId, made) => join(directory, made === undefined ? imageId : `${imageId}.${made}`),
    remove: (imageId) => removeWhere((entry) => entry.slice(0, idLength) === imageId),
    clean: (imageIds) => removeWhere((entry) => !imageIds.has(entry.slice(0, idLength))),
  };
}
