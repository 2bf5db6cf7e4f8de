import type { Store } from '../../../platform/store/store.ts';
import type { AssignmentRows, RoleAssignment } from '../model/assignments.ts';
import { isInactive } from '../model/password-rules.ts';
import type { Scope } from '../model/scope.ts';
import { nowMicros } from '../model/timestamps.ts';
import { batches } from './batches.ts';
import type { Changes } from './changes.ts';
import type { Elsewhere } from './elsewhere.ts';
import type { ExpiringMemberships } from './expiring-memberships.ts';
import { displayNames, isShadow } from './federated-users.ts';
import { Memory } from './memory.ts';
import type { IdentityTables } from './schema.ts';
import type {
  AssignmentRow,
  EndpointRow,
  GroupRow,
  ProjectRow,
  RoleRow,
  ServiceRow,
  UserRow,
} from './tables.ts';
import { noDomain } from './tables.ts';

/** Roles and what they imply, and the catalog: few rows that every token needs. */
export interface Shared {
  roles: ReadonlyMap<string, RoleRow>;
  domainRoleIds: ReadonlySet<string>;
  implications: readonly { priorRoleId: string; impliedRoleId: string }[];
  services: readonly ServiceRow[];
  endpoints: readonly EndpointRow[];
  /** Clouds that believe this one; every token names them. */
  serviceProviders: readonly { id: string; auth_url: string; sp_url: string }[];
}

type Found<T> = { row: T | undefined };
type FoundUser = Found<UserRow> & { elsewhere: boolean };

/** Who and what there is, by id, remembered between writes: authentication and validation read here only. */
export class Directory {
  /** Memberships that identity providers vouch for; there from the service's start. */
  expiringMemberships: ExpiringMemberships | undefined;
  readonly #store: Store<IdentityTables>;
  readonly #inactiveDays: number;
  readonly #elsewhere: Elsewhere | undefined;
  readonly #users: Memory<FoundUser>;
  readonly #projects: Memory<Found<ProjectRow>>;
  readonly #grants: Memory<GrantsOfUser>;
  readonly #shared: Memory<Shared>;
  readonly #queries;

