import type { Readable } from 'node:stream';

/**
 * Where the bytes of images are kept. A store knows nothing of images but their ids, and its URLs mean something to
 * itself only. Bytes are there whole or not at all: nobody reads what was not committed.
 */
export interface ImageStore {
  /** What `/v2/info/stores` calls it. */
  readonly name: string;
  readonly description: string;
  /** Begins to take the bytes of an image. @throws StoreFull and other errors of the medium */
  begin(imageId: string): Promise<StoreWriter>;
  /** Bytes from `start` to `end` (inclusive), or all. @throws NotFound when they are not there */
  read(url: string, range?: { start: number; end: number }): Promise<Readable>;
  /** A few bytes at once. @throws NotFound */
  readAt(url: string, offset: number, length: number): Promise<Buffer>;
  /** Removes the bytes. Nothing happens where they are gone. @throws Conflict when the medium says that they are in use */
  remove(url: string): Promise<void>;
  /** A file that may be read on this host, for those that can. */
  pathOf?(url: string): string;
  /** Takes away what a crash left: uploads that were not finished, and bytes that `known` says no image has. */
  clean(known: ReadonlySet<string>): Promise<void>;
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
