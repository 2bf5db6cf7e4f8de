import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { addPassing, compare, readPassing, suiteOf } from './passing.ts';
import { report } from './report.ts';
import { errorLine, groupFailures, type Outcome, toResults } from './results.ts';

const outcome = (id: string, status: Outcome['status'], details: Record<string, string> = {}): Outcome => ({
  id,
  status,
  details,
});
const traceback = `Traceback (most recent call last):

  File "/usr/lib/python3/dist-packages/tempest/api/x.py", line 7, in test_y
    self.client.show(name)

  File "/usr/lib/python3/dist-packages/tempest/lib/common/rest_client.py", line 9, in _error_checker
    raise exceptions.NotFound(resp_body, resp=resp)

tempest.lib.exceptions.NotFound: Object not found
Details: {'code': 404, 'message': 'Server 8b0f6f0c-3c1b-4c7e-9e5f-1d2c3b4a5f60 could not be found.'}
`;

const failed = (name: string, text: string) => ({ name, result: 'failed' as const, text });

test('each selected test has one result, also where only its class is heard of', () => {
  const id = '[id-e36c0eaa-dff5-4082-ad1f-3f9a80aa3f59]';
  const results = toResults(
    [`t.A.test_1${id}`, `t.A.test_2${id}`, `t.B.test_1${id}`, `t.C.test_1${id}`, `t.D.test_1${id}`],
    [
      outcome(`t.A.test_1${id}`, 'success'),
      outcome(`t.A.test_2${id}`, 'fail', { traceback, "pythonlogging:''": 'noise' }),
      outcome('setUpClass (t.B)', 'skip', { reason: 'no volumes' }),
      outcome('setUpClass (t.C)', 'fail', { traceback }),
      outcome('tearDownClass (t.A)', 'fail', { traceback }),
    ],
  );
  assert.deepEqual(
    results.map(({ name, result }) => [name, result]),
    [
      ['t.A.test_1', 'passed'],
      ['t.A.test_2', 'failed'],
      ['t.B.test_1', 'skipped'],
      ['t.C.test_1', 'failed'],
      ['t.D.test_1', 'failed'],
      ['tearDownClass (t.A)', 'failed'],
    ],
  );
  assert.equal(results[2]?.text, 'no volumes');
  assert.equal(results[4]?.text, 'did not run');
});

test('failures are grouped by the line that says what went wrong', () => {
  assert.equal(errorLine(traceback), 'tempest.lib.exceptions.NotFound: Object not found');
  assert.equal(
    errorLine('x: Server 8b0f6f0c-3c1b-4c7e-9e5f-1d2c3b4a5f60 failed tempest-Servers-12345678'),
    'x: Server … failed tempest-Servers-…',
  );
  assert.deepEqual(groupFailures([failed('a', 'one'), failed('b', traceback), failed('c', traceback)]), [
    { error: 'tempest.lib.exceptions.NotFound: Object not found', names: ['b', 'c'] },
    { error: 'one', names: ['a'] },
  ]);
});

test('a test that passed before and does not now is lost; the report says so and ends with the totals', () => {
  const results = [
    { name: 'tempest.api.compute.A.test_1', result: 'passed' as const, text: '' },
    { name: 'tempest.api.compute.A.test_2', result: 'failed' as const, text: traceback },
    { name: 'tempest.api.compute.A.test_3', result: 'skipped' as const, text: 'no such extension' },
    { name: 'tempest.api.compute.A.test_4', result: 'failed' as const, text: 'never passed' },
  ];
  const comparison = compare(results, new Set(results.slice(1, 3).map((one) => one.name)));
  assert.deepEqual(
    comparison.lost.map((one) => one.name),
    ['tempest.api.compute.A.test_2', 'tempest.api.compute.A.test_3'],
  );
  assert.deepEqual(comparison.won, ['tempest.api.compute.A.test_1']);
  const text = report(results, comparison, { updated: false });
  assert.match(text, /error: tempest\.api\.compute\.A\.test_2 passed before and fails now\n.*NotFound/s);
  assert.equal(text.split('\n').at(-1), '1 passed, 2 failed, 1 skipped');
});

test('lists of passing tests grow, sorted, by suite', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'passing-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const suites = {
    'object-storage': 'tempest.api.object_storage.b.C.test_d',
    scenario: 'tempest.scenario.a.B.test_c',
  };
  for (const [suite, name] of Object.entries(suites)) assert.equal(suiteOf(name), suite);
  assert.equal(suiteOf('neutron_tempest_plugin.api.A.test_b'), 'neutron-tempest-plugin');
  addPassing(folder, ['tempest.api.image.b.T.test_2', 'tempest.api.image.a.T.test_1', suites.scenario]);
  addPassing(folder, ['tempest.api.image.a.T.test_0']);
  assert.equal(
    readFileSync(join(folder, 'image.txt'), 'utf8'),
    'tempest.api.image.a.T.test_0\ntempest.api.image.a.T.test_1\ntempest.api.image.b.T.test_2\n',
  );
  assert.equal(readPassing(folder).size, 4);
});
