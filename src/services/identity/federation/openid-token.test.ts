import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';
import { clientSecret, startProvider } from './testing/openid-provider.ts';

const entry = '/v3/OS-FEDERATION/identity_providers/acme/protocols/openid/auth';
const callback = `http://cloud.example${entry}`;
type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

describe('access tokens of a provider without introspection', () => {
  let cloud: IdentityCloud;
  let provider: Awaited<ReturnType<typeof startProvider>>;
  let pair: Pair;

  before(async () => {
    pair = await generateKeyPair('RS256', { extractable: true });
    const key = { ...(await exportJWK(pair.privateKey)), kid: 'one', alg: 'RS256', use: 'sig' };
    provider = await startProvider(() => callback, { key, audience: 'cumulet-identity' });
    cloud = await startIdentity({
      federation_url: 'http://cloud.example',
      federation: {
        'acme/openid': {
          type: 'openid',
          issuer: provider.issuer,
          client_id: 'cumulet',
          client_secret: clientSecret,
          accepted_clients: ['cumulet-identity'],
        },
      },
    });
    const rules = [
      { local: [{ user: { name: '{0}', id: '{0}' } }], remote: [{ type: 'OIDC-sub' }] },
      { local: [{ groups: '{0}', domain: { id: 'default' } }], remote: [{ type: 'OIDC_CLAIM_groups' }] },
    ];
    for (const [path, body] of [
      ['identity_providers/acme', { identity_provider: { enabled: true, remote_ids: [provider.issuer] } }],
      ['mappings/acme', { mapping: { rules } }],
      ['identity_providers/acme/protocols/openid', { protocol: { mapping_id: 'acme' } }],
    ] as const) {
      const made = await cloud.request('PUT', `/v3/OS-FEDERATION/${path}`, { as: cloud.admin, body });
      assert.equal(made.status, 201, JSON.stringify(made.body));
    }
    await cloud.make('/v3/groups', 'group', { name: 'developers', domain_id: 'default' });
  });
  after(async () => {
    await cloud[Symbol.asyncDispose]();
    await provider.close();
  });

  const bear = (token: string) =>
    cloud.request('POST', entry, { headers: { authorization: `Bearer ${token}` } });

  it('are taken where they are for this service', async () => {
    const { access_token } = await provider.tokens('cumulet', callback);
    assert.equal(decodeProtectedHeader(access_token).typ, 'at+jwt');
    const answered = await bear(access_token);
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    const { user } = answered.body.token;
    assert.equal(user.name, 'ann');
    assert.equal(user['OS-FEDERATION'].groups.length, 1);
  });

  it('are not ID tokens, though these are by the same key for the same client', async () => {
    const { id_token } = await provider.tokens('cumulet', callback);
    assert.equal(decodeJwt(id_token).aud, 'cumulet');
    assert.equal((await bear(id_token)).status, 401);
  });

  it('are not opaque: nobody could say whose these are', async () => {
    const { status, body } = await bear('V1StGXR8_Z5jdHi6B-myT');
    assert.equal(status, 401);
    assert.match(body.error.message, /does not say whose access tokens are/);
  });

  describe('made by hand', () => {
    const now = () => Math.floor(Date.now() / 1000);
    const good = (): JWTPayload => ({
      iss: provider.issuer,
      sub: 'carol',
      aud: 'cumulet',
      exp: now() + 300,
      iat: now(),
      client_id: 'somebody',
      scope: 'email',
    });
    /** @param more claims; `endsIn` and `beginsIn` count in seconds from now */
    const make = (
      { endsIn, beginsIn, ...more }: Record<string, unknown> & { endsIn?: number; beginsIn?: number } = {},
      header: object = {},
      key: Pair['privateKey'] = pair.privateKey,
    ) => {
      const times = {
        ...(endsIn === undefined ? {} : { exp: now() + endsIn }),
        ...(beginsIn === undefined ? {} : { nbf: now() + beginsIn }),
      };
      const payload = Object.fromEntries(
        Object.entries({ ...good(), ...more, ...times }).filter(([, value]) => value !== undefined),
      );
      return new SignJWT(payload)
        .setProtectedHeader({ alg: 'RS256', kid: 'one', typ: 'at+jwt', ...header })
        .sign(key);
    };
    const untyped = { typ: undefined };

    for (const [title, more, header] of [
      ['as RFC 9068 has it', {}, {}],
      ['with its type in full', {}, { typ: 'application/at+jwt' }],
      ['for others too', { aud: ['https://other.example', 'cumulet'] }, {}],
      ['for an account, by a client of ours', { aud: 'account', client_id: undefined, azp: 'cumulet' }, {}],
      ['without a type, with a scope', {}, untyped],
      ['as Keycloak makes them', { typ: 'Bearer', azp: 'cumulet', aud: 'account' }, { typ: 'JWT' }],
      ['that ended by less than clocks differ', { endsIn: -2 }, {}],
    ] as const) {
      it(`are taken: ${title}`, async () => {
        const { status, body } = await bear(await make(more, header));
        assert.equal(status, 201, JSON.stringify(body));
        assert.equal(body.token.user.name, 'carol');
      });
    }

    for (const [title, more, header] of [
      ['of another issuer', { iss: 'https://other.example' }, {}],
      ['of no issuer', { iss: undefined }, {}],
      ['for another service', { aud: 'https://other.example' }, {}],
      ['for nobody', { aud: undefined }, {}],
      ['that are over', { endsIn: -120 }, {}],
      ['without an end', { exp: undefined }, {}],
      ['that are not good yet', { beginsIn: 300 }, {}],
      ['without a user', { sub: undefined }, {}],
      ['of a client for itself', { sub: 'cumulet', client_id: 'cumulet' }, {}],
      ['that are bound to a key', { cnf: { jkt: 'thumb' } }, {}],
      ['of another type', {}, { typ: 'logout+jwt' }],
      ['that look like ID tokens', { nonce: 'n' }, untyped],
      ['that look like ID tokens by their hash', { at_hash: 'h' }, { typ: 'JWT' }],
      ['without type and scope', { scope: undefined }, untyped],
      ['that say of themselves that they are something else', { typ: 'ID' }, { typ: 'JWT' }],
      ['by a key that the provider does not have', {}, { kid: 'two' }],
    ] as const) {
      it(`are refused: ${title}`, async () => {
        assert.equal((await bear(await make(more, header))).status, 401);
      });
    }

    it('are refused: signed by others, by nobody, or by what everybody knows', async () => {
      const others = await generateKeyPair('RS256');
      assert.equal((await bear(await make({}, {}, others.privateKey))).status, 401);
      const token = await make();
      const [, payload = '', signature = ''] = token.split('.');
      const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      assert.equal((await bear(`${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`)).status, 401);
      assert.equal(
        (await bear(`${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.${signature}`)).status,
        401,
      );
      const known = new TextEncoder().encode(await exportSPKI(pair.publicKey));
      const confused = await new SignJWT(good())
        .setProtectedHeader({ alg: 'HS256', kid: 'one', typ: 'at+jwt' })
        .sign(known);
      assert.equal((await bear(confused)).status, 401);
      const changed = encode({ ...decodeJwt(token), sub: 'admin' });
      assert.equal((await bear(token.replace(payload, changed))).status, 401);
    });
  });
});
