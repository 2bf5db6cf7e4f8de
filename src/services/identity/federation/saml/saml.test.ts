import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';
import type { Answered } from '../../../../platform/service/testing/world.ts';
import { type IdentityCloud, startIdentity } from '../../testing/cloud.ts';
import {
  assertionXml,
  testEntity as entity,
  inMinutes,
  responseXml,
  type Said,
  signed,
} from '../testing/saml-provider.ts';
import { type SamlKeys, samlKeys } from './keys.ts';
import { namespaces } from './xml.ts';

const exec = promisify(execFile);
const hasXmlsec = await exec('xmlsec1', ['--version']).then(
  () => true,
  () => false,
);
const entry = '/v3/OS-FEDERATION/identity_providers/acme/protocols/saml2/auth';

describe('SAML with an identity provider', () => {
  let cloud: IdentityCloud;
  let directory: string;
  let keys: SamlKeys;
  let acs: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cumulet-saml-'));
    keys = await samlKeys({ stateDir: directory, keyfile: '', certfile: '' });
    cloud = await startIdentity({
      trusted_dashboard: ['https://dashboard.example/auth/websso/'],
      federation: {
        'acme/saml2': {
          type: 'saml2',
          entity_id: entity,
          certificates: [keys.certificate],
          sso_url: 'https://idp.example/sso?tenant=1',
        },
        'open/saml2': {
          type: 'saml2',
          entity_id: entity,
          certificates: [keys.certificate],
          allow_unsolicited: true,
        },
      },
    });
    acs = cloud.world.urls['identity'] + entry;
    const rules = [
      { local: [{ user: { name: '{0}' } }], remote: [{ type: 'MELLON_NAME_ID' }] },
      { local: [{ groups: '{0}', domain: { id: 'default' } }], remote: [{ type: 'groups' }] },
    ];
    for (const idp of ['acme', 'open']) {
      for (const [path, body] of [
        [
          `identity_providers/${idp}`,
          { identity_provider: { enabled: true, remote_ids: [`${entity}${idp === 'acme' ? '' : '2'}`] } },
        ],
        [`mappings/${idp}`, { mapping: { rules } }],
        [`identity_providers/${idp}/protocols/saml2`, { protocol: { mapping_id: idp } }],
      ] as const) {
        const made = await cloud.request('PUT', `/v3/OS-FEDERATION/${path}`, { as: cloud.admin, body });
        assert.equal(made.status, 201, JSON.stringify(made.body));
      }
    }
    await cloud.make('/v3/groups', 'group', { name: 'developers', domain_id: 'default' });
  });
  after(async () => {
    await cloud[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  interface Begun {
    relayState: string;
    requestId: string;
    cookie: string;
  }
  /** A browser that comes without anything and is sent to the provider. */
  async function begin(path = entry): Promise<Begun> {
    const answered = await cloud.request('GET', path);
    assert.equal(answered.status, 302, JSON.stringify(answered.body));
    const url = new URL(answered.headers.get('location') as string);
    assert.equal(url.origin + url.pathname, 'https://idp.example/sso');
    assert.equal(url.searchParams.get('tenant'), '1');
    const request = inflateRawSync(
      Buffer.from(url.searchParams.get('SAMLRequest') as string, 'base64'),
    ).toString();
    assert.match(request, new RegExp(`AssertionConsumerServiceURL="${acs}"`));
    const cookie = answered.headers.get('set-cookie') as string;
    assert.match(cookie, /HttpOnly/);
    return {
      relayState: url.searchParams.get('RelayState') as string,
      requestId: /ID="([^"]+)"/.exec(request)?.[1] as string,
      cookie: cookie.split(';')[0] as string,
    };
  }
  async function post(response: string, begun?: Partial<Begun>, path = entry): Promise<Answered> {
    const form = new URLSearchParams({ SAMLResponse: Buffer.from(response).toString('base64') });
    if (begun?.relayState) form.set('RelayState', begun.relayState);
    return cloud.request('POST', path, {
      body: form.toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(begun?.cookie ? { cookie: begun.cookie } : {}),
      },
    });
  }
  const good = (begun: Begun, more: Partial<Said> = {}): Said => ({
    recipient: acs,
    audience: acs,
    inResponseTo: begun.requestId,
    ...more,
  });
  /** Says something to a login of its own, signed. */
  async function say(more: Partial<Said> = {}): Promise<Answered> {
    const begun = await begin();
    return post(responseXml(signed(assertionXml(good(begun, more)), keys)), begun);
  }

  it('gives a token for an assertion that answers the login', async () => {
    const answered = await say({ name: 'Ann &amp; Bob', groups: ['developers'] });
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    assert.ok(answered.headers.get('x-subject-token'));
    assert.equal(answered.body.token.user.name, 'Ann & Bob');
    assert.equal(answered.body.token.user['OS-FEDERATION'].groups.length, 1);
  });

  it('takes a signature of the whole response as well', async () => {
    const begun = await begin();
    const issued = `<saml:Issuer xmlns:saml="${namespaces.assertion}">${entity}</saml:Issuer>`;
    const whole = signed(responseXml(issued + assertionXml(good(begun))), keys);
    assert.equal((await post(whole, begun)).status, 201);
  });

  it('goes on to the dashboard that began it', async () => {
    const origin = encodeURIComponent('https://dashboard.example/auth/websso/');
    const begun = await begin(
      `/v3/auth/OS-FEDERATION/identity_providers/acme/protocols/saml2/websso?origin=${origin}`,
    );
    const answered = await post(responseXml(signed(assertionXml(good(begun)), keys)), begun);
    assert.equal(answered.status, 200);
    assert.match(answered.body, /action="https:\/\/dashboard\.example\/auth\/websso\/"/);
  });

  const wrong: [string, Partial<Said>][] = [
    ['is for another service', { audience: 'https://other.example' }],
    ['is for nobody in particular', { audience: null }],
    ['was sent to another address', { recipient: 'https://other.example/acs' }],
    ['is of another provider', { issuer: 'https://other.example' }],
    ['is over', { notOnOrAfter: inMinutes(-2) }],
    ['is confirmed no more', { confirmedUntil: inMinutes(-2) }],
    ['is not good yet', { notBefore: inMinutes(3) }],
    ['answers another login', { inResponseTo: '_another' }],
    ['is confirmed by another way', { method: 'urn:oasis:names:tc:SAML:2.0:cm:sender-vouches' }],
  ];
  for (const [title, more] of wrong) {
    it(`refuses an assertion that ${title}`, async () => {
      assert.equal((await say(more)).status, 401);
    });
  }

  it('refuses what nobody asked for, unless the provider may', async () => {
    const { inResponseTo: _, ...unasked } = good({ requestId: '' } as Begun);
    assert.equal((await post(responseXml(signed(assertionXml(unasked), keys)))).status, 401);
    const open = entry.replace('acme', 'open');
    const there = cloud.world.urls['identity'] + open;
    const said = responseXml(signed(assertionXml({ recipient: there, audience: there }), keys));
    assert.equal((await post(said, undefined, open)).status, 201);
    assert.equal((await post(said, undefined, open)).status, 401, 'a second time');
  });

  it('refuses an answer a second time, and of a browser that did not ask', async () => {
    const begun = await begin();
    const answer = responseXml(signed(assertionXml(good(begun)), keys));
    const { cookie: _, ...stolen } = begun;
    assert.equal((await post(answer, stolen)).status, 401);
    const again = await begin();
    const other = responseXml(signed(assertionXml(good(again)), keys));
    assert.equal((await post(other, again)).status, 201);
    assert.equal((await post(other, again)).status, 401);
  });

  it('refuses what is not signed, or by another key', async () => {
    const begun = await begin();
    assert.equal((await post(responseXml(assertionXml(good(begun))), begun)).status, 401);
    const elsewhere = await mkdtemp(join(tmpdir(), 'cumulet-saml-'));
    const others = await samlKeys({ stateDir: elsewhere, keyfile: '', certfile: '' });
    const second = await begin();
    assert.equal((await post(responseXml(signed(assertionXml(good(second)), others)), second)).status, 401);
    await rm(elsewhere, { recursive: true });
  });

  it('refuses an assertion that was changed after it was signed', async () => {
    const begun = await begin();
    const changed = signed(assertionXml(good(begun)), keys).replace('>ann<', '>admin<');
    assert.equal((await post(responseXml(changed), begun)).status, 401);
  });

  it('is not led by a comment in a name', async () => {
    const begun = await begin();
    const xml = signed(assertionXml(good(begun, { name: 'admin.evil' })), keys);
    const split = xml.replace('>admin.evil<', '>admin<!-- -->.evil<');
    const answered = await post(responseXml(split), begun);
    if (answered.status === 201) assert.equal(answered.body.token.user.name, 'admin.evil');
    else assert.equal(answered.status, 401);
  });

  describe('whose signature is wrapped', () => {
    const forged = (begun: Begun) => assertionXml(good(begun, { name: 'admin', id: '_evil' }));
    const wrappings: [string, (evil: string, real: string) => string][] = [
      ['beside a forged assertion', (evil, real) => responseXml(evil + real)],
      ['after a forged assertion', (evil, real) => responseXml(real + evil)],
      [
        'inside of a forged assertion',
        (evil, real) => responseXml(evil.replace('</saml:Assertion>', `${real}</saml:Assertion>`)),
      ],
      [
        'in an extension of the response',
        (evil, real) => responseXml(`<samlp:Extensions>${real}</samlp:Extensions>${evil}`),
      ],
      [
        'in an object of a signature that was moved to a forged assertion',
        (evil, real) => {
          const signature = /<Signature[\s\S]*<\/Signature>/.exec(real)?.[0] as string;
          const bare = real.replace(signature, '');
          const holding = signature.replace('</Signature>', `<Object>${bare}</Object></Signature>`);
          return responseXml(evil.replace('</saml:Issuer>', `</saml:Issuer>${holding}`));
        },
      ],
      [
        'by a forged assertion of the same ID',
        (evil, real) => {
          const id = /ID="([^"]+)"/.exec(real)?.[1] as string;
          return responseXml(evil.replace('_evil', id) + real);
        },
      ],
    ];
    for (const [title, wrap] of wrappings) {
      it(`is refused: ${title}`, async () => {
        const begun = await begin();
        const real = signed(assertionXml(good(begun)), keys);
        const answered = await post(wrap(forged(begun), real), begun);
        assert.ok(answered.status === 401 || answered.status === 400, String(answered.status));
      });
    }
  });

  it('reads no types, no entities, no files, and nothing that is no XML', async () => {
    const bodies = [
      `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>${responseXml('&x;')}`,
      `<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>${responseXml('&b;')}`,
      'not xml',
      '<a>',
      '',
      responseXml(''),
    ];
    for (const body of bodies) {
      const begun = await begin();
      const { status } = await post(body, begun);
      assert.ok(status === 400 || status === 401, `${status} for ${body.slice(0, 40)}`);
    }
  });

  it('reads no more of a request than a response can be', async () => {
    assert.equal((await post('a'.repeat(2 * 1024 * 1024))).status, 413);
  });
});

