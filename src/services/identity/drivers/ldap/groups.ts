import type { LocalGroup, LocalQuery } from '../../model/backend.ts';
import { Entries, type Found, mappingOf } from './entries.ts';
import { equals, inChain } from './filter.ts';
import type { LdapOptions } from './options.ts';
import { allValues } from './ranges.ts';
import type { LdapServer } from './server.ts';
import { nameFilter } from './users.ts';

/** The groups of a directory: what is read of them. */
export class LdapGroups {
  readonly #server: LdapServer;
  readonly #options: LdapOptions;
  readonly entries: Entries;

  constructor(server: LdapServer, options: LdapOptions) {
    this.#server = server;
    this.#options = options;
    const ignored = new Set(options.group_attribute_ignore);
    this.entries = new Entries(server, options, {
      kind: 'group',
      tree: options.group_tree_dn || `ou=UserGroups,${options.suffix}`,
      objectClass: options.group_objectclass,
      filter: options.group_filter,
      idAttribute: options.group_id_attribute,
      nameAttribute: options.group_name_attribute,
      attributes: [ignored.has('description') ? '' : options.group_desc_attribute],
      additional: mappingOf('group_additional_attribute_mapping', options.group_additional_attribute_mapping),
      ignored,
    });
  }

  /** The attribute that an API name is kept in; undefined for none. */
  attributeOf(name: string): string | undefined {
    const { ignored, additional } = this.entries.kind;
    if (ignored.has(name)) return undefined;
    if (name === 'description') return this.#options.group_desc_attribute || undefined;
    return [...additional].find(([, mapped]) => mapped === name)?.[0];
  }

  async list({ name, limit }: LocalQuery): Promise<LocalGroup[]> {
    const filters = name ? [nameFilter(this.entries.kind.nameAttribute, name)] : [];
    return this.shown(await this.entries.list({ filters, ...(limit === undefined ? {} : { limit }) }));
  }

  /** The groups that name a user as a member. @param member his DN, or his id where members are ids */
  async of(member: string): Promise<Found[]> {
    const { group_ad_nesting, group_member_attribute } = this.#options;
    const filter = group_ad_nesting ? inChain('member', member) : equals(group_member_attribute, member);
    return this.entries.list({ filters: [filter] });
  }

  /** The members of a group, as the directory names them. */
  members(group: Found): Promise<readonly string[]> {
    return allValues(this.#server, group.dn, this.#options.group_member_attribute);
  }

  shown(entries: readonly Found[]): LocalGroup[] {
    const described = this.attributeOf('description');
    return entries.map((entry) => ({
      id: this.entries.idOf(entry) as string,
      name: this.entries.nameOf(entry) as string,
      description: (described && entry.first(described)) ?? null,
      extra: this.entries.additionalOf(entry),
    }));
  }
}
