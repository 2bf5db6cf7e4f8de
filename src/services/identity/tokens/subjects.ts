import { effectiveRoleIds } from '../model/assignments.ts';
import type { Scope } from '../model/scope.ts';
import type { Changes } from '../store/changes.ts';
import type { Directory } from '../store/directory.ts';
import { Memory } from '../store/memory.ts';
import type { ProjectRow, UserRow } from '../store/tables.ts';

/** Whom a token speaks for, looked up: all of it enabled, and with a role where there is a scope. */
export interface Subject {
  user: UserRow;
  userDomain: ProjectRow;
  project?: ProjectRow;
  projectDomain?: ProjectRow;
  domain?: ProjectRow;
  system?: 'all';
  roles: readonly { id: string; name: string }[];
}

/** Looks up whom tokens speak for, and remembers it until something is written. */
export class Subjects {
  readonly #directory: Directory;
  readonly #known: Memory<{ subject: Subject | undefined }>;

  constructor(directory: Directory, changes: Changes) {
    this.#directory = directory;
    this.#known = new Memory(changes);
  }

  /** @returns undefined where user, project or domain is gone or disabled, or no role is left there */
  async find(userId: string, scope?: Scope): Promise<Subject | undefined> {
    const key = `${userId} ${scope ? Object.values(scope).join(' ') : ''}`;
    return (await this.#known.get(key, async () => ({ subject: await this.#look(userId, scope) }))).subject;
  }

  async #look(userId: string, scope: Scope | undefined): Promise<Subject | undefined> {
    const directory = this.#directory;
    const user = await directory.user(userId);
    if (!user?.enabled) return undefined;
    const userDomain = await directory.domain(user.domain_id);
    if (!userDomain?.enabled) return undefined;
    if (!scope) return { user, userDomain, roles: [] };
    const place = await this.#place(scope);
    if (!place) return undefined;
    const ids = effectiveRoleIds(await directory.assignmentRows(userId, scope), { userId, scope });
    if (ids.length === 0) return undefined;
    const { roles } = await directory.shared();
    const named = ids.flatMap((id) => {
      const role = roles.get(id);
      return role ? [{ id, name: role.name }] : [];
    });
    return { user, userDomain, ...place, roles: named };
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
