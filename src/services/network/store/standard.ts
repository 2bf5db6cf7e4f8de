import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { repository } from '../../../platform/store/repository.ts';
import { type Changes, type Row, type Table, timestamp } from '../../../platform/store/table.ts';
import type { NetworkStore } from './tables.ts';

/** What a new row of any resource starts with. */
export const stamped = (projectId: string) => {
  const now = timestamp();
  return { id: randomUUID(), project_id: projectId, created_at: now, updated_at: now, revision_number: 0 };
};

interface StandardRow {
  id: string;
  revision_number: number;
}

/** Changes a row as its owner sees it: a new revision, changed now. Gives the row as it is after. */
export async function changeRow<T extends Table, R extends Row<T> & StandardRow>(
  store: NetworkStore,
  table: T,
  row: R,
  changes: Changes<T>,
): Promise<R> {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  if (Object.keys(given).length === 0) return row;
  const stamp = { updated_at: timestamp(), revision_number: row.revision_number + 1 };
  const all = { ...given, ...stamp };
  await repository(store, table).update({ id: row.id } as never, all as never);
  return { ...row, ...all };
}

/** A new revision of resources to which something was added or removed beside their own row. */
export async function touch(
  store: NetworkStore,
  table: 'networks' | 'routers' | 'security_groups' | 'ports',
  id: string,
): Promise<void> {
  await store.db
    .updateTable(table)
    .set({ revision_number: sql<number>`revision_number + 1`, updated_at: timestamp() })
    .where('id', '=', id)
    .execute();
}
