import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { plainName, select } from './selection.ts';

const folder = import.meta.dirname;
const azName =
  'tempest.api.compute.servers.test_availability_zone.AZV2TestJSON.test_get_availability_zone_list_with_non_admin_user';
const azTest = `${azName}[id-a8333aa2-205c-449f-a828-d38c2489bf25]`;

test('a plain name has no attributes, but keeps its scenario', () => {
  assert.equal(plainName(azTest), azName);
  assert.equal(
    plainName('a.B.test_c[id-e36c0eaa-dff5-4082-ad1f-3f9a80aa3f59,smoke](sort)'),
    'a.B.test_c(sort)',
  );
  assert.equal(plainName('a.B.test_c[network,id-e36c0eaa-dff5-4082-ad1f-3f9a80aa3f59]'), 'a.B.test_c');
});

test('a selection is a regular expression over names', () => {
  assert.deepEqual(select(['availability.*non_admin'], [azTest, 'tempest.other.test_x'], folder).tests, [
    azTest,
  ]);
});

test('a selection can be a file of names', (t) => {
  const scratch = mkdtempSync(join(tmpdir(), 'selection-'));
  t.after(() => rmSync(scratch, { recursive: true }));
  const path = join(scratch, 'names');
  writeFileSync(path, `# two\n${azName}\n\ntempest.gone.test_x # no more\n`);
  assert.deepEqual(select([path], [azTest, 'tempest.other.test_x'], folder), {
    tests: [azTest],
    missing: ['tempest.gone.test_x'],
  });
});

test('the interoperability list is whole, and a renamed test is found by its id', () => {
  const all = select(['interop'], [], folder);
  assert.equal(all.missing.length, 289);
  assert.equal(select(['interop:identity'], [], folder).missing.length, 8);
  const renamed = azTest.replace('AZV2TestJSON', 'ZonesTest');
  assert.deepEqual(select(['interop'], [renamed], folder).tests, [renamed]);
});

test('of tests that inherit one id only the named one is taken', () => {
  const heir = azTest.replace('AZV2TestJSON', 'HeirTest');
  assert.deepEqual(select(['interop'], [heir, azTest], folder).tests, [azTest]);
});

test('several selections are one, without doubles', () => {
  const all = ['a.A.test_x', 'b.B.test_y', 'c.C.test_z'];
  assert.deepEqual(select(['^b', 'a|b'], all, folder).tests, ['a.A.test_x', 'b.B.test_y']);
});
