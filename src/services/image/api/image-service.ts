import type { ImageCache } from '../drivers/image-cache.ts';
import type { Stores } from '../drivers/stores.ts';
import type { AddLocationInput } from '../flows/add-location.ts';
import type { StagedElsewhere } from '../flows/import/staged-elsewhere.ts';
import type { ImportInput } from '../flows/import-image.ts';
import type { Uploads } from '../flows/upload-image.ts';
import type { Image } from '../model/image.ts';
import type { ImageSettings } from '../settings.ts';
import type { ImageQueries, ImageStoreDb } from '../store/images.ts';
import type { MemberQueries } from '../store/members.ts';
import type { LocationRow } from '../store/tables.ts';
import type { TaskQueries } from '../store/tasks.ts';
import type { Access } from './access.ts';
import type { Quotas } from './quotas.ts';

/** What the routes stand on. */
export interface ImageService {
  store: ImageStoreDb;
  images: ImageQueries;
  members: MemberQueries;
  access: Access;
  stores: Stores;
  uploads: Uploads;
  tasks: TaskQueries;
  quotas: Quotas;
  /** Absent where nothing is cached. */
  cache: ImageCache | undefined;
  settings: ImageSettings;
  /** This host's name: what is staged is on one. */
  host: string;
  /** Tokens of imports that read other regions with them, by task; in memory only. */
  tokens: Map<string, string>;
  /** Starts the flow of an import, within the transaction that writes its task. */
  startImport(input: ImportInput): Promise<unknown>;
  /** The same for a location that is to be added. */
  startAddLocation(input: AddLocationInput): Promise<unknown>;
  /** Bytes that are staged on other hosts. */
  elsewhere: StagedElsewhere;
  /**
   * Removes the bytes of a deleted image. What fails now is done at the next start.
   * @param stagedOn the host that has bytes of it which wait for an import
   */
  removeData(id: string, stagedOn?: string): Promise<void>;
  /** The same for one location that was abandoned. */
  removeLocation(location: LocationRow): Promise<void>;
  /** Says what has happened, to whoever listens. */
  notify(event: string, image: Image): void;
}
