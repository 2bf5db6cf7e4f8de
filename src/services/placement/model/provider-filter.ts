import { Bitset } from './bitset.ts';
import type { Provider, ProviderIndex } from './providers.ts';
import type { ProviderQuery } from './query.ts';

/**
 * The providers that `GET /resource_providers` with these filters names, in the index's order.
 *
 * @param only the one that the query names by name or uuid: no other is looked at
 */
export function filterProviders(index: ProviderIndex, query: ProviderQuery, only?: Provider): Provider[] {
  const { providers, columns } = index;
  const start = only ? new Bitset() : Bitset.upTo(index.size);
  if (only) start.add(only.ordinal);
  const able = columns.narrow(start, query);
  const tree = query.inTree === undefined ? undefined : index.get(query.inTree)?.root;
  if (query.inTree !== undefined) {
    const members = new Bitset();
    if (tree) for (const { ordinal } of index.tree(tree)) members.add(ordinal);
    able.keep(members);
  }
  const found: Provider[] = [];
  next: for (let ordinal = able.next(0); ordinal >= 0; ordinal = able.next(ordinal + 1)) {
    for (const [resourceClass, amount] of query.resources)
      if (!columns.stock(resourceClass)?.gives(ordinal, amount)) continue next;
    const provider = providers[ordinal];
    if (provider) found.push(provider);
  }
  return found;
}
