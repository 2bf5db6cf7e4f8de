/**
 * Work that takes turns by key: two pieces for one guest never overlap, those for different guests do.
 * A piece of work can be told to hurry by the one that waits behind it.
 */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #hurry = new Map<string, Set<AbortController>>();

  /**
   * @param work gets a signal that is aborted when somebody behind it is in a hurry
   * @param options.hurry tells those before it to cut their waits short
   */
  async take<T>(
    key: string,
    work: (hurry: AbortSignal) => Promise<T>,
    options: { hurry?: boolean } = {},
  ): Promise<T> {
    const controllers = this.#hurry.get(key) ?? new Set();
    this.#hurry.set(key, controllers);
    if (options.hurry) for (const earlier of controllers) earlier.abort();
    const mine = new AbortController();
    controllers.add(mine);
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.catch(() => {}).then(() => work(mine.signal));
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      controllers.delete(mine);
      if (this.#last.get(key) === turn) {
        this.#last.delete(key);
        this.#hurry.delete(key);
      }
    }
  }

  /** Resolves when all that was asked for until now has ended, well or not. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
