/** The place of somebody in a line. */
export interface Turn {
  /** Kept when all who came before have ended. */
  readonly come: Promise<void>;
  end(): void;
}

/** Lines of those who must end in the order in which they came, one for each key that anybody is in. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Joins the line; whoever takes a turn must end it, or the next waits for ever. */
  take(key: string): Turn {
    const come = this.#last.get(key) ?? Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const over = come.then(() => promise);
    this.#last.set(key, over);
    return {
      come,
      end: () => {
        resolve();
        void this.#forget(key, over);
      },
    };
  }

  async #forget(key: string, over: Promise<void>): Promise<void> {
    await over;
    if (this.#last.get(key) === over) this.#last.delete(key);
  }

  /** How many lines there are. */
  get size(): number {
    return this.#last.size;
  }
}
