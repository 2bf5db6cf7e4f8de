import { BadRequest, Conflict, NotFound } from '../../../../platform/errors/errors.ts';
import type { LocalGroupChanges, NewLocalGroup } from '../../model/backend.ts';
import type { Found } from './entries.ts';
import { isCode } from './errors.ts';
import { equals } from './filter.ts';
import type { LdapGroups } from './groups.ts';
import { below } from './names.ts';
import type { LdapOptions } from './options.ts';
import type { LdapServer } from './server.ts';
import { assertAllowed, changeOf, extraValues, member, writing } from './writing.ts';

/** What may be done to the groups of a directory, where the operator allows it: `group_allow_*`. */
export class GroupWrites {
  readonly #server: LdapServer;
  readonly #options: LdapOptions;
  readonly #groups: LdapGroups;

  constructor(server: LdapServer, options: LdapOptions, groups: LdapGroups) {
    this.#server = server;
    this.#options = options;
    this.#groups = groups;
  }

  /** @returns the id that the group has */
  async create(group: NewLocalGroup): Promise<string> {
    const { group_allow_create, use_dumb_member, dumb_member, group_member_attribute } = this.#options;
    assertAllowed(group_allow_create);
    const { idAttribute, nameAttribute, objectClass, tree, ignored } = this.#groups.entries.kind;
    const named = [equals(nameAttribute, group.name)];
    if ((await this.#groups.entries.list({ filters: named, limit: 1 })).length > 0) {
      throw new Conflict(`Conflict occurred attempting to store group - Duplicate name, ${group.name}.`);
    }
    const id = idAttribute.toLowerCase() === nameAttribute.toLowerCase() ? group.name : group.id;
    const given = { ...group.extra, ...(group.description ? { description: group.description } : {}) };
    const kept = extraValues(given, (name) => this.#groups.attributeOf(name), ignored);
    const attributes: Record<string, string[]> = {
      objectClass: [objectClass],
      ...Object.fromEntries(
        kept.flatMap(({ attribute, value }) => (value === null ? [] : [[attribute, [value]]])),
      ),
      ...(use_dumb_member ? { [group_member_attribute]: [dumb_member] } : {}),
      [nameAttribute]: [group.name],
      [idAttribute]: [id],
    };
    await writing('group', () => this.#server.add(below(idAttribute, id, tree), attributes));
    return id;
  }

  async update(id: string, { name, description, extra = {} }: LocalGroupChanges): Promise<void> {
    assertAllowed(this.#options.group_allow_update);
    const found = await this.#found(id);
    if (name !== undefined && name !== this.#groups.entries.nameOf(found)) {
      throw new BadRequest('Cannot change group name');
    }
    const given = { ...extra, ...(description === undefined ? {} : { description }) };
    const changes = extraValues(
      given,
      (each) => this.#groups.attributeOf(each),
      this.#groups.entries.kind.ignored,
    )
      .map(({ attribute, value }) => changeOf(attribute, found.first(attribute), value))
      .filter((change) => change !== undefined);
    if (changes.length > 0) await writing('group', () => this.#server.modify(found.dn, changes));
  }

  async delete(id: string): Promise<void> {
    assertAllowed(this.#options.group_allow_delete);
    const found = await this.#found(id);
    await writing('group', () => this.#server.delete(found.dn));
  }

  /** Who is in the group already stays in it. */
  async addMember(id: string, value: string): Promise<void> {
    assertAllowed(this.#options.group_allow_update);
    const found = await this.#found(id);
    await writing('group', async () => {
      try {
        await this.#server.modify(found.dn, [member('add', this.#options.group_member_attribute, value)]);
      } catch (error) {
        if (!isCode(error, 'typeOrValueExists')) throw error;
      }
    });
  }

  async removeMember(id: string, value: string, userId: string): Promise<void> {
    assertAllowed(this.#options.group_allow_update);
    const found = await this.#found(id);
    try {
      await this.drop(found, value);
    } catch (error) {
      if (isCode(error, 'noSuchAttribute')) {
        throw new NotFound(`User '${userId}' not found in group '${id}'`, undefined, { cause: error });
      }
      throw error;
    }
  }

  /** Takes a member out; a group that cannot be empty is left with the member that nobody is, where there is one. */
  async drop(group: Found, value: string): Promise<void> {
    const { group_member_attribute: attribute, use_dumb_member, dumb_member } = this.#options;
    const out = member('delete', attribute, value);
    try {
      await this.#server.modify(group.dn, [out]);
    } catch (error) {
      if (isCode(error, 'noSuchAttribute')) throw error;
      if (!isCode(error, 'objectClassViolation') || !use_dumb_member) {
        return writing('group', () => Promise.reject(error as Error));
      }
      await writing('group', () =>
        this.#server.modify(group.dn, [member('add', attribute, dumb_member), out]),
      );
    }
  }

  async #found(id: string): Promise<Found> {
    const found = await this.#groups.entries.byId(id);
    if (!found) throw new NotFound(`Could not find group: ${id}.`);
    return found;
  }
}
