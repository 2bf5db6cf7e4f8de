import type { ImageStore } from './store.ts';

/** The stores of a cloud, by name; one is the default. */
export interface Stores {
  names(): string[];
  all(): readonly ImageStore[];
  default(): ImageStore;
  /** @throws Error for a name that a location has and no store: an operator took it away */
  get(name: string): ImageStore;
  has(name: string): boolean;
}

/** @param all at least one; the first is the default */
export function storesOf(all: readonly [ImageStore, ...ImageStore[]]): Stores {
  const byName = new Map(all.map((each) => [each.name, each]));
  return {
    names: () => [...byName.keys()],
    all: () => all,
    default: () => all[0],
    get(name) {
      const found = byName.get(name);
      if (!found) throw new Error(`there is no image store called '${name}'`);
      return found;
    },
    has: (name) => byName.has(name),
  };
}
