import type { Store } from '../../../platform/store/store.ts';
import type { Micros } from '../model/timestamps.ts';
import type { Changes } from './changes.ts';
import type { IdentityTables } from './schema.ts';
import type { AssignmentRow, GroupRow } from './tables.ts';

/** The longest that a timer waits, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** Memberships in groups that an identity provider has vouched for: they end by themselves. */
export class ExpiringMemberships {
  readonly #store: Store<IdentityTables>;
  readonly #changes: Changes;
  readonly #defaultMinutes: number;
  #timer: NodeJS.Timeout | undefined;
  /** Milliseconds since 1970. */
  #next = Number.POSITIVE_INFINITY;

  /** @param defaultMinutes how long they last where the provider has no word on it */
  constructor(store: Store<IdentityTables>, changes: Changes, defaultMinutes: number) {
    this.#store = store;
    this.#changes = changes;
    this.#defaultMinutes = defaultMinutes;
  }

  /** The groups that a user is in for now, and until when; one that two providers vouch for comes twice. */
  async groupsOf(userId: string): Promise<{ group: GroupRow; ends: Micros }[]> {
    const rows = await this.#of(userId).selectAll('groups').orderBy('groups.id').execute();
    return this.#lasting(rows).map(({ row, ends }) => {
      const { last_verified: _verified, authorization_ttl: _ttl, ...group } = row;
      return { group, ends: ends * 1000 };
    });
  }

  /**
   * The groups that a user is in for now, and what is granted to them. What is remembered of it is forgotten when the
   * first of them ends.
   */
  async grantsOf(userId: string): Promise<{ groups: { group_id: string }[]; assignments: AssignmentRow[] }> {
    const rows = await this.#of(userId).select('groups.id').execute();
    const lasting = this.#lasting(rows);
    for (const { ends } of lasting) this.#wakeAt(ends);
    const groupIds = [...new Set(lasting.map(({ row }) => row.id))];
    return {
      groups: groupIds.map((group_id) => ({ group_id })),
      assignments: await grantsToGroups(this.#store, groupIds),
    };
  }

  /**
   * Writes which groups a provider says that a user is in. Joins the caller's transaction.
   *
   * @returns whether he was in others before, that the provider does not name any more
   */
  async verified(userId: string, identityProviderId: string, groupIds: readonly string[]): Promise<boolean> {
    const { db } = this.#store;
    const last_verified = Math.floor(Date.now() / 1000);
    const gone = await db
      .selectFrom('expiring_memberships')
      .select('group_id')
      .where('user_id', '=', userId)
      .where('identity_provider_id', '=', identityProviderId)
      .execute();
    await db
      .deleteFrom('expiring_memberships')
      .where('user_id', '=', userId)
      .where('identity_provider_id', '=', identityProviderId)
      .execute();
    // Groups of directories elsewhere are not in our tables: the token alone puts its user in them.
    const own =
      groupIds.length === 0
        ? []
        : await db.selectFrom('groups').select('id').where('id', 'in', groupIds).execute();
    if (own.length > 0) {
      await db
        .insertInto('expiring_memberships')
        .values(
          own.map(({ id: group_id }) => ({
            user_id: userId,
            group_id,
            identity_provider_id: identityProviderId,
            last_verified,
          })),
        )
        .execute();
    }
    this.#changes.wrote();
    return gone.some((row) => !groupIds.includes(row.group_id));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #of(userId: string) {
    return this.#store.db
      .selectFrom('expiring_memberships')
      .innerJoin('identity_providers', 'identity_providers.id', 'expiring_memberships.identity_provider_id')
      .innerJoin('groups', 'groups.id', 'expiring_memberships.group_id')
      .select(['expiring_memberships.last_verified', 'identity_providers.authorization_ttl'])
      .where('expiring_memberships.user_id', '=', userId);
  }

  /** Those that have not ended, and when they will, in milliseconds since 1970. */
  #lasting<R extends { last_verified: number; authorization_ttl: number | null }>(
    rows: R[],
  ): { row: R; ends: number }[] {
    const now = Date.now();
    return rows
      .map((row) => ({
        row,
        ends: (row.last_verified + (row.authorization_ttl || this.#defaultMinutes) * 60) * 1000,
      }))
      .filter(({ ends }) => ends > now);
  }

  #wakeAt(time: number): void {
    if (time >= this.#next) return;
    this.#next = time;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#next = Number.POSITIVE_INFINITY;
        this.#changes.revoked();
      },
      Math.min(time - Date.now() + 1, longestTimer),
    );
    this.#timer.unref();
  }
}

/** What is granted to any of these groups. */
export async function grantsToGroups(
  store: Store<IdentityTables>,
  groupIds: readonly string[],
): Promise<AssignmentRow[]> {
  if (groupIds.length === 0) return [];
  return store.db
    .selectFrom('assignments')
    .selectAll()
    .where('actor_kind', '=', 'group')
    .where('actor_id', 'in', groupIds)
    .execute();
}
