import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readResults } from './gabbi.ts';

test("gabbi-run's report is read: what passed, what failed and why, what was skipped", () => {
  const report = [
    '... ✓ gabbi-runner.traits_list_traits',
    '... ✗ gabbi-runner.traits_create_a_trait: a description: with a colon',
    '... E gabbi-runner.traits_delete_a_trait',
    '... - gabbi-runner.traits_not_today',
    "\t[skipped] 'why not'",
    'FAIL: gabbi-runner.traits_create_a_trait: a description: with a colon',
    "\t'409' not found in ['201']",
    '\tsecond line',
    'ERROR: gabbi-runner.traits_delete_a_trait',
    '\tconnection refused',
    '',
    'Ran 4 tests in 0.1s',
  ].join('\n');
  assert.deepEqual(
    readResults(report, 'traits').map(({ name, result, text }) => [name, result, text]),
    [
      ['placement_gabbi.traits.list_traits', 'passed', ''],
      ['placement_gabbi.traits.create_a_trait', 'failed', "'409' not found in ['201']\nsecond line"],
      ['placement_gabbi.traits.delete_a_trait', 'failed', 'connection refused'],
      ['placement_gabbi.traits.not_today', 'skipped', ''],
    ],
  );
  assert.throws(() => readResults('Traceback: no such file', 'traits'), /said nothing about traits/);
});
