import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Forbidden } from '../errors/errors.ts';
import type { DenialStyle } from './denial.ts';
import { Enforcer, type EnforcerOptions } from './enforcer.ts';
import { PolicyError } from './link.ts';
import { policyDefaults, type Rule, rule } from './rule.ts';
import { credentialsOf } from './testing/credentials.ts';

const enforcerOf = (rules: readonly Rule[], options: Partial<EnforcerOptions> = {}) =>
  new Enforcer({ defaults: policyDefaults('compute', rules), denial: 'compute', ...options });

function refusal(denial: DenialStyle, name: string): string {
  try {
    enforcerOf([rule(name, '!')], { denial }).enforce(name, credentialsOf());
  } catch (error) {
    assert.ok(error instanceof Forbidden);
    return error.message;
  }
  return '';
}

test('a refusal is worded as the service words it', () => {
  assert.equal(
    refusal('compute', 'os_compute_api:servers:start'),
    "Policy doesn't allow os_compute_api:servers:start to be performed.",
  );
  assert.equal(
    refusal('identity', 'identity:list_users'),
    'You are not authorized to perform the requested action: identity:list_users.',
  );
  assert.equal(
    refusal('image', 'publicize_image'),
    'You are not authorized to complete publicize_image action.',
  );
  assert.equal(
    refusal('placement', 'placement:usages'),
    'Policy does not allow placement:usages to be performed.',
  );
  assert.equal(refusal('network', 'create_network'), 'rule:create_network is disallowed by policy');
});

test('several rules must all allow, and a refusal shows them as upstream prints them', () => {
  const enforcer = enforcerOf([rule('create_network', '@'), rule('create_network:shared', '!')], {
    denial: 'network',
  });
  const rules = ['create_network', ['create_network:shared']];
  assert.throws(() => enforcer.enforce(rules, credentialsOf()), {
    message: '(rule:create_network and (rule:create_network:shared)) is disallowed by policy',
  });
  assert.doesNotThrow(() => enforcer.enforce(['create_network'], credentialsOf()));
});

test('an override takes the place of a default, and other rules see it', () => {
  const rules = [rule('admin', 'role:admin'), rule('servers:create', 'rule:admin')];
  const enforcer = enforcerOf(rules, { overrides: { admin: 'role:member' } });
  assert.equal(enforcer.check('servers:create', credentialsOf()), true);
  enforcer.load({});
  assert.equal(enforcer.check('servers:create', credentialsOf()), false);
});

test('an override by the former name counts until there is one by the present name', () => {
  const rules = [rule('servers:show', '!', { formerName: 'servers:get' })];
  const enforcer = enforcerOf(rules, { overrides: { 'servers:get': '@' } });
  assert.equal(enforcer.check('servers:show', credentialsOf()), true);
  enforcer.load({ 'servers:get': '@', 'servers:show': '!' });
  assert.equal(enforcer.check('servers:show', credentialsOf()), false);
});

test('overrides that cannot be used leave the rules as they were', () => {
  const enforcer = enforcerOf([rule('a', '@'), rule('b', '@')]);
  assert.throws(
    () => enforcer.load({ a: '!', b: 'role:', c: 'oops', d: 'and' }, '/etc/policy.yaml'),
    (error) =>
      error instanceof PolicyError &&
      error.problems.length === 2 &&
      /^rule "c" \(\/etc\/policy.yaml\)/.test(error.problems[0] ?? ''),
  );
  assert.equal(enforcer.check('a', credentialsOf()), true);
});

test('a rule that does not exist denies, unless there is a default rule', () => {
  assert.equal(enforcerOf([rule('a', '@')]).check('nowhere', credentialsOf()), false);
  assert.equal(enforcerOf([rule('default', '@')]).check('nowhere', credentialsOf()), true);
  assert.equal(
    enforcerOf([rule('default', '@'), rule('a', 'rule:nowhere')]).check('a', credentialsOf()),
    true,
  );
  assert.throws(() => enforcerOf([rule('a', '!')]).enforce('nowhere', credentialsOf()), Forbidden);
});

test('the code may only ask for rules that are defined', () => {
  const enforcer = enforcerOf([rule('a', '@')], { overrides: { b: '@' } });
  assert.doesNotThrow(() => enforcer.assertDefined(['a']));
  assert.throws(
    () => enforcer.assertDefined(['a', 'b']),
    /rule "b" \(compute\) is asked for but not defined/,
  );
});

