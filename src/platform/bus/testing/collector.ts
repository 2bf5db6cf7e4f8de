import { EventEmitter, once } from 'node:events';

/** Collects what handlers receive, so that a test waits for the thing and not for a time. */
export class Collector<T> {
  readonly #seen: T[] = [];
  readonly #grew = new EventEmitter();

  add(item: T): void {
    this.#seen.push(item);
    this.#grew.emit('add');
  }

  /** All that came, as soon as there are `count` of them; fails after 20 s. */
  async reached(count: number): Promise<T[]> {
    const signal = AbortSignal.timeout(20_000);
    while (this.#seen.length < count) await once(this.#grew, 'add', { signal });
    return this.#seen;
  }
}
