import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { identityService } from '../contract.ts';
import { type IdentityCloud, inDefault, secrets, startIdentity } from '../testing/cloud.ts';

describe('tokens', () => {
  let cloud: IdentityCloud;
  before(async () => {
    cloud = await startIdentity();
  });
  after(() => cloud[Symbol.asyncDispose]());
  const show = (subject: string, as = subject, query = '') =>
    cloud.request('GET', `/v3/auth/tokens${query}`, { as, headers: { 'x-subject-token': subject } });
  const rescope = (id: string, scope?: unknown) =>
    cloud.request('POST', '/v3/auth/tokens', {
      body: { auth: { identity: { methods: ['token'], token: { id } }, ...(scope ? { scope } : {}) } },
    });

  it('are discovered from the bare address', async () => {
    const versions = await cloud.request('GET', '/');
    assert.equal(versions.status, 300);
    assert.equal(versions.body.versions.values[0].id, 'v3.14');
    const version = await cloud.request('GET', '/v3/');
    assert.equal(version.status, 200);
    assert.match(version.body.version.links[0].href, /\/v3\/$/);
  });

  it('are given for a password, and shown as they were given', async () => {
    const scope = { project: { name: 'demo', domain: { name: 'Default' } } };
    const given = await cloud.authenticate(inDefault('demo', secrets.demo), scope);
    assert.equal(given.status, 201);
    const { token } = given.body;
    assert.deepEqual(token.methods, ['password']);
    assert.equal(token.user.name, 'demo');
    assert.deepEqual(token.user.domain, { id: 'default', name: 'Default' });
    assert.equal(token.project.id, cloud.demoProjectId);
    assert.equal(token.is_domain, false);
    assert.deepEqual(token.roles.map((role: { name: string }) => role.name).toSorted(), ['member', 'reader']);
    assert.equal(Date.parse(token.expires_at) > Date.now() + 3_590_000, true);
    assert.equal(token.audit_ids.length, 1);
    const swift = token.catalog.find((entry: { type: string }) => entry.type === 'object-store');
    assert.equal(swift.endpoints[0].url, `http://127.0.0.1:8080/v1/AUTH_${cloud.demoProjectId}`);
    const id = given.headers.get('x-subject-token') as string;
    assert.ok(id.length < 256, `${id.length} characters`);
    const shown = await show(id);
    assert.equal(shown.status, 200);
    assert.deepEqual(shown.body, given.body);
    assert.equal(shown.headers.get('x-subject-token'), id);
    assert.equal((await show(id, id, '?nocatalog')).body.token.catalog, undefined);
    const checked = await cloud.request('HEAD', '/v3/auth/tokens', {
      as: id,
      headers: { 'x-subject-token': id },
    });
    assert.equal(checked.status, 200);
  });

  it('are refused alike for a wrong password, an unknown user, and a project that is not the user’s', async () => {
    const demo = inDefault('demo', secrets.demo);
    const answers = await Promise.all([
      cloud.authenticate(inDefault('demo', 'wrong')),
      cloud.authenticate(inDefault('nobody', 'wrong')),
      cloud.authenticate({ id: 'f'.repeat(32), password: 'wrong' }),
      cloud.authenticate(demo, { project: { id: cloud.adminProjectId } }),
      cloud.authenticate(demo, { project: { id: 'f'.repeat(32) } }),
      cloud.authenticate(demo, { system: { all: true } }),
      cloud.authenticate(demo, { domain: { id: 'default' } }),
    ]);
    for (const { status, body, headers } of answers) {
      assert.equal(status, 401);
      assert.deepEqual(body, {
        error: {
          code: 401,
          message: 'The request you have made requires authentication.',
          title: 'Unauthorized',
        },
      });
      assert.match(headers.get('www-authenticate') ?? '', /^Keystone uri="http/);
    }
  });

  it('are malformed requests when they name no method, user or scope', async () => {
    const post = (body: unknown) => cloud.request('POST', '/v3/auth/tokens', { body });
    assert.equal((await post({})).status, 400);
    assert.equal((await post('{"auth":')).status, 400);
    assert.equal((await post({ auth: { identity: { methods: ['password'] } } })).status, 400);
    assert.equal((await cloud.authenticate({ name: 'demo', password: 'x' })).status, 400);
    const both = { project: { id: 'a' }, domain: { id: 'b' } };
    assert.equal((await cloud.authenticate(inDefault('demo', secrets.demo), both)).status, 400);
    assert.equal((await cloud.authenticate(inDefault('demo', secrets.demo), {})).status, 400);
    assert.equal((await post({ auth: { identity: { methods: ['magic'] } } })).status, 400);
    assert.equal((await post({ auth: { identity: { methods: ['magic'], magic: {} } } })).status, 401);
    assert.equal((await post({ auth: { identity: { methods: [] } } })).status, 401);
  });

  it('are for the system, for nothing, and made from another without living longer', async () => {
    const system = await cloud.authenticate(inDefault('admin', secrets.admin), { system: { all: true } });
    assert.deepEqual(system.body.token.system, { all: true });
    const all = await cloud.authenticate(inDefault('admin', secrets.admin), { system: { all: false } });
    assert.deepEqual(all.body.token.system, { all: true });
    const unscoped = await cloud.authenticate(inDefault('demo', secrets.demo), 'unscoped');
    assert.equal(unscoped.body.token.roles, undefined);
    assert.equal(unscoped.body.token.catalog, undefined);
    const first = unscoped.headers.get('x-subject-token') as string;
    const scoped = await rescope(first, { project: { id: cloud.demoProjectId } });
    assert.equal(scoped.status, 201);
    const { token } = scoped.body;
    assert.equal(token.expires_at, unscoped.body.token.expires_at);
    assert.deepEqual(token.methods.toSorted(), ['password', 'token']);
    assert.equal(token.audit_ids[1], unscoped.body.token.audit_ids[0]);
    assert.equal((await rescope('gAAAA', undefined)).status, 404);
  });

  it('are validated for their own user and for administrators, not for others', async () => {
    assert.equal((await show(cloud.demo, cloud.admin)).status, 200);
    assert.equal((await show(cloud.admin, cloud.demo)).status, 403);
    assert.equal((await show('gAAAAABforged', cloud.admin)).status, 404);
    assert.equal((await cloud.request('GET', '/v3/auth/tokens', { as: cloud.admin })).status, 404);
    assert.equal(
      (await cloud.request('GET', '/v3/auth/tokens', { headers: { 'x-subject-token': cloud.demo } })).status,
      401,
    );
  });

  it('stop being good as soon as their revocation is answered', async () => {
    const token = await cloud.login(inDefault('demo', secrets.demo), {
      project: { id: cloud.demoProjectId },
    });
    assert.equal((await show(token)).status, 200);
    const gone = await cloud.request('DELETE', '/v3/auth/tokens', {
      as: token,
      headers: { 'x-subject-token': token },
    });
    assert.equal(gone.status, 204);
    assert.equal((await show(token)).status, 401);
    assert.equal((await show(token, cloud.admin)).status, 404);
    assert.equal(await cloud.world.bus.client(identityService).validateToken({ token }), null);
    assert.equal((await show(cloud.demo)).status, 200, 'another token of the same user stays');
  });

  it('tell who asks to the other services', async () => {
    const who = await cloud.world.bus.client(identityService).validateToken({ token: cloud.demo });
    assert.equal(who?.userName, 'demo');
    assert.equal(who?.projectName, 'demo');
    assert.deepEqual([...(who?.roles ?? [])].toSorted(), ['member', 'reader']);
    assert.equal(await cloud.world.bus.client(identityService).validateToken({ token: 'nonsense' }), null);
  });

  it('say what else their user could have', async () => {
    const projects = await cloud.request('GET', '/v3/auth/projects', { as: cloud.demo });
    assert.deepEqual(
      projects.body.projects.map((project: { name: string }) => project.name),
      ['demo'],
    );
    const domains = await cloud.request('GET', '/v3/auth/domains', { as: cloud.demo });
    assert.deepEqual(domains.body.domains, []);
    const system = await cloud.request('GET', '/v3/auth/system', { as: cloud.admin });
    assert.deepEqual(system.body.system, [{ all: true }]);
    const catalog = await cloud.request('GET', '/v3/auth/catalog', { as: cloud.demo });
    assert.equal(catalog.body.catalog.length, 2);
    const unscoped = await cloud.login(inDefault('demo', secrets.demo), 'unscoped');
    assert.equal((await cloud.request('GET', '/v3/auth/catalog', { as: unscoped })).status, 403);
  });
});
