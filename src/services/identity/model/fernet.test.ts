import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Fernet, generateFernetKey, InvalidFernetToken } from './fernet.ts';

const specKey = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=';
const specToken =
  'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==';

test('reads the token of the Fernet specification, with and without padding', () => {
  const fernet = new Fernet([specKey]);
  for (const token of [specToken, specToken.replaceAll('=', '')]) {
    const { message, createdAt } = fernet.decrypt(token);
    assert.equal(message.toString(), 'hello');
    assert.equal(createdAt, 499162800);
  }
});

test('gives back any message and time, unpadded and url-safe', () => {
  const fernet = new Fernet([generateFernetKey()]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (message, createdAt) => {
      const token = fernet.encrypt(message, createdAt);
      assert.match(token, /^[A-Za-z0-9_-]+$/);
      const read = fernet.decrypt(token);
      assert.deepEqual([...read.message], [...message]);
      assert.equal(read.createdAt, createdAt);
    }),
  );
});

test('writes with the first key and reads with every key', () => {
  const [older, newer] = [generateFernetKey(), generateFernetKey()];
  const token = new Fernet([older]).encrypt(Buffer.from('x'));
  assert.equal(new Fernet([newer, older]).decrypt(token).message.toString(), 'x');
  const renewed = new Fernet([newer, older]).encrypt(Buffer.from('y'));
  assert.equal(new Fernet([newer]).decrypt(renewed).message.toString(), 'y');
  assert.throws(() => new Fernet([older]).decrypt(renewed), InvalidFernetToken);
});

test('refuses a token in which any one bit was changed', () => {
  const fernet = new Fernet([generateFernetKey()]);
  const bytes = Buffer.from(fernet.encrypt(Buffer.from('secret payload')), 'base64url');
  fc.assert(
    fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(() => fernet.decrypt(changed.toString('base64url')), InvalidFernetToken);
    }),
  );
});

test('refuses what is no token at all', () => {
  const fernet = new Fernet([specKey]);
  for (const token of ['', 'x', 'gAAAA', `${specToken} `, 'a'.repeat(20_000), `${specToken}====`, 'é']) {
    assert.throws(() => fernet.decrypt(token), InvalidFernetToken);
  }
});

test('a malformed key is refused without being repeated', () => {
  assert.throws(
    () => new Fernet(['hunter2']),
    (error: Error) => error instanceof RangeError && !error.message.includes('hunter2'),
  );
  assert.throws(() => new Fernet([]), RangeError);
});
