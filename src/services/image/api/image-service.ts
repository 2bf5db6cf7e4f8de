import type { Stores } from '../drivers/stores.ts';
import type { Uploads } from '../flows/upload-image.ts';
import type { Image } from '../model/image.ts';
import type { ImageSettings } from '../settings.ts';
import type { ImageQueries, ImageStoreDb } from '../store/images.ts';
import type { MemberQueries } from '../store/members.ts';
import type { LocationRow } from '../store/tables.ts';
import type { Access } from './access.ts';

/** What the routes stand on. */
export interface ImageService {
  store: ImageStoreDb;
  images: ImageQueries;
  members: MemberQueries;
  access: Access;
  stores: Stores;
  uploads: Uploads;
  settings: ImageSettings;
  /** Removes the bytes of a deleted image. What fails now is done at the next start. */
  removeData(id: string): Promise<void>;
  /** The same for one location that was abandoned. */
  removeLocation(location: LocationRow): Promise<void>;
  /** Says what has happened, to whoever listens. */
  notify(event: string, image: Image): void;
}
