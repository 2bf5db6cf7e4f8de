/** What has to change so that what is becomes what should be. */
export interface Differences<Wanted, Present> {
  /** Should be there and is not. */
  missing: Wanted[];
  /** Is there and should not be. */
  surplus: Present[];
  /** Is there, but otherwise. */
  changed: { wanted: Wanted; present: Present }[];
}

/** What an item is called on its side: equal keys mean the same thing. */
export type Key<Wanted, Present> =
  | ((item: Wanted | Present) => string)
  | { wanted: (item: Wanted) => string; present: (item: Present) => string };

/**
 * Compares what should be with what is. Of present items with one key the first counts and the rest is surplus.
 *
 * @throws Error when two wanted items have one key: whichever were built, the next run would tear it down
 */
export function differences<Wanted, Present>(
  wanted: Iterable<Wanted>,
  present: Iterable<Present>,
  key: Key<Wanted, Present>,
  same: (wanted: Wanted, present: Present) => boolean = () => true,
): Differences<Wanted, Present> {
  const keys = typeof key === 'function' ? { wanted: key, present: key } : key;
  const there = new Map<string, Present>();
  const result: Differences<Wanted, Present> = { missing: [], surplus: [], changed: [] };
  for (const item of present) {
    const name = keys.present(item);
    if (there.has(name)) result.surplus.push(item);
    else there.set(name, item);
  }
  const seen = new Set<string>();
  for (const item of wanted) {
    const name = keys.wanted(item);
    if (seen.has(name)) throw new Error(`"${name}" is wanted twice`);
    seen.add(name);
    const found = there.get(name);
    if (found === undefined && !there.has(name)) result.missing.push(item);
    else if (!same(item, found as Present)) result.changed.push({ wanted: item, present: found as Present });
    there.delete(name);
  }
  result.surplus.push(...there.values());
  return result;
}
