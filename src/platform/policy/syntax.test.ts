import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Credentials } from '../auth/credentials.ts';
import { Enforcer } from './enforcer.ts';
import { PolicyError } from './link.ts';
import { policyDefaults, rule } from './rule.ts';
import type { CheckSource } from './syntax.ts';
import type { Target } from './template.ts';
import { credentialsOf } from './testing/credentials.ts';

/** Whether a caller passes a rule that stands alone, beside the rules that the tests refer to. */
function allows(check: CheckSource, caller: Partial<Credentials> = {}, target: Target = {}): boolean {
  const rules = [
    rule('it', check),
    rule('context_is_admin', 'role:admin'),
    rule('owner', 'project_id:%(project_id)s'),
  ];
  const enforcer = new Enforcer({
    defaults: policyDefaults('compute', rules),
    denial: 'compute',
    adminRule: 'context_is_admin',
  });
  return enforcer.check('it', credentialsOf(caller), target);
}

function refuses(check: CheckSource, expected: RegExp): void {
  assert.throws(
    () => allows(check),
    (error) => error instanceof PolicyError && expected.test(error.message),
    `${JSON.stringify(check)} is refused with ${expected}`,
  );
}

test('an empty rule, an empty list and @ allow everybody; ! and a list of empty lists nobody', () => {
  assert.equal(allows(''), true);
  assert.equal(allows([]), true);
  assert.equal(allows('@'), true);
  assert.equal(allows('!'), false);
  assert.equal(allows([[]]), false);
});

test('roles compare without regard to case', () => {
  assert.equal(allows('role:MEMBER'), true);
  assert.equal(allows('role:member', { roles: ['Member'] }), true);
  assert.equal(allows('role:admin'), false);
  assert.equal(allows('role:mem'), false);
});

test('a role can be named by the target', () => {
  assert.equal(allows('role:%(needed)s', {}, { needed: 'Reader' }), true);
  assert.equal(allows('role:%(needed)s', {}, { needed: 'admin' }), false);
  assert.equal(allows('role:%(needed)s', {}, {}), false);
  assert.equal(allows('role:project_%(x)s_admin', { roles: ['project_7_admin'] }, { x: 7 }), true);
});

test('a property of the caller compares with an attribute of the target', () => {
  assert.equal(allows('project_id:%(project_id)s', {}, { project_id: 'p1' }), true);
  assert.equal(allows('project_id:%(project_id)s', {}, { project_id: 'p2' }), false);
  assert.equal(allows('project_id:%(project_id)s', {}, {}), false);
  assert.equal(allows('user_domain_id:default'), true);
  assert.equal(allows('is_admin_project:True'), true);
  assert.equal(allows('is_admin_project:True', { isAdminProject: false }), false);
});

test('an attribute is found by its flat name and through nested objects', () => {
  const check = 'user_id:%(target.user.id)s';
  assert.equal(allows(check, {}, { 'target.user.id': 'u1' }), true);
  assert.equal(allows(check, {}, { target: { user: { id: 'u1' } } }), true);
  assert.equal(allows(check, {}, { target: { user: null } }), false);
  assert.equal(allows(check, {}, { target: 'u1' }), false);
});

test('what every object inherits is no attribute', () => {
  assert.equal(allows('not None:%(constructor.name)s', {}, {}), true);
  assert.equal(allows("'Object':%(constructor.name)s", {}, {}), false);
  assert.equal(allows('None:%(__proto__.__proto__)s', {}, {}), false);
});

test('somebody without a project does not own what has no owner', () => {
  const nobody = { projectId: undefined, system: 'all' as const };
  assert.equal(allows('project_id:%(project_id)s', nobody, { project_id: null }), false);
  assert.equal(allows('project_id:%(project_id)s', nobody, { project_id: 'None' }), false);
  assert.equal(allows('project_id:%(project_id)s', { projectId: 'None' }, { project_id: null }), false);
  assert.equal(allows('project_id:None', nobody), true);
  assert.equal(allows('project_id:None'), false);
});

test('literals compare with an attribute as Python writes it', () => {
  assert.equal(allows("'public':%(visibility)s", {}, { visibility: 'public' }), true);
  assert.equal(allows('"public":%(visibility)s', {}, { visibility: 'private' }), false);
  assert.equal(allows('True:%(enabled)s', {}, { enabled: true }), true);
  assert.equal(allows('False:%(enabled)s', {}, { enabled: true }), false);
  assert.equal(allows('None:%(domain_id)s', {}, { domain_id: null }), true);
  assert.equal(allows('None:%(domain_id)s', {}, {}), false);
  assert.equal(allows('3:%(count)s', {}, { count: 3 }), true);
});

test('a percent sign is written twice', () => {
  assert.equal(allows("'100%':100%%"), true);
});

test('lists of the caller match by any item', () => {
  assert.equal(allows('service_roles:service', { serviceRoles: ['service'] }), true);
  assert.equal(allows('service_roles:service'), false);
  assert.equal(allows('token.roles.name:reader'), true);
  assert.equal(allows('token.methods:token'), false);
});

test('identity rules see the token', () => {
  assert.equal(
    allows('token.project.domain.id:%(target.domain.id)s', {}, { 'target.domain.id': 'default' }),
    true,
  );
  assert.equal(allows('token.domain.id:d1', { projectId: undefined, domainId: 'd1' }), true);
  assert.equal(allows('token.is_admin_project:True'), true);
});

