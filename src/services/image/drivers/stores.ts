import type { ImageStore } from './store.ts';

/** The stores of a cloud, by name; one is the default. */
export interface Stores {
  names(): string[];
  all(): readonly ImageStore[];
  default(): ImageStore;
  /** @throws Error for a name that a location has and no store: an operator took it away */
  get(name: string): ImageStore;
  has(name: string): boolean;
  /** Of several locations, those that can be read, the best first. */
  best<L extends { store: string }>(locations: readonly L[]): L[];
}

/** @param all at least one; @param defaultName the first where it is not said */
export function storesOf(all: readonly [ImageStore, ...ImageStore[]], defaultName?: string): Stores {
  const byName = new Map(all.map((each) => [each.name, each]));
  const byDefault = defaultName === undefined ? all[0] : byName.get(defaultName);
  if (!byDefault) throw new Error(`default_backend: there is no image store called '${defaultName}'`);
  return {
    names: () => [...byName.keys()],
    all: () => all,
    default: () => byDefault,
    get(name) {
      const found = byName.get(name);
      if (!found) throw new Error(`there is no image store called '${name}'`);
      return found;
    },
    has: (name) => byName.has(name),
    best: (locations) =>
      locations
        .filter(({ store }) => byName.has(store))
        .toSorted((a, b) => (byName.get(b.store)?.weight ?? 0) - (byName.get(a.store)?.weight ?? 0)),
  };
}
