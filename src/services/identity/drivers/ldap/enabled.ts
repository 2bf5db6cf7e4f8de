import type { Entries, Found } from './entries.ts';
import { equals } from './filter.ts';
import { below, nameKey } from './names.ts';
import type { LdapOptions } from './options.ts';
import { allValues } from './ranges.ts';
import type { LdapServer } from './server.ts';

/**
 * Whether users are enabled, by one of upstream's ways: an attribute that says it (or its opposite), a bit of a
 * number, or being in a group (emulation).
 */
export class Enabledness {
  readonly #server: LdapServer;
  readonly #options: LdapOptions;
  readonly #users: Entries;
  readonly #ignored: boolean;

  constructor(server: LdapServer, options: LdapOptions, users: Entries) {
    this.#server = server;
    this.#options = options;
    this.#users = users;
    this.#ignored = options.user_attribute_ignore.includes('enabled');
  }

  get emulated(): boolean {
    return this.#options.user_enabled_emulation && !this.#ignored;
  }

  get ignored(): boolean {
    return this.#ignored;
  }

  /** The group of the enabled users, and how it holds them. */
  get group(): { dn: string; objectClass: string; memberAttribute: string; membersAreIds: boolean } {
    const { user_enabled_emulation_dn, user_enabled_emulation_use_group_config, ...options } = this.#options;
    const dn = user_enabled_emulation_dn || below('cn', 'enabled_users', this.#users.kind.tree);
    return user_enabled_emulation_use_group_config
      ? {
          dn,
          objectClass: options.group_objectclass,
          memberAttribute: options.group_member_attribute,
          membersAreIds: options.group_members_are_ids,
        }
      : { dn, objectClass: 'groupOfNames', memberAttribute: 'member', membersAreIds: false };
  }

  /** How the group names a user. */
  memberValue(entry: Found): string {
    return this.group.membersAreIds ? (this.#users.idOf(entry) as string) : entry.dn;
  }

  /** Answers for some entries; one question at most is asked for all of them. */
  async of(entries: readonly Found[]): Promise<(entry: Found) => boolean> {
    if (!this.emulated) return (entry) => this.#says(entry);
    const [only] = entries;
    if (!only) return () => false;
    const { memberAttribute, membersAreIds } = this.group;
    if (entries.length === 1) {
      const isIn = await this.#isMember(this.memberValue(only));
      return () => isIn;
    }
    const members = await allValues(this.#server, this.group.dn, memberAttribute);
    const known = new Set(membersAreIds ? members : members.map(nameKey));
    return (entry) => known.has(membersAreIds ? this.memberValue(entry) : nameKey(entry.dn));
  }

  async #isMember(value: string): Promise<boolean> {
    const found = await this.#server.search({
      base: this.group.dn,
      scope: 'base',
      filter: equals(this.group.memberAttribute, value),
      attributes: ['1.1'],
    });
    return found.length > 0;
  }

  #says(entry: Found): boolean {
    const { user_enabled_attribute, user_enabled_default, user_enabled_mask, user_enabled_invert } =
      this.#options;
    const said = this.#ignored ? undefined : entry.first(user_enabled_attribute);
    if (user_enabled_mask !== 0) {
      const bits = Number.parseInt(said ?? user_enabled_default, 10);
      // A number that is none says nothing good: who cannot be told to be enabled is not.
      return Number.isInteger(bits) && (bits & user_enabled_mask) !== user_enabled_mask;
    }
    if (this.#ignored) return true;
    const value = truth(said ?? user_enabled_default);
    return user_enabled_invert ? !value : value;
  }

  /**
   * What an entry's attribute must become, or `undefined` where it is kept elsewhere or says it already.
   * @param before absent for a new user
   */
  written(enabled: boolean, before?: Found): string | undefined {
    if (this.#ignored || this.emulated) return undefined;
    const { user_enabled_attribute, user_enabled_default, user_enabled_mask, user_enabled_invert } =
      this.#options;
    const said = before?.first(user_enabled_attribute);
    if (user_enabled_mask !== 0) {
      const bits = Number.parseInt(said ?? user_enabled_default, 10) || 0;
      return String(enabled ? bits & ~user_enabled_mask : bits | user_enabled_mask);
    }
    const value = enabled !== user_enabled_invert;
    return truth(said ?? user_enabled_default) === value ? undefined : value ? 'TRUE' : 'FALSE';
  }
}

/** As upstream reads it: `TRUE` in any case, or a number that is not 0. */
const truth = (text: string): boolean => /^true$/i.test(text) || (/^-?\d+$/.test(text) && Number(text) !== 0);
