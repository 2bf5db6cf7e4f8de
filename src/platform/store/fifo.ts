/** A lock that is given in the order of asking. */
export class Fifo {
  readonly #what: string;
  readonly #deadline: number;
  readonly #waiting: (() => void)[] = [];
  #held = false;

  /** @param deadline milliseconds after which waiting fails: a deadlock becomes an error that says so */
  constructor(what: string, deadline = 60_000) {
    this.#what = what;
    this.#deadline = deadline;
  }

  /** Takes the lock at once if it is free, and says whether it did. */
  tryAcquire(): boolean {
    if (this.#held) return false;
    this.#held = true;
    return true;
  }

  acquire(): Promise<void> {
    if (this.tryAcquire()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const grant = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(grant), 1);
        reject(
          new Error(
            `waited ${this.#deadline} ms for ${this.#what}: is a transaction waiting for work that stands outside of it?`,
          ),
        );
      }, this.#deadline);
      this.#waiting.push(grant);
    });
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#held = false;
  }

  async with<T>(work: () => T | Promise<T>): Promise<T> {
    await this.acquire();
    try {
      return await work();
    } finally {
      this.release();
    }
  }
}
