import { effectiveRoleIds } from '../model/assignments.ts';
import { type Authority, authorityKey } from '../model/authority.ts';
import { type Scope, scopeKey } from '../model/scope.ts';
import type { Grounds } from '../model/token-grounds.ts';
import type { Changes } from '../store/changes.ts';
import type { Directory } from '../store/directory.ts';
import { Memory } from '../store/memory.ts';
import { noDomain, type ProjectRow, type UserRow } from '../store/tables.ts';
import { type Authorities, type Bounds, boundsOf } from './bounds.ts';

/** Whom a token speaks for, looked up: all of it enabled, and with a role where there is a scope. */
export interface Subject {
  user: UserRow;
  /** Whom the token was given to, where that is somebody else: the trustee of a trust that impersonates. */
  bearer?: UserRow;
  userDomain: ProjectRow;
  project?: ProjectRow;
  projectDomain?: ProjectRow;
  domain?: ProjectRow;
  system?: 'all';
  roles: readonly { id: string; name: string; domain_id: string | null }[];
  authority?: Authority;
  bounds?: Bounds;
}

/** Looks up whom tokens speak for, and remembers it until something is written. */
export class Subjects {
  readonly #directory: Directory;
  readonly #authorities: Authorities;
  readonly #known: Memory<{ subject: Subject | undefined }>;

  constructor(directory: Directory, changes: Changes, authorities: Authorities) {
    this.#directory = directory;
    this.#authorities = authorities;
    this.#known = new Memory(changes);
  }

  /**
   * @returns undefined where user, project or domain is gone or disabled, no role is left there, or what the token
   *   stands on does not hold
   */
  async find(userId: string, grounds: Grounds = {}): Promise<Subject | undefined> {
    const { scope, authority } = grounds;
    const key = `${userId} ${scope ? scopeKey(scope) : ''} ${authority ? authorityKey(authority) : ''}`;
    return (await this.#known.get(key, async () => ({ subject: await this.#look(userId, grounds) }))).subject;
  }

  async #look(userId: string, { scope, authority }: Grounds): Promise<Subject | undefined> {
    const directory = this.#directory;
    const user = await directory.user(userId);
    if (!user?.enabled) return undefined;
    const userDomain = await directory.domain(user.domain_id);
    if (!userDomain?.enabled) return undefined;
    const place = scope ? await this.#place(scope) : {};
    if (!place) return undefined;
    const bounds =
      authority &&
      (await boundsOf(this.#authorities, authority, {
        user,
        scope,
        rolesOf: (id) => this.rolesOf(id, scope),
      }));
    if (authority && !bounds) return undefined;
    const ids = bounds ? bounds.roleIds : await this.rolesOf(userId, scope);
    if (scope && ids.length === 0) return undefined;
    const { roles } = await directory.shared();
    const named = ids.flatMap((id) => {
      const role = roles.get(id);
      return role
        ? [{ id, name: role.name, domain_id: role.domain_id === noDomain ? null : role.domain_id }]
        : [];
    });
    const { speaksFor } = bounds ?? {};
    const speaker = speaksFor ?? user;
    const domain = speaksFor ? await directory.domain(speaksFor.domain_id) : userDomain;
    if (!domain?.enabled || !speaker.enabled) return undefined;
    return {
      user: speaker,
      ...(speaksFor ? { bearer: user } : {}),
      userDomain: domain,
      ...place,
      roles: named,
      ...(authority ? { authority } : {}),
      ...(bounds ? { bounds } : {}),
    };
  }

  /** The ids of the roles that a user has somewhere by himself, his groups and inheritance, implied ones included. */
  async rolesOf(userId: string, scope: Scope | undefined): Promise<readonly string[]> {
    if (!scope) return [];
    return effectiveRoleIds(await this.#directory.assignmentRows(userId, scope), { userId, scope });
  }

  async #place(
    scope: Scope,
  ): Promise<Pick<Subject, 'project' | 'projectDomain' | 'domain' | 'system'> | undefined> {
    const directory = this.#directory;
    if (scope.kind === 'system') return { system: 'all' };
    if (scope.kind === 'domain') {
      const domain = await directory.domain(scope.domainId);
      return domain?.enabled ? { domain } : undefined;
    }
    const project = await directory.project(scope.projectId);
    if (!project?.enabled) return undefined;
    // A domain may be asked for as the project that it also is; it is then a domain of its own.
    const projectDomain = project.is_domain ? project : await directory.domain(project.domain_id);
    return projectDomain?.enabled ? { project, projectDomain } : undefined;
  }
}
