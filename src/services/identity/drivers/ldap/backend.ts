import { NotFound } from '../../../../platform/errors/errors.ts';
import type {
  IdentityBackend,
  LocalGroup,
  LocalGroupChanges,
  LocalQuery,
  LocalUser,
  LocalUserChanges,
  NewLocalGroup,
  NewLocalUser,
} from '../../model/backend.ts';
import { isCode } from './errors.ts';
import { GroupWrites } from './group-writes.ts';
import { LdapGroups } from './groups.ts';
import { ldapOptionsOf } from './options.ts';
import { LdapServer } from './server.ts';
import { UserWrites } from './user-writes.ts';
import { LdapUsers } from './users.ts';

/** The users and groups of a domain in an LDAP directory. */
export class LdapBackend implements IdentityBackend {
  readonly #server: LdapServer;
  readonly #users: LdapUsers;
  readonly #groups: LdapGroups;
  readonly #userWrites: UserWrites;
  readonly #groupWrites: GroupWrites;
  readonly #membersAreIds: boolean;
  readonly #nesting: boolean;

  /** @param given the section `ldap` of the domain's configuration. @throws TypeError that says what is wrong with it */
  constructor(given: Readonly<Record<string, unknown>>) {
    const options = ldapOptionsOf(given);
    this.#server = new LdapServer(options);
    this.#users = new LdapUsers(this.#server, options);
    this.#groups = new LdapGroups(this.#server, options);
    this.#groupWrites = new GroupWrites(this.#server, options, this.#groups);
    this.#userWrites = new UserWrites(this.#server, options, this.#users);
    this.#membersAreIds = options.group_members_are_ids;
    this.#nesting = options.group_ad_nesting;
  }

  async user(id: string): Promise<LocalUser | undefined> {
    const found = await this.#users.find(id);
    return found && (await this.#users.shown([found]))[0];
  }

  users(query: LocalQuery): Promise<LocalUser[]> {
    return this.#users.list(query);
  }

  usersById(ids: readonly string[]): Promise<LocalUser[]> {
    return this.#users.byIds(ids);
  }

  async group(id: string): Promise<LocalGroup | undefined> {
    const found = await this.#groups.entries.byId(id);
    return found && this.#groups.shown([found])[0];
  }

  groups(query: LocalQuery): Promise<LocalGroup[]> {
    return this.#groups.list(query);
  }

  async groupsOfUser(id: string): Promise<LocalGroup[]> {
    const user = await this.#users.find(id);
    return user ? this.#groups.shown(await this.#groups.of(this.#memberOf(user, id))) : [];
  }

  async usersOfGroup(id: string): Promise<LocalUser[]> {
    const group = await this.#groups.entries.byId(id);
    if (!group) return [];
    if (this.#nesting) return this.#users.nestedIn(group.dn);
    return this.#users.byMembers(await this.#groups.members(group));
  }

  async authenticate(id: string, password: string): Promise<boolean> {
    if (password === '') return false;
    const user = await this.#users.find(id);
    // Where there is nobody the server is asked all the same, so that no answer comes sooner.
    const right = await this.#server.accepts(user?.dn ?? this.#users.nobody(), password);
    return user !== undefined && right;
  }

  async createUser(user: NewLocalUser): Promise<LocalUser> {
    return this.#made(await this.#userWrites.create(user));
  }

  async updateUser(id: string, changes: LocalUserChanges): Promise<LocalUser> {
    await this.#userWrites.update(id, changes);
    return this.#made(id);
  }

  async deleteUser(id: string): Promise<void> {
    this.#userWrites.assertMayDelete();
    const user = await this.#users.find(id);
    if (!user) throw absent('user', id);
    // Nobody who comes to have the same name later is to find himself in the groups of this one.
    const member = this.#memberOf(user, id);
    for (const group of await this.#groups.of(member)) {
      await this.#groupWrites.drop(group, member).catch((error: unknown) => {
        // He is in it by another group only, or was taken out meanwhile.
        if (!isCode(error, 'noSuchAttribute')) throw error;
      });
    }
    await this.#userWrites.delete(user);
  }

  async setPassword(id: string, password: string): Promise<void> {
    await this.#userWrites.update(id, { password });
  }

  async createGroup(group: NewLocalGroup): Promise<LocalGroup> {
    return this.#madeGroup(await this.#groupWrites.create(group));
  }

  async updateGroup(id: string, changes: LocalGroupChanges): Promise<LocalGroup> {
    await this.#groupWrites.update(id, changes);
    return this.#madeGroup(id);
  }

  deleteGroup(id: string): Promise<void> {
    return this.#groupWrites.delete(id);
  }

  async addMember(groupId: string, userId: string): Promise<void> {
    const user = await this.#users.find(userId);
    if (!user) throw absent('user', userId);
    await this.#groupWrites.addMember(groupId, this.#memberOf(user, userId));
  }

  async removeMember(groupId: string, userId: string): Promise<void> {
    const user = await this.#users.find(userId);
    if (!user) throw absent('user', userId);
    await this.#groupWrites.removeMember(groupId, this.#memberOf(user, userId), userId);
  }

  close(): void {
    this.#server.close();
  }

  #memberOf(user: { dn: string }, id: string): string {
    return this.#membersAreIds ? id : user.dn;
  }

  async #made(id: string): Promise<LocalUser> {
    const user = await this.user(id);
    if (!user) throw absent('user', id);
    return user;
  }

  async #madeGroup(id: string): Promise<LocalGroup> {
    const group = await this.group(id);
    if (!group) throw absent('group', id);
    return group;
  }
}

const absent = (what: string, id: string) => new NotFound(`Could not find ${what}: ${id}.`);
