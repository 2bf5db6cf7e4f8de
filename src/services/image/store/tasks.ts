import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { ImageStoreDb } from './images.ts';
import type { TaskRow } from './tables.ts';
import { imageTasks } from './task-tables.ts';

export type TaskQueries = ReturnType<typeof taskQueries>;

export interface TaskList {
  status?: string;
  type?: string;
  sort: { column: 'created_at' | 'updated_at' | 'id' | 'status' | 'type'; direction: 'asc' | 'desc' };
  after?: TaskRow;
  limit: number;
}

/** @param hours how long a task is remembered once it is over */
export function taskQueries(store: ImageStoreDb, hours: number) {
  const rows = repository(store, imageTasks);
  const alive = (row: TaskRow): boolean => row.expires_at === null || row.expires_at > timestamp();
  const over = () => ({
    expires_at: timestamp(new Date(Date.now() + hours * 3_600_000)),
    updated_at: timestamp(),
  });
  return {
    async get(id: string): Promise<TaskRow | undefined> {
      const row = await rows.get({ id });
      return row && alive(row) ? row : undefined;
    },
    insert: (row: TaskRow): Promise<void> => rows.insert(row),
    async ofImage(image_id: string): Promise<TaskRow[]> {
      const found = await rows.list({
        where: { image_id },
        sort: [{ column: 'created_at', direction: 'desc' }],
      });
      return found.filter(alive);
    },
    async list({ status, type, sort, after, limit }: TaskList): Promise<TaskRow[]> {
      await this.prune();
      const where = { ...(status ? { status: status as TaskRow['status'] } : {}), ...(type ? { type } : {}) };
      return rows.list({
        where,
        sort: sort.column === 'id' ? [sort] : [sort, { column: 'id', direction: sort.direction }],
        limit,
        ...(after ? { after } : {}),
      });
    },
    begin: (id: string) =>
      rows.update({ id, status: 'pending' }, { status: 'processing', updated_at: timestamp() }),
    succeed: (id: string, result: Record<string, unknown>) =>
      rows.update({ id, status: ['pending', 'processing'] }, { status: 'success', result, ...over() }),
    fail: (id: string, message: string) =>
      rows.update(
        { id, status: ['pending', 'processing'] },
        { status: 'failure', message: message.slice(0, 4096), ...over() },
      ),
    /** Forgets tasks that were over long ago. */
    prune: () => store.db.deleteFrom('image_tasks').where('expires_at', '<=', timestamp()).execute(),
  };
}
