import type { Provider } from './providers.ts';

/**
 * What can be told of a tree before its providers are combined. Without it, twelve groups that eleven functions are to
 * serve are tried in forty million ways before the answer is none.
 */

/** Whether each group can have a provider of its own: a matching, grown one group at a time (Kuhn). */
export function canBeIsolated(choices: readonly (readonly Provider[])[]): boolean {
  const holders = new Map<Provider, number>();
  const place = (group: number, tried: Set<Provider>): boolean => {
    for (const provider of choices[group] ?? []) {
      if (tried.has(provider)) continue;
      tried.add(provider);
      const holder = holders.get(provider);
      if (holder !== undefined && !place(holder, tried)) continue;
      holders.set(provider, group);
      return true;
    }
    return false;
  };
  return choices.every((_, group) => place(group, new Set()));
}

/** What a group asks of each resource class, and who could give it all. */
export interface Ask {
  resources: ReadonlyMap<string, number>;
  providers: readonly Provider[];
}

/** Whether those who could give a resource class have as much of it left as all groups together ask. */
export function isEnough(asks: readonly Ask[], left: (provider: Provider, name: string) => number): boolean {
  const needs = new Map<string, { sum: number; from: Set<Provider> }>();
  for (const { resources, providers } of asks) {
    for (const [name, amount] of resources) {
      let need = needs.get(name);
      if (!need) needs.set(name, (need = { sum: 0, from: new Set() }));
      need.sum += amount;
      for (const provider of providers) need.from.add(provider);
    }
  }
  for (const [name, { sum, from }] of needs) {
    let room = 0;
    for (const provider of from) room += Math.max(left(provider, name), 0);
    if (room < sum) return false;
  }
  return true;
}