test('system scope and domain scope are properties of the caller', () => {
  assert.equal(allows('system_scope:all', { projectId: undefined, system: 'all' }), true);
  assert.equal(allows('system_scope:all'), false);
  assert.equal(
    allows('domain_id:%(target.domain_id)s', { domainId: 'd' }, { 'target.domain_id': 'd' }),
    true,
  );
});

test('is_admin is what the rule for administrators says', () => {
  assert.equal(allows('is_admin:True', { roles: ['admin'] }), true);
  assert.equal(allows('is_admin:True'), false);
  assert.equal(allows('is_admin:False'), true);
});

test('within the rule for administrators nobody is one yet', () => {
  const enforcer = new Enforcer({
    defaults: policyDefaults('compute', [rule('context_is_admin', 'role:admin or is_admin:True')]),
    denial: 'compute',
    adminRule: 'context_is_admin',
  });
  assert.equal(enforcer.check('context_is_admin', credentialsOf()), false);
});

test('not binds closer than and, and closer than or, and words are in any case', () => {
  assert.equal(allows('@ or @ and !'), true);
  assert.equal(allows('(@ or @) and !'), false);
  assert.equal(allows('! AND @ Or @'), true);
  assert.equal(allows('not ! and !'), false);
  assert.equal(allows('NOT (! and !)'), true);
  assert.equal(allows('not not @'), true);
  assert.equal(allows('((role:member)) and (rule:owner or @)'), true);
  assert.equal(allows('\n  role:member\tand\n  role:reader '), true);
});

test('parentheses stand against an attribute without a blank', () => {
  assert.equal(allows('(project_id:%(project_id)s)', {}, { project_id: 'p1' }), true);
  assert.equal(allows("('a':%(x)s)", {}, { x: 'a' }), true);
});

test('a list of lists is or of and', () => {
  assert.equal(allows([['role:admin'], ['role:member', 'rule:owner']], {}, { project_id: 'p1' }), true);
  assert.equal(allows([['role:admin'], ['role:member', 'rule:owner']], {}, { project_id: 'p2' }), false);
  assert.equal(allows(['role:admin', 'role:reader']), true);
  assert.equal(allows([[], ['role:admin']]), false);
});

test('networking: owner by the older word, through a parent, and shared', () => {
  assert.equal(allows('tenant_id:%(tenant_id)s', {}, { project_id: 'p1' }), true);
  assert.equal(allows('tenant_id:%(tenant_id)s', {}, { tenant_id: 'p2', project_id: 'p1' }), false);
  assert.equal(allows('tenant_id:%(network:tenant_id)s', {}, { 'network:tenant_id': 'p1' }), true);
  assert.equal(allows('tenant_id:%(network:tenant_id)s', {}, { 'network:project_id': 'p1' }), true);
  assert.equal(allows('tenant_id:%(network:tenant_id)s', {}, { project_id: 'p1' }), false);
  assert.equal(allows('field:networks:shared=True', {}, { shared: true }), true);
  assert.equal(allows('field:networks:shared=True', {}, { shared: false }), false);
  assert.equal(allows('field:networks:shared=True', {}, { 'network:shared': true }), true);
  assert.equal(allows('field:networks:shared=True', {}, {}), false);
  assert.equal(allows('field:networks:router:external=True', {}, { 'router:external': true }), true);
  assert.equal(allows('field:port:device_owner=~^network:', {}, { device_owner: 'network:dhcp' }), true);
  assert.equal(allows('field:port:device_owner=~^network:', {}, { device_owner: 'compute:nova' }), false);
  assert.equal(allows('field:port:mtu=1500', {}, { mtu: 1500 }), true);
});

test('a syntax error names the rule and the position', () => {
  refuses(
    'role:admin and',
    /rule "it" \(compute\) ends where a check is expected \(character 15 of: role:admin and\)/,
  );
  refuses('role:admin role:member', /has "role:member" where "and" or "or" is expected \(character 12 /);
  refuses('role:admin or and @', /has "and" where a check is expected \(character 15 /);
  refuses('(role:admin', /has a "\(" that is never closed \(character 1 /);
  refuses('role:admin)', /has a "\)" that nothing opened \(character 11 /);
  refuses('(role:admin role:x)', /has "role:x" where "and", "or" or "\)" is expected \(character 13 /);
  refuses('@ or admin', /has "admin", which is no check.*\(character 6 /);
  refuses('()', /has "\)" where a check is expected \(character 2 /);
  refuses('   ', /ends where a check is expected/);
  refuses('user_id:%(user_id)', /has a "%" that is neither.*\(character 9 /);
  refuses('user_id:%(user_id', /has a "%" that is neither.*\(character 9 /);
  refuses('user_id:100%', /has a "%" that is neither.*\(character 12 /);
  refuses('rule:', /has "rule:" without a name \(character 6 /);
  refuses('field:networks=1', /has "field:networks=1", which is not/);
  refuses('field:a:b=~(', /no regular expression/);
  refuses('a/b:c', /neither a property of the caller nor a literal/);
  refuses([['role:admin and role:member']], /in a list, where each item is a single check/);
  refuses(`${'('.repeat(200)}@${')'.repeat(200)}`, /nested deeper than 100/);
});

test('a check that would ask another server is a configuration error', () => {
  refuses('http://policy.example/%(name)s', /checks that ask another server \(http:\) are not supported/);
  refuses('role:admin or https://policy.example', /\(https:\) are not supported \(character 15 /);
});
