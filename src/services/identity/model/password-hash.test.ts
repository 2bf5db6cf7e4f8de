import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Forbidden } from '../../../platform/errors/errors.ts';
import {
  assertRecipe,
  type HashRecipe,
  hashPassword,
  passwordBytes,
  unmatchable,
  verifyPassword,
} from './password-hash.ts';

const bytes = (text: string) => Buffer.from(text, 'utf8');
const recipe = (
  password_hash_algorithm: HashRecipe['password_hash_algorithm'],
  password_hash_rounds = 4,
): HashRecipe => ({
  password_hash_algorithm,
  password_hash_rounds,
  salt_bytesize: 16,
  scrypt_block_size: 8,
  scrypt_parallelism: 1,
});
const quick = recipe('bcrypt');

test('a hash is bcrypt 2b with twelve rounds where nothing else is said, and verifies', async () => {
  const hashed = await hashPassword(bytes('secret'), recipe('bcrypt', 0));
  assert.match(hashed, /^\$2b\$12\$.{53}$/);
  assert.equal(await verifyPassword(bytes('secret'), hashed), true);
  assert.equal(await verifyPassword(bytes('Secret'), hashed), false);
});

for (const [algorithm, spelling] of [
  ['bcrypt', /^\$2b\$04\$/],
  ['bcrypt_sha256', /^\$bcrypt-sha256\$v=2,t=2b,r=4\$/],
  ['scrypt', /^\$scrypt\$ln=4,r=8,p=1\$/],
  ['pbkdf2_sha512', /^\$pbkdf2-sha512\$4\$/],
  ['argon2', /^\$argon2id\$v=19\$m=\d+,t=4,p=1\$/],
] as const) {
  test(`what ${algorithm} hashes, it verifies, each time with another salt`, async () => {
    const [one, two] = [
      await hashPassword(bytes('pässword'), recipe(algorithm)),
      await hashPassword(bytes('pässword'), recipe(algorithm)),
    ];
    assert.match(one, spelling);
    assert.notEqual(one, two);
    assert.ok(one.length <= 255);
    assert.equal(await verifyPassword(bytes('pässword'), one), true);
    assert.equal(await verifyPassword(bytes('passwörd'), one), false);
  });
}

test('hashes that passlib wrote for keystone verify, of every kind that it ever wrote', async () => {
  for (const hashed of [
    '$scrypt$ln=8,r=8,p=1$ICQEgPD+f6/1HgOglNL6nw$t5/ILt4ey59qBPzbM8bjA4j1zk2Tc7t+RLbRCSOl21s',
    '$pbkdf2-sha512$1000$7703RuidU0rJmTNGaK3VWg$BLrVfEXP5ALGsW0rVdUww6xktx2oA2oinPxuUToU/xVpWv0lHfYAg8ZwlW/4s2nU1DYgUmjAw.8TujCaJnRF6w',
    '$6$rounds=1000$265.jbDfkemZ7tLe$aZ7SFkNi1xJisWxvVZd.RnSZLXiMWom.vQvR.cQacvbqdMy45GvWG2mmml9FPGDmntBXlCVQmitz4MLCc2yuW1',
    '$2b$04$2SwuPVQZ.SRYHGFrzOkYUO6.UdNiXw4dQ5nMMq3vY5SeqZftjXbAm',
    '$2a$04$2SwuPVQZ.SRYHGFrzOkYUO6.UdNiXw4dQ5nMMq3vY5SeqZftjXbAm',
    '$2y$04$2SwuPVQZ.SRYHGFrzOkYUO6.UdNiXw4dQ5nMMq3vY5SeqZftjXbAm',
    '$bcrypt-sha256$v=2,t=2b,r=4$L.JEnmQYq5SwPiaQKLYFWu$eUaX4/AWRPan549G/wuEfYOKbVb0Ea2',
    '$bcrypt-sha256$2b,4$UhnszbthIvh4pCyg2Z5Dx.$c5wYHyknPZMUldq/rCOGd7il6kok8yS',
  ]) {
    assert.equal(await verifyPassword(bytes('pässword'), hashed), true, hashed);
    assert.equal(await verifyPassword(bytes('password'), hashed), false, hashed);
  }
});

