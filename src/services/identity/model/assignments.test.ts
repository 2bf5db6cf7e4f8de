import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toRoleAssignmentView } from './assignment-view.ts';
import {
  type AssignmentRows,
  effectiveAssignments,
  effectiveRoleIds,
  type RoleAssignment,
} from './assignments.ts';
import type { Scope } from './scope.ts';

const project = (projectId: string): Scope => ({ kind: 'project', projectId });
const domain = (domainId: string): Scope => ({ kind: 'domain', domainId });
const user = (userId: string) => ({ kind: 'user', userId }) as const;
const group = (groupId: string) => ({ kind: 'group', groupId }) as const;

const rows: AssignmentRows = {
  projects: [
    { id: 'top', parentId: 'd', domainId: 'd' },
    { id: 'mid', parentId: 'top', domainId: 'd' },
    { id: 'low', parentId: 'mid', domainId: 'd' },
  ],
  memberships: [{ groupId: 'g', userId: 'u' }],
  implications: [
    { priorRoleId: 'admin', impliedRoleId: 'member' },
    { priorRoleId: 'member', impliedRoleId: 'reader' },
    { priorRoleId: 'reader', impliedRoleId: 'member' },
  ],
  assignments: [{ roleId: 'admin', actor: group('g'), scope: project('top'), inherited: true }],
};

test('a group’s inherited grant reaches its members on the projects below, not on the project itself', () => {
  assert.deepEqual(effectiveRoleIds(rows, { userId: 'u', scope: project('low') }), [
    'admin',
    'member',
    'reader',
  ]);
  assert.deepEqual(effectiveRoleIds(rows, { userId: 'u', scope: project('top') }), []);
  assert.deepEqual(effectiveRoleIds(rows, { userId: 'other', scope: project('low') }), []);
});

test('an effective assignment links to the grant, the membership and the prior role', () => {
  const [implied] = effectiveAssignments(rows, { userId: 'u', scope: project('low'), roleId: 'reader' });
  assert.ok(implied);
  assert.deepEqual(toRoleAssignmentView(implied, 'http://k/v3'), {
    role: { id: 'reader' },
    user: { id: 'u' },
    scope: { project: { id: 'low' }, 'OS-INHERIT:inherited_to': 'projects' },
    links: {
      assignment: 'http://k/v3/OS-INHERIT/projects/top/groups/g/roles/member/inherited_to_projects',
      membership: 'http://k/v3/groups/g/users/u',
      prior_role: 'http://k/v3/prior_role/reader/implies/member',
    },
  });
});

test('a stored system grant is shown as such', () => {
  const grant: RoleAssignment = {
    roleId: 'r',
    actor: user('u'),
    scope: { kind: 'system' },
    inherited: false,
  };
  assert.deepEqual(toRoleAssignmentView(grant, ''), {
    role: { id: 'r' },
    user: { id: 'u' },
    scope: { system: { all: true } },
    links: { assignment: '/system/users/u/roles/r' },
  });
});

test('domain roles imply but take no effect, unless they are kept', () => {
  const some = { ...rows, domainRoleIds: new Set(['admin']) };
  const asked = { userId: 'u', scope: project('mid') };
  assert.deepEqual(effectiveRoleIds(some, asked), ['member', 'reader']);
  assert.deepEqual(effectiveRoleIds(some, { ...asked, keepDomainRoles: true }), [
    'admin',
    'member',
    'reader',
  ]);
});

test('federated groups give roles without memberships', () => {
  assert.deepEqual(effectiveRoleIds(rows, { fromGroupIds: new Set(['g']), scope: project('mid') }), [
    'admin',
    'member',
    'reader',
  ]);
});

