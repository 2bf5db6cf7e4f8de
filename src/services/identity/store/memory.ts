import { LRUCache } from 'lru-cache';
import type { Changes } from './changes.ts';

/** Remembers what was loaded until anything is written; what was being loaded meanwhile is used once only. */
export class Memory<V extends object> {
  readonly #known: LRUCache<string, V>;
  readonly #changes: Changes;

  /** @param max entries */
  constructor(changes: Changes, max = 10_000) {
    this.#known = new LRUCache<string, V>({ max });
    this.#changes = changes;
    changes.onForget(() => this.#known.clear());
  }

  /** At once where it is known. @throws what `load` throws, which is not remembered */
  get(key: string, load: () => Promise<V>): V | Promise<V> {
    return this.#known.get(key) ?? this.#load(key, load);
  }

  async #load(key: string, load: () => Promise<V>): Promise<V> {
    const { generation } = this.#changes;
    const value = await load();
    if (generation === this.#changes.generation) this.#known.set(key, value);
    return value;
  }
}
