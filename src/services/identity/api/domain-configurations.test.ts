import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { inDefault, secrets, startIdentity } from '../testing/cloud.ts';

const additional = { domain_config_additional_whitelisted_options: ['ldap.user_allow_create'] };
const cloud = await startIdentity({ ...additional, password_regex: '^.{8,}$' });
after(() => cloud[Symbol.asyncDispose]());
const absent = '0'.repeat(32);
const ask = (method: string, path: string, config?: unknown, as = cloud.admin) =>
  cloud.request(method, path, { as, body: config === undefined ? undefined : { config } });
async function refused(asked: ReturnType<typeof ask>, status: number, message: RegExp) {
  const answered = await asked;
  assert.equal(answered.status, status, JSON.stringify(answered.body));
  assert.match(answered.body.error.message, message);
}
let last = 0;
async function domain(config?: object): Promise<{ id: string; path: string }> {
  const { id } = await cloud.make('/v3/domains', 'domain', { name: `configured-${++last}` });
  const path = `/v3/domains/${id}/config`;
  if (config) assert.equal((await ask('PUT', path, config)).status, 201);
  return { id, path };
}
const some = {
  identity: { driver: 'ldap', list_limit: 10 },
  ldap: { url: 'ldap://x', user_tree_dn: 'ou=Users' },
};

describe('the configuration of a domain', () => {
  it('is put whole, and replaced whole', async () => {
    const { path } = await domain();
    await refused(ask('GET', path), 404, /Could not find any options in domain configuration for domain/);
    const made = await ask('PUT', path, some);
    assert.deepEqual([made.status, made.body], [201, { config: some }]);
    const other = { ldap: { url: 'ldap://y' } };
    const again = await ask('PUT', path, other);
    assert.deepEqual([again.status, again.body], [200, { config: other }]);
    assert.deepEqual((await ask('GET', path)).body, { config: other });
    assert.equal((await ask('HEAD', path)).status, 200);
  });

  it('is shown by groups and by options', async () => {
    const { path } = await domain(some);
    assert.deepEqual((await ask('GET', `${path}/ldap`)).body, { config: { ldap: some.ldap } });
    assert.deepEqual((await ask('GET', `${path}/identity/list_limit`)).body, { config: { list_limit: 10 } });
    await refused(ask('GET', `${path}/ldap/suffix`), 404, /option suffix in group ldap/);
    await refused(ask('GET', `${path}/ldap/colour`), 403, /Option colour in group ldap is not supported/);
    await refused(ask('GET', `${path}/token`), 403, /Group token is not supported/);
  });

  it('is changed whole, by a group, or by an option that is there', async () => {
    const { path } = await domain(some);
    const added = await ask('PATCH', path, { ldap: { suffix: 'o=x' } });
    const config = { ...some, ldap: { ...some.ldap, suffix: 'o=x' } };
    assert.deepEqual([added.status, added.body], [200, { config }]);
    const group = { identity: { list_limit: 20 } };
    assert.deepEqual((await ask('PATCH', `${path}/identity`, group)).body.config.identity, {
      driver: 'ldap',
      list_limit: 20,
    });
    const option = await ask('PATCH', `${path}/identity/driver`, { driver: 'sql' });
    assert.deepEqual(option.body.config.identity, { driver: 'sql', list_limit: 20 });
    await refused(ask('PATCH', `${path}/ldap/user`, { user: 'cn=x' }), 404, /option user in group ldap/);
    await refused(ask('PATCH', `${path}/identity`, some), 403, /and only that, group/);
    await refused(
      ask('PATCH', `${path}/identity`, { ldap: { url: 'x' } }),
      403,
      /contains group ldap instead/,
    );
    await refused(ask('PATCH', `${path}/ldap/url`, { suffix: 'x' }), 403, /contains option suffix instead/);
    await refused(ask('PATCH', `${path}/ldap/url`, { url: 'x', user: 'y' }), 403, /and only that, option/);
    const { path: bare } = await domain({ ldap: { url: 'x' } });
    await refused(ask('PATCH', `${bare}/identity`, group), 404, /group identity/);
  });

  it('is deleted by an option, by a group, and whole', async () => {
    const { path } = await domain(some);
    assert.equal((await ask('DELETE', `${path}/identity/driver`)).status, 204);
    await refused(ask('DELETE', `${path}/identity/driver`), 404, /option driver in group identity/);
    assert.equal((await ask('DELETE', `${path}/identity`)).status, 204);
    await refused(ask('DELETE', `${path}/identity`), 404, /group identity/);
    assert.deepEqual((await ask('GET', path)).body, { config: { ldap: some.ldap } });
    assert.equal((await ask('DELETE', path)).status, 204);
    assert.equal((await ask('GET', path)).status, 404);
  });

  it('is of options that there are', async () => {
    const { path } = await domain();
    const invalid = /^Invalid domain specific configuration: /;
    for (const config of [
      {},
      [],
      'text',
      { ldap: {} },
      { ldap: 'x' },
      { token: { a: 1 } },
      { ldap: { colour: 1 } },
    ]) {
      await refused(ask('PUT', path, config), 403, invalid);
      await refused(ask('PATCH', path, config), 403, invalid);
    }
    await refused(cloud.request('PUT', path, { as: cloud.admin, body: {} }), 403, /No options specified/);
    assert.equal((await ask('PUT', path, { ldap: { user_allow_create: true } })).status, 201);
  });

  it('is of domains that there are, for administrators', async () => {
    const path = `/v3/domains/${absent}/config`;
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      assert.equal((await ask(method, path, method === 'GET' ? undefined : some)).status, 404, method);
      assert.equal(
        (await ask(method, path, method === 'GET' ? undefined : some, cloud.demo)).status,
        403,
        method,
      );
    }
    const notDomain = `/v3/domains/${cloud.demoProjectId}/config`;
    assert.equal((await ask('PUT', notDomain, some)).status, 404);
  });

  it('says what holds where nothing is configured', async () => {
    const all = (await ask('GET', '/v3/domains/config/default')).body.config;
    assert.deepEqual(all.identity, { driver: 'sql', list_limit: null });
    assert.equal(all.ldap.url, 'ldap://localhost');
    assert.equal(all.ldap.user, null);
    assert.equal('password' in all.ldap, false);
    assert.deepEqual((await ask('GET', '/v3/domains/config/identity/default')).body, {
      config: { identity: all.identity },
    });
    assert.deepEqual((await ask('GET', '/v3/domains/config/ldap/page_size/default')).body, {
      config: { page_size: 0 },
    });
    await refused(ask('GET', '/v3/domains/config/ldap/password/default'), 403, /Reading the default/);
    await refused(ask('GET', '/v3/domains/config/token/default'), 403, /Group token is not supported/);
    assert.equal((await ask('GET', '/v3/domains/config/default', undefined, cloud.demo)).status, 403);
  });

  it('tells everybody what passwords must be, of the default domain only', async () => {
    const path = '/v3/domains/default/config/security_compliance';
    assert.deepEqual((await ask('GET', path, undefined, cloud.demo)).body, {
      config: { security_compliance: { password_regex: '^.{8,}$', password_regex_description: null } },
    });
    assert.deepEqual((await ask('GET', `${path}/password_regex`, undefined, cloud.demo)).body, {
      config: { password_regex: '^.{8,}$' },
    });
    await refused(ask('GET', `${path}/lockout_duration`), 403, /Reading security compliance values other/);
    const { path: other } = await domain();
    await refused(ask('GET', `${other}/security_compliance`), 403, /other than the default domain/);
  });
});

