import type { Stores } from '../drivers/stores.ts';
import type { ImageQueries } from '../store/images.ts';
import type { LocationRow } from '../store/tables.ts';

/** Removes the bytes of a deleted image from each store, and remembers each that is done. Safe to repeat. */
export async function removeData(images: ImageQueries, stores: Stores, id: string): Promise<void> {
  for (const location of await images.allLocations(id)) await removeLocation(images, stores, location);
}

/** Removes the bytes of a location that nobody is shown any more, then the location. Safe to repeat. */
export async function removeLocation(
  images: ImageQueries,
  stores: Stores,
  location: LocationRow,
): Promise<void> {
  if (!stores.has(location.store)) return;
  await stores.get(location.store).remove(location.url);
  await images.removeLocation(location);
}
