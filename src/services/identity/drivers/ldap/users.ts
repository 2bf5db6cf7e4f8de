import { randomUUID } from 'node:crypto';
import { OrFilter } from 'ldapts';
import type { LocalQuery, LocalUser } from '../../model/backend.ts';
import { Enabledness } from './enabled.ts';
import { Entries, type Found, mappingOf } from './entries.ts';
import { equals, has, inChain } from './filter.ts';
import { below, isBelow, nameKey, parseName } from './names.ts';
import type { LdapOptions } from './options.ts';
import type { LdapServer } from './server.ts';

/** Entries that one question names at most. */
const batch = 100;

/** The users of a directory: what is read of them. */
export class LdapUsers {
  readonly #options: LdapOptions;
  readonly entries: Entries;
  readonly enabledness: Enabledness;

  constructor(server: LdapServer, options: LdapOptions) {
    this.#options = options;
    const ignored = new Set(options.user_attribute_ignore);
    const read = (name: string, attribute: string) => (ignored.has(name) ? '' : attribute);
    this.entries = new Entries(server, options, {
      kind: 'user',
      tree: options.user_tree_dn || `ou=Users,${options.suffix}`,
      objectClass: options.user_objectclass,
      filter: options.user_filter,
      idAttribute: options.user_id_attribute,
      nameAttribute: options.user_name_attribute,
      attributes: [
        read('description', options.user_description_attribute),
        read('email', options.user_mail_attribute),
        read('default_project_id', options.user_default_project_id_attribute),
        options.user_enabled_emulation ? '' : read('enabled', options.user_enabled_attribute),
      ],
      additional: mappingOf('user_additional_attribute_mapping', options.user_additional_attribute_mapping),
      ignored,
    });
    this.enabledness = new Enabledness(server, options, this.entries);
  }

  /** The attribute that an API name is kept in; undefined for none. */
  attributeOf(name: string): string | undefined {
    const { ignored, additional } = this.entries.kind;
    if (ignored.has(name)) return undefined;
    const own: Record<string, string> = {
      email: this.#options.user_mail_attribute,
      description: this.#options.user_description_attribute,
      default_project_id: this.#options.user_default_project_id_attribute,
    };
    if (Object.hasOwn(own, name)) return own[name] || undefined;
    return [...additional].find(([, mapped]) => mapped === name)?.[0];
  }

  async find(id: string): Promise<Found | undefined> {
    return this.entries.byId(id);
  }

  /** The name that an entry would have that is not there: nobody's account is locked by guessing at it. */
  nobody(): string {
    return below(this.entries.kind.idAttribute, randomUUID(), this.entries.kind.tree);
  }

  async list({ name, limit }: LocalQuery): Promise<LocalUser[]> {
    const { nameAttribute } = this.entries.kind;
    const filters = name ? [nameFilter(nameAttribute, name)] : [];
    return this.shown(await this.entries.list({ filters, ...(limit === undefined ? {} : { limit }) }));
  }

  async byIds(ids: readonly string[]): Promise<LocalUser[]> {
    const wanted = new Set(ids);
    const found = await this.#anyOf([...wanted].map((id) => this.entries.hasId(id)));
    return this.shown(found.filter((entry) => wanted.has(this.entries.idOf(entry) as string)));
  }

  /**
   * Those of the members of a group who are users. Entries elsewhere in the directory are left out, as are members
   * that are no longer there.
   */
  async byMembers(members: readonly string[]): Promise<LocalUser[]> {
    if (this.#options.group_members_are_ids) return this.byIds(members);
    const tree = parseName(this.entries.kind.tree);
    const keys = new Set<string>();
    const filters = members.flatMap((dn) => {
      const own = readName(dn);
      const [part] = own?.[0] ?? [];
      if (!own || !part || !isBelow(own, tree)) return [];
      keys.add(nameKey(dn));
      return [equals(part.type, part.value)];
    });
    // The own part of a DN is an attribute of the entry; entries of the same in other branches are told apart after.
    const found = await this.#anyOf(filters);
    return this.shown(found.filter((entry) => keys.has(nameKey(entry.dn))));
  }

  /** The users in a group and in the groups in it: Active Directory's way. */
  async nestedIn(groupDn: string): Promise<LocalUser[]> {
    return this.shown(await this.entries.list({ filters: [inChain('memberOf', groupDn)] }));
  }

  async shown(entries: readonly Found[]): Promise<LocalUser[]> {
    const ofEmulation = this.enabledness.emulated ? nameKey(this.enabledness.group.dn) : undefined;
    const users = entries.filter((entry) => nameKey(entry.dn) !== ofEmulation);
    const isEnabled = await this.enabledness.of(users);
    return users.map((entry) => {
      const extra = this.entries.additionalOf(entry);
      for (const name of ['email', 'description']) {
        const attribute = this.attributeOf(name);
        const value = attribute && entry.first(attribute);
        if (value) extra[name] = value;
      }
      const projectAttribute = this.attributeOf('default_project_id');
      return {
        id: this.entries.idOf(entry) as string,
        name: this.entries.nameOf(entry) as string,
        enabled: isEnabled(entry),
        defaultProjectId: (projectAttribute && entry.first(projectAttribute)) || null,
        extra,
      };
    });
  }

  async #anyOf(filters: readonly ReturnType<typeof equals>[]): Promise<Found[]> {
    const found: Found[] = [];
    for (let at = 0; at < filters.length; at += batch) {
      const some = filters.slice(at, at + batch);
      found.push(...(await this.entries.list({ filters: [new OrFilter({ filters: some })] })));
    }
    return found;
  }
}

export const nameFilter = (attribute: string, { op, value }: NonNullable<LocalQuery['name']>) =>
  op === 'equals' ? equals(attribute, value) : has(op, attribute, value);

function readName(dn: string): ReturnType<typeof parseName> | undefined {
  try {
    return parseName(dn);
  } catch {
    return undefined;
  }
}
