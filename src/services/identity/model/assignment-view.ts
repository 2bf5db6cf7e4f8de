import type { EffectiveAssignment, RoleAssignment } from './assignments.ts';

export interface RoleAssignmentView {
  role: { id: string };
  user?: { id: string };
  group?: { id: string };
  scope: {
    project?: { id: string };
    domain?: { id: string };
    system?: { all: true };
    'OS-INHERIT:inherited_to'?: 'projects';
  };
  links: { assignment: string; membership?: string; prior_role?: string };
}

/**
 * An entry of `GET /v3/role_assignments`: a stored assignment, or an effective one with links to what it comes
 * from. Shapes as in keystone's `api/role_assignments.py`.
 * @param baseUrl of the v3 API, without a slash at its end
 */
export function toRoleAssignmentView(
  assignment: RoleAssignment | EffectiveAssignment,
  baseUrl: string,
): RoleAssignmentView {
  const { roleId, actor, scope } = assignment;
  const via = 'via' in assignment ? assignment.via : {};
  const isInherited =
    'via' in assignment ? via.projectId !== undefined || via.domainId !== undefined : assignment.inherited;
  const source = via.domainId
    ? `/domains/${via.domainId}`
    : via.projectId
      ? `/projects/${via.projectId}`
      : scopePath(scope);
  const grantee = via.groupId
    ? `/groups/${via.groupId}`
    : actor.kind === 'user'
      ? `/users/${actor.userId}`
      : `/groups/${actor.groupId}`;
  const path = `${source}${grantee}/roles/${via.roleId ?? roleId}`;
  const view: RoleAssignmentView = {
    role: { id: roleId },
    scope: scopeView(scope),
    links: { assignment: `${baseUrl}${isInherited ? `/OS-INHERIT${path}/inherited_to_projects` : path}` },
  };
  if (actor.kind === 'user') view.user = { id: actor.userId };
  else view.group = { id: actor.groupId };
  if (isInherited) view.scope['OS-INHERIT:inherited_to'] = 'projects';
  if (via.groupId && actor.kind === 'user') {
    view.links.membership = `${baseUrl}/groups/${via.groupId}/users/${actor.userId}`;
  }
  // Upstream puts the implied role first here; what has been served for ten years is what clients may expect.
  if (via.roleId) view.links.prior_role = `${baseUrl}/prior_role/${roleId}/implies/${via.roleId}`;
  return view;
}

function scopePath(scope: RoleAssignment['scope']): string {
  if (scope.kind === 'project') return `/projects/${scope.projectId}`;
  return scope.kind === 'domain' ? `/domains/${scope.domainId}` : '/system';
}

function scopeView(scope: RoleAssignment['scope']): RoleAssignmentView['scope'] {
  if (scope.kind === 'project') return { project: { id: scope.projectId } };
  return scope.kind === 'domain' ? { domain: { id: scope.domainId } } : { system: { all: true } };
}
