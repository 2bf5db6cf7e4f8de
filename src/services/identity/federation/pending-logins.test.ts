import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import fc from 'fast-check';
import { loginPatience, PendingLogins } from './pending-logins.ts';

const key = randomBytes(32);
const logins = new PendingLogins(async () => key);
const login = { name: 'n', idpId: 'acme', protocolId: 'openid', carried: false, dashboard: null };

it('gives back the login that it sealed', async () => {
  const sealed = await logins.seal(login);
  assert.match(sealed, /^[\w-]+$/);
  assert.deepEqual(await logins.open(sealed), login);
});

it('opens nothing that was changed, cut, made up, or sealed by another key', async () => {
  const sealed = Buffer.from(await logins.seal(login), 'base64url');
  await fc.assert(
    fc.asyncProperty(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ change;
      assert.equal(await logins.open(changed.toString('base64url')), undefined);
      assert.equal(await logins.open(sealed.subarray(0, at).toString('base64url')), undefined);
    }),
  );
  assert.equal(await logins.open(''), undefined);
  const other = new PendingLogins(async () => randomBytes(32));
  assert.equal(await other.open(sealed.toString('base64url')), undefined);
});

it('opens nothing that is over', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const sealed = await logins.seal(login);
  t.mock.timers.tick(loginPatience * 1000 - 1);
  assert.ok(await logins.open(sealed));
  t.mock.timers.tick(1);
  assert.equal(await logins.open(sealed), undefined);
});
