import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OperatorAnswer } from '../../../platform/service/service.ts';
import { repository } from '../../../platform/store/repository.ts';
import { openStore } from '../../../platform/store/store.ts';
import { Changes } from '../store/changes.ts';
import { Directory } from '../store/directory.ts';
import { IdMapping } from '../store/id-mapping.ts';
import { identitySchema } from '../store/schema.ts';
import { noDomain, projects } from '../store/tables.ts';
import { company, companyOptions } from './ldap/testing/people.ts';
import { missingSlapd, startSlapd } from './ldap/testing/slapd.ts';
import { openElsewhere } from './open-elsewhere.ts';
import { offerMappings } from './operator.ts';

const settings = {
  driver: 'sql',
  ldap: {},
  backward_compatible_ids: true,
  domain_specific_drivers_enabled: true,
  domain_configurations_from_database: true,
  domain_config_dir: '',
  ldap_cache_time: 60,
} as const;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Two domains; what is asked of the directory's is answered by `url`. */
async function operated(url = 'ldap://127.0.0.1:1') {
  const store = await openStore(identitySchema, { url: 'sqlite::memory:' });
  for (const id of ['corp', 'own']) {
    await repository(store, projects).insert({
      id,
      name: `${id}-name`,
      domain_id: noDomain,
      is_domain: true,
    });
  }
  const changes = new Changes(store);
  const mapping = new IdMapping(store, changes);
  const configured = { identity: { driver: 'ldap' }, ldap: { url, ...companyOptions } };
  const elsewhere = await openElsewhere({
    settings,
    stateDir: '/nonexistent',
    mapping,
    changes,
    log: silent,
    nameOf: async () => undefined,
    configOf: async (id) => (id === 'corp' ? configured : undefined),
  });
  const directory = new Directory(store, changes, 0, elsewhere);
  const offers = new Map<string, OperatorAnswer>();
  offerMappings(
    { offer: (name, answer) => void offers.set(name, answer) },
    { mapping, elsewhere, directory },
  );
  return {
    mapping,
    ask: (name: string, args: Record<string, string> = {}) => (offers.get(name) as OperatorAnswer)(args),
    async [Symbol.asyncDispose]() {
      elsewhere?.close();
      await store.close();
    },
  };
}

describe('purging mappings', () => {
  test('asks what is meant, and takes nothing else', async () => {
    await using cloud = await operated();
    for (const domain of ['corp', 'own']) {
      await cloud.mapping.publicIds(domain, 'user', ['a', 'b']);
      await cloud.mapping.publicIds(domain, 'group', ['a']);
    }
    const refused = { status: 400 };
    await assert.rejects(cloud.ask('mapping-purge'), refused);
    await assert.rejects(cloud.ask('mapping-purge', { all: 'yes', type: 'user' }), refused);
    await assert.rejects(cloud.ask('mapping-purge', { type: 'project' }), refused);
    await assert.rejects(cloud.ask('mapping-purge', { domain_name: 'nowhere' }), { status: 404 });
    assert.deepEqual(await cloud.ask('mapping-purge', { domain_name: 'own-name', type: 'user' }), {
      purged: 2,
    });
    assert.deepEqual(await cloud.ask('mapping-purge', { local_id: 'a' }), { purged: 3 });
    assert.deepEqual(await cloud.ask('mapping-purge', { all: 'yes' }), { purged: 1 });
  });
});

describe('populating mappings', { skip: missingSlapd() ?? false }, () => {
  test('gives everybody in a directory an id, and is for directories alone', async () => {
    await using slapd = await startSlapd({ ldif: company });
    await using cloud = await operated(slapd.url);
    assert.deepEqual(await cloud.ask('mapping-populate', { domain_name: 'corp-name' }), {
      users: 3,
      groups: 2,
    });
    assert.equal((await cloud.mapping.ofDomain('corp', 'user')).length, 3);
    await assert.rejects(cloud.ask('mapping-populate', { domain_name: 'own-name' }), { status: 400 });
    await assert.rejects(cloud.ask('mapping-populate', { domain_name: 'nowhere' }), { status: 404 });
  });
});
