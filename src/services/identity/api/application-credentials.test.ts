import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { identityService } from '../contract.ts';
import { type IdentityCloud, inDefault, secrets, startIdentity } from '../testing/cloud.ts';

describe('application credentials', () => {
  let cloud: IdentityCloud;
  let demoId: string;
  let path: string;
  before(async () => {
    cloud = await startIdentity();
    const { body } = await cloud.request('GET', '/v3/users?name=demo', { as: cloud.admin });
    demoId = body.users[0].id;
    path = `/v3/users/${demoId}/application_credentials`;
  });
  after(() => cloud[Symbol.asyncDispose]());

  let made = 0;
  const create = (asked: object = {}, as = cloud.demo) =>
    cloud.request('POST', path, {
      as,
      body: { application_credential: { name: `credential-${made++}`, ...asked } },
    });
  const created = async (asked: object = {}) => {
    const answered = await create(asked);
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    return answered.body.application_credential;
  };
  const authenticate = (asked: object, scope?: unknown) =>
    cloud.request('POST', '/v3/auth/tokens', {
      body: {
        auth: {
          identity: { methods: ['application_credential'], application_credential: asked },
          ...(scope === undefined ? {} : { scope }),
        },
      },
    });
  const tokenOf = async ({ id, secret }: { id: string; secret: string }): Promise<string> => {
    const answered = await authenticate({ id, secret });
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    return answered.headers.get('x-subject-token') as string;
  };
  const show = (token: string, headers: Record<string, string> = {}) =>
    cloud.request('GET', '/v3/auth/tokens', {
      as: cloud.admin,
      headers: { 'x-subject-token': token, ...headers },
    });

  it('are made with a secret that is told once', async () => {
    const { status, body } = await create({ name: 'monitoring', description: 'reads' });
    assert.equal(status, 201);
    const { application_credential: credential } = body;
    assert.equal(credential.secret.length, 86);
    assert.equal(credential.project_id, cloud.demoProjectId);
    assert.equal(credential.unrestricted, false);
    assert.equal(credential.expires_at, null);
    assert.deepEqual(credential.roles.map((role: { name: string }) => role.name).toSorted(), [
      'member',
      'reader',
    ]);
    const { secret: _, ...rest } = credential;
    const shown = await cloud.request('GET', `${path}/${credential.id}`, { as: cloud.demo });
    assert.deepEqual(shown.body.application_credential, rest);
    const listed = await cloud.request('GET', `${path}?name=monitoring`, { as: cloud.demo });
    assert.deepEqual(listed.body.application_credentials, [rest]);
    assert.equal((await create({ name: 'monitoring' })).status, 409);
  });

  it('log in for their project with their roles, by id or by name and user', async () => {
    const { id, secret, name } = await created({ roles: [{ name: 'reader' }] });
    const byName = { name, secret, user: { name: 'demo', domain: { id: 'default' } } };
    for (const asked of [{ id, secret }, byName, { name, secret, user: { id: demoId } }]) {
      const { status, body } = await authenticate(asked);
      assert.equal(status, 201);
      assert.deepEqual(body.token.methods, ['application_credential']);
      assert.equal(body.token.project.id, cloud.demoProjectId);
      assert.deepEqual(
        body.token.roles.map((role: { name: string }) => role.name),
        ['reader'],
      );
      assert.deepEqual(body.token.application_credential, { id, name, restricted: true });
    }
    const token = await tokenOf({ id, secret });
    assert.ok(token.length < 260, `${token.length}`);
    const credentials = await cloud.world.bus.client(identityService).validateToken({ token });
    assert.equal(credentials?.applicationCredentialId, id);
    assert.deepEqual(credentials?.roles, ['reader']);
  });

  it('are refused alike for a wrong secret, an unknown id, an unknown name and an unknown user', async () => {
    const { id, name } = await created();
    const answers = await Promise.all([
      authenticate({ id, secret: 'wrong' }),
      authenticate({ id: 'f'.repeat(32), secret: 'wrong' }),
      authenticate({ name, secret: 'wrong', user: { id: demoId } }),
      authenticate({ name: 'unknown', secret: 'wrong', user: { id: demoId } }),
      authenticate({ name, secret: 'wrong', user: { id: 'nobody' } }),
    ]);
    for (const { status, body } of answers) {
      assert.equal(status, 401);
      assert.deepEqual(body, answers[0]?.body);
    }
  });

  it('choose no scope', async () => {
    const credential = await created();
    const scope = { project: { id: cloud.demoProjectId } };
    assert.equal((await authenticate(credential, scope)).status, 401);
  });

  it('say what is missing in a request', async () => {
    assert.equal((await authenticate({ secret: 'x' })).status, 400);
    assert.equal((await authenticate({ secret: 'x', name: 'x' })).status, 400);
    assert.equal((await authenticate({ id: 'x' })).status, 400);
    for (const asked of [
      { name: '' },
      { roles: [{ id: 'a', name: 'b' }] },
      { expires_at: 'tomorrow' },
      { expires_at: '2001-01-01T00:00:00Z' },
      { unrestricted: 'yes' },
      { access_rules: [{ service: 'compute', method: 'LOOK', path: '/' }] },
      { access_rules: [{ service: 'compute', method: 'GET', path: 'v2.1' }] },
    ])
      assert.equal((await create(asked)).status, 400, JSON.stringify(asked));
  });

  it('have no role that their maker’s token has not', async () => {
    assert.equal((await create({ roles: [{ name: 'admin' }] })).status, 400);
    assert.equal((await create({ roles: [{ name: 'unheard' }] })).status, 404);
  });

  it('are made by their user alone, in a project, and seen by him and administrators', async () => {
    assert.equal((await create({}, cloud.admin)).status, 403);
    const unscoped = await cloud.login(inDefault('demo', secrets.demo), 'unscoped');
    assert.equal((await create({}, unscoped)).status, 400);
    const { id } = await created();
    assert.equal((await cloud.request('GET', `${path}/${id}`, { as: cloud.admin })).status, 200);
    const strange = await cloud.make('/v3/users', 'user', { name: 'stranger', password: 'strange-secret' });
    const stranger = await cloud.login({ id: strange.id, password: 'strange-secret' });
    for (const [method, where] of [
      ['GET', path],
      ['GET', `${path}/${id}`],
      // By one's own path another's id is another's still.
      ['GET', `/v3/users/${strange.id}/application_credentials/${id}`],
      ['DELETE', `/v3/users/${strange.id}/application_credentials/${id}`],
      ['DELETE', `${path}/${id}`],
    ] as const)
      assert.equal((await cloud.request(method, where, { as: stranger })).status, 403, where);
    assert.equal((await cloud.request('GET', path)).status, 401);
    assert.equal((await cloud.request('GET', `${path}/${'f'.repeat(32)}`, { as: cloud.demo })).status, 404);
  });

  it('make others only when they are unrestricted', async () => {
    const restricted = await tokenOf(await created());
    assert.equal((await create({}, restricted)).status, 403);
    const free = await created({ unrestricted: true, roles: [{ name: 'reader' }] });
    const token = await tokenOf(free);
    const second = await create({}, token);
    assert.equal(second.status, 201);
    assert.deepEqual(
      second.body.application_credential.roles.map((role: { name: string }) => role.name),
      ['reader'],
    );
    assert.equal((await cloud.request('DELETE', `${path}/${free.id}`, { as: restricted })).status, 403);
  });

  it('give tokens that cannot be made into others', async () => {
    const token = await tokenOf(await created({ unrestricted: true }));
    const again = await cloud.request('POST', '/v3/auth/tokens', {
      body: { auth: { identity: { methods: ['token'], token: { id: token } } } },
    });
    assert.equal(again.status, 403);
  });

  it('take their tokens with them when they are deleted', async () => {
    const credential = await created();
    const token = await tokenOf(credential);
    assert.equal((await show(token)).status, 200);
    assert.equal((await cloud.request('DELETE', `${path}/${credential.id}`, { as: cloud.demo })).status, 204);
    assert.equal((await show(token)).status, 404);
    assert.equal((await cloud.request('GET', path, { as: token })).status, 401);
    assert.equal((await authenticate(credential)).status, 401);
  });

  it('give no token that outlives them', async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    const credential = await created({ expires_at: soon });
    assert.equal(credential.expires_at, soon.replace('Z', '000'));
    const { body } = await authenticate(credential);
    assert.equal(Date.parse(body.token.expires_at), Date.parse(soon));
  });

  it('are good only while their user has all their roles', async () => {
    const user = await cloud.make('/v3/users', 'user', { name: 'passing', password: 'passing-secret' });
    const roles = await cloud.request('GET', '/v3/roles?name=member', { as: cloud.admin });
    const grant = `/v3/projects/${cloud.demoProjectId}/users/${user.id}/roles/${roles.body.roles[0].id}`;
    await cloud.request('PUT', grant, { as: cloud.admin });
    const own = await cloud.login(
      { id: user.id, password: 'passing-secret' },
      { project: { id: cloud.demoProjectId } },
    );
    const answered = await cloud.request('POST', `/v3/users/${user.id}/application_credentials`, {
      as: own,
      body: { application_credential: { name: 'passing' } },
    });
    const credential = answered.body.application_credential;
    const token = await tokenOf(credential);
    await cloud.request('DELETE', grant, { as: cloud.admin });
    assert.equal((await show(token)).status, 404);
    assert.equal((await authenticate(credential)).status, 401);
    // Nor do they come to life again with the role.
    await cloud.request('PUT', grant, { as: cloud.admin });
    assert.equal((await authenticate(credential)).status, 401);
  });

  it('do not outlast a time in which their user is disabled', async () => {
    const credential = await created();
    const set = (enabled: boolean) =>
      cloud.request('PATCH', `/v3/users/${demoId}`, { as: cloud.admin, body: { user: { enabled } } });
    await set(false);
    assert.equal((await authenticate(credential)).status, 401);
    await set(true);
    assert.equal((await authenticate(credential)).status, 401);
    cloud.demo = await cloud.login(inDefault('demo', secrets.demo), { project: { id: cloud.demoProjectId } });
  });

  it('go with their user', async () => {
    const user = await cloud.make('/v3/users', 'user', { name: 'leaving', password: 'leaving-secret' });
    const { body } = await cloud.request('GET', '/v3/roles?name=member', { as: cloud.admin });
    await cloud.request(
      'PUT',
      `/v3/projects/${cloud.demoProjectId}/users/${user.id}/roles/${body.roles[0].id}`,
      { as: cloud.admin },
    );
    const own = await cloud.login(
      { id: user.id, password: 'leaving-secret' },
      { project: { id: cloud.demoProjectId } },
    );
    const answered = await cloud.request('POST', `/v3/users/${user.id}/application_credentials`, {
      as: own,
      body: {
        application_credential: {
          name: 'leaving',
          access_rules: [{ service: 'identity', method: 'GET', path: '/v3/**' }],
        },
      },
    });
    const token = await tokenOf(answered.body.application_credential);
    assert.equal((await cloud.request('DELETE', `/v3/users/${user.id}`, { as: cloud.admin })).status, 204);
    assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: token })).status, 401);
  });

  describe('with access rules', () => {
    const rules = [{ service: 'identity', method: 'GET', path: '/v3/users/*/access_rules' }];

    it('may do what their rules say and no more', async () => {
      const credential = await created({ access_rules: rules, unrestricted: true });
      const token = await tokenOf(credential);
      const listed = await cloud.request('GET', `/v3/users/${demoId}/access_rules`, { as: token });
      assert.equal(listed.status, 200);
      assert.deepEqual(
        credential.access_rules.map(({ id: _id, ...rule }: { id: string }) => rule),
        rules,
      );
      assert.equal((await cloud.request('GET', path, { as: token })).status, 401);
      assert.equal((await cloud.request('GET', '/v3/projects', { as: token })).status, 401);
    });

    it('are good only for services that say that they enforce them', async () => {
      const token = await tokenOf(await created({ access_rules: rules }));
      assert.equal((await show(token)).status, 404);
      const known = await show(token, { 'openstack-identity-access-rules': '1.0' });
      assert.equal(known.status, 200);
      assert.equal(known.body.token.application_credential.access_rules[0].service, 'identity');
    });

    it('share a rule that says the same, and keep it while they use it', async () => {
      const rule = { service: 'image', method: 'GET', path: '/v2/images' };
      const first = await created({ access_rules: [rule] });
      const { id } = first.access_rules[0];
      const second = await created({ access_rules: [rule] });
      assert.equal(second.access_rules[0].id, id);
      const third = await created({ access_rules: [{ id }] });
      assert.equal(third.access_rules[0].id, id);
      const one = `/v3/users/${demoId}/access_rules/${id}`;
      assert.equal((await cloud.request('DELETE', one, { as: cloud.demo })).status, 403);
      for (const each of [first, second, third])
        await cloud.request('DELETE', `${path}/${each.id}`, { as: cloud.demo });
      const shown = await cloud.request('GET', one, { as: cloud.demo });
      assert.equal(shown.body.access_rule.path, '/v2/images');
      const filtered = await cloud.request('GET', `/v3/users/${demoId}/access_rules?service=image`, {
        as: cloud.demo,
      });
      assert.equal(filtered.body.access_rules.length, 1);
      assert.equal((await cloud.request('DELETE', one, { as: cloud.demo })).status, 204);
      assert.equal((await cloud.request('GET', one, { as: cloud.demo })).status, 404);
    });

    it('cannot use another user’s rule', async () => {
      assert.equal((await create({ access_rules: [{ id: 'f'.repeat(32) }] })).status, 404);
    });
  });
});
