import type { Call } from '../../../platform/http/call.ts';
import type { Identity } from '../identity.ts';
import type { RoleAssignment } from '../model/assignments.ts';
import { toAssignment } from '../store/directory.ts';
import { grantsToGroups } from '../store/expiring-memberships.ts';

/** Where a user has any role, whether it is enabled or not. */
export interface ScopesOfUser {
  projectIds: readonly string[];
  domainIds: readonly string[];
  system: boolean;
}

/** Every project, domain and the system, where a user has a role by himself, by a group or by inheritance. */
export async function scopesOf(
  identity: Identity,
  userId: string,
  more: readonly RoleAssignment[] = [],
): Promise<ScopesOfUser> {
  const grants = await identity.directory.grantsOf(userId);
  const assignments = [...grants.assignments, ...more];
  const projectIds = new Set<string>();
  const domainIds = new Set<string>();
  let system = false;
  for (const { scope, inherited } of assignments) {
    if (inherited) continue;
    if (scope.kind === 'project') projectIds.add(scope.projectId);
    else if (scope.kind === 'domain') domainIds.add(scope.domainId);
    else system = true;
  }
  for (const id of await inheritors(identity, assignments)) projectIds.add(id);
  return { projectIds: [...projectIds].toSorted(), domainIds: [...domainIds].toSorted(), system };
}

/** Those of the caller: the groups that his token puts him in count too. */
export async function scopesOfCaller(identity: Identity, call: Call): Promise<ScopesOfUser> {
  const { userId } = call.credentials;
  const token = call.token === undefined ? undefined : await identity.tokens.validate(call.token);
  const authority = token?.subject.authority;
  if (authority?.kind !== 'federation') return scopesOf(identity, userId);
  const rows = await grantsToGroups(identity.store, authority.groupIds);
  return scopesOf(identity, userId, rows.map(toAssignment));
}

/** The projects below what is granted inherited. */
async function inheritors(identity: Identity, assignments: readonly RoleAssignment[]): Promise<string[]> {
  const { db } = identity.store;
  const found: string[] = [];
  const domains: string[] = [];
  let parents: string[] = [];
  for (const { scope, inherited } of assignments) {
    if (!inherited) continue;
    if (scope.kind === 'domain') domains.push(scope.domainId);
    else if (scope.kind === 'project') parents.push(scope.projectId);
  }
  if (domains.length > 0) {
    const rows = await db.selectFrom('projects').select('id').where('domain_id', 'in', domains).execute();
    found.push(...rows.map((row) => row.id));
  }
  const seen = new Set(parents);
  while (parents.length > 0) {
    const rows = await db.selectFrom('projects').select('id').where('parent_id', 'in', parents).execute();
    parents = rows.map((row) => row.id).filter((id) => !seen.has(id));
    for (const id of parents) seen.add(id);
    found.push(...parents);
  }
  return found;
}
