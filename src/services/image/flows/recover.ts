import type { Stores } from '../drivers/stores.ts';
import type { ImageQueries } from '../store/images.ts';
import { removeData } from './remove-data.ts';

export interface Recovered {
  requeued: number;
  removed: number;
}

/**
 * Puts right what a crash of this host's image service left, before it takes any work: images that were being
 * filled are queued again, the bytes of deleted ones are removed, and so are files that no image has.
 */
export async function recover(images: ImageQueries, stores: Stores, host: string): Promise<Recovered> {
  let requeued = 0;
  for (const { id, upload_id } of await images.uploadsOf(host)) {
    const nothing = { size: null, virtual_size: null, upload_id: null, upload_host: null };
    if (await images.swap({ id, status: 'saving', upload_id }, { status: 'queued', ...nothing })) requeued++;
  }
  const abandoned = new Set((await images.abandonedLocations()).map(({ image_id }) => image_id));
  for (const id of abandoned) await removeData(images, stores, id);
  for (const store of stores.all()) await store.clean(await images.knownUrls(store.name));
  return { requeued, removed: abandoned.size };
}