describe('sensitive options', () => {
  const secret = 'open-sesame-1001';
  const withSecret = { ldap: { url: 'ldap://x/?%(password)s', password: secret } };

  it('are never shown', async () => {
    const { path } = await domain();
    const made = await ask('PUT', path, withSecret);
    assert.deepEqual(
      [made.status, made.body],
      [201, { config: { ldap: { url: 'ldap://x/?%(password)s' } } }],
    );
    assert.equal((await ask('GET', `${path}/ldap/password`)).status, 404);
    const changed = await ask('PATCH', `${path}/ldap/password`, { password: 'other-secret' });
    assert.equal(changed.status, 200);
    assert.doesNotMatch(JSON.stringify(changed.body), /secret/);
    assert.equal((await ask('DELETE', `${path}/ldap/password`)).status, 204);
    assert.equal((await ask('DELETE', `${path}/ldap/password`)).status, 404);
  });

  it('are as long as passwords are', async () => {
    const { path } = await domain();
    await refused(ask('PUT', path, { ldap: { password: 'x'.repeat(9000) } }), 403, /is too long/);
  });
});

describe('a domain', () => {
  it('may be given its id', async () => {
    const id = '0123456789abcdef'.repeat(2);
    const create = (name: string, explicit_domain_id: string) =>
      cloud.request('POST', '/v3/domains', {
        as: cloud.admin,
        body: { domain: { name, explicit_domain_id } },
      });
    const { body, status } = await create('given', id);
    assert.deepEqual([status, body.domain.id, 'explicit_domain_id' in body.domain], [201, id, false]);
    assert.equal((await create('given-again', id)).status, 409);
    for (const odd of ['x', id.toUpperCase(), `${id}0`, 'default', '']) {
      assert.equal((await create(`odd-${odd}`, odd)).status, 400, odd);
    }
  });

  it('takes its configuration with it', async () => {
    const { id, path } = await domain(some);
    await cloud.request('PATCH', `/v3/domains/${id}`, {
      as: cloud.admin,
      body: { domain: { enabled: false } },
    });
    assert.equal((await ask('DELETE', `/v3/domains/${id}`)).status, 204);
    assert.equal((await ask('GET', path)).status, 404);
    assert.ok(await cloud.login(inDefault('admin', secrets.admin)));
  });
});
