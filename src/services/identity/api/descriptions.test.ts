import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { defineSchema } from '../../../platform/store/schema.ts';
import { openStore } from '../../../platform/store/store.ts';
import { identitySchema } from '../store/schema.ts';
import { noDomain } from '../store/tables.ts';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

/**
 * What a description is where nothing was said, and where null was. Upstream fills in an empty text for domains,
 * projects and groups alone (`setdefault`), knows no null of regions, and keeps those of users, services and endpoints
 * among what is not described.
 */
const kinds = [
  { path: '/v3/domains', one: 'domain', unsaid: '', nothing: null },
  { path: '/v3/projects', one: 'project', unsaid: '', nothing: null },
  { path: '/v3/groups', one: 'group', unsaid: '', nothing: null },
  { path: '/v3/users', one: 'user', unsaid: undefined, nothing: null },
  { path: '/v3/services', one: 'service', unsaid: undefined, nothing: null, body: { type: 'kind' } },
  { path: '/v3/regions', one: 'region', unsaid: '', nothing: '', body: {} },
  {
    path: '/v3/OS-EP-FILTER/endpoint_groups',
    one: 'endpoint_group',
    unsaid: null,
    nothing: null,
    body: { name: 'all', filters: { interface: 'public' } },
  },
];

describe('descriptions', () => {
  let cloud: IdentityCloud;
  let count = 0;
  before(async () => {
    cloud = await startIdentity();
  });
  after(() => cloud[Symbol.asyncDispose]());

  for (const { path, one, unsaid, nothing, body } of kinds) {
    it(`of a ${one} are ${JSON.stringify(nothing)} where null is said`, async () => {
      const given = () => body ?? { name: `${one}-${++count}` };
      const shown = async (id: string) =>
        (await cloud.request('GET', `${path}/${id}`, { as: cloud.admin })).body[one].description;
      const change = async (id: string, description: string | null) => {
        const { status, body: answer } = await cloud.request('PATCH', `${path}/${id}`, {
          as: cloud.admin,
          body: { [one]: { description } },
        });
        assert.equal(status, 200, JSON.stringify(answer));
        return answer[one].description;
      };
      const silent = await cloud.make(path, one, given());
      assert.equal(silent['description'], unsaid);
      assert.equal(await shown(silent.id), unsaid);

      const made = await cloud.make(path, one, { ...given(), description: null });
      assert.equal(made['description'], nothing);
      assert.equal(await shown(made.id), nothing);
      assert.equal(await change(made.id, 'some'), 'some');
      assert.equal(await change(made.id, null), nothing);
      assert.equal(await shown(made.id), nothing);
    });
  }

  it('of a role are a text, or left out', async () => {
    const role = await cloud.make('/v3/roles', 'role', { name: 'plain' });
    assert.equal(role['description'], null);
    for (const [method, path] of [
      ['POST', '/v3/roles'],
      ['PATCH', `/v3/roles/${role.id}`],
    ] as const) {
      const body = { role: { name: 'told', description: null } };
      assert.equal((await cloud.request(method, path, { as: cloud.admin, body })).status, 400);
    }
  });

  it('that earlier versions left out are empty, as they were shown', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'descriptions-'));
    try {
      const url = `sqlite:${join(folder, 'identity.db')}`;
      const upTo = identitySchema.migrations.findIndex(({ name }) => name === '0007-said-descriptions');
      const { tables, migrations } = identitySchema;
      const earlier = await openStore(
        defineSchema('identity', { tables, migrations: migrations.slice(0, upTo) }),
        { url },
      );
      const row = { name: 'd', is_domain: true, enabled: true, options: {}, extra: {}, parent_id: null };
      await earlier.db
        .insertInto('projects')
        .values([
          { ...row, id: 'silent', domain_id: noDomain, description: null },
          { ...row, id: 'told', name: 'e', domain_id: noDomain, description: 'some' },
        ])
        .execute();
      await earlier.close();
      const store = await openStore(identitySchema, { url });
      const found = await store.db
        .selectFrom('projects')
        .select(['id', 'description'])
        .where('id', '!=', noDomain)
        .orderBy('id')
        .execute();
      await store.close();
      assert.deepEqual(
        found.map(({ id, description }) => [id, description]),
        [
          ['silent', ''],
          ['told', 'some'],
        ],
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
