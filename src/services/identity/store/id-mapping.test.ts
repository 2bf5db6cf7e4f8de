import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repository } from '../../../platform/store/repository.ts';
import { forEachDatabase } from '../../../platform/store/testing/databases.ts';
import { publicIdOf } from '../model/public-id.ts';
import { Changes } from './changes.ts';
import { IdMapping } from './id-mapping.ts';
import { identitySchema } from './schema.ts';
import { noDomain, projects } from './tables.ts';

forEachDatabase((_name, open) => {
  async function prepared() {
    const store = await open(identitySchema);
    for (const id of ['one', 'two']) {
      await repository(store, projects).insert({ id, name: id, domain_id: noDomain, is_domain: true });
    }
    const changes = new Changes(store);
    return { store, changes, mapping: new IdMapping(store, changes) };
  }

  test('public ids are made once, for as many as are asked for', async () => {
    const { mapping, changes } = await prepared();
    const locals = Array.from({ length: 1200 }, (_, n) => `user${n}`);
    const made = await mapping.publicIds('one', 'user', locals);
    assert.equal(made.size, locals.length);
    assert.equal(made.get('user7'), publicIdOf({ domainId: 'one', localId: 'user7', type: 'user' }));
    const before = changes.generation;
    assert.deepEqual(await mapping.publicIds('one', 'user', locals), made);
    assert.equal(changes.generation, before, 'what is known already makes nobody forget');
    const more = await mapping.publicIds('one', 'user', ['user7', 'new', 'new']);
    assert.deepEqual([...more.keys()].toSorted(), ['new', 'user7']);
    assert.equal((await mapping.ofDomain('one', 'user')).length, 1201);
  });

  test('two who list at the same time make the same ids', async () => {
    const { mapping } = await prepared();
    const locals = Array.from({ length: 50 }, (_, n) => `user${n}`);
    const all = await Promise.all(Array.from({ length: 4 }, () => mapping.publicIds('one', 'user', locals)));
    for (const each of all) assert.deepEqual(each, all[0]);
  });

  test('a user and a group, and the same in two domains, and in two cases, are not each other', async () => {
    const { mapping } = await prepared();
    const ids = new Set<string | undefined>();
    for (const domain of ['one', 'two']) {
      for (const type of ['user', 'group'] as const) {
        const made = await mapping.publicIds(domain, type, ['same', 'Same']);
        ids.add(made.get('same'));
        ids.add(made.get('Same'));
      }
    }
    assert.equal(ids.size, 8);
    for (const id of ids) assert.equal((await mapping.localOf(id as string))?.local_id.toLowerCase(), 'same');
    assert.equal((await mapping.localsOf([...ids] as string[])).length, 8);
    assert.equal(await mapping.localOf('nothing'), undefined);
  });

  test('what is purged is what is meant', async () => {
    const { mapping } = await prepared();
    for (const domain of ['one', 'two']) {
      await mapping.publicIds(domain, 'user', ['a', 'b']);
      await mapping.publicIds(domain, 'group', ['a']);
    }
    const id = publicIdOf({ domainId: 'one', localId: 'a', type: 'user' });
    assert.equal(await mapping.purge({ public_id: id }), 1);
    assert.equal(await mapping.purge({ public_id: id }), 0);
    assert.equal(await mapping.purge({ domain_id: 'two', entity_type: 'group' }), 1);
    assert.equal(await mapping.purge({ local_id: 'b' }), 2);
    assert.equal(await mapping.purge({}), 2);
  });

  test('the mappings of a domain go with it', async () => {
    const { mapping, store } = await prepared();
    await mapping.publicIds('one', 'user', ['a']);
    await repository(store, projects).delete({ id: 'one' });
    assert.deepEqual(await mapping.ofDomain('one', 'user'), []);
  });
});
