import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { tryMapping } from './mapping-engine.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cumulet-mapping-'));
});
after(() => rm(directory, { recursive: true }));

async function tried(rules: string, input: string, more: object = {}): Promise<unknown> {
  const [rulesFile, inputFile] = [join(directory, 'rules.json'), join(directory, 'input')];
  await writeFile(rulesFile, rules);
  await writeFile(inputFile, input);
  return JSON.parse(await tryMapping({ rules: rulesFile, input: inputFile, ...more }));
}
const rules = JSON.stringify([
  {
    local: [{ user: { name: '{0}' } }, { groups: '{1}', domain: { id: 'default' } }],
    remote: [{ type: 'user' }, { type: 'groups', blacklist: ['b'] }],
  },
]);
const input = 'user: ann\n\n  groups : a;b\nurl: https://example.org:80/\n';

it('says whom the rules make of the attributes', async () => {
  const expected = {
    user: { name: 'ann', type: 'ephemeral' },
    group_ids: [],
    group_names: [{ name: 'a', domain: { id: 'default' } }],
    projects: [],
  };
  assert.deepEqual(await tried(rules, input), expected);
  assert.deepEqual(await tried(`{"rules": ${rules}, "schema_version": "1.0"}`, input), expected);
});

it('leaves attributes out that do not begin as they should', async () => {
  await assert.rejects(tried(rules, input, { prefix: 'OIDC' }), /Could not map/);
});

it('says what is wrong with rules and attributes', async () => {
  await assert.rejects(tried('[', input), /rules\.json is not JSON/);
  await assert.rejects(tried('3', input), /rules\.json has no rules/);
  await assert.rejects(tried('[]', input), /rules\.json: rules/);
  await assert.rejects(tried(rules, 'user ann'), /line 1: expected 'name: value'/);
  await assert.rejects(tried(rules, input, { mappingSchemaVersion: '9' }), /not one of/);
});
