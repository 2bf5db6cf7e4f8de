import type { Readable } from 'node:stream';
import type { FileBody } from '../../../platform/http/file-body.ts';

/** What an operator says of a store, whatever it is made of. */
export interface StoreIdentity {
  /** What `/v2/info/stores` calls it. */
  readonly name: string;
  readonly description: string;
  /** Of several stores that have an image, the one with the greatest weight is read. */
  readonly weight: number;
}

/**
 * Where the bytes of images are kept. A store knows nothing of images but their ids. Bytes are there whole or not at
 * all: nobody reads what was not committed. A URL is the store's own short form, that survives a change of its
 * settings; an address is what the API shows and takes.
 */
export interface ImageStore extends StoreIdentity {
  /** As upstream calls it: `file`, `http`, `s3`, and once they are here `swift`, `cinder`, `rbd`. */
  readonly type: string;
  /** It takes no uploads: images are put there by others and named by their locations. */
  readonly readOnly: boolean;
  /** What `/v2/info/stores/detail` says besides; no secrets. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** Begins to take the bytes of an image. @throws errors of the medium, Gone where the store is read only */
  begin(imageId: string): Promise<StoreWriter>;
  /** Bytes from `start` to `end` (inclusive), or all. @throws NotFound when they are not there */
  read(url: string, range?: { start: number; end: number }): Promise<Readable>;
  /** The bytes from `start` to `end` as a part of a file, for those that have files. @throws NotFound */
  open?(url: string, range: { start: number; end: number }): Promise<FileBody>;
  /** A few bytes at once. @throws NotFound */
  readAt(url: string, offset: number, length: number): Promise<Buffer>;
  /** How many bytes there are; `null` where the store cannot tell. @throws NotFound */
  size(url: string): Promise<number | null>;
  /** Removes the bytes. Nothing happens where they are gone. @throws Conflict when the medium says that they are in use */
  remove(url: string): Promise<void>;
  /** A file that may be read on this host, for those that can. */
  pathOf?(url: string): string;
  /** `file:///srv/images/…`, `https://…`: without credentials. */
  addressOf(url: string): string;
  /** The URL of an address that lies in this store; `undefined` for any other. */
  urlOf(address: string): string | undefined;
  /** Takes away what an unfinished `begin` of this image left; asked only where no image has bytes of this id here. */
  discard(imageId: string): Promise<void>;
  /**
   * Takes away all that a crash left, at the start, where the store can tell: bytes that `known` says no image has.
   *
   * @param filled ids of images that others fill now: what is there of them stays
   */
  clean(known: ReadonlySet<string>, filled?: ReadonlySet<string>): Promise<void>;
}

/** Bytes on their way into a store. Exactly one of `commit` and `abort` ends it. */
export interface StoreWriter {
  /** Takes the next bytes; they may be overwritten once the promise is kept. One call at a time. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the bytes durable and readable under the URL that is returned. */
  commit(): Promise<string>;
  /** Leaves nothing. */
  abort(): Promise<void>;
}
