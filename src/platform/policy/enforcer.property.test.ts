import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CommandFailed, run } from '../exec/run.ts';
import { Enforcer } from './enforcer.ts';
import { policyDefaults, rule } from './rule.ts';
import { evaluate } from './testing/reference.ts';
import { callers, ruleSets, type Tree, targets, toText, toValues } from './testing/rules.ts';

const enforcerOf = (rules: Readonly<Record<string, Tree>>) =>
  new Enforcer({
    defaults: policyDefaults(
      'compute',
      Object.entries(rules).map(([name, tree]) => rule(name, toText(tree))),
    ),
    denial: 'compute',
  });

test('any rule decides as the reference evaluator does', () => {
  fc.assert(
    fc.property(ruleSets, callers, targets, (rules, caller, target) => {
      const enforcer = enforcerOf(rules);
      for (const [name, tree] of Object.entries(rules)) {
        assert.equal(
          enforcer.check(name, caller, target),
          evaluate(tree, rules, caller, target),
          toText(tree),
        );
      }
    }),
    { numRuns: 2000 },
  );
});

test('a rule that is said not to depend on the target decides alike for every target', () => {
  fc.assert(
    fc.property(ruleSets, callers, targets, targets, (rules, caller, one, other) => {
      const enforcer = enforcerOf(rules);
      for (const name of Object.keys(rules)) {
        if (enforcer.dependsOnTarget(name)) continue;
        assert.equal(enforcer.check(name, caller, one), enforcer.check(name, caller, other));
      }
    }),
    { numRuns: 1000 },
  );
});

/** Reads cases as JSON, answers a list of booleans: what oslo.policy itself says. */
const oslo = `
import json, sys
from oslo_config import cfg
from oslo_policy import policy
answers = []
for case in json.load(sys.stdin):
    conf = cfg.ConfigOpts()
    conf([])
    enforcer = policy.Enforcer(conf, use_conf=False)
    enforcer.set_rules(policy.Rules.from_dict(case['rules']))
    answers.append([bool(enforcer.enforce(name, dict(case['target']), dict(case['creds']))) for name in case['rules']])
json.dump(answers, sys.stdout)
`;

test('any rule decides as oslo.policy does', async (t) => {
  const cases = fc.sample(fc.tuple(ruleSets, callers, targets), 1000).map(([rules, caller, target]) => ({
    rules,
    caller,
    target,
  }));
  const input = JSON.stringify(
    cases.map(({ rules, caller, target }) => ({
      rules: Object.fromEntries(Object.entries(rules).map(([name, tree]) => [name, toText(tree)])),
      creds: { ...toValues(caller), roles: caller.roles },
      target,
    })),
  );
  let answer: string;
  try {
    answer = (await run(['/usr/bin/python3', '-c', oslo], { input, deadline: 120_000 })).stdout;
  } catch (error) {
    if (error instanceof CommandFailed && /ModuleNotFoundError|No module named|ENOENT/.test(error.message)) {
      t.skip('skipped: the Debian package python3-oslo.policy is missing');
      return;
    }
    throw error;
  }
  const expected = JSON.parse(answer) as boolean[][];
  assert.equal(expected.length, cases.length);
  for (const [i, { rules, caller, target }] of cases.entries()) {
    const enforcer = enforcerOf(rules);
    const ours = Object.keys(rules).map((name) => enforcer.check(name, caller, target));
    assert.deepEqual(
      ours,
      expected[i],
      JSON.stringify({ rules: Object.values(rules).map((r) => toText(r)), caller, target }),
    );
  }
});
