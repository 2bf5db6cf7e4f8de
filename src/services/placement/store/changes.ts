import { sql } from 'kysely';
import type { PlacementStore } from './tables.ts';

export interface Changes {
  latest: number;
  structure: number;
  names: number;
}

/**
 * Takes the number of the change that this transaction is. Called first in it, so that writers wait for each other
 * here and not with half their work done.
 *
 * PostgreSQL reads everything as it was at the transaction's first query: who had waited for the row itself would find
 * it changed, and have to begin again. A lock on the table is waited for before that, and lets readers through.
 */
export async function nextChange(store: PlacementStore, also?: 'structure' | 'names'): Promise<number> {
  if (store.dialect === 'postgres') await sql`LOCK TABLE changes IN EXCLUSIVE MODE`.execute(store.db);
  await store.db
    .updateTable('changes')
    .set((row) => ({ latest: row('latest', '+', 1) }))
    .where('id', '=', 1)
    .execute();
  const { latest } = await store.db
    .selectFrom('changes')
    .select('latest')
    .where('id', '=', 1)
    .executeTakeFirstOrThrow();
  if (also)
    await store.db
      .updateTable('changes')
      .set({ [also]: latest })
      .where('id', '=', 1)
      .execute();
  return latest;
}

/** A query for the numbers of the last changes: what every search asks first. */
export function changesQuery(store: PlacementStore): () => Promise<Changes> {
  const query = store.prepared((db, args: { id: number }) =>
    db.selectFrom('changes').select(['latest', 'structure', 'names']).where('id', '=', args.id),
  );
  return async () => (await query.first({ id: 1 })) ?? { latest: 0, structure: 0, names: 0 };
}
