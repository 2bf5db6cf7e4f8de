import assert from 'node:assert/strict';
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { compactVerify, importSPKI, SignJWT } from 'jose';
import { openJws, signJws } from '../model/jws.ts';
import { type IdentityCloud, inDefault, secrets, startIdentity } from '../testing/cloud.ts';

type Claims = Record<string, unknown>;
const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims;

describe('signed tokens', () => {
  let cloud: IdentityCloud;
  let folder: string;
  let privateKey: KeyObject;
  let claims: Claims;

  before(async () => {
    cloud = await startIdentity({ token_provider: 'jws' });
    folder = join(cloud.world.stateDir, 'identity', 'jws-keys');
    privateKey = createPrivateKey(await readFile(join(folder, 'private', 'private.pem'), 'utf8'));
    claims = claimsOf(cloud.admin);
  });
  after(() => cloud[Symbol.asyncDispose]());

  const show = (token: string, query = '') =>
    cloud.request('GET', `/v3/auth/tokens${query}`, {
      as: cloud.admin,
      headers: { 'x-subject-token': token },
    });
  const publicPem = async () => {
    const [name = ''] = await readdir(join(folder, 'public'));
    return readFile(join(folder, 'public', name), 'utf8');
  };

  it('say what keystone’s say, and are verified by who knows the public key', async () => {
    const { body } = await show(cloud.admin);
    const { token } = body;
    assert.deepEqual(claims, {
      sub: token.user.id,
      iat: Date.parse(token.issued_at) / 1000,
      exp: Date.parse(token.expires_at) / 1000,
      openstack_methods: ['password'],
      openstack_audit_ids: token.audit_ids,
      openstack_project_id: cloud.adminProjectId,
    });
    const { protectedHeader } = await compactVerify(
      cloud.admin,
      await importSPKI(await publicPem(), 'ES256'),
    );
    assert.deepEqual(protectedHeader, { alg: 'ES256', typ: 'JWT' });
    assert.equal((await cloud.request('GET', '/v3/users', { as: cloud.admin })).status, 200);
  });

  it('are the same when they are given and when they are shown', async () => {
    const admin = inDefault('admin', secrets.admin);
    for (const scope of [{ project: { id: cloud.adminProjectId } }, { system: { all: true } }, 'unscoped']) {
      const given = await cloud.authenticate(admin, scope);
      assert.equal(given.status, 201, JSON.stringify(given.body));
      const shown = await show(given.headers.get('x-subject-token') as string);
      assert.deepEqual(shown.body, given.body);
    }
    const credential = await cloud.request('POST', `/v3/users/${claims['sub']}/application_credentials`, {
      as: cloud.admin,
      body: { application_credential: { name: 'signed', secret: 'a-secret' } },
    });
    const { id } = credential.body.application_credential;
    const methods = ['application_credential'];
    const login = await cloud.request('POST', '/v3/auth/tokens', {
      body: { auth: { identity: { methods, application_credential: { id, secret: 'a-secret' } } } },
    });
    const token = login.headers.get('x-subject-token') as string;
    assert.equal(claimsOf(token)['openstack_app_cred_id'], id);
    assert.deepEqual((await show(token)).body, login.body);
    await cloud.request('DELETE', `/v3/users/${claims['sub']}/application_credentials/${id}`, {
      as: cloud.admin,
    });
    assert.equal((await show(token)).status, 404);
  });

  it('are revoked like others', async () => {
    const token = await cloud.login(inDefault('demo', secrets.demo));
    assert.equal((await show(token)).status, 200);
    const headers = { 'x-subject-token': token };
    await cloud.request('DELETE', '/v3/auth/tokens', { as: cloud.admin, headers });
    assert.equal((await show(token)).status, 404);
  });

  it('are good for nothing when anybody else has made them', async () => {
    const [head = '', body = '', mark = ''] = cloud.admin.split('.');
    const publicKey = createPublicKey(privateKey);
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const unsigned = (header: object) => `${segment(header)}.${body}`;
    const hmac = (header: object) =>
      `${unsigned(header)}.${createHmac('sha256', pem).update(unsigned(header)).digest('base64url')}`;
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const otherCurve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const jose = (alg: string, key: KeyObject, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg, typ: 'JWT', ...header }).sign(key);
    const last = Buffer.from(mark, 'base64url');
    last[63] = (last[63] as number) ^ 1;
    const spelled = `${mark.slice(0, -1)}${String.fromCharCode(mark.charCodeAt(mark.length - 1) + 1)}`;
    const forgeries: Record<string, string> = {
      'no algorithm': `${unsigned({ alg: 'none', typ: 'JWT' })}.`,
      'no algorithm, with a signature': `${unsigned({ alg: 'none', typ: 'JWT' })}.${mark}`,
      'NONE in other letters': `${unsigned({ alg: 'nOnE' })}.${mark}`,
      'the public key as the secret of an HMAC': hmac({ alg: 'HS256', typ: 'JWT' }),
      'the same, called ES256': hmac({ alg: 'ES256', typ: 'JWT' }),
      'another key': await jose('ES256', other.privateKey),
      'another key that it brings along': await jose('ES256', other.privateKey, {
        jwk: other.publicKey.export({ format: 'jwk' }),
      }),
      'another curve': signJws(claims, otherCurve.privateKey),
      'a longer curve': await jose('ES384', p384.privateKey),
      'zeros for a signature (CVE-2022-21449)': `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`,
      'a changed signature': `${head}.${body}.${last.toString('base64url')}`,
      'the same signature spelled otherwise': `${head}.${body}.${spelled}`,
      padding: `${cloud.admin}=`,
      'changed claims': `${head}.${segment({ ...claims, openstack_system: 'all' })}.${mark}`,
      'a critical extension': await jose('ES256', privateKey, { crit: ['b64'], b64: true }),
      'cut short': cloud.admin.slice(0, -8),
      'two parts': `${head}.${body}`,
      'four parts': `${cloud.admin}.${mark}`,
      'a list for claims': signJws([claims], privateKey),
      'claims of no token': signJws(
        { sub: claims['sub'], exp: claims['exp'], iat: claims['iat'] },
        privateKey,
      ),
      'an end that is no time': signJws({ ...claims, exp: '2999' }, privateKey),
      'a trust without a project': signJws(
        { ...claims, openstack_project_id: undefined, openstack_trust_id: 'f'.repeat(32) },
        privateKey,
      ),
      'a user who is not there': signJws({ ...claims, sub: 'f'.repeat(32) }, privateKey),
      'a trust that is not there': signJws({ ...claims, openstack_trust_id: 'f'.repeat(32) }, privateKey),
    };
    for (const [what, token] of Object.entries(forgeries)) {
      assert.equal((await show(token)).status, 404, what);
      assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: token })).status, 401, what);
    }
    assert.deepEqual(openJws(cloud.admin, [publicKey]), claims);
  });

  it('end when they say', async () => {
    const now = Math.floor(Date.now() / 1000);
    const ended = signJws({ ...claims, exp: now - 60 }, privateKey);
    assert.equal((await show(ended)).status, 404);
    assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: ended })).status, 401);
    assert.equal((await show(ended, '?allow_expired=1')).status, 200);
    const longAgo = signJws({ ...claims, exp: now - 200_000 }, privateKey);
    assert.equal((await show(longAgo, '?allow_expired=1')).status, 404);
  });

  it('stay good when the key is changed, until its file is taken away', async () => {
    const older = await cloud.login(inDefault('demo', secrets.demo));
    const [name = ''] = await readdir(join(folder, 'public'));
    await cloud.world.operate('identity/rotate-jws-keys');
    const token = await cloud.login(inDefault('demo', secrets.demo));
    assert.equal((await show(older)).status, 200);
    assert.equal((await readdir(join(folder, 'public'))).length, 2);
    assert.throws(() => openJws(token, [createPublicKey(privateKey)]));
    cloud.admin = await cloud.login(inDefault('admin', secrets.admin), {
      project: { id: cloud.adminProjectId },
    });
    const kept = await readFile(join(folder, 'public', name), 'utf8');
    await rm(join(folder, 'public', name));
    while ((await show(older)).status === 200);
    assert.equal((await show(token)).status, 200);
    await writeFile(join(folder, 'public', name), kept, { mode: 0o600 });
  });
});

describe('tokens of another format', () => {
  it('are not good: only the format that is set is read', async () => {
    await using fernet = await startIdentity();
    await using signed = await startIdentity({ token_provider: 'jws' });
    for (const [cloud, token] of [
      [fernet, signed.admin],
      [signed, fernet.admin],
    ] as const)
      assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: token })).status, 401);
  });
});
