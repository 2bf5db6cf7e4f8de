import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type Secrets, signature } from '../../model/oauth1.ts';
import { type IdentityCloud, inDefault, secrets as passwords, startIdentity } from '../../testing/cloud.ts';

/** A key and its secret: a consumer, a request token, an access token. */
interface Key {
  id: string;
  secret: string;
}

describe('OAuth 1.0a', () => {
  let cloud: IdentityCloud;
  let consumer: Key;
  let roleIds: Record<string, string>;
  const base = '/v3/OS-OAUTH1';
  const now = () => String(Math.floor(Date.now() / 1000));

  before(async () => {
    cloud = await startIdentity();
    const { body } = await cloud.request('GET', '/v3/roles', { as: cloud.admin });
    roleIds = Object.fromEntries(body.roles.map(({ name, id }: Record<string, string>) => [name, id]));
    consumer = (await cloud.make(`${base}/consumers`, 'consumer', { description: 'a program' })) as never;
  });
  after(() => cloud[Symbol.asyncDispose]());

  const header = (path: string, by: Key, token: Key | undefined, more: Record<string, string> = {}) => {
    const parameters = new Map(
      Object.entries({
        oauth_consumer_key: by.id,
        oauth_nonce: randomBytes(8).toString('hex'),
        oauth_timestamp: now(),
        oauth_version: '1.0',
        oauth_signature_method: 'HMAC-SHA1',
        ...(token ? { oauth_token: token.id } : {}),
        ...more,
      }),
    );
    const url = `${cloud.world.urls['identity']}${path}`;
    const secrets: Secrets = { consumer: by.secret, token: token?.secret ?? '' };
    const signed = signature({ method: 'POST', url, parameters }, secrets)?.toString('base64') ?? 'none';
    const all = [...new Map(parameters).set('oauth_signature', more['oauth_signature'] ?? signed)];
    return `OAuth realm="", ${all.map(([name, value]) => `${name}="${encodeURIComponent(value)}"`).join(', ')}`;
  };
  const post = (path: string, authorization: string, headers: Record<string, string> = {}) =>
    cloud.request('POST', path, { headers: { authorization, ...headers } });
  const parsed = (body: string): Key & { expires: string } => {
    const found = Object.fromEntries(body.split('&').map((pair) => pair.split('=')));
    return { id: found.oauth_token, secret: found.oauth_token_secret, expires: found.oauth_expires_at };
  };
  const askAs = (by: Key, projectId = cloud.adminProjectId, more: Record<string, string> = {}) =>
    post(
      `${base}/request_token`,
      header(`${base}/request_token`, by, undefined, { oauth_callback: 'oob', ...more }),
      {
        'requested-project-id': projectId,
      },
    );
  const asked = async (projectId?: string): Promise<Key> => {
    const answered = await askAs(consumer, projectId);
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    assert.match(answered.headers.get('content-type') ?? '', /^application\/x-www-form-urlencoded/);
    return parsed(answered.body);
  };
  const authorize = (request: Key, names = ['member'], as = cloud.admin) =>
    cloud.request('PUT', `${base}/authorize/${request.id}`, {
      as,
      body: { roles: names.map((name) => ({ name })) },
    });
  const fetchToken = (request: Key, verifier: string, by = consumer) =>
    post(`${base}/access_token`, header(`${base}/access_token`, by, request, { oauth_verifier: verifier }));
  const given = async (names?: string[], projectId?: string): Promise<Key & { expires: string }> => {
    const request = await asked(projectId);
    const said = await authorize(request, names);
    assert.equal(said.status, 200, JSON.stringify(said.body));
    const answered = await fetchToken(request, said.body.token.oauth_verifier);
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    return parsed(answered.body);
  };
  const login = (authorization: string | undefined) =>
    cloud.request('POST', '/v3/auth/tokens', {
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      body: { auth: { identity: { methods: ['oauth1'], oauth1: {} } } },
    });
  const tokenFor = async (access: Key): Promise<string> => {
    const answered = await login(header('/v3/auth/tokens', consumer, access));
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    return answered.headers.get('x-subject-token') as string;
  };
  const show = (token: string) =>
    cloud.request('GET', '/v3/auth/tokens', { as: cloud.admin, headers: { 'x-subject-token': token } });
  const adminId = async () => (await show(cloud.admin)).body.token.user.id as string;

  describe('consumers', () => {
    it('are shown their secret once', async () => {
      assert.match(consumer.secret, /^[0-9a-f]{32}$/);
      const shown = await cloud.request('GET', `${base}/consumers/${consumer.id}`, { as: cloud.admin });
      assert.deepEqual(Object.keys(shown.body.consumer).toSorted(), ['description', 'id', 'links']);
      assert.equal(
        shown.body.consumer.links.self,
        `${cloud.world.urls['identity']}${base}/consumers/${consumer.id}`,
      );
      const list = await cloud.request('GET', `${base}/consumers`, { as: cloud.admin });
      assert.ok(list.body.consumers.every((each: object) => !('secret' in each)));
    });

    it('change what they say of themselves, and never their secret', async () => {
      const path = `${base}/consumers/${consumer.id}`;
      const change = (body: object) =>
        cloud.request('PATCH', path, { as: cloud.admin, body: { consumer: body } });
      const changed = await change({ description: 'another', more: 1 });
      assert.equal(changed.body.consumer.description, 'another');
      assert.equal(changed.body.consumer.more, 1);
      assert.ok(!('secret' in changed.body.consumer));
      assert.equal((await change({ secret: 'mine' })).status, 400);
      assert.equal((await change({ id: 'another' })).status, 400);
      assert.equal((await change({})).status, 400);
      assert.equal((await change({ description: 7 })).status, 400);
      const bare = await cloud.request('POST', `${base}/consumers`, { as: cloud.admin, body: {} });
      assert.deepEqual([bare.status, bare.body.consumer.description], [201, null]);
      const made = await cloud.make(`${base}/consumers`, 'consumer', { secret: 'mine' });
      assert.notEqual(made['secret'], 'mine');
    });

    it('are the administrators’ alone', async () => {
      const path = `${base}/consumers/${consumer.id}`;
      for (const [method, url] of [
        ['GET', path],
        ['GET', `${base}/consumers`],
        ['PATCH', path],
        ['DELETE', path],
        ['POST', `${base}/consumers`],
      ] as const) {
        const body = method === 'POST' || method === 'PATCH' ? { consumer: { description: 'x' } } : undefined;
        assert.equal((await cloud.request(method, url, { as: cloud.demo, body })).status, 403, method);
        assert.equal((await cloud.request(method, url, { body })).status, 401, method);
      }
      for (const method of ['GET', 'DELETE'])
        assert.equal(
          (await cloud.request(method, `${base}/consumers/${'f'.repeat(32)}`, { as: cloud.admin })).status,
          404,
        );
    });
  });

  describe('a consumer', () => {
    it('gets a token with the roles that its user gave it, on the project that it asked for', async () => {
      const access = await given(['member']);
      const answered = await login(header('/v3/auth/tokens', consumer, access));
      assert.equal(answered.status, 201, JSON.stringify(answered.body));
      const { token } = answered.body;
      assert.equal(token.user.name, 'admin');
      assert.equal(token.project.id, cloud.adminProjectId);
      assert.deepEqual(token.methods, ['oauth1']);
      assert.deepEqual(token.roles.map(({ name }: { name: string }) => name).toSorted(), [
        'member',
        'reader',
      ]);
      assert.deepEqual(token['OS-OAUTH1'], { access_token_id: access.id, consumer_id: consumer.id });
      const id = answered.headers.get('x-subject-token') as string;
      assert.deepEqual((await show(id)).body, answered.body);
      assert.equal((await cloud.request('GET', '/v3/users', { as: id })).status, 403);
    });

    it('cannot make more of it', async () => {
      const token = await tokenFor(await given(['admin']));
      assert.equal((await cloud.request('GET', '/v3/users', { as: token })).status, 200);
      const user = await adminId();
      const again = await cloud.request('POST', '/v3/auth/tokens', {
        body: { auth: { identity: { methods: ['token'], token: { id: token } } } },
      });
      assert.equal(again.status, 403);
      assert.equal((await authorize(await asked(), ['member'], token)).status, 403);
      for (const [method, path, body] of [
        ['GET', `/v3/users/${user}/OS-OAUTH1/access_tokens`, undefined],
        ['POST', `/v3/users/${user}/application_credentials`, { application_credential: { name: 'more' } }],
        [
          'POST',
          '/v3/OS-TRUST/trusts',
          { trust: { trustor_user_id: user, trustee_user_id: user, impersonation: false } },
        ],
      ] as const) {
        assert.equal((await cloud.request(method, path, { as: token, body })).status, 403, path);
      }
    });

    it('is refused with a request that was changed, is old, or was seen before', async () => {
      const access = await given();
      const path = '/v3/auth/tokens';
      const past = String(Number(now()) - 700);
      for (const [why, authorization] of [
        ['no header', undefined],
        ['another kind of header', 'Basic YTpi'],
        ['another secret', header(path, consumer, { ...access, secret: 'f'.repeat(32) })],
        ['another consumer', header(path, { id: 'f'.repeat(32), secret: consumer.secret }, access)],
        ['another path', header('/v3/users', consumer, access)],
        ['an old time', header(path, consumer, access, { oauth_timestamp: past })],
        ['no signature', header(path, consumer, access, { oauth_signature: '' })],
        [
          'a bare secret',
          header(path, consumer, access, {
            oauth_signature_method: 'PLAINTEXT',
            oauth_signature: `${consumer.secret}&${access.secret}`,
          }),
        ],
      ] as const)
        assert.equal((await login(authorization)).status, 401, why);
      const good = header(path, consumer, access);
      assert.equal((await login(good.replace(/oauth_nonce="..../, 'oauth_nonce="aaaa'))).status, 401);
      assert.equal((await login(good)).status, 201, 'what was refused is not used up');
      assert.equal((await login(good)).status, 401, 'seen before');
      assert.equal((await login(header(path, consumer, { id: 'f'.repeat(32), secret: '' }))).status, 404);
    });

    it('cannot use what was given to another', async () => {
      const access = await given();
      const other = (await cloud.make(`${base}/consumers`, 'consumer', {})) as never as Key;
      assert.equal((await login(header('/v3/auth/tokens', other, access))).status, 401);
      const request = await asked();
      const verifier = (await authorize(request)).body.token.oauth_verifier;
      assert.equal((await fetchToken(request, verifier, other)).status, 401);
      assert.equal((await fetchToken(request, verifier)).status, 201);
    });
  });

  describe('asking', () => {
    it('wants a known consumer, its signature, and a project that is there', async () => {
      assert.equal((await askAs({ id: 'f'.repeat(32), secret: '' })).status, 404);
      assert.equal((await askAs({ ...consumer, secret: 'f'.repeat(32) })).status, 401);
      assert.equal((await askAs(consumer, 'f'.repeat(32))).status, 404);
      assert.equal((await askAs(consumer, undefined, { oauth_callback: '' })).status, 401);
      assert.equal((await askAs(consumer, undefined, { oauth_nonce: '' })).status, 400);
      assert.equal((await askAs(consumer, undefined, { oauth_timestamp: '1000000000' })).status, 400);
      assert.equal((await post(`${base}/request_token`, '')).status, 400);
      const path = `${base}/request_token`;
      assert.equal((await post(path, header(path, consumer, undefined))).status, 400, 'no project');
      assert.equal((await cloud.request('GET', path)).status, 405);
    });

    it('is answered by who has the roles himself', async () => {
      const request = await asked();
      assert.equal((await authorize(request, ['member'], cloud.demo)).status, 403);
      assert.equal((await authorize(request, ['service'])).status, 401, 'a role that he has not');
      assert.equal((await authorize(request, ['no such role'])).status, 404);
      assert.equal((await authorize({ id: 'f'.repeat(32), secret: '' })).status, 404);
      assert.equal((await authorize(await asked(cloud.demoProjectId))).status, 401, 'no role there');
      const bad = await cloud.request('PUT', `${base}/authorize/${request.id}`, {
        as: cloud.admin,
        body: { roles: [{ id: 'a', name: 'b' }] },
      });
      assert.equal(bad.status, 400);
    });

    it('gives one access token, by its verifier', async () => {
      const request = await asked();
      assert.equal((await fetchToken(request, 'abcdefgh')).status, 401, 'nobody has said yes');
      const { oauth_verifier } = (await authorize(request)).body.token;
      assert.match(oauth_verifier, /^[a-zA-Z0-9]{8}$/);
      assert.equal((await fetchToken(request, 'abcdefgh')).status, 401);
      assert.equal((await fetchToken({ ...request, secret: 'x' }, oauth_verifier)).status, 401);
      const answers = await Promise.all(Array.from({ length: 4 }, () => fetchToken(request, oauth_verifier)));
      assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 404, 404, 404]);
    });
  });

  describe('access tokens', () => {
    it('are listed and shown with their roles', async () => {
      const access = await given(['member']);
      const user = await adminId();
      const all = `/v3/users/${user}/OS-OAUTH1/access_tokens`;
      const get = async (path: string, as = cloud.admin) => cloud.request('GET', path, { as });
      const { body } = await get(`${all}/${access.id}`);
      const self = `${cloud.world.urls['identity']}${all}/${access.id}`;
      assert.deepEqual(body.access_token, {
        id: access.id,
        consumer_id: consumer.id,
        project_id: cloud.adminProjectId,
        authorizing_user_id: user,
        expires_at: access.expires,
        links: { self, roles: `${self}/roles` },
      });
      const list = await get(all);
      assert.ok(list.body.access_tokens.some(({ id }: Key) => id === access.id));
      const roles = (await get(`${all}/${access.id}/roles`)).body.roles;
      assert.deepEqual(
        roles.map(({ name }: { name: string }) => name),
        ['member'],
      );
      assert.equal((await get(`${all}/${access.id}/roles/${roleIds['member']}`)).body.role.name, 'member');
      assert.equal((await get(`${all}/${access.id}/roles/${roleIds['admin']}`)).status, 404);
      assert.equal((await get(all, cloud.demo)).status, 403);
      assert.equal(
        (await get(`/v3/users/${'f'.repeat(32)}/OS-OAUTH1/access_tokens/${access.id}`)).status,
        404,
      );
      assert.equal((await cloud.request('GET', all)).status, 401);
    });

    it('take their tokens with them', async () => {
      const access = await given();
      const token = await tokenFor(access);
      const path = `/v3/users/${await adminId()}/OS-OAUTH1/access_tokens/${access.id}`;
      assert.equal((await cloud.request('DELETE', path, { as: cloud.demo })).status, 403);
      assert.equal((await cloud.request('DELETE', path, { as: cloud.admin })).status, 204);
      assert.equal((await show(token)).status, 404);
      assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: token })).status, 401);
      assert.equal((await login(header('/v3/auth/tokens', consumer, access))).status, 404);
      assert.equal((await cloud.request('DELETE', path, { as: cloud.admin })).status, 404);
    });

    it('go with their consumer', async () => {
      const kept = consumer;
      consumer = (await cloud.make(`${base}/consumers`, 'consumer', {})) as never;
      const token = await tokenFor(await given());
      const request = await asked();
      const path = `${base}/consumers/${consumer.id}`;
      assert.equal((await cloud.request('DELETE', path, { as: cloud.admin })).status, 204);
      assert.equal((await show(token)).status, 404);
      assert.equal((await authorize(request)).status, 404);
      consumer = kept;
    });

    it('go with their project and their user, and are worth what roles are left', async () => {
      const project = await cloud.make('/v3/projects', 'project', { name: 'passing' });
      const user = await cloud.make('/v3/users', 'user', { name: 'passing', password: 'passing-secret' });
      const grant = (method: string, role: string) =>
        cloud.request(method, `/v3/projects/${project.id}/users/${user.id}/roles/${roleIds[role]}`, {
          as: cloud.admin,
        });
      await grant('PUT', 'admin');
      const own = () =>
        cloud.login({ id: user.id, password: 'passing-secret' }, { project: { id: project.id } });
      const granted = async () => {
        const request = await asked(project.id);
        const said = await authorize(request, ['admin'], await own());
        return parsed((await fetchToken(request, said.body.token.oauth_verifier)).body);
      };
      const access = await granted();
      let token = await tokenFor(access);
      await grant('PUT', 'member');
      await grant('DELETE', 'admin');
      token = await tokenFor(access);
      const names = (await show(token)).body.token.roles.map(({ name }: { name: string }) => name);
      assert.deepEqual(names.toSorted(), ['member', 'reader']);
      await grant('DELETE', 'member');
      assert.equal((await show(token)).status, 404);
      await grant('PUT', 'admin');
      const list = async () =>
        (await cloud.request('GET', `/v3/users/${user.id}/OS-OAUTH1/access_tokens`, { as: cloud.admin })).body
          .access_tokens.length;
      assert.equal(await list(), 1);
      await cloud.request('DELETE', `/v3/projects/${project.id}`, { as: cloud.admin });
      assert.equal(await list(), 0);
      assert.equal((await cloud.request('DELETE', `/v3/users/${user.id}`, { as: cloud.admin })).status, 204);
    });
  });

  it('is told to who audits, without a secret', async () => {
    const told: string[] = [];
    const both = Promise.withResolvers<void>();
    const ended = await cloud.world.bus.subscribe('audit.identity.#', ({ event, payload }) => {
      if (!/OS-OAUTH1:(request|access)_token.created$/.test(event)) return;
      told.push(JSON.stringify(payload));
      if (told.length === 2) both.resolve();
    });
    const access = await given();
    await both.promise;
    await ended.close();
    assert.match(told[0] ?? '', /OS-OAUTH1:request_token/);
    assert.ok(told[1]?.includes(access.id));
    assert.ok(!told.some((each) => each.includes(access.secret)));
  });

  it('ends when the settings say, and so do its tokens', async () => {
    await using short = await startIdentity({ oauth1_access_token_duration: 60 });
    const kept = { cloud, consumer };
    cloud = short;
    try {
      consumer = (await cloud.make(`${base}/consumers`, 'consumer', {})) as never;
      const access = await given();
      const token = await tokenFor(access);
      assert.equal((await show(token)).body.token.expires_at, access.expires);
      assert.ok(Date.parse(access.expires) - Date.now() <= 60_000);
      assert.ok(await cloud.login(inDefault('admin', passwords.admin)));
    } finally {
      ({ cloud, consumer } = kept);
    }
  });
});

