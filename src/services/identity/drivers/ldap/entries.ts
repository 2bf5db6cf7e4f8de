import { type Entry, EqualityFilter, type Filter } from 'ldapts';
import { equals, every, present, written } from './filter.ts';
import { parseName } from './names.ts';
import type { LdapOptions } from './options.ts';
import type { LdapServer } from './server.ts';

/** What is told of an entry of the directory: its DN, and the values of an attribute by its name in any case. */
export interface Found {
  dn: string;
  values(attribute: string): readonly string[];
  first(attribute: string): string | undefined;
}

/** Where and how entries of one kind are kept. */
export interface KindOptions {
  kind: 'user' | 'group';
  tree: string;
  objectClass: string;
  /** As the operator wrote it; empty for none. */
  filter: string;
  idAttribute: string;
  nameAttribute: string;
  /** The other attributes that are read. */
  attributes: readonly string[];
  /** Names in the API by attributes in LDAP. */
  additional: ReadonlyMap<string, string>;
  ignored: ReadonlySet<string>;
}

export interface Asked {
  filters?: readonly Filter[];
  limit?: number;
}

/** Users, or groups, as entries. */
export class Entries {
  readonly #server: LdapServer;
  readonly #scope: LdapOptions['query_scope'];
  readonly #common: readonly Filter[];
  readonly kind: KindOptions;

  /** @throws TypeError where the operator's filter is none */
  constructor(server: LdapServer, options: LdapOptions, kind: KindOptions) {
    this.#server = server;
    this.#scope = options.query_scope;
    this.kind = kind;
    this.#common = [
      equals('objectClass', kind.objectClass),
      ...(kind.filter === '' ? [] : [written(`${kind.kind}_filter`, kind.filter)]),
    ];
  }

  /** Entries with an id and a name: without either there is nothing to call one by, as upstream has it. */
  async list({ filters = [], limit }: Asked = {}): Promise<Found[]> {
    const entries = await this.#server.search({
      base: this.kind.tree,
      scope: this.#scope,
      filter: every([...filters, ...this.#common, present(this.kind.idAttribute)]),
      attributes: this.attributes,
      ...(limit === undefined ? {} : { limit }),
    });
    return entries
      .map(toFound)
      .filter((entry) => this.nameOf(entry) !== undefined && this.idOf(entry) !== undefined);
  }

  /** A directory compares without case; here one entry has one id, so that nobody is two by writing his differently. */
  async byId(id: string): Promise<Found | undefined> {
    const found = await this.list({ filters: [this.hasId(id)] });
    return found.find((entry) => this.idOf(entry) === id);
  }

  /** A GUID is kept as bytes, and shown as Active Directory's own tools show it. */
  hasId(id: string): Filter {
    const { idAttribute } = this.kind;
    const bytes = isGuid(idAttribute) ? guidBytes(id) : undefined;
    return bytes ? new EqualityFilter({ attribute: idAttribute, value: bytes }) : equals(idAttribute, id);
  }

  get attributes(): string[] {
    const { idAttribute, nameAttribute, attributes, additional } = this.kind;
    const all = [idAttribute, nameAttribute, ...attributes, ...additional.keys()];
    return [...new Set(all.filter((name) => name !== ''))];
  }

  /** An id attribute with several values names nobody: the DN then does. */
  idOf(entry: Found): string | undefined {
    const values = entry.values(this.kind.idAttribute);
    if (values.length <= 1) return values[0] || undefined;
    const [own] = parseName(entry.dn);
    const part = own?.find(({ type }) => type.toLowerCase() === this.kind.idAttribute.toLowerCase());
    return part?.value ?? values[0];
  }

  nameOf(entry: Found): string | undefined {
    const name = entry.first(this.kind.nameAttribute);
    return name?.trim() ? name : undefined;
  }

  /** The mapped attributes, by their names in the API. */
  additionalOf(entry: Found): Record<string, string> {
    const extra: Record<string, string> = {};
    for (const [attribute, name] of this.kind.additional) {
      const value = entry.first(attribute);
      if (value !== undefined && !this.kind.ignored.has(name)) extra[name] = value;
    }
    return extra;
  }
}

/** @throws TypeError for what is no `ldap:api` pair */
export function mappingOf(option: string, pairs: readonly string[]): Map<string, string> {
  return new Map(
    pairs.map((pair) => {
      const [attribute = '', name = '', ...more] = pair.split(':').map((part) => part.trim());
      if (!attribute || !name || more.length > 0) {
        throw new TypeError(`ldap.${option} must be pairs of ldap_attribute:user_attribute`);
      }
      if (reserved.has(name)) throw new TypeError(`ldap.${option} must not map ${name}, which is no extra`);
      return [attribute, name];
    }),
  );
}

/** What the API means by itself is not overwritten by what a directory says. */
const reserved = new Set([
  'id',
  'domain_id',
  'links',
  'options',
  'password',
  'password_expires_at',
  'federated',
]);

export function toFound(entry: Entry): Found {
  const byName = new Map<string, string[]>();
  for (const [name, value] of Object.entries(entry)) {
    if (name === 'dn') continue;
    const all = (Array.isArray(value) ? value : [value]) as (string | Buffer)[];
    byName.set(
      name.toLowerCase(),
      all.flatMap((each) => textOf(name, each) ?? []),
    );
  }
  const values = (attribute: string) => byName.get(attribute.toLowerCase()) ?? [];
  return { dn: entry.dn, values, first: (attribute) => values(attribute)[0] };
}

/** Bytes that are no text are left out, but for the sixteen of a GUID. */
function textOf(name: string, value: string | Buffer): string | undefined {
  if (typeof value === 'string' && !isGuid(name)) return value;
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  if (bytes.length !== 16) return typeof value === 'string' ? value : undefined;
  const hex = swapped(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const isGuid = (attribute: string): boolean => attribute.toLowerCase() === 'objectguid';

function guidBytes(id: string): Buffer | undefined {
  const hex = id.replaceAll('-', '');
  return /^[0-9a-f]{32}$/i.test(hex) ? swapped(Buffer.from(hex, 'hex')) : undefined;
}

/** The first three fields of a GUID are little-endian. */
function swapped(bytes: Buffer): Buffer {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return Buffer.from(order.map((at) => bytes[at] as number));
}
