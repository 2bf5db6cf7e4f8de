import type { Row } from '../row.ts';

/** A grant is put, looked at, listed and taken back in the same way, whatever it is on and whoever has it. */
const granted = (prefix: string, role: string, also: Row['also'] = ['domainAdmin']): Row[] => [
  { ask: `PUT ${prefix}/roles/{${role}}`, also },
  { ask: `HEAD ${prefix}/roles/{${role}}`, also },
  { ask: `GET ${prefix}/roles/{${role}}`, only: true },
  { ask: `GET ${prefix}/roles`, also },
  { ask: `HEAD ${prefix}/roles`, only: true },
  { ask: `DELETE ${prefix}/roles/{${role}}`, also },
];

const inherited = (prefix: string, listed: boolean): Row[] => [
  { ask: `PUT ${prefix}/roles/{role}/inherited_to_projects` },
  { ask: `HEAD ${prefix}/roles/{role}/inherited_to_projects` },
  { ask: `GET ${prefix}/roles/{role}/inherited_to_projects`, only: true },
  ...(listed ? [{ ask: `GET ${prefix}/roles/inherited_to_projects` }] : []),
  { ask: `DELETE ${prefix}/roles/{role}/inherited_to_projects` },
];

export const grants: readonly Row[] = [
  ...granted('/v3/projects/{project}/users/{user}', 'role'),
  ...granted('/v3/projects/{project}/groups/{group}', 'role'),
  ...granted('/v3/domains/{domain}/users/{user}', 'role'),
  ...granted('/v3/domains/{domain}/groups/{group}', 'role'),
  ...granted('/v3/domains/{domain}/users/{user}', 'domainRole'),
  ...granted('/v3/system/users/{user}', 'role'),
  ...granted('/v3/system/groups/{group}', 'role'),
  ...inherited('/v3/OS-INHERIT/domains/{domain}/users/{user}', true),
  ...inherited('/v3/OS-INHERIT/domains/{domain}/groups/{group}', true),
  ...inherited('/v3/OS-INHERIT/projects/{project}/users/{user}', false),
  ...inherited('/v3/OS-INHERIT/projects/{project}/groups/{group}', false),

  { ask: 'PUT /v3/groups/{group}/users/{user}', only: true },
  { ask: 'PUT /v3/projects/{project}/groups/{group}/roles/{role}', only: true },
  { ask: 'PUT /v3/projects/{project}/users/{user}/roles/{memberRole}', only: true },
  { ask: 'PUT /v3/OS-INHERIT/domains/{domain}/users/{user}/roles/{role}/inherited_to_projects', only: true },
  { ask: 'PUT /v3/system/users/{user}/roles/{readerRole}', only: true },
  { ask: 'GET /v3/role_assignments', also: ['domainAdmin'] },
  { ask: 'HEAD /v3/role_assignments', only: true },
  { ask: 'GET /v3/role_assignments?user.id={user}', also: ['domainAdmin'] },
  { ask: 'GET /v3/role_assignments?user.id={user}&include_names' },
  { ask: 'GET /v3/role_assignments?user.id={user}&effective' },
  { ask: 'GET /v3/role_assignments?user.id={user}&effective&include_names=true' },
  { ask: 'GET /v3/role_assignments?group.id={group}' },
  { ask: 'GET /v3/role_assignments?group.id={group}&effective' },
  { ask: 'GET /v3/role_assignments?group.id={group}&user.id={user}' },
  { ask: 'GET /v3/role_assignments?scope.project.id={project}' },
  { ask: 'GET /v3/role_assignments?scope.project.id={project}&include_subtree=true', also: ['domainAdmin'] },
  { ask: 'GET /v3/role_assignments?scope.domain.id={domain}' },
  { ask: 'GET /v3/role_assignments?scope.domain.id={domain}&scope.project.id={project}' },
  { ask: 'GET /v3/role_assignments?scope.system=all&user.id={user}' },
  { ask: 'GET /v3/role_assignments?scope.OS-INHERIT:inherited_to=projects&user.id={user}' },
  { ask: 'GET /v3/role_assignments?role.id={role}' },
  { ask: 'GET /v3/role_assignments?user.id=no-such-user', only: true },
  { ask: 'GET /v3/role_assignments?include_subtree=true', only: true },
  {
    ask: 'DELETE /v3/OS-INHERIT/domains/{domain}/users/{user}/roles/{role}/inherited_to_projects',
    only: true,
  },
  { ask: 'DELETE /v3/projects/{project}/groups/{group}/roles/{role}', only: true },
  { ask: 'DELETE /v3/system/users/{user}/roles/{readerRole}', only: true },
];
