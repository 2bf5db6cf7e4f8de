import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { ImageStoreDb } from './images.ts';
import { imageMembers, type MemberRow } from './tables.ts';

export type MemberQueries = ReturnType<typeof memberQueries>;

/** Whom images are shared with. */
export function memberQueries(store: ImageStoreDb) {
  const rows = repository(store, imageMembers);
  const byKey = store.prepared((db, args: { image_id: string; member: string }) =>
    db
      .selectFrom('image_members')
      .selectAll()
      .where('image_id', '=', args.image_id)
      .where('member', '=', args.member),
  );
  return {
    get: (image_id: string, member: string): Promise<MemberRow | undefined> =>
      byKey.first({ image_id, member }),
    list: (image_id: string): Promise<MemberRow[]> =>
      rows.list({ where: { image_id }, sort: [{ column: 'created_at', direction: 'asc' }] }),
    count: (image_id: string): Promise<number> => rows.count({ image_id }),
    /** @throws UniqueViolation when the project is a member already */
    async add(image_id: string, member: string): Promise<MemberRow> {
      const now = timestamp();
      const row: MemberRow = { image_id, member, status: 'pending', created_at: now, updated_at: now };
      await rows.insert(row);
      return row;
    },
    async answer(row: MemberRow, status: MemberRow['status']): Promise<MemberRow> {
      const changes = { status, updated_at: timestamp() };
      await rows.update({ image_id: row.image_id, member: row.member }, changes);
      return { ...row, ...changes };
    },
    remove: (row: MemberRow): Promise<number> => rows.delete({ image_id: row.image_id, member: row.member }),
  };
}