describe('OAuth 1.0a behind a proxy that ends TLS', () => {
  for (const trusted of [true, false]) {
    it(`${trusted ? 'takes' : 'does not take'} its word for what was called, where that is ${trusted ? '' : 'not '}allowed`, async () => {
      await using cloud = await startIdentity({ enable_proxy_headers_parsing: trusted });
      const { id, secret } = (await cloud.make('/v3/OS-OAUTH1/consumers', 'consumer', {})) as never as Key;
      const path = '/v3/OS-OAUTH1/request_token';
      const ask = (called: string, headers: Record<string, string>) => {
        const parameters = new Map(
          Object.entries({
            oauth_callback: 'oob',
            oauth_consumer_key: id,
            oauth_nonce: randomBytes(8).toString('hex'),
            oauth_timestamp: String(Math.floor(Date.now() / 1000)),
            oauth_signature_method: 'HMAC-SHA256',
          }),
        );
        const signed = signature(
          { method: 'POST', url: called + path, parameters },
          { consumer: secret, token: '' },
        );
        const all = [...parameters.set('oauth_signature', signed?.toString('base64') ?? '')];
        const said = all.map(([name, value]) => `${name}="${encodeURIComponent(value)}"`).join(', ');
        return cloud.request('POST', path, {
          headers: {
            authorization: `OAuth ${said}`,
            'requested-project-id': cloud.adminProjectId,
            ...headers,
          },
        });
      };
      const proxied = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'cloud.example' };
      assert.equal((await ask('https://cloud.example', proxied)).status, trusted ? 201 : 401);
      assert.equal((await ask(cloud.world.urls['identity'] as string, {})).status, 201);
      assert.equal((await ask('https://cloud.example', {})).status, 401);
      assert.equal((await ask(cloud.world.urls['identity'] as string, proxied)).status, trusted ? 401 : 201);
    });
  }
});