test('crypt’s SHA-512 verifies with its usual rounds, and for long passwords', async () => {
  const short =
    '$6$abc$MtSdWSZbhct2oe.SOqOUM2M/GA/uj5.vyVtJgRHgKi9uqXuWuJqOYE7H/YlsYGVg/YYzDV0xt3fEIwYt580.5.';
  const long =
    '$6$rounds=1500$0123456789abcdef$Bl4AuUAGVqhBIoiJLPhspZJdhY696oVs/McjJ0SqESHjESFm.93HFHjIJikLWksYhc2dk23Ekr26yW1em1rcM0';
  assert.equal(await verifyPassword(bytes('pw'), short), true);
  assert.equal(await verifyPassword(bytes('x'.repeat(70)), long), true);
  assert.equal(await verifyPassword(bytes('x'.repeat(69)), long), false);
});

const python = ['/usr/bin/python3', 'python3'].find(
  (path) => spawnSync(path, ['-c', 'import bcrypt']).status === 0,
);

test('Python’s bcrypt verifies ours, bcrypt_sha256 too', { skip: !python }, async () => {
  const script = `
import base64, bcrypt, hmac, sys
print(bcrypt.checkpw(b'pw', sys.argv[1].encode()))
_, name, options, salt, digest = sys.argv[2].split('$')
inner = base64.b64encode(hmac.digest(salt.encode(), b'pw', 'sha256'))
print(bcrypt.checkpw(inner, ('$2b$04$' + salt + digest).encode()))
`;
  const ours = [
    await hashPassword(bytes('pw'), quick),
    await hashPassword(bytes('pw'), recipe('bcrypt_sha256')),
  ];
  const answer = spawnSync(python ?? '', ['-c', script, ...ours], { encoding: 'utf8' });
  assert.deepEqual(answer.stdout.trim().split('\n'), ['True', 'True'], answer.stderr);
});

test('malformed and greedy hashes verify nothing', async () => {
  for (const hashed of [
    '',
    'x',
    '$2b$04$short',
    '$scrypt$ln=40,r=8,p=1$AAAA$AAAA',
    '$argon2id$v=19$m=99999999,t=2,p=1$AAAA$AAAA',
    `$6$rounds=999999999$salt$${'a'.repeat(86)}`,
    '$md5$aa$bb',
  ]) {
    assert.equal(await verifyPassword(bytes('pw'), hashed), false, hashed);
  }
});

test('nobody’s hash is one as new ones are, and matches nothing', async () => {
  const hashed = await unmatchable(quick);
  assert.match(hashed, /^\$2b\$04\$/);
  assert.equal(await verifyPassword(bytes(''), hashed), false);
});

test('of a password as many bytes count as the algorithm and the settings say, or it is refused', () => {
  const rules = { max_password_length: 100, strict_password_check: false } as const;
  const long = 'ä'.repeat(60);
  const length = (over: object) =>
    passwordBytes(long, { password_hash_algorithm: 'scrypt', ...rules, ...over }).length;
  assert.equal(length({}), 100);
  assert.equal(length({ password_hash_algorithm: 'bcrypt' }), 72);
  assert.equal(length({ password_hash_algorithm: 'bcrypt_sha256' }), 100);
  assert.equal(length({ max_password_length: 4096 }), 120);
  assert.throws(() => length({ strict_password_check: true }), Forbidden);
});

test('rounds that an algorithm cannot have are refused', () => {
  assert.throws(() => assertRecipe(recipe('bcrypt', 3)), /from 4 to 31 for bcrypt/);
  assert.throws(() => assertRecipe(recipe('scrypt', 30)), TypeError);
  assertRecipe(recipe('pbkdf2_sha512', 60_000));
  assertRecipe(recipe('scrypt', 0));
});
