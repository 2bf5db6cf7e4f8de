import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Enforcer } from './enforcer.ts';
import { PolicyError } from './link.ts';
import { followPolicyFile, parseOverrides, readPolicyFile } from './policy-file.ts';
import { policyDefaults, rule } from './rule.ts';
import { credentialsOf } from './testing/credentials.ts';

function inFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'policy-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'policy.yaml');
}

const enforcer = () =>
  new Enforcer({ defaults: policyDefaults('compute', [rule('a', '!')]), denial: 'compute' });

test('a policy file is YAML or JSON, and may be missing or empty', (t) => {
  const path = inFolder(t);
  assert.deepEqual(readPolicyFile(path), {});
  writeFileSync(path, '# nothing\n');
  assert.deepEqual(readPolicyFile(path), {});
  writeFileSync(path, '"a": "role:admin"\nb: [[role:x, "@"], "role:y"]\n');
  assert.deepEqual(readPolicyFile(path), { a: 'role:admin', b: [['role:x', '@'], 'role:y'] });
  writeFileSync(path, '{"a": ""}');
  assert.deepEqual(readPolicyFile(path), { a: '' });
});

test('what is no mapping of names to checks is refused with the names', () => {
  assert.throws(() => parseOverrides(['a'], 'f'), /f is not a mapping/);
  assert.throws(
    () => parseOverrides({ a: '@', b: null, c: 1, d: [[1]] }, 'f'),
    (error) => {
      assert.ok(error instanceof PolicyError);
      assert.deepEqual(
        error.problems.map((one) => one.slice(0, 12)),
        ['rule "b" (f)', 'rule "c" (f)', 'rule "d" (f)'],
      );
      return true;
    },
  );
});

test('what is not YAML is refused with the file and the place', (t) => {
  const path = inFolder(t);
  writeFileSync(path, 'a: "unfinished\n');
  assert.throws(() => readPolicyFile(path), /policy\.yaml is not YAML: .*line/s);
});

test('a changed file is in force soon; a broken one changes nothing; a removed one gives the defaults', async (t) => {
  const path = inFolder(t);
  const rules = enforcer();
  const allowed = () => rules.check('a', credentialsOf());
  let event = Promise.withResolvers<string>();
  const next = () => {
    event = Promise.withResolvers();
    return event.promise;
  };
  using _ = followPolicyFile(rules, path, {
    onReload: () => event.resolve('reload'),
    onError: (error) => event.resolve(error.message),
  });
  // Files are replaced by renaming, so that no reading meets half of one.
  const write = (text: string) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  assert.equal(allowed(), false);

  let told = next();
  write('a: "@"');
  assert.equal(await told, 'reload');
  assert.equal(allowed(), true);

  told = next();
  write('a: "role:member and"');
  assert.match(await told, /policy\.yaml\) ends where a check is expected/);
  assert.equal(allowed(), true);

  told = next();
  unlinkSync(path);
  assert.equal(await told, 'reload');
  assert.equal(allowed(), false);
});

test('a file that is broken from the start is an error', (t) => {
  const path = inFolder(t);
  writeFileSync(path, 'a: "and"');
  assert.throws(() => followPolicyFile(enforcer(), path), PolicyError);
});
