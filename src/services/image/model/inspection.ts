import { detect } from './formats/detect.ts';
import type { Detected } from './formats/format.ts';

/** What a look at an image's bytes has shown. */
export interface Findings extends Detected {
  /** Bytes of the file. */
  size: number;
}

/** Headers of all formats lie in here. */
export const headBytes = 4 * 1024 * 1024;
/** A fixed VHD says what it is at its very end. */
export const tailBytes = 512;

/** Looks at bytes as they pass, in order; keeps their beginning and end only. */
export class Inspection {
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);
  #size = 0;
  #looked = false;

  add(bytes: Uint8Array): void {
    if (this.#head.length < headBytes) {
      const missing = bytes.subarray(0, headBytes - this.#head.length);
      this.#head = Buffer.concat([this.#head, missing]);
    }
    const end = bytes.subarray(-tailBytes);
    this.#tail =
      end.length === tailBytes ? Buffer.from(end) : Buffer.concat([this.#tail, end]).subarray(-tailBytes);
    this.#size += bytes.length;
  }

  /**
   * What the beginning shows, once, as soon as there is enough of it: an upload of many gigabytes need not come to its
   * end to be refused. `undefined` otherwise, and where only the end can tell.
   */
  early(): Findings | undefined {
    if (this.#looked || this.#head.length < headBytes) return undefined;
    this.#looked = true;
    const found = detect({ head: this.#head, tail: Buffer.alloc(0), size: this.#size });
    return found.format === 'raw' ? undefined : { ...found, size: this.#size };
  }

  finish(): Findings {
    return { ...detect({ head: this.#head, tail: this.#tail, size: this.#size }), size: this.#size };
  }
}
