import { contract } from '../../platform/bus/contract.ts';

/** What other services may ask of images. */
export interface ImageService {
  /** An image that the project may use (its own, public, community, shared with it); `null` for any other. */
  image(args: { id: string; projectId?: string; admin?: boolean }): Promise<ImageRecord | null>;
  /**
   * Where the bytes of an active image are; `null`: no active image has this id.
   */
  locate(args: { id: string }): Promise<ImageLocation | null>;
  /** A piece of an active image in base64, for hosts that cannot read the file: at most 4 MiB. */
  read(args: { id: string; offset: number; length: number }): Promise<{ bytes: string }>;
  /**
   * A queued image, to be filled by `store`: what a server's createImage makes first. With an `id` of the caller's it
   * may be called twice. @throws Conflict when that id is another image's, PayloadTooLarge over the quota of properties
   */
  create(args: NewImage): Promise<{ id: string }>;
  /**
   * Takes the file as the bytes of a queued image, checks and hashes it, and makes the image active; the file stays
   * the caller's. It must be readable on the image service's host. Nothing happens where the image is active already.
   * @throws NotFound, BadRequest (no such file), Conflict (it is being filled), UnsupportedMediaType (it is not what the image says)
   */
  store(args: { id: string; path: string }): Promise<void>;
  /**
   * Images that the caller of the request that is running may know of and has not hidden, newest first; other
   * projects' community images are left out, as in any list. @throws BadRequest for a marker that is no such image
   */
  list(args: ImageListQuery): Promise<ImageRecord[]>;
  /**
   * An image as the caller of the request that is running may see it, by the image service's own policy. So do
   * `remove` and `setProperties`. @throws NotFound
   */
  show(args: { id: string }): Promise<ImageRecord>;
  /** Deletes an image. @throws NotFound, Forbidden (policy, or it is protected), Conflict */
  remove(args: { id: string }): Promise<void>;
  /**
   * Makes an image's custom properties exactly these. @throws NotFound, Forbidden (policy, or names that are not
   * custom), BadRequest, PayloadTooLarge over the quota of properties
   */
  setProperties(args: { id: string; properties: Record<string, string> }): Promise<ImageRecord>;
  /** Deletes an image, protected or not: undo of `create`. Nothing happens where it is gone. */
  discard(args: { id: string }): Promise<void>;
}

export interface ImageRecord {
  id: string;
  name: string | null;
  status: string;
  visibility: 'public' | 'private' | 'shared' | 'community';
  owner: string | null;
  diskFormat: string | null;
  containerFormat: string | null;
  /** GiB */
  minDisk: number;
  /** MiB */
  minRam: number;
  protected: boolean;
  /** Bytes */
  size: number | null;
  virtualSize: number | null;
  checksum: string | null;
  osHashAlgo: string | null;
  osHashValue: string | null;
  properties: Record<string, string>;
  createdAt: string;
  updatedAt: string;
}

export interface ImageListQuery {
  name?: string;
  status?: string;
  minDisk?: number;
  minRam?: number;
  /** A time: those that have changed then or later. */
  changedSince?: string;
  properties?: Record<string, string>;
  /** At most 1000. */
  limit: number;
  /** The id of the last image that was seen. */
  marker?: string;
}

export interface ImageLocation {
  /** A file that may be read on the image service's own host; `null` for an image that no store there has as a file. */
  path: string | null;
  size: number;
  diskFormat: string;
  /** Of the bytes, in hex; `null` for those of a location that nobody has hashed. */
  osHash: { algorithm: string; value: string } | null;
}

export interface NewImage {
  id?: string;
  name: string;
  projectId: string;
  diskFormat: string;
  containerFormat: string;
  /** GiB */
  minDisk?: number;
  /** MiB */
  minRam?: number;
  /** Default `private`. */
  visibility?: 'private' | 'shared';
  properties: Record<string, string>;
}

export const imageService = contract<ImageService>('image', { deadline: 600_000 });
