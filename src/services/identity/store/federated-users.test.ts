import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../../platform/store/store.ts';
import { tagsOf } from '../api/project-view.ts';
import type { Identity } from '../identity.ts';
import { displayNames } from './federated-users.ts';
import { identitySchema } from './schema.ts';
import { noDomain } from './tables.ts';

test('a page of more federated users, or projects, than a statement takes is named all the same', async () => {
  const store = await openStore(identitySchema, { url: 'sqlite::memory:' });
  try {
    const domain = { name: 'd', is_domain: true, enabled: true, options: {}, extra: {}, parent_id: null };
    const { db } = store;
    await db
      .insertInto('projects')
      .values({ ...domain, id: 'd', domain_id: noDomain, description: '' })
      .execute();
    await db
      .insertInto('identity_providers')
      .values({ id: 'acme', domain_id: 'd', enabled: true, authorization_ttl: null })
      .execute();
    await db.insertInto('mappings').values({ id: 'm', rules: [], schema_version: '1.0' }).execute();
    const protocol = { id: 'openid', identity_provider_id: 'acme', mapping_id: 'm' };
    await db.insertInto('federation_protocols').values(protocol).execute();
    const ids = Array.from({ length: 40_000 }, (_, at) => `user${at}`);
    const known = ids.filter((_, at) => at % 10_000 === 9_999);
    for (const id of known) {
      await db
        .insertInto('users')
        .values({ id, name: id, domain_id: 'd', enabled: true, extra: {}, options: {} })
        .execute();
      await db
        .insertInto('federated_users')
        .values({
          user_id: id,
          identity_provider_id: 'acme',
          protocol_id: 'openid',
          unique_id: id,
          display_name: `called ${id}`,
        })
        .execute();
    }
    const called = await displayNames(
      store,
      ids.map((id) => ({ id, name: id })),
    );
    assert.deepEqual(
      [...called],
      known.map((id) => [id, `called ${id}`]),
    );
    const named = await displayNames(store, [{ id: known[0] as string, name: 'another name' }]);
    assert.equal(named.size, 0, 'who has a name of his own has it');

    await db.insertInto('project_tags').values({ project_id: 'd', name: 'blue' }).execute();
    const tags = await tagsOf({ store } as Identity, [...ids, 'd']);
    assert.deepEqual(tags.get('d'), ['blue']);
    assert.equal(tags.size, 40_001);
  } finally {
    await store.close();
  }
});
