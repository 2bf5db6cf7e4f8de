import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openStore } from '../../../platform/store/store.ts';
import { DomainOptions, substituted } from '../model/domain-options.ts';
import { Changes } from './changes.ts';
import { DomainConfigurations } from './domain-configurations.ts';
import { KeyRepository } from './key-repository.ts';
import { identitySchema } from './schema.ts';
import { noDomain } from './tables.ts';

const directory = await mkdtemp(join(tmpdir(), 'domain-configurations-'));
const store = await openStore(identitySchema, { url: 'sqlite::memory:' });
const keys = await KeyRepository.open({ directory: join(directory, 'keys') });
after(async () => {
  keys.close();
  await store.close();
  await rm(directory, { recursive: true });
});
const announced: string[] = [];
const warned: object[] = [];
const configurations = new DomainConfigurations({
  store,
  changes: new Changes(store),
  options: new DomainOptions(),
  keys,
  announce: (domainId) => announced.push(domainId),
  warn: (about) => warned.push(about),
});
await store.db
  .insertInto('projects')
  .values({ id: 'd1', name: 'one', domain_id: noDomain, is_domain: true })
  .execute();
const stored = async () =>
  (await store.db.selectFrom('domain_options').select(['option_name', 'option_value']).execute()).find(
    (row) => row.option_name === 'password',
  )?.option_value;

describe('a domain’s configuration in the store', () => {
  it('has secrets encrypted, and for the backend in the clear where they are named', async () => {
    await configurations.write('d1', {
      ldap: {
        url: 'ldap://u:%(password)s@x',
        user: '100%%',
        suffix: '%(nothing)s',
        page_size: 5,
        password: 'se"cret',
      },
    });
    assert.doesNotMatch((await stored()) ?? '', /cret/);
    assert.deepEqual((await configurations.of('d1'))['ldap'], {
      url: 'ldap://u:se"cret@x',
      user: '100%',
      suffix: '%(nothing)s',
      page_size: 5,
      password: 'se"cret',
    });
    assert.deepEqual(warned, [{ domainId: 'd1', group: 'ldap', option: 'suffix' }]);
    assert.deepEqual(await configurations.domains(), ['d1']);
  });

  it('is remembered until it changes, which is told', async () => {
    const told: string[] = [];
    const end = configurations.onChange((domainId) => told.push(domainId));
    announced.length = 0;
    assert.equal(await configurations.of('d1'), await configurations.of('d1'));
    await store.transaction(async () => {
      await configurations.write('d1', { identity: { list_limit: 3 } });
      assert.deepEqual(told, []);
    });
    assert.deepEqual((await configurations.of('d1'))['identity'], { list_limit: 3 });
    configurations.changedElsewhere('d2');
    end();
    configurations.changedElsewhere('d3');
    assert.deepEqual([told, announced], [['d1', 'd2'], ['d1']]);
  });

  it('is read with every key that comes, and left to none that goes', async () => {
    for (let turn = 0; turn < 5; turn++) {
      const before = await stored();
      await configurations.rotateKeys();
      assert.notEqual(await stored(), before);
      await keys.reload();
      assert.equal((await configurations.readable('d1'))['ldap']?.['page_size'], 5);
      await configurations.write('d1', { identity: { list_limit: turn } });
      assert.equal((await configurations.of('d1'))['ldap']?.['password'], 'se"cret');
    }
  });
});

describe('sensitive options in others', () => {
  const secrets = new Map([['password', 'x']]);
  it('stand where they are named, as Python’s % has it', () => {
    assert.equal(substituted('a%(password)sb%(password)s', secrets), 'axbx');
    assert.equal(substituted('100%%', secrets), '100%');
    assert.equal(substituted('none', secrets), 'none');
  });
  it('leave a text as it is that names another, or has a stray %', () => {
    for (const text of ['%(user)s', '50%', '%(password)d', '%(password)', '%s']) {
      assert.equal(substituted(text, secrets), undefined, text);
    }
  });
});
