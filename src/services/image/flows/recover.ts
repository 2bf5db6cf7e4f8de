import type { Staging } from '../drivers/staging.ts';
import type { Stores } from '../drivers/stores.ts';
import type { ImageQueries } from '../store/images.ts';
import { removeLocation } from './remove-data.ts';

export interface Recovered {
  requeued: number;
  removed: number;
  /** What could not be cleaned up, because a store does not answer: it is tried again at the next start. */
  left: unknown[];
}

interface Parts {
  images: ImageQueries;
  stores: Stores;
  /** Where bytes wait for their import. */
  staging: Staging;
  host: string;
}

/**
 * Puts right what a crash of this host's image service left, before it takes any work: images that were being
 * filled are queued again, the bytes of deleted ones are removed, and so are files that no image has.
 */
export async function recover({ images, stores, staging, host }: Parts): Promise<Recovered> {
  let requeued = 0;
  const left: unknown[] = [];
  const trying = async (work: Promise<unknown>): Promise<boolean> => {
    const before = left.length;
    await work.catch((error: unknown) => left.push(error));
    return left.length === before;
  };
  for (const { id, upload_id, deleted, status } of await images.uploadsOf(host)) {
    const known = new Set((await images.allLocations(id)).map(({ store }) => store));
    let clean = true;
    for (const store of stores.all())
      if (!known.has(store.name)) clean = (await trying(store.discard(id))) && clean;
    // An upload that is not wholly cleaned up after stays this host's.
    const nothing = {
      size: null,
      virtual_size: null,
      upload_id: null,
      ...(clean ? { upload_host: null } : {}),
    };
    if (deleted && clean) await images.forgetUpload(id);
    else if (await images.swap({ id, status, upload_id }, { status: 'queued', ...nothing })) requeued++;
  }
  const abandoned = await images.abandonedLocations();
  for (const location of abandoned) await trying(removeLocation(images, stores, location));
  const filled = await images.filled(host);
  for (const store of stores.all()) await trying(store.clean(await images.knownUrls(store.name), filled));
  await staging.clean(await images.staged(host));
  return { requeued, removed: abandoned.length, left };
}
