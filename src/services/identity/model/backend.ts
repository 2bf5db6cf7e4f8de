/**
 * Where the users and groups of a domain are, when not in identity's own tables. A backend knows one domain, and its
 * users and groups by ids of its own (`local`); who asks turns these into the ids that the API shows.
 */
export interface IdentityBackend {
  user(id: string): Promise<LocalUser | undefined>;
  users(query: LocalQuery): Promise<LocalUser[]>;
  /** Those of the ids that there are, in one question or few. */
  usersById(ids: readonly string[]): Promise<LocalUser[]>;
  group(id: string): Promise<LocalGroup | undefined>;
  groups(query: LocalQuery): Promise<LocalGroup[]>;
  groupsOfUser(id: string): Promise<LocalGroup[]>;
  usersOfGroup(id: string): Promise<LocalUser[]>;
  /**
   * Whether this is the user's password.
   * @throws ServiceUnavailable where nobody can say: never a false that is not known
   */
  authenticate(id: string, password: string): Promise<boolean>;
  /** @throws Forbidden where writing is not allowed, Conflict for a name that is taken */
  createUser(user: NewLocalUser): Promise<LocalUser>;
  /** `null` removes. @throws Forbidden, Conflict for another name, NotFound */
  updateUser(id: string, changes: LocalUserChanges): Promise<LocalUser>;
  deleteUser(id: string): Promise<void>;
  setPassword(id: string, password: string): Promise<void>;
  createGroup(group: NewLocalGroup): Promise<LocalGroup>;
  updateGroup(id: string, changes: LocalGroupChanges): Promise<LocalGroup>;
  deleteGroup(id: string): Promise<void>;
  addMember(groupId: string, userId: string): Promise<void>;
  removeMember(groupId: string, userId: string): Promise<void>;
  close(): void;
}

export interface LocalUser {
  id: string;
  name: string;
  enabled: boolean;
  defaultProjectId: string | null;
  /** What the API shows beside the described attributes: description, email and the mapped ones. */
  extra: Record<string, string>;
}

export interface LocalGroup {
  id: string;
  name: string;
  description: string | null;
  extra: Record<string, string>;
}

export interface NewLocalUser {
  id: string;
  name: string;
  enabled: boolean;
  password?: string | null;
  defaultProjectId?: string | null;
  extra: Readonly<Record<string, unknown>>;
}
export type LocalUserChanges = Partial<Omit<NewLocalUser, 'id'>>;

export interface NewLocalGroup {
  id: string;
  name: string;
  description?: string | null;
  extra: Readonly<Record<string, unknown>>;
}
export type LocalGroupChanges = Partial<Omit<NewLocalGroup, 'id'>>;

export interface LocalQuery {
  /** The name, exactly or in part; a backend may be less strict about upper and lower case than the words say. */
  name?: { op: NameOp; value: string };
  /** Entries at most. */
  limit?: number;
}
export type NameOp = 'equals' | 'contains' | 'startswith' | 'endswith';

/** Which backend a domain has. */
export interface Backends {
  /**
   * @returns undefined where the domain's users are in identity's own tables
   * @throws ServiceUnavailable where the domain's configuration cannot be used: its users are not anybody else's then
   */
  of(domainId: string): Promise<IdentityBackend | undefined>;
  /** Whether the ids of a domain are shown as they are locally. */
  showsLocalIds(domainId: string): boolean;
  close(): void;
}
