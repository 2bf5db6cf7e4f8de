import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { company, companyOptions } from '../drivers/ldap/testing/people.ts';
import { manager, missingSlapd, type Slapd, startSlapd } from '../drivers/ldap/testing/slapd.ts';
import { publicIdOf } from '../model/public-id.ts';
import { type IdentityCloud, inDefault, startIdentity } from '../testing/cloud.ts';

const skip = missingSlapd() ?? false;
const names = (all: { name: string }[]) => all.map((each) => each.name).toSorted();

describe('a domain that is configured by the API', { skip }, () => {
  let slapd: Slapd;
  let cloud: IdentityCloud;
  let domain: string;

  before(async () => {
    slapd = await startSlapd({ ldif: company });
    cloud = await startIdentity({
      domain_specific_drivers_enabled: true,
      domain_configurations_from_database: true,
    });
    ({ id: domain } = await cloud.make('/v3/domains', 'domain', { name: 'corp' }));
  });
  after(async () => {
    await cloud[Symbol.asyncDispose]();
    await slapd[Symbol.asyncDispose]();
  });

  const configure = async (method: string, config: unknown) => {
    const { status, body } = await cloud.request(method, `/v3/domains/${domain}/config`, {
      as: cloud.admin,
      ...(config ? { body: { config } } : {}),
    });
    assert.ok(status < 300, JSON.stringify(body));
  };

  test('has the backend that it is configured with, from then until it is configured otherwise', async () => {
    const user = { name: 'Bob', password: 'bob-secret', domain: { id: domain } };
    assert.equal((await cloud.authenticate(user)).status, 401);
    const ldap = { url: slapd.url, ...companyOptions, user: manager.dn, password: manager.password };
    await configure('PUT', { identity: { driver: 'ldap' }, ldap });
    await cloud.login(user);
    await configure('PATCH', { ldap: { url: slapd.url, user_filter: '(uid=alice)' } });
    assert.equal((await cloud.authenticate(user)).status, 401);
    await cloud.login({ name: 'Alice Example', password: 'alice-secret', domain: { id: domain } });
    await configure('DELETE', undefined);
    assert.equal((await cloud.authenticate(user)).status, 401);
  });
});

describe('a directory for the default domain', { skip }, () => {
  let slapd: Slapd;
  before(async () => {
    slapd = await startSlapd({ ldif: company });
  });
  after(() => slapd[Symbol.asyncDispose]());

  test('is known by its own ids, beside those whom the cloud began with', async () => {
    await using cloud = await startIdentity({
      driver: 'ldap',
      ldap: { url: slapd.url, ...companyOptions },
    });
    const token = await cloud.login(inDefault('Alice Example', 'alice-secret'));
    const shown = await cloud.request('GET', '/v3/users/alice', { as: cloud.admin });
    assert.equal(shown.body.user.name, 'Alice Example');
    const group = await cloud.request('GET', '/v3/groups/developers/users', { as: cloud.admin });
    assert.deepEqual(names(group.body.users), ['Alice Example', 'Bob']);
    assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: token })).status, 200);
    const { body } = await cloud.request('GET', '/v3/users', { as: cloud.admin });
    assert.deepEqual(names(body.users), ['Alice Example', 'Bob', 'Carol', 'admin', 'demo']);
  });

  test('is known by mapped ids where that is wanted', async () => {
    await using cloud = await startIdentity({
      driver: 'ldap',
      ldap: { url: slapd.url, ...companyOptions },
      backward_compatible_ids: false,
    });
    await cloud.login(inDefault('Alice Example', 'alice-secret'));
    const id = publicIdOf({ domainId: 'default', localId: 'alice', type: 'user' });
    assert.equal((await cloud.request('GET', `/v3/users/${id}`, { as: cloud.admin })).status, 200);
    assert.equal((await cloud.request('GET', '/v3/users/alice', { as: cloud.admin })).status, 404);
  });
});

test('a file with a password that everybody can read is refused, and says so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cumulet-domains-'));
  try {
    const file = join(folder, 'keystone.corp.yaml');
    await writeFile(file, stringify({ identity: { driver: 'ldap' }, ldap: { password: 'x' } }));
    await chmod(file, 0o644);
    await assert.rejects(
      startIdentity({ domain_specific_drivers_enabled: true, domain_config_dir: folder }),
      /everybody can read it/,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
