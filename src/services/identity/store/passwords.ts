import type { Store } from '../../../platform/store/store.ts';
import type { IdentityTables } from './schema.ts';
import type { UserRow } from './tables.ts';

/** The rows of `users` and `past_passwords` as checking and changing passwords need them. */
export class PasswordRows {
  readonly #store: Store<IdentityTables>;
  readonly #queries;

  constructor(store: Store<IdentityTables>) {
    this.#store = store;
    this.#queries = {
      user: store.prepared((db, args: { id: string }) =>
        db.selectFrom('users').selectAll().where('id', '=', args.id),
      ),
      hashFrom: store.prepared((db, args: { id: string }) =>
        db
          .selectFrom('users')
          .select('password_hash')
          .where('id', '>=', args.id)
          .where('password_hash', 'is not', null)
          .orderBy('id')
          .limit(1),
      ),
    };
  }

  /** The user as he is now, not as he is remembered. */
  user(id: string): Promise<UserRow | undefined> {
    return this.#queries.user.first({ id });
  }

  /** The hash of the first user from this id on, in a circle: ids are as good as random. */
  async hashFrom(id: string): Promise<string | undefined> {
    const found =
      (await this.#queries.hashFrom.first({ id })) ?? (await this.#queries.hashFrom.first({ id: '' }));
    return found?.password_hash ?? undefined;
  }

  // What follows is not counted as a change: nothing that is remembered shows it, and guesses must not make the
  // service forget.

  async countFailure(id: string, count: number, at: string): Promise<void> {
    await this.#set(id, { failed_auth_count: count, failed_auth_at: at });
  }

  async forgetFailures(id: string): Promise<void> {
    await this.#set(id, { failed_auth_count: 0, failed_auth_at: null });
  }

  async seen(id: string, day: string): Promise<void> {
    await this.#set(id, { last_active_at: day });
  }

  async #set(id: string, changes: Partial<UserRow>): Promise<void> {
    await this.#store.db.updateTable('users').set(changes).where('id', '=', id).execute();
  }

  /** The hashes of the passwords before the present one, the last first. */
  async past(userId: string, count: number): Promise<string[]> {
    if (count < 1) return [];
    const rows = await this.#store.db
      .selectFrom('past_passwords')
      .select('password_hash')
      .where('user_id', '=', userId)
      .orderBy('number', 'desc')
      .limit(count)
      .execute();
    return rows.flatMap(({ password_hash }) => password_hash ?? []);
  }

  /**
   * Puts the present password of a user among his past ones, of which the last `keep` stay. For the transaction that
   * writes the new one.
   * @param at when it ended, where it had not before
   */
  async retire(userId: string, keep: number, at: string): Promise<void> {
    const user = await this.user(userId);
    if (!user || user.password_hash === null) return;
    const { db } = this.#store;
    const last = await db
      .selectFrom('past_passwords')
      .select('number')
      .where('user_id', '=', userId)
      .orderBy('number', 'desc')
      .limit(1)
      .executeTakeFirst();
    const number = (last?.number ?? 0) + 1;
    const expires = user.password_expires_at;
    await db
      .insertInto('past_passwords')
      .values({
        user_id: userId,
        number,
        password_hash: user.password_hash,
        password_created_at: user.password_created_at,
        password_expires_at: expires !== null && expires < at ? expires : at,
        password_self_service: user.password_self_service,
      })
      .execute();
    await db
      .deleteFrom('past_passwords')
      .where('user_id', '=', userId)
      .where('number', '<=', number - keep)
      .execute();
  }
}
