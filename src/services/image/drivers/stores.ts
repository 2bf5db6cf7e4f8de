import type { ImageStore } from './store.ts';

/** The stores of a cloud, by name; one is the default. */
export interface Stores {
  names(): string[];
  all(): readonly ImageStore[];
  default(): ImageStore;
  /** @throws Error for a name that a location has and no store: an operator took it away */
  get(name: string): ImageStore;
  has(name: string): boolean;
  /** Of several locations, those that can be read: the best first, and those that are as good in their order. */
  best<L extends { store: string }>(locations: readonly L[]): L[];
  /**
   * What is asked of the best location; where it fails, of the next.
   * @param locations at least one, as `best` has them @throws what the last one threw
   */
  first<L extends { store: string }, T>(
    locations: readonly [L, ...L[]],
    ask: (store: ImageStore, location: L) => Promise<T>,
  ): Promise<T>;
}

/** @param all at least one; @param defaultName the first where it is not said */
export function storesOf(all: readonly [ImageStore, ...ImageStore[]], defaultName?: string): Stores {
  const byName = new Map(all.map((each) => [each.name, each]));
  const byDefault = defaultName === undefined ? all[0] : byName.get(defaultName);
  if (!byDefault) throw new Error(`default_backend: there is no image store called '${defaultName}'`);
  const get = (name: string): ImageStore => {
    const found = byName.get(name);
    if (!found) throw new Error(`there is no image store called '${name}'`);
    return found;
  };
  return {
    names: () => [...byName.keys()],
    all: () => all,
    default: () => byDefault,
    get,
    async first([location, ...others], ask) {
      try {
        return await ask(get(location.store), location);
      } catch (error) {
        const [next, ...rest] = others;
        if (!next) throw error;
        return this.first([next, ...rest], ask);
      }
    },
    has: (name) => byName.has(name),
    best: (locations) =>
      locations
        .filter(({ store }) => byName.has(store))
        .toSorted((a, b) => (byName.get(b.store)?.weight ?? 0) - (byName.get(a.store)?.weight ?? 0)),
  };
}