  /**
   * @param inactiveDays days without authentication after which a user counts as disabled; 0 for never
   * @param elsewhere the users and groups of domains whose backend is not these tables
   */
  constructor(store: Store<IdentityTables>, changes: Changes, inactiveDays = 0, elsewhere?: Elsewhere) {
    this.#elsewhere = elsewhere;
    this.#inactiveDays = inactiveDays;
    this.#store = store;
    this.#users = new Memory(changes);
    this.#projects = new Memory(changes);
    this.#grants = new Memory(changes);
    this.#shared = new Memory(changes, 1);
    this.#queries = {
      userById: store.prepared((db, args: { id: string }) =>
        db.selectFrom('users').selectAll().where('id', '=', args.id),
      ),
      userByName: store.prepared((db, args: { name: string; domain: string }) =>
        db.selectFrom('users').selectAll().where('domain_id', '=', args.domain).where('name', '=', args.name),
      ),
      groupById: store.prepared((db, args: { id: string }) =>
        db.selectFrom('groups').selectAll().where('id', '=', args.id),
      ),
      projectById: store.prepared((db, args: { id: string }) =>
        db.selectFrom('projects').selectAll().where('id', '=', args.id),
      ),
      projectByName: store.prepared((db, args: { name: string; domain: string }) =>
        db
          .selectFrom('projects')
          .selectAll()
          .where('domain_id', '=', args.domain)
          .where('name', '=', args.name),
      ),
      groupsOfUser: store.prepared((db, args: { user: string }) =>
        db.selectFrom('memberships').select('group_id').where('user_id', '=', args.user),
      ),
      grantsToUser: store.prepared((db, args: { user: string }) =>
        db
          .selectFrom('assignments')
          .selectAll()
          .where('actor_id', '=', args.user)
          .where('actor_kind', '=', 'user'),
      ),
      grantsToGroupsOfUser: store.prepared((db, args: { user: string }) =>
        db
          .selectFrom('assignments')
          .innerJoin('memberships', 'memberships.group_id', 'assignments.actor_id')
          .selectAll('assignments')
          .where('memberships.user_id', '=', args.user)
          .where('assignments.actor_kind', '=', 'group'),
      ),
    };
  }

  async user(id: string): Promise<UserRow | undefined> {
    return (await this.#user(id)).row;
  }

  /** Whether a user is in the backend of his domain, and not in identity's own tables. */
  async isElsewhere(userId: string): Promise<boolean> {
    return (await this.#user(userId)).elsewhere;
  }

  /** A user of an identity provider, by the name that his provider gives him. */
  async #called(user: UserRow | undefined): Promise<UserRow | undefined> {
    if (!user || !isShadow(user)) return user;
    return { ...user, name: (await displayNames(this.#store, [user])).get(user.id) ?? user.name };
  }

  #user(id: string): FoundUser | Promise<FoundUser> {
    return this.#users.get(id, async () => {
      const row = await this.#called(this.#asOfToday(await this.#queries.userById.first({ id })));
      if (row || !this.#elsewhere) return { row, elsewhere: false };
      const other = await this.#elsewhere.user(id);
      return { row: other, elsewhere: other !== undefined };
    });
  }

  /** Who is in the tables comes first: nobody takes his name by being called the same in a directory. */
  async userByName(name: string, domain: string): Promise<UserRow | undefined> {
    const row = this.#asOfToday(await this.#queries.userByName.first({ name, domain }));
    return row ?? this.#elsewhere?.userByName(name, domain);
  }

  /** Those of the ids that there are, by id. */
  async usersById(ids: readonly string[]): Promise<Map<string, UserRow>> {
    const rows = await this.#byId<UserRow>('users', ids);
    const called = await displayNames(this.#store, rows);
    const own = rows.map((row) => ({ ...row, name: called.get(row.id) ?? row.name }));
    return this.#completed(ids, own, (missing) => this.#elsewhere?.usersById(missing));
  }

  async group(id: string): Promise<GroupRow | undefined> {
    return (await this.#queries.groupById.first({ id })) ?? this.#elsewhere?.group(id);
  }

  /** Whether a group that there is, is not in identity's own tables. */
  async isGroupElsewhere(id: string): Promise<boolean> {
    return this.#elsewhere !== undefined && (await this.#queries.groupById.first({ id })) === undefined;
  }

  /** Those of the ids that there are, by id. */
  async groupsById(ids: readonly string[]): Promise<Map<string, GroupRow>> {
    const own = await this.#byId<GroupRow>('groups', ids);
    return this.#completed(ids, own, (missing) => this.#elsewhere?.groupsById(missing));
  }

  async #byId<R extends UserRow | GroupRow>(table: 'users' | 'groups', ids: readonly string[]): Promise<R[]> {
    const found: R[] = [];
    for (const some of batches(ids)) {
      const rows = await this.#store.db.selectFrom(table).selectAll().where('id', 'in', some).execute();
      found.push(...(rows as unknown as R[]));
    }
    return found;
  }

  async #completed<R extends { id: string }>(
    ids: readonly string[],
    own: readonly R[],
    others: (missing: string[]) => Promise<R[]> | undefined,
  ): Promise<Map<string, R>> {
    const found = new Map(own.map((row) => [row.id, row]));
    const missing = ids.filter((id) => !found.has(id));
    for (const row of missing.length > 0 ? ((await others(missing)) ?? []) : []) found.set(row.id, row);
    return found;
  }

  #asOfToday(user: UserRow | undefined): UserRow | undefined {
    if (!user?.enabled || !isInactive(user, this.#inactiveDays, nowMicros())) return user;
    return { ...user, enabled: false };
  }

  /** A project, or a domain: `is_domain` says which. */
  async project(id: string): Promise<ProjectRow | undefined> {
    const load = async () => ({ row: await this.#queries.projectById.first({ id }) });
    return (await this.#projects.get(id, load)).row;
  }

  async domain(id: string): Promise<ProjectRow | undefined> {
    const found = await this.project(id);
    return found?.is_domain ? found : undefined;
  }

  projectByName(name: string, domain: string): Promise<ProjectRow | undefined> {
    return this.#queries.projectByName.first({ name, domain });
  }

  domainByName(name: string): Promise<ProjectRow | undefined> {
    return this.projectByName(name, noDomain);
  }

  /** The project and what it lies in, the nearest first, the domain left out. */
  async lineage(id: string): Promise<ProjectRow[]> {
    const line: ProjectRow[] = [];
    for (let next = await this.project(id); next && !next.is_domain; ) {
      line.push(next);
      next = next.parent_id === null ? undefined : await this.project(next.parent_id);
    }
    return line;
  }

  /** All that was granted to a user, and to the groups that he is in. */
  async grantsOf(userId: string): Promise<GrantsOfUser> {
    return this.#grants.get(userId, async () => {
      const [groups, own, theirs] = await Promise.all([
        this.#queries.groupsOfUser.all({ user: userId }),
        this.#queries.grantsToUser.all({ user: userId }),
        this.#queries.grantsToGroupsOfUser.all({ user: userId }),
      ]);
      const passing = await this.expiringMemberships?.grantsOf(userId);
      if (passing) {
        groups.push(...passing.groups);
        theirs.push(...passing.assignments);
      }
      const others = await this.#groupsElsewhere(userId);
      return {
        groupIds: [...groups.map((row) => row.group_id), ...others],
        assignments: [...own, ...theirs, ...(await this.#grantsTo(others))].map(toAssignment),
      };
    });
  }

  async #groupsElsewhere(userId: string): Promise<string[]> {
    if (!this.#elsewhere || !(await this.isElsewhere(userId))) return [];
    return (await this.#elsewhere.groupsOf(userId)).map((row) => row.id);
  }

  async #grantsTo(groupIds: readonly string[]): Promise<AssignmentRow[]> {
    if (groupIds.length === 0) return [];
    return this.#store.db
      .selectFrom('assignments')
      .selectAll()
      .where('actor_kind', '=', 'group')
      .where('actor_id', 'in', groupIds)
      .execute();
  }

  /** Who is in which of these groups, of those that are not in the tables. */
  async membersElsewhere(groupIds: readonly string[]): Promise<{ groupId: string; userId: string }[]> {
    if (!this.#elsewhere || groupIds.length === 0) return [];
    const own = new Set((await this.#byId<GroupRow>('groups', groupIds)).map((row) => row.id));
    return this.#elsewhere.membersOf(groupIds.filter((id) => !own.has(id)));
  }

  /** What deciding about a user's roles in a scope takes. */
  async assignmentRows(userId: string, scope: Scope): Promise<AssignmentRows> {
    const [{ groupIds, assignments }, { implications, domainRoleIds }, line] = await Promise.all([
      this.grantsOf(userId),
      this.shared(),
      scope.kind === 'project' ? this.lineage(scope.projectId) : [],
    ]);
    return {
      assignments,
      memberships: groupIds.map((groupId) => ({ groupId, userId })),
      projects: line.map(toTreeNode),
      implications,
      domainRoleIds,
    };
  }

  shared(): Shared | Promise<Shared> {
    return this.#shared.get('', async () => {
      const { db } = this.#store;
      const [roles, implied, services, endpoints, serviceProviders] = await Promise.all([
        db.selectFrom('roles').selectAll().execute(),
        db.selectFrom('implied_roles').selectAll().execute(),
        db.selectFrom('services').selectAll().execute(),
        db.selectFrom('endpoints').selectAll().execute(),
        db
          .selectFrom('service_providers')
          .select(['id', 'auth_url', 'sp_url'])
          .where('enabled', '=', true)
          .orderBy('id')
          .execute(),
      ]);
      return {
        roles: new Map(roles.map((row) => [row.id, row])),
        domainRoleIds: new Set(roles.filter((row) => row.domain_id !== noDomain).map((row) => row.id)),
        implications: implied.map((row) => ({
          priorRoleId: row.prior_role_id,
          impliedRoleId: row.implied_role_id,
        })),
        services,
        endpoints,
        serviceProviders,
      };
    });
  }
}

export interface GrantsOfUser {
  groupIds: readonly string[];
  assignments: readonly RoleAssignment[];
}

export function toAssignment(row: AssignmentRow): RoleAssignment {
  const scope: Scope =
    row.target_kind === 'project'
      ? { kind: 'project', projectId: row.target_id }
      : row.target_kind === 'domain'
        ? { kind: 'domain', domainId: row.target_id }
        : { kind: 'system' };
  return {
    roleId: row.role_id,
    actor:
      row.actor_kind === 'user'
        ? { kind: 'user', userId: row.actor_id }
        : { kind: 'group', groupId: row.actor_id },
    scope,
    inherited: row.inherited,
  };
}

export const toTreeNode = (row: ProjectRow): { id: string; parentId: string | null; domainId: string } => ({
  id: row.id,
  parentId: row.parent_id,
  domainId: row.domain_id,
});
