import type { Holder, PlacementService } from '../../placement/contract.ts';
import type { ComputeStore } from '../store/schema.ts';

/** All consumers of placement, a page at a time. */
export async function* allHolders(placement: PlacementService): AsyncGenerator<Holder[]> {
  let after: string | undefined;
  for (;;) {
    const page = await placement.consumers(after === undefined ? {} : { after });
    if (page.length === 0) return;
    yield page;
    after = page.at(-1)?.consumer;
  }
}

/** Names of compute hosts by the uuid of their resource provider. */
export async function nodesByUuid(store: ComputeStore): Promise<Map<string, string>> {
  const rows = await store.db.selectFrom('compute_nodes').select(['id', 'host']).execute();
  return new Map(rows.map(({ id, host }) => [id, host]));
}

/** States of migrations that are not over: their servers may hold more than they seem to need. */
export const unsettled = [
  'accepted',
  'pre-migrating',
  'migrating',
  'post-migrating',
  'finished',
  'reverting',
  'confirming',
];
