import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { pbkdf2Sync, scryptSync } from 'node:crypto';
import { test } from 'node:test';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import {
  assertPasswordAllowed,
  assertPasswordNew,
  hashPassword,
  verifyNobody,
  verifyPassword,
} from './password.ts';

const quick = { rounds: 4 };

test('a hash is bcrypt 2b with twelve rounds, and verifies', async () => {
  const hashed = await hashPassword('secret');
  assert.match(hashed, /^\$2b\$12\$.{53}$/);
  assert.equal(await verifyPassword('secret', hashed), true);
  assert.equal(await verifyPassword('Secret', hashed), false);
});

test('2a and 2y are the same algorithm under other names', async () => {
  const hashed = await hashPassword('päss', quick);
  for (const ident of ['$2a$', '$2y$']) {
    assert.equal(await verifyPassword('päss', hashed.replace('$2b$', ident)), true);
  }
});

test('only 72 bytes count, or a longer password is refused', async () => {
  const hashed = await hashPassword('x'.repeat(80), quick);
  assert.equal(await verifyPassword('x'.repeat(72), hashed), true);
  assert.equal(await verifyPassword('x'.repeat(71), hashed), false);
  assert.throws(() => hashPassword('x'.repeat(73), { ...quick, strict: true }), Forbidden);
});

test('scrypt and pbkdf2 hashes in passlib’s spelling verify', async () => {
  const passlib = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '').replaceAll('+', '.');
  const salt = Buffer.from('0123456789abcdef');
  const scrypted = scryptSync('pw', salt, 32, { N: 2 ** 4, r: 8, p: 1 });
  const derived = pbkdf2Sync('pw', salt, 1000, 64, 'sha512');
  for (const hashed of [
    `$scrypt$ln=4,r=8,p=1$${passlib(salt)}$${passlib(scrypted)}`,
    `$pbkdf2-sha512$1000$${passlib(salt)}$${passlib(derived)}`,
  ]) {
    assert.equal(await verifyPassword('pw', hashed), true);
    assert.equal(await verifyPassword('pW', hashed), false);
  }
});

const python = ['/usr/bin/python3', 'python3'].find(
  (path) => spawnSync(path, ['-c', 'import bcrypt']).status === 0,
);

test('Python’s bcrypt and we verify each other’s hashes, bcrypt_sha256 too', { skip: !python }, async () => {
  const script = `
import base64, bcrypt, hmac, sys
print(bcrypt.checkpw(b'pw', sys.argv[1].encode()))
print(bcrypt.hashpw(b'pw', bcrypt.gensalt(4)).decode())
full = bcrypt.gensalt(4); salt = full[-22:]
inner = base64.b64encode(hmac.digest(salt, b'pw', 'sha256'))
print('$bcrypt-sha256$v=2,t=2b,r=4$%s$%s' % (salt.decode(), bcrypt.hashpw(inner, full)[-31:].decode()))
`;
  const answer = spawnSync(python ?? '', ['-c', script, await hashPassword('pw', quick)], {
    encoding: 'utf8',
  });
  const [checked, plain = '', sha256 = ''] = answer.stdout.trim().split('\n');
  assert.equal(checked, 'True');
  for (const hashed of [plain, sha256]) {
    assert.equal(await verifyPassword('pw', hashed), true);
    assert.equal(await verifyPassword('no', hashed), false);
  }
});

test('malformed and greedy hashes verify nothing', async () => {
  for (const hashed of ['', 'x', '$2b$04$short', '$scrypt$ln=40,r=8,p=1$AAAA$AAAA', '$md5$aa$bb']) {
    assert.equal(await verifyPassword('pw', hashed), false);
  }
});

test('verifying nobody does the whole work', async () => {
  assert.equal(await verifyNobody('pw', quick), false);
  const fastest = async (work: () => Promise<unknown>) => {
    const times: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const start = performance.now();
      await work();
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  };
  const hashed = await hashPassword('pw', { rounds: 10 });
  const real = await fastest(() => verifyPassword('no', hashed));
  const nobody = await fastest(() => verifyNobody('no', { rounds: 10 }));
  assert.ok(nobody > real / 4, `nobody took ${nobody} ms where a user takes ${real} ms`);
});

test('rules for a new password', async () => {
  assert.throws(
    () => assertPasswordAllowed('short', { regex: /^.{8,}$/, regexDescription: 'eight characters' }),
    (error: Error) =>
      error instanceof BadRequest && error.message.endsWith('requirements: eight characters.'),
  );
  assertPasswordAllowed('long enough', { regex: /^.{8,}$/ });
  const previous = [await hashPassword('one', quick)];
  await assert.rejects(assertPasswordNew('one', previous), BadRequest);
  await assertPasswordNew('two', previous);
});
