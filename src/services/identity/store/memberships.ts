import { Forbidden } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import type { Changes } from './changes.ts';
import type { Directory } from './directory.ts';
import type { Elsewhere } from './elsewhere.ts';
import type { IdentityTables } from './schema.ts';
import { type GroupRow, memberships, type UserRow } from './tables.ts';

export interface Membership {
  group_id: string;
  user_id: string;
}

/** Who is in which group, wherever both are. A user and a group of different backends are never together. */
export class Memberships {
  readonly #store: Store<IdentityTables>;
  readonly #changes: Changes;
  readonly #directory: Directory;
  readonly #elsewhere: Elsewhere | undefined;
  readonly #rows;

  constructor(store: Store<IdentityTables>, changes: Changes, directory: Directory, elsewhere?: Elsewhere) {
    this.#store = store;
    this.#changes = changes;
    this.#directory = directory;
    this.#elsewhere = elsewhere;
    this.#rows = repository(store, memberships);
  }

  async usersIn(group: GroupRow): Promise<UserRow[]> {
    const found = await this.#store.db
      .selectFrom('users')
      .innerJoin('memberships', 'memberships.user_id', 'users.id')
      .selectAll('users')
      .where('memberships.group_id', '=', group.id)
      .orderBy('users.id')
      .execute();
    return [...found, ...((await this.#elsewhere?.usersIn(group.id)) ?? [])];
  }

  async groupsOf(userId: string): Promise<GroupRow[]> {
    const found = await this.#store.db
      .selectFrom('groups')
      .innerJoin('memberships', 'memberships.group_id', 'groups.id')
      .selectAll('groups')
      .where('memberships.user_id', '=', userId)
      .orderBy('groups.id')
      .execute();
    if (!this.#elsewhere || !(await this.#directory.isElsewhere(userId))) return found;
    return [...found, ...(await this.#elsewhere.groupsOf(userId))];
  }

  /** @throws Forbidden for a user and a group of different backends */
  async has(member: Membership): Promise<boolean> {
    if (await this.#rows.find(member)) return true;
    const elsewhere = await this.#backendOf(member);
    if (!elsewhere) return false;
    return (await elsewhere.usersIn(member.group_id)).some((row) => row.id === member.user_id);
  }

  /** Whoever is in the group already stays in it. @throws Forbidden for a user and a group of different backends */
  async add(member: Membership): Promise<void> {
    const elsewhere = await this.#backendOf(member);
    if (elsewhere) return elsewhere.addMember(member.group_id, member.user_id);
    await this.#store.transaction(async () => {
      if (await this.#rows.find(member)) return;
      await this.#rows.insert(member);
      this.#changes.revoked();
    });
  }

  /** @returns whether the user was in the group. @throws Forbidden for a user and a group of different backends */
  async remove(member: Membership): Promise<boolean> {
    if ((await this.#rows.delete(member)) > 0) {
      this.#changes.revoked();
      return true;
    }
    const elsewhere = await this.#backendOf(member);
    if (!elsewhere) return false;
    await elsewhere.removeMember(member.group_id, member.user_id);
    return true;
  }

  /** Where both are, when not in the tables. */
  async #backendOf({ group_id, user_id }: Membership): Promise<Elsewhere | undefined> {
    if (!this.#elsewhere) return undefined;
    const userElsewhere = await this.#directory.isElsewhere(user_id);
    const groupElsewhere = await this.#directory.isGroupElsewhere(group_id);
    if (!userElsewhere && !groupElsewhere) return undefined;
    if (userElsewhere && groupElsewhere && (await this.#elsewhere.areTogether(group_id, user_id))) {
      return this.#elsewhere;
    }
    throw new Forbidden(
      `Group membership across backend boundaries is not allowed. Group in question is ${group_id}, user is ${user_id}.`,
    );
  }
}
