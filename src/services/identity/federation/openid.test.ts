import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';
import { claimAttributes, OpenIdConnection } from './openid.ts';
import { browse, clientSecret as secret, startProvider } from './testing/openid-provider.ts';

const entry = '/v3/OS-FEDERATION/identity_providers/acme/protocols/openid/auth';

describe('OpenID Connect with an identity provider', () => {
  let cloud: IdentityCloud;
  let provider: Awaited<ReturnType<typeof startProvider>>;
  const callback = `http://cloud.example${entry}`;

  before(async () => {
    provider = await startProvider(() => callback);
    cloud = await startIdentity({
      // The address as browsers know it; the test knows where it really is.
      federation_url: 'http://cloud.example',
      trusted_dashboard: ['https://dashboard.example/auth/websso/'],
      federation: {
        'acme/openid': {
          type: 'openid',
          issuer: provider.issuer,
          client_id: 'cumulet',
          client_secret: secret,
          scopes: 'openid email groups',
        },
      },
    });
    const rules = [
      {
        local: [{ user: { name: '{0}', email: '{1}', id: '{0}' } }],
        remote: [{ type: 'OIDC-sub' }, { type: 'HTTP_OIDC_EMAIL' }],
      },
      { local: [{ groups: '{0}', domain: { id: 'default' } }], remote: [{ type: 'OIDC_CLAIM_groups' }] },
    ];
    for (const [path, body] of [
      ['identity_providers/acme', { identity_provider: { enabled: true, remote_ids: [provider.issuer] } }],
      ['mappings/acme', { mapping: { rules } }],
      [
        'identity_providers/acme/protocols/openid',
        { protocol: { mapping_id: 'acme', remote_id_attribute: 'HTTP_OIDC_ISS' } },
      ],
    ] as const) {
      const made = await cloud.request('PUT', `/v3/OS-FEDERATION/${path}`, { as: cloud.admin, body });
      assert.equal(made.status, 201, JSON.stringify(made.body));
    }
    for (const name of ['developers', 'a;b']) {
      await cloud.make('/v3/groups', 'group', { name, domain_id: 'default' });
    }
  });
  after(async () => {
    await cloud[Symbol.asyncDispose]();
    await provider.close();
  });

  async function begin(path = entry) {
    const answered = await cloud.request('GET', path);
    assert.equal(answered.status, 302, JSON.stringify(answered.body));
    return {
      url: answered.headers.get('location') as string,
      cookie: (answered.headers.get('set-cookie') as string).split(';')[0] as string,
    };
  }
  const back = (url: string, cookie?: string) => {
    assert.ok(url.startsWith(callback), url);
    return cloud.request('GET', entry + url.slice(callback.length), cookie ? { headers: { cookie } } : {});
  };

  it('sends a browser to the provider with PKCE, state and nonce, and gives a token when it is back', async () => {
    const { url, cookie } = await begin();
    const { searchParams } = new URL(url);
    assert.equal(searchParams.get('code_challenge_method'), 'S256');
    for (const name of ['state', 'nonce', 'code_challenge']) assert.ok(searchParams.get(name), name);
    const answered = await back(await browse(url, provider.issuer), cookie);
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    assert.ok(answered.headers.get('x-subject-token'));
    const { user } = answered.body.token;
    assert.equal(user.name, 'ann');
    assert.equal(user['OS-FEDERATION'].groups.length, 2);
    const shown = await cloud.request('GET', `/v3/users/${user.id}`, { as: cloud.admin });
    assert.equal(shown.body.user.email, 'ann@acme.example');
  });

  it('knows people by their subject', async () => {
    const login = async () => {
      const { url, cookie } = await begin();
      return (await back(await browse(url, provider.issuer), cookie)).body.token.user.id;
    };
    provider.as('bob');
    const bob = await login();
    assert.equal(await login(), bob);
    provider.as('ann');
    assert.notEqual(await login(), bob);
  });

  it('signs a browser in at the dashboard', async () => {
    for (const path of [
      '/v3/auth/OS-FEDERATION/websso/openid',
      '/v3/auth/OS-FEDERATION/identity_providers/acme/protocols/openid/websso',
    ]) {
      const origin = encodeURIComponent('https://dashboard.example/auth/websso/');
      const { url, cookie } = await begin(`${path}?origin=${origin}`);
      const answered = await back(await browse(url, provider.issuer), cookie);
      assert.equal(answered.status, 200);
      assert.match(answered.body, /action="https:\/\/dashboard\.example\/auth\/websso\/"/);
      assert.match(answered.body, /name="token" id="token" value="gAAA/);
    }
  });

  it('refuses a browser that did not begin the login, and a login that is over', async () => {
    const { url, cookie } = await begin();
    const returned = await browse(url, provider.issuer);
    assert.equal((await back(returned)).status, 401);
    const other = await begin();
    assert.equal((await back(returned, other.cookie)).status, 401);
    assert.equal((await back(returned, cookie)).status, 201);
    const second = await begin();
    const again = await browse(second.url, provider.issuer);
    assert.equal((await back(again, second.cookie)).status, 201);
    assert.equal((await back(again, second.cookie)).status, 401);
  });

  it('refuses a code of another login, and a state that nobody was given', async () => {
    const one = await begin();
    const two = await begin();
    const first = new URL(await browse(one.url, provider.issuer));
    const second = new URL(await browse(two.url, provider.issuer));
    const mixed = new URL(first);
    mixed.searchParams.set('state', second.searchParams.get('state') as string);
    assert.equal((await back(mixed.href, two.cookie)).status, 401);
    mixed.searchParams.set('state', 'nonsense');
    assert.equal((await back(mixed.href, one.cookie)).status, 401);
  });

  it('refuses an answer that names another issuer, or an error', async () => {
    const one = await begin();
    const returned = new URL(await browse(one.url, provider.issuer));
    returned.searchParams.set('iss', 'https://other.example');
    assert.equal((await back(returned.href, one.cookie)).status, 401);
    const two = await begin();
    const state = new URL(two.url).searchParams.get('state');
    assert.equal((await back(`${callback}?error=access_denied&state=${state}`, two.cookie)).status, 401);
  });

  const bear = (token: string) =>
    cloud.request('POST', entry, { headers: { authorization: `Bearer ${token}` } });

  it('takes an access token that the provider says is good, as the command line has it', async () => {
    const answered = await bear((await provider.tokens('cumulet', callback)).access_token);
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    assert.equal(answered.body.token.user.name, 'ann');
    assert.equal(answered.body.token.user['OS-FEDERATION'].groups.length, 2);
  });

  it('is not asked about a token where the connection says that tokens speak for themselves', async () => {
    const { access_token } = await provider.tokens('cumulet', callback);
    const connection = (introspection: boolean) =>
      new OpenIdConnection(
        {
          type: 'openid',
          issuer: provider.issuer,
          client_id: 'cumulet',
          client_secret: secret,
          introspection,
        },
        () => callback,
      );
    assert.equal((await connection(true).bearer(access_token)).remoteUser?.split('@')[0], 'ann');
    await assert.rejects(connection(false).bearer(access_token), /does not say whose access tokens are/);
  });

  it('refuses an access token of another client, of nobody, and what is none', async () => {
    assert.equal(
      (await bear((await provider.tokens('other', `${provider.issuer}/other`)).access_token)).status,
      401,
    );
    const response = await fetch(`${provider.issuer}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`cumulet:${encodeURIComponent(secret)}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const { access_token } = (await response.json()) as { access_token: string };
    assert.ok(access_token);
    assert.equal((await bear(access_token)).status, 401);
    assert.equal((await bear('nonsense')).status, 401);
  });
});

describe('an OpenID connection', () => {
  it('speaks with no provider over plain HTTP, unless it is on this machine', () => {
    const options = { type: 'openid' as const, client_id: 'c' };
    assert.throws(
      () => new OpenIdConnection({ ...options, issuer: 'http://idp.example' }, () => ''),
      TypeError,
    );
    assert.ok(new OpenIdConnection({ ...options, issuer: 'http://127.0.0.1:1' }, () => ''));
  });

  it('refuses everybody while its provider cannot be asked', async () => {
    const connection = new OpenIdConnection(
      { type: 'openid', client_id: 'c', issuer: 'http://127.0.0.1:1' },
      () => 'http://127.0.0.1/',
    );
    await assert.rejects(connection.begin(), { status: 401 });
    await assert.rejects(connection.bearer('token'), { status: 401 });
  });

  it("names claims as Apache's module does", () => {
    const named = claimAttributes({
      sub: 'x',
      groups: ['a', 'b'],
      'urn:x': 1,
      empty: null,
      address: { city: 'C' },
    });
    assert.deepEqual(named['OIDC-groups'], ['a', 'b']);
    assert.deepEqual(named['HTTP_OIDC_URN_X'], ['1']);
    assert.deepEqual(named['OIDC_CLAIM_address'], ['{"city":"C"}']);
    assert.equal(named['OIDC-empty'], undefined);
  });
});
