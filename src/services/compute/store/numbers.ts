import type { ComputeStore } from './schema.ts';

type Numbered = 'keypairs' | 'aggregates' | 'services' | 'compute_nodes' | 'migrations';

/** The next of the small numbers by which old parts of the API know things. Called in the transaction that uses it. */
export async function nextNumber({ db }: ComputeStore, table: Numbered): Promise<number> {
  const row = await db
    .selectFrom(table)
    .select(({ fn }) => fn.max('number').as('last'))
    .executeTakeFirst();
  return Number(row?.last ?? 0) + 1;
}
