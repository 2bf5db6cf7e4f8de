import type { Identity } from '../identity.ts';
import { type EffectiveAssignment, effectiveAssignments, type RoleAssignment } from '../model/assignments.ts';
import type { Scope } from '../model/scope.ts';
import { batches } from './batches.ts';
import { toAssignment, toTreeNode } from './directory.ts';
import type { ProjectRow } from './tables.ts';

export interface AssignmentQuery {
  userId?: string;
  groupId?: string;
  roleId?: string;
  scope?: Scope;
  inherited?: boolean;
  /** With a project's scope: what lies below it too. */
  includeSubtree?: boolean;
}

/** Assignments as they were granted. */
export async function stored(identity: Identity, query: AssignmentQuery): Promise<RoleAssignment[]> {
  let select = identity.store.db.selectFrom('assignments').selectAll();
  if (query.userId) select = select.where('actor_kind', '=', 'user').where('actor_id', '=', query.userId);
  if (query.groupId) select = select.where('actor_kind', '=', 'group').where('actor_id', '=', query.groupId);
  if (query.roleId) select = select.where('role_id', '=', query.roleId);
  if (query.inherited !== undefined) select = select.where('inherited', '=', query.inherited);
  if (query.scope) {
    select = select
      .where('target_kind', '=', query.scope.kind)
      .where('target_id', 'in', await targets(identity, query));
  }
  return (await select.execute()).map(toAssignment);
}

/** Assignments as they take effect. Reads only what can bear on the question. */
export async function effective(identity: Identity, query: AssignmentQuery): Promise<EffectiveAssignment[]> {
  const { directory, store } = identity;
  const { userId, scope } = query;
  const { implications, domainRoleIds } = await directory.shared();
  const around = await projectsAround(identity, query);
  const members = async (groupIds?: readonly string[]) => {
    let select = store.db.selectFrom('memberships').selectAll();
    if (groupIds) select = select.where('group_id', 'in', groupIds);
    return (await select.execute()).map((row) => ({ groupId: row.group_id, userId: row.user_id }));
  };
  let assignments: readonly RoleAssignment[];
  let memberships: readonly { groupId: string; userId: string }[];
  if (userId) {
    const grants = await directory.grantsOf(userId);
    assignments = grants.assignments;
    memberships = grants.groupIds.map((groupId) => ({ groupId, userId }));
  } else if (scope) {
    const places = [
      ...(scope.kind === 'project' ? around.flatMap((row) => [row.id, row.domain_id]) : []),
      ...(await targets(identity, query)),
    ];
    const rows = await store.db
      .selectFrom('assignments')
      .selectAll()
      .where('target_id', 'in', [...new Set(places)])
      .execute();
    assignments = rows.map(toAssignment);
    const groupIds = rows.filter((row) => row.actor_kind === 'group').map((row) => row.actor_id);
    memberships =
      groupIds.length > 0
        ? [...(await members(groupIds)), ...(await directory.membersElsewhere([...new Set(groupIds)]))]
        : [];
  } else {
    const all = await store.db.selectFrom('assignments').selectAll().execute();
    assignments = all.map(toAssignment);
    const groupIds = all.filter((row) => row.actor_kind === 'group').map((row) => row.actor_id);
    memberships = [...(await members()), ...(await directory.membersElsewhere([...new Set(groupIds)]))];
  }
  const projects = (scope ? around : await inheritors(identity, assignments)).map(toTreeNode);
  const rows = { assignments, memberships, implications, domainRoleIds, projects };
  const { groupId: _group, ...filter } = query;
  return effectiveAssignments(rows, filter);
}

/** The ids that a scope means. */
async function targets(identity: Identity, { scope, includeSubtree }: AssignmentQuery): Promise<string[]> {
  if (scope?.kind === 'domain') return [scope.domainId];
  if (scope?.kind !== 'project') return ['system'];
  const below = includeSubtree ? await subtree(identity, scope.projectId) : [];
  return [scope.projectId, ...below.map((row) => row.id)];
}

/** The projects that what is granted must be looked for on, or comes through, where a scope is asked about. */
async function projectsAround(
  identity: Identity,
  { scope, includeSubtree }: AssignmentQuery,
): Promise<ProjectRow[]> {
  if (scope?.kind !== 'project') return [];
  const line = await identity.directory.lineage(scope.projectId);
  return includeSubtree ? [...line, ...(await subtree(identity, scope.projectId))] : line;
}

/** Beyond so many places all projects are read at once. */
const mostPlaces = 500;

/** The projects that inherit any of these: none where nothing is inherited, however many there are. */
async function inheritors(
  identity: Identity,
  assignments: readonly RoleAssignment[],
): Promise<readonly ProjectRow[]> {
  const domainIds = new Set<string>();
  const projectIds = new Set<string>();
  for (const { scope, inherited } of assignments) {
    if (inherited && scope.kind === 'domain') domainIds.add(scope.domainId);
    if (inherited && scope.kind === 'project') projectIds.add(scope.projectId);
  }
  const all = identity.store.db.selectFrom('projects').selectAll().where('is_domain', '=', false);
  if (domainIds.size + projectIds.size > mostPlaces) return all.execute();
  const inDomains = domainIds.size > 0 ? await all.where('domain_id', 'in', [...domainIds]).execute() : [];
  const below = await subtree(identity, ...projectIds);
  return [...new Map([...inDomains, ...below].map((row) => [row.id, row])).values()];
}

/** All projects below some, without themselves. */
export async function subtree(identity: Identity, ...ids: string[]): Promise<ProjectRow[]> {
  const found: ProjectRow[] = [];
  for (let parents = ids; parents.length > 0; ) {
    const rows: ProjectRow[] = [];
    for (const some of batches(parents)) {
      rows.push(
        ...(await identity.store.db
          .selectFrom('projects')
          .selectAll()
          .where('parent_id', 'in', some)
          .execute()),
      );
    }
    found.push(...rows);
    parents = rows.map((row) => row.id);
  }
  return found;
}
