import type { Stores } from '../drivers/stores.ts';
import type { ImageQueries } from '../store/images.ts';

/** Removes the bytes of a deleted image from each store, and remembers each that is done. Safe to repeat. */
export async function removeData(images: ImageQueries, stores: Stores, id: string): Promise<void> {
  for (const location of await images.locations(id)) {
    if (!stores.has(location.store)) continue;
    await stores.get(location.store).remove(location.url);
    await images.removeLocation(location);
  }
}
