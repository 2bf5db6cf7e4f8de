import { detect } from './detect.ts';
import type { Detected, Part, Sample } from './format.ts';
import { vhdxMetadata } from './vhdx.ts';

/** What a look at an image's bytes has shown. */
export interface Findings extends Detected {
  /** Bytes of the file. */
  size: number;
}

/** Headers of all formats lie in here. */
export const headBytes = 4 * 1024 * 1024;
/** Fixed VHDs and streamed VMDKs say what they are at their very end. */
export const tailBytes = 1536;

/** What has to be seen of a file behind its head; mostly nothing. */
export function laterPart(head: Buffer): Part | undefined {
  const part = vhdxMetadata(head);
  return part && part.at + part.length > headBytes ? part : undefined;
}

/** Looks at bytes as they pass, in order; keeps their beginning and end only. */
export class Inspection {
  /** Grows to `headBytes`: most images are larger, but not all. */
  #head: Buffer = Buffer.alloc(64 * 1024);
  #headLength = 0;
  /** What came last, twice as much as is wanted so that it is seldom moved. */
  readonly #recent = Buffer.alloc(2 * tailBytes);
  #recentLength = 0;
  #size = 0;
  #part: Part | undefined;
  #later: Buffer | undefined;
  #looked = false;

  add(bytes: Uint8Array): void {
    if (this.#headLength < headBytes) this.#addToHead(bytes.subarray(0, headBytes - this.#headLength));
    this.#addToLater(bytes);
    this.#addToTail(bytes.subarray(-tailBytes));
    this.#size += bytes.length;
  }

  /**
   * What the beginning shows, once, as soon as there is enough of it: an upload of many gigabytes need not come to its
   * end to be refused. `undefined` otherwise, and where only the end can tell.
   */
  early(): Findings | undefined {
    if (this.#looked || this.#headLength < headBytes) return undefined;
    this.#looked = true;
    const found = detect(this.#sample(null));
    return found.format === 'raw' || found.format === 'gpt' ? undefined : { ...found, size: this.#size };
  }

  finish(): Findings {
    const tail = this.#recent.subarray(Math.max(0, this.#recentLength - tailBytes), this.#recentLength);
    return { ...detect(this.#sample(tail)), size: this.#size };
  }

  #sample(tail: Buffer | null): Sample {
    const head = this.#head.subarray(0, this.#headLength);
    return { head, tail, size: this.#size, later: this.#later ?? null };
  }

  #addToHead(bytes: Uint8Array): void {
    const length = this.#headLength + bytes.length;
    if (length > this.#head.length) {
      let room = this.#head.length;
      while (room < length) room *= 2;
      const larger = Buffer.alloc(Math.min(room, headBytes));
      this.#head.copy(larger, 0, 0, this.#headLength);
      this.#head = larger;
    }
    this.#head.set(bytes, this.#headLength);
    this.#headLength = length;
    if (length === headBytes) this.#part = laterPart(this.#head);
  }

  #addToLater(bytes: Uint8Array): void {
    if (!this.#part) return;
    const { at, length } = this.#part;
    // What it has of the head is there already when this is asked for the first time.
    this.#later ??= Buffer.from(this.#head.subarray(Math.min(at, headBytes)));
    const next = at + this.#later.length - this.#size;
    if (next < 0 || next >= bytes.length || this.#later.length >= length) return;
    const missing = bytes.subarray(next, next + length - this.#later.length);
    this.#later = Buffer.concat([this.#later, missing]);
  }

  #addToTail(end: Uint8Array): void {
    if (this.#recentLength + end.length > this.#recent.length) {
      this.#recent.copyWithin(0, this.#recentLength - tailBytes, this.#recentLength);
      this.#recentLength = tailBytes;
    }
    this.#recent.set(end, this.#recentLength);
    this.#recentLength += end.length;
  }
}
