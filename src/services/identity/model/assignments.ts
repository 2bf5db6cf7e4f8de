import { type Scope, scopeKey } from './scope.ts';

export type Actor = { kind: 'user'; userId: string } | { kind: 'group'; groupId: string };

/** A grant as it is stored. `inherited` (OS-INHERIT) means: on all projects below the target, not on itself. */
export interface RoleAssignment {
  roleId: string;
  actor: Actor;
  scope: Scope;
  inherited: boolean;
}

/** A grant as it takes effect, and by what way it came (each part only where it played a role). */
export interface EffectiveAssignment {
  roleId: string;
  actor: Actor;
  scope: Scope;
  via: {
    /** the user is a member of this group */
    groupId?: string;
    /** inherited from this project or domain */
    projectId?: string;
    domainId?: string;
    /** implied by this role (the last step of a chain) */
    roleId?: string;
  };
}

export interface AssignmentRows {
  assignments: readonly RoleAssignment[];
  /** `parentId` is another project's, or null (or the domain's) right below the domain; domains are not listed */
  projects: readonly { id: string; parentId: string | null; domainId: string }[];
  memberships: readonly { groupId: string; userId: string }[];
  /** who has the prior role has the implied one too; cycles are allowed */
  implications: readonly { priorRoleId: string; impliedRoleId: string }[];
  /** roles of a domain only serve to imply others: they take no effect themselves */
  domainRoleIds?: ReadonlySet<string>;
}

export interface EffectiveFilter {
  userId?: string;
  /** only what comes from these groups, and leave it with the groups (federated users are no members) */
  fromGroupIds?: ReadonlySet<string>;
  scope?: Scope;
  /** with a project scope: its descendants too */
  includeSubtree?: boolean;
  /** true: only what was inherited; false: only what was not */
  inherited?: boolean;
  roleId?: string;
  /** trusts keep the trustor's domain roles */
  keepDomainRoles?: boolean;
}

/**
 * Every assignment that takes effect: groups become their members, inherited grants the projects below, roles all
 * roles they imply, as `GET /v3/role_assignments?effective` lists them. Each comes once.
 */
export function effectiveAssignments(
  rows: AssignmentRows,
  filter: EffectiveFilter = {},
): EffectiveAssignment[] {
  const tree = new ProjectTree(rows.projects);
  const wanted = wantedScopes(tree, filter);
  const members = Map.groupBy(rows.memberships, ({ groupId }) => groupId);
  const implied = Map.groupBy(rows.implications, ({ priorRoleId }) => priorRoleId);
  const found = new Map<string, EffectiveAssignment>();
  for (const assignment of rows.assignments) {
    if (filter.inherited !== undefined && filter.inherited !== assignment.inherited) continue;
    for (const place of places(tree, assignment)) {
      if (wanted && !wanted.has(scopeKey(place.scope))) continue;
      for (const actor of actors(assignment.actor, members, filter)) {
        const { roleId } = assignment;
        const via = { ...actor.via, ...place.via };
        expandRole({ roleId, actor: actor.actor, scope: place.scope, via }, implied, found);
      }
    }
  }
  return [...found.values()].filter(
    ({ roleId }) =>
      (filter.roleId === undefined || roleId === filter.roleId) &&
      (filter.keepDomainRoles || !rows.domainRoleIds?.has(roleId)),
  );
}

/** The roles that a user has in a scope: what goes into a token. Sorted, each once. */
export function effectiveRoleIds(
  rows: AssignmentRows,
  filter: EffectiveFilter & ({ userId: string } | { fromGroupIds: ReadonlySet<string> }) & { scope: Scope },
): string[] {
  return [...new Set(effectiveAssignments(rows, filter).map(({ roleId }) => roleId))].toSorted();
}

class ProjectTree {
  readonly #children: Map<string, string[]> = new Map();
  readonly #byDomain: Map<string, string[]> = new Map();

  constructor(projects: AssignmentRows['projects']) {
    for (const { id, parentId, domainId } of projects) {
      add(this.#byDomain, domainId, id);
      if (parentId !== null && parentId !== domainId) add(this.#children, parentId, id);
    }
  }

  inDomain(domainId: string): readonly string[] {
    return this.#byDomain.get(domainId) ?? [];
  }

  /** All descendants, without the project itself. */
  below(projectId: string): readonly string[] {
    const found = new Set<string>();
    const waiting = [...(this.#children.get(projectId) ?? [])];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (found.has(id)) continue;
      found.add(id);
      waiting.push(...(this.#children.get(id) ?? []));
    }
    return [...found];
  }
}

function add(map: Map<string, string[]>, key: string, value: string): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

function wantedScopes(
  tree: ProjectTree,
  { scope, includeSubtree }: EffectiveFilter,
): Set<string> | undefined {
  if (!scope) return undefined;
  const scopes: Scope[] = [scope];
  if (includeSubtree && scope.kind === 'project') {
    for (const projectId of tree.below(scope.projectId)) scopes.push({ kind: 'project', projectId });
  }
  return new Set(scopes.map(scopeKey));
}

function places(
  tree: ProjectTree,
  { scope, inherited }: RoleAssignment,
): { scope: Scope; via: { projectId?: string; domainId?: string } }[] {
  if (!inherited) return [{ scope, via: {} }];
  if (scope.kind === 'system') return [];
  const isDomain = scope.kind === 'domain';
  const via = isDomain ? { domainId: scope.domainId } : { projectId: scope.projectId };
  const below = isDomain ? tree.inDomain(scope.domainId) : tree.below(scope.projectId);
  return below.map((projectId) => ({ scope: { kind: 'project', projectId }, via }));
}

function actors(
  actor: Actor,
  members: ReadonlyMap<string, readonly { userId: string }[]>,
  { userId, fromGroupIds }: EffectiveFilter,
): { actor: Actor; via: { groupId?: string } }[] {
  if (fromGroupIds)
    return actor.kind === 'group' && fromGroupIds.has(actor.groupId) ? [{ actor, via: {} }] : [];
  const isWanted = (id: string) => userId === undefined || userId === id;
  if (actor.kind === 'user') return isWanted(actor.userId) ? [{ actor, via: {} }] : [];
  return (members.get(actor.groupId) ?? [])
    .filter((member) => isWanted(member.userId))
    .map((member) => ({
      actor: { kind: 'user', userId: member.userId },
      via: { groupId: actor.groupId },
    }));
}

function expandRole(
  start: EffectiveAssignment,
  implied: ReadonlyMap<string, readonly { impliedRoleId: string }[]>,
  found: Map<string, EffectiveAssignment>,
): void {
  const waiting = [start];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    // What was found before has been expanded before, which is also what ends a cycle of implications.
    const key = identityOf(next);
    if (found.has(key)) continue;
    found.set(key, next);
    for (const { impliedRoleId } of implied.get(next.roleId) ?? []) {
      waiting.push({ ...next, roleId: impliedRoleId, via: { ...next.via, roleId: next.roleId } });
    }
  }
}

function identityOf({ roleId, actor, scope, via }: EffectiveAssignment): string {
  const who = actor.kind === 'user' ? actor.userId : actor.groupId;
  const way = [via.groupId, via.projectId, via.domainId, via.roleId];
  return JSON.stringify([roleId, actor.kind, who, scopeKey(scope), ...way.map((part) => part ?? null)]);
}