const ids = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, place) => `${prefix}${place}`);
const [users, groups, domains, projects, roles] = [
  ids('u', 2),
  ids('g', 2),
  ids('d', 2),
  ids('p', 5),
  ids('r', 4),
] as const;
const scopes: fc.Arbitrary<Scope> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...projects).map(project) },
  { weight: 2, arbitrary: fc.constantFrom(...domains).map(domain) },
  { weight: 1, arbitrary: fc.constant<Scope>({ kind: 'system' }) },
);
const clouds: fc.Arbitrary<AssignmentRows> = fc.record({
  projects: fc.array(fc.nat(6), { minLength: 5, maxLength: 5 }).map((parents) => {
    const made: { id: string; parentId: string | null; domainId: string }[] = [];
    for (const [place, parent] of parents.entries()) {
      const above = parent < place ? made[parent] : undefined;
      const domainId = above?.domainId ?? `d${parent % 2}`;
      made.push({ id: `p${place}`, parentId: above?.id ?? (parent % 3 ? domainId : null), domainId });
    }
    return made;
  }),
  memberships: fc.array(
    fc.record({ groupId: fc.constantFrom(...groups), userId: fc.constantFrom(...users) }),
    { maxLength: 4 },
  ),
  implications: fc.array(
    fc.record({ priorRoleId: fc.constantFrom(...roles), impliedRoleId: fc.constantFrom(...roles) }),
    { maxLength: 5 },
  ),
  assignments: fc.array(
    fc.record({
      roleId: fc.constantFrom(...roles),
      actor: fc.oneof(fc.constantFrom(...users).map(user), fc.constantFrom(...groups).map(group)),
      scope: scopes,
      inherited: fc.boolean(),
    }),
    { maxLength: 6 },
  ),
});

/** Asks of each role, user and scope whether some grant gives it, walking up instead of down. */
function hasRole(
  cloud: AssignmentRows,
  roleId: string,
  userId: string,
  scope: Scope,
  seen: string[] = [],
): boolean {
  const parents = (id: string): string[] => {
    const own = cloud.projects.find((one) => one.id === id);
    return own?.parentId ? [own.parentId, ...parents(own.parentId)] : [];
  };
  const granted = cloud.assignments.some((grant) => {
    if (grant.roleId !== roleId) return false;
    const { actor } = grant;
    const mine =
      actor.kind === 'user'
        ? actor.userId === userId
        : cloud.memberships.some((one) => one.groupId === actor.groupId && one.userId === userId);
    if (!mine) return false;
    if (!grant.inherited) return JSON.stringify(grant.scope) === JSON.stringify(scope);
    if (scope.kind !== 'project') return false;
    if (grant.scope.kind === 'project') return parents(scope.projectId).includes(grant.scope.projectId);
    const own = cloud.projects.find((one) => one.id === scope.projectId);
    return grant.scope.kind === 'domain' && grant.scope.domainId === own?.domainId;
  });
  if (granted) return true;
  return cloud.implications.some(
    ({ priorRoleId, impliedRoleId }) =>
      impliedRoleId === roleId &&
      !seen.includes(priorRoleId) &&
      hasRole(cloud, priorRoleId, userId, scope, [...seen, roleId]),
  );
}

test('a user has exactly the roles that asking upwards for each one finds', () => {
  let found = 0;
  fc.assert(
    fc.property(clouds, fc.constantFrom(...users), scopes, (cloud, userId, scope) => {
      const expected = roles.filter((role) => hasRole(cloud, role, userId, scope));
      const mine = effectiveRoleIds(cloud, { userId, scope });
      assert.deepEqual(mine, expected);
      found += mine.length;
      const whole = effectiveAssignments(cloud).filter(
        (one) =>
          one.actor.kind === 'user' &&
          one.actor.userId === userId &&
          JSON.stringify(one.scope) === JSON.stringify(scope),
      );
      assert.deepEqual([...new Set(whole.map((one) => one.roleId))].toSorted(), expected);
    }),
    { numRuns: 2000 },
  );
  assert.ok(found > 300, `the clouds were too poor to tell anything: ${found}`);
});
