/** Bytes of one block: waking threads for each megabyte costs a fifth of what they hash in the meantime. */
export const blockSize = 4 * 1024 * 1024;

/** Memory that threads share, so that hashing costs no copies. */
export type Block = Uint8Array<SharedArrayBuffer>;

/**
 * Blocks that are lent and come back. Who wants one while all are lent waits: that is what keeps an upload from
 * reading faster than its slowest consumer.
 */
export class BlockPool {
  readonly #most: number;
  readonly #free: Block[] = [];
  readonly #waiting: ((block: Block) => void)[] = [];
  #made = 0;

  constructor(most: number) {
    this.#most = most;
  }

  take(): Promise<Block> | Block {
    const free = this.#free.pop();
    if (free) return free;
    if (this.#made < this.#most) {
      this.#made++;
      return new Uint8Array(new SharedArrayBuffer(blockSize));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  give(block: Block): void {
    const next = this.#waiting.shift();
    if (next) next(block);
    else this.#free.push(block);
  }
}
