import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../../testing/cloud.ts';

const base = '/v3/OS-FEDERATION';
const rules = [{ local: [{ user: { name: '{0}' } }, { group: { id: 'g1' } }], remote: [{ type: 'user' }] }];

describe('the resources of federation', () => {
  let cloud: IdentityCloud;
  before(async () => {
    cloud = await startIdentity();
  });
  after(() => cloud[Symbol.asyncDispose]());

  const ask = (method: string, path: string, body?: unknown) =>
    cloud.request(method, `${base}${path}`, { as: cloud.admin, ...(body === undefined ? {} : { body }) });

  it('makes an identity provider by the id that is asked for, disabled and in a domain of its own', async () => {
    const made = await ask('PUT', '/identity_providers/acme', {
      identity_provider: {
        description: 'A company',
        remote_ids: ['https://idp.acme/2', 'https://idp.acme/1'],
      },
    });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { identity_provider } = made.body;
    assert.match(identity_provider.links.protocols, /\/identity_providers\/acme\/protocols$/);
    assert.match(identity_provider.links.self, /\/identity_providers\/acme$/);
    const { domain_id, links: _, ...rest } = identity_provider;
    assert.deepEqual(rest, {
      id: 'acme',
      enabled: false,
      description: 'A company',
      authorization_ttl: null,
      remote_ids: ['https://idp.acme/1', 'https://idp.acme/2'],
    });
    const domain = await cloud.request('GET', `/v3/domains/${domain_id}`, { as: cloud.admin });
    assert.equal(
      domain.body.domain.description,
      'Auto generated federated domain for Identity Provider: acme',
    );
    const shown = await ask('GET', '/identity_providers/acme');
    assert.deepEqual(shown.body, made.body);
  });

  it('makes one in a domain that is there, and in no other', async () => {
    const good = { domain_id: 'default', enabled: true };
    const made = await ask('PUT', '/identity_providers/in-default', { identity_provider: good });
    assert.equal(made.body.identity_provider.domain_id, 'default');
    const bad = { domain_id: 'f'.repeat(32) };
    assert.equal((await ask('PUT', '/identity_providers/nowhere', { identity_provider: bad })).status, 404);
    assert.equal((await ask('GET', '/identity_providers/nowhere')).status, 404);
  });

  it('refuses an id and a remote id that are taken', async () => {
    await ask('PUT', '/identity_providers/first', { identity_provider: { remote_ids: ['entity'] } });
    assert.equal((await ask('PUT', '/identity_providers/first', { identity_provider: {} })).status, 409);
    const twice = { identity_provider: { remote_ids: ['entity'] } };
    const second = await ask('PUT', '/identity_providers/second', twice);
    assert.equal(second.status, 409);
    assert.match(second.body.error.message, /Duplicate remote ID: entity/);
    assert.equal((await ask('GET', '/identity_providers/second')).status, 404);
    await ask('PUT', '/identity_providers/second', { identity_provider: { remote_ids: ['other'] } });
    assert.equal((await ask('PATCH', '/identity_providers/second', twice)).status, 409);
    const { body } = await ask('GET', '/identity_providers/second');
    assert.deepEqual(body.identity_provider.remote_ids, ['other']);
  });

  it('updates a provider, but not its domain', async () => {
    await ask('PUT', '/identity_providers/changing', { identity_provider: { remote_ids: ['a', 'b'] } });
    const changed = await ask('PATCH', '/identity_providers/changing', {
      identity_provider: { enabled: true, authorization_ttl: 30, remote_ids: ['b', 'c'] },
    });
    assert.equal(changed.status, 200);
    assert.partialDeepStrictEqual(changed.body.identity_provider, {
      enabled: true,
      authorization_ttl: 30,
      remote_ids: ['b', 'c'],
    });
    for (const identity_provider of [
      {},
      { domain_id: 'default' },
      { enabled: 'yes' },
      { authorization_ttl: -1 },
    ]) {
      const answered = await ask('PATCH', '/identity_providers/changing', { identity_provider });
      assert.equal(answered.status, 400, JSON.stringify(identity_provider));
    }
    assert.equal(
      (await ask('PATCH', '/identity_providers/absent', { identity_provider: { enabled: true } })).status,
      404,
    );
  });

  it('lists providers, by id and by whether they are enabled', async () => {
    await ask('PUT', '/identity_providers/listed', { identity_provider: { enabled: true } });
    const ids = async (query: string) =>
      (await ask('GET', `/identity_providers${query}`)).body.identity_providers.map(
        (each: { id: string }) => each.id,
      );
    assert.deepEqual(await ids('?id=listed'), ['listed']);
    assert.ok((await ids('?enabled=true')).includes('listed'));
    assert.ok(!(await ids('?enabled=false')).includes('listed'));
  });

  it('deletes a provider with its protocols', async () => {
    await ask('PUT', '/identity_providers/going', { identity_provider: {} });
    await ask('PUT', '/mappings/kept', { mapping: { rules } });
    await ask('PUT', '/identity_providers/going/protocols/saml2', { protocol: { mapping_id: 'kept' } });
    assert.equal((await ask('DELETE', '/identity_providers/going')).status, 204);
    assert.equal((await ask('DELETE', '/identity_providers/going')).status, 404);
    assert.equal((await ask('GET', '/identity_providers/going/protocols/saml2')).status, 404);
    assert.equal((await ask('GET', '/mappings/kept')).status, 200);
  });

  it('keeps mappings as they are given, and refuses what is none', async () => {
    const made = await ask('PUT', '/mappings/rules', { mapping: { rules } });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.deepEqual(made.body.mapping.rules, rules);
    assert.equal(made.body.mapping.schema_version, '1.0');
    assert.equal((await ask('PUT', '/mappings/rules', { mapping: { rules } })).status, 409);
    for (const mapping of [{}, { rules: [] }, { rules, schema_version: '9' }, { rules: [{ local: [] }] }]) {
      assert.equal((await ask('PUT', '/mappings/bad', { mapping })).status, 400, JSON.stringify(mapping));
      assert.equal((await ask('PATCH', '/mappings/rules', { mapping })).status, 400);
    }
    const other = [{ local: [{ user: { id: '{0}' } }], remote: [{ type: 'uid' }] }];
    const changed = await ask('PATCH', '/mappings/rules', {
      mapping: { rules: other, schema_version: '2.0' },
    });
    assert.deepEqual(changed.body.mapping.rules, other);
    assert.equal(changed.body.mapping.schema_version, '2.0');
    assert.equal((await ask('PATCH', '/mappings/absent', { mapping: { rules } })).status, 404);
    assert.ok((await ask('GET', '/mappings')).body.mappings.length > 0);
    assert.equal((await ask('DELETE', '/mappings/rules')).status, 204);
    assert.equal((await ask('GET', '/mappings/rules')).status, 404);
  });

  it('adds, shows, lists, updates and takes away protocols', async () => {
    const protocols = '/identity_providers/spoken/protocols';
    await ask('PUT', '/identity_providers/spoken', { identity_provider: {} });
    await ask('PUT', '/mappings/m1', { mapping: { rules } });
    await ask('PUT', '/mappings/m2', { mapping: { rules } });
    const protocol = { mapping_id: 'm1', remote_id_attribute: 'issuer' };
    const made = await ask('PUT', `${protocols}/openid`, { protocol });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.match(made.body.protocol.links.identity_provider, /\/identity_providers\/spoken$/);
    assert.equal((await ask('PUT', `${protocols}/openid`, { protocol })).status, 409);
    assert.equal((await ask('PUT', `${protocols}/x`, { protocol: { mapping_id: 'none' } })).status, 400);
    assert.equal((await ask('PUT', `${protocols}/x`, { protocol: {} })).status, 400);
    assert.equal((await ask('PUT', '/identity_providers/none/protocols/x', { protocol })).status, 404);
    const changed = await ask('PATCH', `${protocols}/openid`, { protocol: { mapping_id: 'm2' } });
    assert.equal(changed.body.protocol.mapping_id, 'm2');
    assert.equal(
      (await ask('PATCH', `${protocols}/openid`, { protocol: { mapping_id: 'none' } })).status,
      400,
    );
    const listed = await ask('GET', protocols);
    assert.deepEqual(
      listed.body.protocols.map((each: { id: string }) => each.id),
      ['openid'],
    );
    assert.equal((await ask('DELETE', `${protocols}/openid`)).status, 204);
    assert.equal((await ask('GET', `${protocols}/openid`)).status, 404);
  });

  it('keeps service providers, and names the enabled ones in every token', async () => {
    const urls = { auth_url: 'https://sp.example/auth', sp_url: 'https://sp.example/acs' };
    const made = await ask('PUT', '/service_providers/beta', { service_provider: urls });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.partialDeepStrictEqual(made.body.service_provider, {
      id: 'beta',
      ...urls,
      enabled: false,
      relay_state_prefix: 'ss:mem:',
    });
    const inToken = async () =>
      (
        await cloud.request('GET', '/v3/auth/tokens', {
          as: cloud.admin,
          headers: { 'x-subject-token': cloud.demo },
        })
      ).body.token.service_providers;
    assert.equal(await inToken(), undefined);
    await ask('PATCH', '/service_providers/beta', { service_provider: { enabled: true } });
    assert.deepEqual(await inToken(), [{ id: 'beta', ...urls }]);
    assert.equal((await ask('PUT', '/service_providers/beta', { service_provider: urls })).status, 409);
    for (const service_provider of [{}, { ...urls, sp_url: 'nonsense' }, { ...urls, more: 1 }]) {
      assert.equal((await ask('PUT', '/service_providers/bad', { service_provider })).status, 400);
    }
    assert.equal(
      (await ask('PATCH', '/service_providers/beta', { service_provider: { auth_url: 'nonsense' } })).status,
      400,
    );
    assert.equal((await ask('DELETE', '/service_providers/beta')).status, 204);
    assert.equal((await ask('GET', '/service_providers/beta')).status, 404);
  });

  it('is for administrators to change', async () => {
    for (const kind of ['identity_providers', 'mappings', 'service_providers']) {
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/x'],
        ['PUT', '/x'],
        ['PATCH', '/x'],
        ['DELETE', '/x'],
      ] as const) {
        const options = { as: cloud.demo, ...(method.startsWith('P') ? { body: bodies[kind] } : {}) };
        const url = `${base}/${kind}${path}`;
        assert.equal((await cloud.request(method, url, options)).status, 403, `${method} ${url}`);
        const { as: _, ...nobody } = options;
        assert.equal((await cloud.request(method, url, nobody)).status, 401, `${method} ${url}`);
      }
    }
  });

  it('still lists projects and domains where federated users once looked for them', async () => {
    const { body } = await cloud.request('GET', `${base}/projects`, { as: cloud.demo });
    assert.deepEqual(
      body.projects.map((each: { id: string }) => each.id),
      [cloud.demoProjectId],
    );
    assert.deepEqual((await cloud.request('GET', `${base}/domains`, { as: cloud.demo })).body.domains, []);
  });
});

const bodies: Record<string, unknown> = {
  identity_providers: { identity_provider: { enabled: true } },
  mappings: { mapping: { rules } },
  service_providers: {
    service_provider: { auth_url: 'https://sp.example/auth', sp_url: 'https://sp.example/acs' },
  },
};
