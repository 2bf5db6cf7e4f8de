import { BerWriter } from 'ldapts';
import { BadRequest, Conflict, Forbidden, NotFound } from '../../../../platform/errors/errors.ts';
import type { LocalUserChanges, NewLocalUser } from '../../model/backend.ts';
import type { Found } from './entries.ts';
import { codeOf, isCode } from './errors.ts';
import { equals } from './filter.ts';
import { below } from './names.ts';
import type { LdapOptions } from './options.ts';
import type { LdapServer } from './server.ts';
import type { LdapUsers } from './users.ts';
import { assertAllowed, changeOf, extraValues, member, replacing, writing } from './writing.ts';

/** What may be done to the users of a directory, where the operator allows it: `user_allow_*`. */
export class UserWrites {
  readonly #server: LdapServer;
  readonly #options: LdapOptions;
  readonly #users: LdapUsers;

  constructor(server: LdapServer, options: LdapOptions, users: LdapUsers) {
    this.#server = server;
    this.#options = options;
    this.#users = users;
  }

  assertMayDelete(): void {
    assertAllowed(this.#options.user_allow_delete);
  }

  /** @returns the id that the user has */
  async create(user: NewLocalUser): Promise<string> {
    assertAllowed(this.#options.user_allow_create);
    const { entries, enabledness } = this.#users;
    const { idAttribute, nameAttribute, objectClass, tree, ignored } = entries.kind;
    const [same] = await entries.list({ filters: [equals(nameAttribute, user.name)], limit: 1 });
    if (same) throw taken(user.name);
    // One attribute holds one value: where it is both, the name is the id.
    const id = idAttribute.toLowerCase() === nameAttribute.toLowerCase() ? user.name : user.id;
    const attributes: Record<string, string[]> = {
      objectClass: [...new Set(['person', objectClass])],
      // A person has both (RFC 4519); what is configured stands over it.
      cn: [user.name],
      sn: [user.name],
    };
    const put = (attribute: string, value: string) => {
      const known = Object.keys(attributes).find((each) => each.toLowerCase() === attribute.toLowerCase());
      attributes[known ?? attribute] = [value];
    };
    for (const { attribute, value } of extraValues(
      user.extra,
      (name) => this.#users.attributeOf(name),
      ignored,
    )) {
      if (value !== null) put(attribute, value);
    }
    const projectAttribute = this.#users.attributeOf('default_project_id');
    if (projectAttribute && user.defaultProjectId) put(projectAttribute, user.defaultProjectId);
    const enabled = enabledness.written(user.enabled);
    if (enabled !== undefined) put(this.#options.user_enabled_attribute, enabled);
    else if (!user.enabled) this.#assertMayDisable();
    put(nameAttribute, user.name);
    put(idAttribute, id);
    const dn = below(idAttribute, id, tree);
    await writing('user', () => this.#server.add(dn, attributes));
    try {
      if (user.password) await this.#setPassword(dn, user.password);
      if (enabledness.emulated && user.enabled) await this.#emulate(dn, id, true);
    } catch (error) {
      await this.#server.delete(dn);
      throw error;
    }
    return id;
  }

  async update(id: string, changes: LocalUserChanges): Promise<void> {
    assertAllowed(this.#options.user_allow_update);
    const { entries, enabledness } = this.#users;
    const found = await this.#users.find(id);
    if (!found) throw new NotFound(`Could not find user: ${id}.`);
    const { name, enabled, password, defaultProjectId, extra = {} } = changes;
    if (name !== undefined && name !== entries.nameOf(found)) throw new Conflict('Cannot change user name');
    if (password === null) throw new BadRequest('A user of this domain cannot be without a password.');
    if (enabled === false && !enabledness.emulated) this.#assertMayDisable();
    const attributeOf = (each: string) => this.#users.attributeOf(each);
    const projectAttribute = attributeOf('default_project_id');
    const said = enabled === undefined ? undefined : enabledness.written(enabled, found);
    const all = [
      ...extraValues(extra, attributeOf, entries.kind.ignored).map(({ attribute, value }) =>
        changeOf(attribute, found.first(attribute), value),
      ),
      projectAttribute && defaultProjectId !== undefined
        ? changeOf(projectAttribute, found.first(projectAttribute), defaultProjectId)
        : undefined,
      said === undefined ? undefined : replacing(this.#options.user_enabled_attribute, said),
    ].filter((change) => change !== undefined);
    if (all.length > 0) await writing('user', () => this.#server.modify(found.dn, all));
    if (enabled !== undefined && enabledness.emulated) await this.#emulate(found.dn, id, enabled);
    if (password !== undefined) await this.#setPassword(found.dn, password);
  }

  async delete(found: Found): Promise<void> {
    if (this.#users.enabledness.emulated) {
      await this.#emulate(found.dn, this.#users.entries.idOf(found) as string, false);
    }
    await writing('user', () => this.#server.delete(found.dn));
  }

  #assertMayDisable(): void {
    if (!this.#users.enabledness.ignored) return;
    throw new Forbidden(
      "You are not authorized to perform the requested action: Disabling an entity where the 'enable' attribute is ignored by configuration..",
    );
  }

  /** Puts a user into the group of the enabled ones, which is made with its first member, or takes him out. */
  async #emulate(dn: string, id: string, enabled: boolean): Promise<void> {
    const group = this.#users.enabledness.group;
    const value = group.membersAreIds ? id : dn;
    const change = member(enabled ? 'add' : 'delete', group.memberAttribute, value);
    try {
      await this.#server.modify(group.dn, [change]);
    } catch (error) {
      if (isCode(error, enabled ? 'typeOrValueExists' : 'noSuchAttribute')) return;
      const absent = isCode(error, 'noSuchObject');
      if (absent && !enabled) return;
      // A groupOfNames is never empty: who was its last member takes it with him.
      if (!enabled && isCode(error, 'objectClassViolation')) {
        await writing('user', () => this.#server.delete(group.dn));
        return;
      }
      if (!absent) return writing('user', () => Promise.reject(error as Error));
      const attributes = { objectClass: [group.objectClass], [group.memberAttribute]: [value] };
      await writing('user', () => this.#server.add(group.dn, attributes));
    }
  }

  /**
   * The server is asked to set the password, so that it keeps it as it keeps passwords (RFC 3062); a server that
   * cannot be asked so has the attribute written.
   */
  async #setPassword(dn: string, password: string): Promise<void> {
    const attribute = this.#options.user_pass_attribute;
    if (attribute.toLowerCase() === 'unicodepwd') {
      // Active Directory: the password in quotes, two bytes a character.
      const value = Buffer.from(`"${password}"`, 'utf16le');
      return writing('password', () => this.#server.modify(dn, [replacing(attribute, value)]));
    }
    if (attribute.toLowerCase() === 'userpassword') {
      try {
        return await this.#server.extended('1.3.6.1.4.1.4203.1.11.1', passwordChange(dn, password));
      } catch (error) {
        if (codeOf(error) !== protocolError) return writing('password', () => Promise.reject(error as Error));
      }
    }
    await writing('password', () => this.#server.modify(dn, [replacing(attribute, password)]));
  }
}

/** How a server answers an operation that it does not know. */
const protocolError = 2;

function passwordChange(dn: string, password: string): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeString(dn, 0x80);
  writer.writeString(password, 0x82);
  writer.endSequence();
  return writer.buffer;
}

const taken = (name: string) =>
  new Conflict(`Conflict occurred attempting to store user - Duplicate name, ${name}.`);
