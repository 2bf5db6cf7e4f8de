import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  admin,
  type Caller,
  member,
  reader,
  startWorld,
  type World,
} from '../../../platform/service/testing/world.ts';
import { compute } from '../service.ts';

const ed25519 =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS tiny@example';
const ecdsa =
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg= x';

interface Asked {
  as?: Caller;
  at?: string;
  body?: unknown;
}

describe('key pairs', () => {
  let world: World;
  before(async () => {
    world = await startWorld([compute]);
  });
  after(() => world[Symbol.asyncDispose]());
  const ask = (method: string, path: string, { as = member, at = '2.1', body }: Asked = {}) =>
    world.request('compute', method, `/v2.1/os-keypairs${path}`, {
      as,
      body,
      headers: { 'openstack-api-version': `compute ${at}` },
    });
  const make = (keypair: object, options: Asked = {}) => ask('POST', '', { ...options, body: { keypair } });

  it('are imported, shown, listed and deleted', async () => {
    const made = await make({ name: 'mine', public_key: ed25519 });
    assert.equal(made.status, 200);
    assert.deepEqual(made.body.keypair, {
      name: 'mine',
      public_key: ed25519,
      fingerprint: made.body.keypair.fingerprint,
      user_id: member.userId,
    });
    assert.match(made.body.keypair.fingerprint, /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
    const { keypair } = (await ask('GET', '/mine')).body;
    assert.equal(typeof keypair.id, 'number');
    assert.deepEqual([keypair.deleted, keypair.updated_at, keypair.deleted_at], [false, null, null]);
    const list = await ask('GET', '');
    assert.deepEqual(Object.keys(list.body.keypairs[0].keypair).toSorted(), [
      'fingerprint',
      'name',
      'public_key',
    ]);
    assert.equal((await ask('DELETE', '/mine')).status, 202);
    assert.equal((await ask('GET', '/mine')).status, 404);
    assert.equal((await ask('DELETE', '/mine')).status, 404);
  });

  it('have a type since 2.2, and other codes', async () => {
    const made = await make({ name: 'typed', type: 'ssh', public_key: ecdsa }, { at: '2.2' });
    assert.deepEqual([made.status, made.body.keypair.type], [201, 'ssh']);
    assert.equal((await ask('DELETE', '/typed', { at: '2.2' })).status, 204);
    assert.equal((await make({ name: 'typed', type: 'ssh', public_key: ecdsa })).status, 400);
  });

  it('are generated before 2.92, and the private key fits the public one', async () => {
    const { keypair } = (await make({ name: 'generated' })).body;
    assert.match(keypair.public_key, /^ssh-rsa \S+ Generated-by-Cumulet$/);
    const { n } = createPublicKey(keypair.private_key).export({ format: 'jwk' });
    const modulus = Buffer.from(n as string, 'base64url');
    assert.ok(Buffer.from(keypair.public_key.split(' ')[1], 'base64').includes(modulus));
    assert.ok(!('private_key' in (await ask('GET', '/generated')).body.keypair));
    assert.equal((await make({ name: 'late' }, { at: '2.92' })).status, 400);
  });

  it('may be certificates since 2.2, whose fingerprints are SHA-1', async () => {
    const { keypair } = (await make({ name: 'windows', type: 'x509' }, { at: '2.2' })).body;
    const certificate = new X509Certificate(keypair.public_key);
    assert.equal(certificate.subject, `CN=${member.userId}`);
    assert.ok(certificate.checkPrivateKey(createPrivateKey(keypair.private_key)));
    assert.equal(keypair.fingerprint, certificate.fingerprint.toLowerCase());
    const again = { name: 'again', type: 'x509', public_key: keypair.public_key };
    assert.equal((await make(again, { at: '2.2' })).body.keypair.fingerprint, keypair.fingerprint);
    assert.equal((await make({ ...again, name: 'no', public_key: ed25519 }, { at: '2.2' })).status, 400);
  });

  it('have names by the rules of the microversion', async () => {
    const status = async (name: string, at: string) =>
      (await make({ name, public_key: ed25519 }, { at })).status;
    assert.equal(await status('a@b.c', '2.91'), 400);
    assert.equal(await status('a@b.c', '2.92'), 201);
    for (const wrong of ['', ' x', 'x'.repeat(256), 'key/', '名']) {
      assert.equal(await status(wrong, '2.92'), 400, wrong);
    }
  });

  it('are refused where they are no keys, and twice', async () => {
    for (const wrong of ['ssh-rsa JUNK nova@ubuntu', 'no key', '', 'ssh-ed25519']) {
      assert.equal((await make({ name: 'wrong', public_key: wrong })).status, 400, wrong);
    }
    assert.equal((await make({ name: 'twice', public_key: ed25519 })).status, 200);
    const again = await make({ name: 'twice', public_key: ed25519 });
    assert.deepEqual(again.body.conflictingRequest, {
      code: 409,
      message: "Key pair 'twice' already exists.",
    });
  });

  it("are each user's own; administrators see them since 2.10", async () => {
    await make({ name: 'private', public_key: ed25519 });
    assert.equal((await ask('GET', '/private', { as: reader })).status, 404);
    const of = `?user_id=${member.userId}`;
    assert.equal((await ask('GET', `/private${of}`, { as: admin, at: '2.9' })).status, 404);
    assert.equal((await ask('GET', `/private${of}`, { as: admin, at: '2.10' })).status, 200);
    assert.equal((await ask('GET', `/private${of}`, { as: reader, at: '2.10' })).status, 403);
    const made = await make(
      { name: 'given', public_key: ed25519, user_id: member.userId },
      { as: admin, at: '2.10' },
    );
    assert.equal(made.body.keypair.user_id, member.userId);
    assert.equal((await ask('GET', '/given')).status, 200);
    assert.equal((await world.request('compute', 'GET', '/v2.1/os-keypairs')).status, 401);
  });

  it('are listed in pages since 2.35', async () => {
    const as: Caller = { ...member, userId: 'f'.repeat(32) };
    for (const name of ['c', 'a', 'b']) await make({ name, public_key: ed25519 }, { as });
    const names = (body: { keypairs: { keypair: { name: string } }[] }) =>
      body.keypairs.map(({ keypair }) => keypair.name);
    const first = await ask('GET', '?limit=2', { as, at: '2.35' });
    assert.deepEqual(names(first.body), ['a', 'b']);
    const next = new URL(first.body.keypairs_links[0].href);
    assert.deepEqual(names((await ask('GET', next.search, { as, at: '2.35' })).body), ['c']);
    assert.equal((await ask('GET', '?limit=2', { as })).body.keypairs.length, 3);
    assert.equal((await ask('GET', '?marker=nowhere', { as, at: '2.35' })).status, 400);
    assert.equal((await ask('GET', '?colour=red', { as, at: '2.75' })).status, 400);
  });
});
