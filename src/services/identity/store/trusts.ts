import { createHash } from 'node:crypto';
import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import { nowMicros, parseIsoTime, toIsoTime } from '../model/timestamps.ts';
import type { Changes } from './changes.ts';
import type { IdentityTables } from './schema.ts';
import { type TrustRow, trusts } from './tables/trusts.ts';

type NewTrust = Omit<TrustRow, 'sameness'>;

/** Trusts: rows are there until they are deleted or flushed; those that are over are as good as gone. */
export class Trusts {
  readonly #store: Store<IdentityTables>;
  readonly #changes: Changes;
  readonly #rows;

  constructor(store: Store<IdentityTables>, changes: Changes) {
    this.#store = store;
    this.#changes = changes;
    this.#rows = repository(store, trusts);
  }

  /** One that has not run out, whether it has uses left or not. */
  async current(id: string): Promise<TrustRow | undefined> {
    const row = await this.#rows.get(id);
    if (!row || (row.expires_at !== null && parseIsoTime(row.expires_at) < nowMicros())) return undefined;
    return row;
  }

  /**
   * A trust and those that it hands on, the first of them last.
   * @returns undefined where any of them is gone
   */
  async pedigree(id: string): Promise<[TrustRow, ...TrustRow[]] | undefined> {
    const first = await this.current(id);
    if (!first) return undefined;
    const line: [TrustRow, ...TrustRow[]] = [first];
    for (let next = first.redelegated_trust_id; next !== null; ) {
      const row = await this.current(next);
      if (!row) return undefined;
      line.push(row);
      next = row.redelegated_trust_id;
    }
    return line;
  }

  list(where: { trustor_user_id?: string; trustee_user_id?: string }): Promise<TrustRow[]> {
    return this.#rows.list({ where });
  }

  /** @throws UniqueViolation for one between the same two, for the same project, time and way */
  async create(row: NewTrust): Promise<void> {
    const { trustor_user_id, trustee_user_id, project_id, impersonation, expires_at } = row;
    // In SQL two NULLs are never alike, so neither are two trusts without an end: these are unique by their ids.
    const same =
      expires_at === null || project_id === null
        ? row.id
        : JSON.stringify([trustor_user_id, trustee_user_id, project_id, impersonation, expires_at]);
    const sameness = createHash('sha256').update(same).digest('hex');
    await this.#rows.insert({ ...row, sameness });
    this.#changes.wrote();
  }

  /**
   * Takes one use of those that are left.
   * @returns false where none is: of many at once, only so many succeed as there are uses
   */
  async use(id: string): Promise<boolean> {
    return this.#store.transaction(async () => {
      const row = await this.#rows.get(id);
      if (!row || row.remaining_uses === null) return row !== undefined;
      if (row.remaining_uses <= 0) return false;
      await this.#rows.update({ id }, { remaining_uses: row.remaining_uses - 1 });
      this.#changes.wrote();
      return true;
    });
  }

  /** With all that hand it on. Within the caller's transaction. */
  async delete(id: string): Promise<void> {
    const { db } = this.#store;
    for (let ids = [id]; ids.length > 0; ) {
      const below = await db
        .selectFrom('trusts')
        .select('id')
        .where('redelegated_trust_id', 'in', ids)
        .execute();
      await db.deleteFrom('trusts').where('id', 'in', ids).execute();
      ids = below.map((row) => row.id);
    }
    this.#changes.revoked();
  }

  /** Forgets those that ran out before a time, or have no use left. @returns how many */
  async flush(before = nowMicros()): Promise<number> {
    const { numDeletedRows } = await this.#store.db
      .deleteFrom('trusts')
      .where((where) =>
        where.or([where('expires_at', '<', toIsoTime(before)), where('remaining_uses', '<=', 0)]),
      )
      .executeTakeFirst();
    return Number(numDeletedRows);
  }
}
