import { NotFound } from '../../../platform/errors/errors.ts';
import type { RowQuery } from '../../../platform/resource/rows.ts';
import type { Table } from '../../../platform/store/table.ts';
import type {
  Backends,
  IdentityBackend,
  LocalGroup,
  LocalGroupChanges,
  LocalQuery,
  LocalUser,
  LocalUserChanges,
  NameOp,
  NewLocalGroup,
  NewLocalUser,
} from '../model/backend.ts';
import type { EntityType } from '../model/public-id.ts';
import type { Changes } from './changes.ts';
import type { IdMapping } from './id-mapping.ts';
import { matches } from './matching.ts';
import { newId } from './new-id.ts';
import { type GroupRow, groups, type UserRow, users } from './tables.ts';

export interface ElsewhereOptions {
  backends: Backends;
  mapping: IdMapping;
  changes: Changes;
  /** The domain whose users may be known by their local ids. */
  defaultDomain: string;
  /** The domain whose users a list shows when no domain is asked for; undefined for none. */
  unaskedDomain?: string;
  /** Seconds that what a backend said is believed. */
  cacheTime: number;
}

interface Place {
  domainId: string;
  localId: string;
  backend: IdentityBackend;
}

/**
 * The users and groups of domains whose backend is not identity's own tables, as rows like those of the tables, by the
 * ids that the API shows.
 */