test('rules that refer to each other in a circle are an error', () => {
  assert.throws(
    () => enforcerOf([rule('a', 'rule:b'), rule('b', '@ or not rule:c'), rule('c', 'rule:a')]),
    /rule "a" \(compute\) refers to itself: a -> b -> c -> a/,
  );
  assert.throws(() => enforcerOf([rule('a', 'rule:a')]), /a -> a/);
  assert.throws(() => enforcerOf([rule('default', 'rule:nowhere')]), /default -> default/);
});

test('a rule defined twice is an error', () => {
  assert.throws(() => enforcerOf([rule('a', '@'), rule('a', '!')]), /rule "a" \(compute\) is defined twice/);
});

test('references that lead nowhere are warned of', () => {
  const { warnings } = enforcerOf([rule('a', 'rule:nowhere or not projet_id:%(project_id)s')]);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0] ?? '', /rule "a" \(compute\) refers to "nowhere".*character 6/);
  assert.match(warnings[1] ?? '', /asks for "projet_id".*character 21/);
});

test('a token of a scope that the rule is not meant for is refused', () => {
  const rules = [rule('list', '@', { scopes: ['system', 'domain'] }), rule('show', 'rule:list')];
  const system = credentialsOf({ projectId: undefined, system: 'all' });
  const domain = credentialsOf({ projectId: undefined, domainId: 'd' });
  const unscoped = credentialsOf({ projectId: undefined });
  const enforcer = enforcerOf(rules);
  assert.deepEqual(
    [system, domain, credentialsOf(), unscoped].map((caller) => enforcer.check('list', caller)),
    [true, true, false, false],
  );
  assert.equal(
    enforcer.check('show', credentialsOf()),
    true,
    'only the rule that is asked for limits the scope',
  );
  assert.equal(enforcerOf(rules, { enforceScope: false }).check('list', credentialsOf()), true);
});

test('the rules that a caller passes are remembered until the rules change', () => {
  const enforcer = enforcerOf([
    rule('a', 'role:member'),
    rule('b', 'role:admin'),
    rule('c', 'project_id:%(project_id)s'),
  ]);
  const caller = credentialsOf();
  const passing = () => [...enforcer.passing(['a', 'b', 'c'], caller)];
  assert.deepEqual(passing(), ['a']);
  enforcer.load({ b: '@' });
  assert.deepEqual(passing(), ['a', 'b']);
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => enforcer.dependsOnTarget(name)),
    [false, false, true],
  );
});

test('a target is completed by what rules ask about its parents, and no more', async () => {
  const enforcer = enforcerOf([
    rule('network_owner', 'tenant_id:%(network:tenant_id)s'),
    rule('shared', 'field:networks:shared=True'),
    rule('create_port', 'rule:network_owner or rule:shared'),
    rule('create_rule', 'tenant_id:%(ext_parent:tenant_id)s'),
    rule('plain', '@'),
  ]);
  const asked: string[] = [];
  const load = async (resource: string, id: string, field: string) => {
    asked.push(`${resource} ${id} ${field}`);
    return field === 'shared' ? false : 'p1';
  };
  const port = { project_id: 'p2', network_id: 'n1' };
  assert.equal(enforcer.check('create_port', credentialsOf(), port), false);
  const target = await enforcer.complete('create_port', port, load);
  assert.equal(enforcer.check('create_port', credentialsOf(), target), true);
  assert.deepEqual(asked, ['network n1 tenant_id', 'network n1 shared']);

  asked.length = 0;
  assert.equal(await enforcer.complete('plain', port, load), port);
  await enforcer.complete('create_port', { project_id: 'p2' }, load);
  assert.deepEqual(asked, []);

  const ofPolicy = await enforcer.complete('create_rule', { ext_parent_policy_id: 'q1' }, load);
  assert.deepEqual(asked, ['policy q1 tenant_id']);
  assert.equal(enforcer.check('create_rule', credentialsOf(), ofPolicy), true);
});

test('a decision by a typical rule takes less than a microsecond', () => {
  const enforcer = enforcerOf([
    rule('context_is_admin', 'role:admin'),
    rule('project_member', 'role:member and project_id:%(project_id)s'),
    rule('it', 'rule:project_member or rule:context_is_admin', { scopes: ['project'] }),
  ]);
  const caller = credentialsOf();
  const target = { project_id: 'p1', user_id: 'u1' };
  const times = Array.from({ length: 20 }, () => {
    const start = performance.now();
    for (let i = 0; i < 10_000; i++) enforcer.check('it', caller, target);
    return (performance.now() - start) / 10;
  });
  const best = Math.min(...times);
  assert.ok(best < 1, `${best} µs`);
});