describe('a cloud that vouches for its users', () => {
  let home: IdentityCloud;
  let away: IdentityCloud;
  let directory: string;
  let spUrl: string;

  const put = async (cloud: IdentityCloud, path: string, body: object) => {
    const made = await cloud.request('PUT', `/v3/OS-FEDERATION/${path}`, { as: cloud.admin, body });
    assert.equal(made.status, 201, JSON.stringify(made.body));
  };
  const asked = (id: string, provider = 'away') => ({
    auth: {
      identity: { methods: ['token'], token: { id } },
      scope: { service_provider: { id: provider } },
    },
  });

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cumulet-k2k-'));
    home = await startIdentity();
    const metadata = await home.request('GET', '/v3/OS-FEDERATION/saml2/metadata');
    assert.equal(metadata.status, 200);
    const certificate = /<ds:X509Certificate>([^<]+)</.exec(metadata.body)?.[1] as string;
    const entityId = /entityID="([^"]+)"/.exec(metadata.body)?.[1] as string;
    const pem = `-----BEGIN CERTIFICATE-----\n${certificate.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
    await writeFile(join(directory, 'certificate.pem'), pem);
    away = await startIdentity({
      federation: {
        'home/saml2': {
          type: 'saml2',
          entity_id: entityId,
          certificates: [join(directory, 'certificate.pem')],
          require_audience: false,
          allow_unsolicited: true,
        },
      },
    });
    spUrl = `${away.world.urls['identity']}/v3/OS-FEDERATION/identity_providers/home/protocols/saml2/auth`;
    await put(home, 'service_providers/away', {
      service_provider: { auth_url: spUrl, sp_url: spUrl, enabled: true },
    });
    await put(home, 'service_providers/closed', {
      service_provider: { auth_url: spUrl, sp_url: spUrl, enabled: false },
    });
    await put(away, 'identity_providers/home', {
      identity_provider: { enabled: true, remote_ids: [entityId] },
    });
    await put(away, 'mappings/home', {
      mapping: {
        rules: [
          {
            local: [
              {
                user: { name: '{0} of {1}' },
                projects: [{ name: '{2}', roles: [{ name: 'member' }] }],
              },
            ],
            remote: [
              { type: 'openstack_user' },
              { type: 'openstack_user_domain' },
              { type: 'openstack_project' },
              { type: 'openstack_roles', any_one_of: ['member'] },
            ],
          },
          { local: [{ groups: '{0}' }], remote: [{ type: 'openstack_groups' }] },
        ],
      },
    });
    await put(away, 'identity_providers/home/protocols/saml2', {
      protocol: { mapping_id: 'home', remote_id_attribute: 'Shib-Identity-Provider' },
    });
    const group = await home.make('/v3/groups', 'group', { name: 'guests & co', domain_id: 'default' });
    const { body } = await home.request('GET', '/v3/auth/tokens', {
      as: home.admin,
      headers: { 'x-subject-token': home.demo },
    });
    const path = `/v3/groups/${group.id}/users/${body.token.user.id}`;
    await home.request('PUT', path, { as: home.admin });
    home.demo = await home.login(
      { name: 'demo', password: 'demo-secret', domain: { id: 'default' } },
      { project: { id: home.demoProjectId } },
    );
    await away.make('/v3/groups', 'group', { name: 'guests & co', domain_id: 'default' });
  });
  after(async () => {
    await home[Symbol.asyncDispose]();
    await away[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  it('lets them log in at another cloud, as keystoneauth does it', async () => {
    const ecp = await home.request('POST', '/v3/auth/OS-FEDERATION/saml2/ecp', { body: asked(home.demo) });
    assert.equal(ecp.status, 200, JSON.stringify(ecp.body));
    assert.equal(ecp.headers.get('x-sp-url'), spUrl);
    assert.equal(ecp.headers.get('x-auth-url'), spUrl);
    assert.equal(ecp.headers.get('content-type'), 'text/xml');
    assert.match(ecp.body, /RelayState[^>]*>ss:mem:[0-9a-f]{32}</);
    const carry = () =>
      fetch(spUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.paos+xml' },
        body: ecp.body as string,
      });
    const answered = await carry();
    const { token, error } = (await answered.json()) as {
      error?: object;
      token: { user: { name: string; 'OS-FEDERATION': { groups: object[] } } };
    };
    assert.equal(answered.status, 201, JSON.stringify(error));
    assert.equal(token.user.name, 'demo of Default');
    assert.equal(token.user['OS-FEDERATION'].groups.length, 1);
    const unscoped = answered.headers.get('x-subject-token') as string;
    const projects = await away.request('GET', '/v3/OS-FEDERATION/projects', { as: unscoped });
    assert.deepEqual(
      projects.body.projects.map((each: { name: string }) => each.name),
      ['demo'],
    );
    assert.equal((await carry()).status, 401, 'the same assertion again');
  });

  it('signs what xmlsec1 verifies', { skip: !hasXmlsec && 'xmlsec1 is not installed' }, async () => {
    const { body } = await home.request('POST', '/v3/auth/OS-FEDERATION/saml2', { body: asked(home.demo) });
    const file = join(directory, 'response.xml');
    const verify = async (xml: string) => {
      await writeFile(file, xml);
      const certificate = ['--pubkey-cert-pem', join(directory, 'certificate.pem')];
      const id = ['--id-attr:ID', `${namespaces.assertion}:Assertion`];
      return exec('xmlsec1', ['--verify', ...certificate, ...id, file]);
    };
    await verify(body);
    await assert.rejects(verify(body.replace('>demo<', '>admin<')));
    assert.ok((await readFile(file, 'utf8')).includes('openstack_project_domain'));
  });

  it('does so for tokens of a project, to clouds that it knows and that are enabled', async () => {
    const ask = (body: object) => home.request('POST', '/v3/auth/OS-FEDERATION/saml2', { body });
    const user = { name: 'demo', password: 'demo-secret', domain: { id: 'default' } };
    const unscoped = await home.login(user, 'unscoped');
    assert.equal((await ask(asked(unscoped))).status, 403);
    assert.equal((await ask(asked(home.demo, 'closed'))).status, 403);
    assert.equal((await ask(asked(home.demo, 'absent'))).status, 404);
    assert.equal((await ask(asked('nonsense'))).status, 404);
    assert.equal((await ask({ auth: { identity: {}, scope: {} } })).status, 400);
    assert.equal((await ask({})).status, 400);
  });

  it('is not believed by a cloud of another address', async () => {
    await put(home, 'service_providers/elsewhere', {
      service_provider: { auth_url: spUrl, sp_url: 'https://elsewhere.example/acs', enabled: true },
    });
    const { body } = await home.request('POST', '/v3/auth/OS-FEDERATION/saml2/ecp', {
      body: asked(home.demo, 'elsewhere'),
    });
    const answered = await fetch(spUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.paos+xml' },
      body,
    });
    assert.equal(answered.status, 401);
  });
});