export class Elsewhere {
  readonly #options: ElsewhereOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ElsewhereOptions) {
    this.#options = options;
  }

  /** Whether the users of a domain are looked for here too. @throws ServiceUnavailable as `Backends.of` */
  async has(domainId: string): Promise<boolean> {
    return (await this.#backendOf(domainId)) !== undefined;
  }

  async user(id: string): Promise<UserRow | undefined> {
    const place = await this.#place(id, 'user');
    const found = await place?.backend.user(place.localId);
    return place && found && toUser(found, id, place.domainId);
  }

  /** A name that is one of several of an entry is somebody's whose first it is, if there is anybody. */
  async userByName(name: string, domainId: string): Promise<UserRow | undefined> {
    const found = await this.users(domainId, { where: [{ column: 'name', op: 'eq', value: name }] });
    const folded = name.toLowerCase();
    return (
      found.find((row) => row.name === name) ??
      found.find((row) => row.name.toLowerCase() === folded) ??
      found[0]
    );
  }

  /** Those of the ids who are users here, in few questions. */
  async usersById(ids: readonly string[]): Promise<UserRow[]> {
    const places = await this.#places(ids, 'user');
    const byDomain = Map.groupBy(places, (place) => place.domainId);
    const found: UserRow[] = [];
    for (const [domainId, some] of byDomain) {
      const { backend } = some[0] as Place;
      found.push(...(await this.#users(domainId, await backend.usersById(some.map((each) => each.localId)))));
    }
    return found;
  }

  async users(asked: string | undefined, query: RowQuery<UserRow>): Promise<UserRow[]> {
    const domainId = asked ?? this.#options.unaskedDomain;
    const backend = domainId === undefined ? undefined : await this.#backendOf(domainId);
    if (domainId === undefined || !backend) return [];
    const { local, rest } = split(query);
    return page(await this.#users(domainId, await backend.users(local)), rest);
  }

  async group(id: string): Promise<GroupRow | undefined> {
    const place = await this.#place(id, 'group');
    const found = await place?.backend.group(place.localId);
    return place && found && toGroup(found, id, place.domainId);
  }

  async groupsById(ids: readonly string[]): Promise<GroupRow[]> {
    return (await Promise.all(ids.map((id) => this.group(id)))).filter((row) => row !== undefined);
  }

  async groups(asked: string | undefined, query: RowQuery<GroupRow>): Promise<GroupRow[]> {
    const domainId = asked ?? this.#options.unaskedDomain;
    const backend = domainId === undefined ? undefined : await this.#backendOf(domainId);
    if (domainId === undefined || !backend) return [];
    const { local, rest } = split(query);
    return page(await this.#groups(domainId, await backend.groups(local)), rest);
  }

  async groupsOf(userId: string): Promise<GroupRow[]> {
    const place = await this.#place(userId, 'user');
    return place ? this.#groups(place.domainId, await place.backend.groupsOfUser(place.localId)) : [];
  }

  async usersIn(groupId: string): Promise<UserRow[]> {
    const place = await this.#place(groupId, 'group');
    return place ? this.#users(place.domainId, await place.backend.usersOfGroup(place.localId)) : [];
  }

  /** Which of these groups have which users, of those that are here. */
  async membersOf(groupIds: readonly string[]): Promise<{ groupId: string; userId: string }[]> {
    const all = await Promise.all(
      groupIds.map(async (groupId) =>
        (await this.usersIn(groupId)).map((row) => ({ groupId, userId: row.id })),
      ),
    );
    return all.flat();
  }

  /** @throws ServiceUnavailable where nobody can say whether the password is right */
  async authenticate(userId: string, password: string): Promise<boolean> {
    const place = await this.#place(userId, 'user');
    return place ? place.backend.authenticate(place.localId, password) : false;
  }

  /**
   * As much work in the backend of a domain as somebody's password takes, where nobody is.
   *
   * @returns false where the domain has no backend of its own, and nothing was done
   */
  async authenticateNobody(domainId: string, password: string): Promise<boolean> {
    const backend = await this.#backendOf(domainId);
    await backend?.authenticate(newId(), password);
    return backend !== undefined;
  }

  async createUser(domainId: string, user: Omit<NewLocalUser, 'id'>): Promise<UserRow> {
    const backend = await this.#needed(domainId);
    const made = await backend.createUser({ ...user, id: newId() });
    this.#options.changes.wrote();
    return (await this.#users(domainId, [made]))[0] as UserRow;
  }

  async updateUser(id: string, changes: LocalUserChanges): Promise<UserRow> {
    const { backend, localId, domainId } = await this.#existing(id, 'user');
    const changed = await backend.updateUser(localId, changes);
    this.#options.changes.revoked();
    return toUser(changed, id, domainId);
  }

  async deleteUser(id: string): Promise<void> {
    const { backend, localId } = await this.#existing(id, 'user');
    await backend.deleteUser(localId);
    await this.#gone(id);
  }

  async setPassword(id: string, password: string): Promise<void> {
    const { backend, localId } = await this.#existing(id, 'user');
    await backend.setPassword(localId, password);
  }

  async createGroup(domainId: string, group: Omit<NewLocalGroup, 'id'>): Promise<GroupRow> {
    const backend = await this.#needed(domainId);
    const made = await backend.createGroup({ ...group, id: newId() });
    this.#options.changes.wrote();
    return (await this.#groups(domainId, [made]))[0] as GroupRow;
  }

  async updateGroup(id: string, changes: LocalGroupChanges): Promise<GroupRow> {
    const { backend, localId, domainId } = await this.#existing(id, 'group');
    const changed = await backend.updateGroup(localId, changes);
    this.#options.changes.revoked();
    return toGroup(changed, id, domainId);
  }

  async deleteGroup(id: string): Promise<void> {
    const { backend, localId } = await this.#existing(id, 'group');
    await backend.deleteGroup(localId);
    await this.#gone(id);
  }

  /** Whether both are in one backend, so that one can be in the other. */
  async areTogether(groupId: string, userId: string): Promise<boolean> {
    const [group, user] = [await this.#place(groupId, 'group'), await this.#place(userId, 'user')];
    return group?.domainId === user?.domainId;
  }

  async addMember(groupId: string, userId: string): Promise<void> {
    const group = await this.#existing(groupId, 'group');
    await group.backend.addMember(group.localId, (await this.#existing(userId, 'user')).localId);
    this.#options.changes.revoked();
  }

  async removeMember(groupId: string, userId: string): Promise<void> {
    const group = await this.#existing(groupId, 'group');
    await group.backend.removeMember(group.localId, (await this.#existing(userId, 'user')).localId);
    this.#options.changes.revoked();
  }

  /** Asks a domain's backend for everybody, so that all of them have public ids. @returns how many users and groups */
  async populate(domainId: string): Promise<{ users: number; groups: number }> {
    const [everybody, all] = [await this.users(domainId, {}), await this.groups(domainId, {})];
    return { users: everybody.length, groups: all.length };
  }

  close(): void {
    this.#options.backends.close();
    clearTimeout(this.#timer);
  }

  async #gone(id: string): Promise<void> {
    await this.#options.mapping.purge({ public_id: id });
    this.#options.changes.revoked();
  }

  async #backendOf(domainId: string): Promise<IdentityBackend | undefined> {
    const backend = await this.#options.backends.of(domainId);
    if (backend) this.#remembering();
    return backend;
  }

  async #needed(domainId: string): Promise<IdentityBackend> {
    const backend = await this.#backendOf(domainId);
    if (!backend) throw new NotFound(`Could not find domain: ${domainId}.`);
    return backend;
  }

  async #place(id: string, type: EntityType): Promise<Place | undefined> {
    return (await this.#places([id], type))[0];
  }

  async #places(ids: readonly string[], type: EntityType): Promise<Place[]> {
    const { mapping, backends, defaultDomain } = this.#options;
    const [only] = ids;
    const rows = ids.length === 1 ? [await mapping.localOf(only as string)] : await mapping.localsOf(ids);
    const found: Place[] = [];
    for (const row of rows) {
      if (row?.entity_type !== type) continue;
      const backend = await this.#backendOf(row.domain_id);
      if (backend) found.push({ domainId: row.domain_id, localId: row.local_id, backend });
    }
    const mapped = new Set(rows.map((row) => row?.public_id));
    const unmapped = ids.filter((id) => !mapped.has(id));
    if (unmapped.length === 0 || !backends.showsLocalIds(defaultDomain)) return found;
    const backend = await this.#backendOf(defaultDomain);
    // It may have got a configuration of its own meanwhile.
    if (!backend || !backends.showsLocalIds(defaultDomain)) return found;
    return [...found, ...unmapped.map((localId) => ({ domainId: defaultDomain, localId, backend }))];
  }

  async #existing(id: string, type: EntityType): Promise<Place> {
    const place = await this.#place(id, type);
    if (!place) throw new NotFound(`Could not find ${type}: ${id}.`);
    return place;
  }

  async #users(domainId: string, found: readonly LocalUser[]): Promise<UserRow[]> {
    const idOf = await this.#publicIds(domainId, 'user', found);
    return found.map((user) => toUser(user, idOf(user), domainId));
  }

  async #groups(domainId: string, found: readonly LocalGroup[]): Promise<GroupRow[]> {
    const idOf = await this.#publicIds(domainId, 'group', found);
    return found.map((group) => toGroup(group, idOf(group), domainId));
  }

  async #publicIds(
    domainId: string,
    type: EntityType,
    found: readonly { id: string }[],
  ): Promise<(local: { id: string }) => string> {
    if (this.#options.backends.showsLocalIds(domainId)) return ({ id }) => id;
    const localIds = found.map(({ id }) => id);
    const ids = await this.#options.mapping.publicIds(domainId, type, localIds);
    return ({ id }) => ids.get(id) as string;
  }

  /**
   * A directory changes without telling. Some time after the first thing was learnt from one, everything that may be
   * remembered of it is forgotten, here and in every service.
   */
  #remembering(): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#options.changes.revoked();
    }, this.#options.cacheTime * 1000);
    this.#timer.unref();
  }
}

const nameOps: Readonly<Record<string, NameOp>> = {
  eq: 'equals',
  iequals: 'equals',
  contains: 'contains',
  icontains: 'contains',
  startswith: 'startswith',
  istartswith: 'startswith',
  endswith: 'endswith',
  iendswith: 'endswith',
};

/** What of a query the backend answers, and what is left. A directory's word on case is taken, as upstream takes it. */
function split<R extends object>(query: RowQuery<R>): { local: LocalQuery; rest: RowQuery<R> } {
  const { where = [] } = query;
  const named = where.find((each) => 'column' in each && each.column === 'name' && nameOps[each.op]);
  if (!named || !('value' in named)) return { local: {}, rest: query };
  return {
    local: { name: { op: nameOps[named.op] as NameOp, value: String(named.value) } },
    rest: { ...query, where: where.filter((each) => each !== named) },
  };
}

/** Filters, orders by id and cuts out a page. */
function page<R extends { id: string }>(rows: readonly R[], { where = [], after, limit }: RowQuery<R>): R[] {
  const wanted = rows
    .filter((row) => matches(row, where) && (!after || row.id > after.id))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return limit === undefined ? wanted : wanted.slice(0, limit);
}

const toUser = (user: LocalUser, id: string, domainId: string): UserRow => ({
  ...(absent(users) as UserRow),
  id,
  name: user.name,
  domain_id: domainId,
  enabled: user.enabled,
  default_project_id: user.defaultProjectId,
  extra: user.extra,
});

const toGroup = (group: LocalGroup, id: string, domainId: string): GroupRow => ({
  ...(absent(groups) as GroupRow),
  id,
  name: group.name,
  domain_id: domainId,
  description: group.description ?? '',
  extra: group.extra,
});

/** A row as a table fills it in where nothing is said. */
const absent = (table: Table): object =>
  Object.fromEntries(
    Object.entries(table.columns).map(([name, { default: preset }]) => [
      name,
      structuredClone(preset) ?? null,
    ]),
  );
