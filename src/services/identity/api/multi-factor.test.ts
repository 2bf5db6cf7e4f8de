import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { totpPasscode } from '../model/totp.ts';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const password = 'a-user’s-secret';

describe('more than one factor', () => {
  let cloud: IdentityCloud;
  let user: { id: string };
  before(async () => {
    cloud = await startIdentity();
    user = await cloud.make('/v3/users', 'user', { name: 'careful', password });
    await cloud.make('/v3/credentials', 'credential', { user_id: user.id, type: 'totp', blob: seed });
    // What is no base32 stands in nobody's way.
    await cloud.make('/v3/credentials', 'credential', { user_id: user.id, type: 'totp', blob: 'broken!' });
  });
  after(() => cloud[Symbol.asyncDispose]());

  const passcode = () => totpPasscode(seed, Date.now() / 1000);
  const factors = {
    password: () => ({ user: { id: user.id, password } }),
    totp: () => ({ user: { id: user.id, passcode: passcode() } }),
  };
  const ask = (methods: readonly ('password' | 'totp')[], receipt?: string, parts: object = {}) =>
    cloud.request('POST', '/v3/auth/tokens', {
      body: {
        auth: {
          identity: {
            methods,
            ...Object.fromEntries(methods.map((name) => [name, factors[name]()])),
            ...parts,
          },
        },
      },
      ...(receipt ? { headers: { 'openstack-auth-receipt': receipt } } : {}),
    });
  const require = (rules: unknown, enabled = true) =>
    cloud.request('PATCH', `/v3/users/${user.id}`, {
      as: cloud.admin,
      body: {
        user: { options: { multi_factor_auth_rules: rules, multi_factor_auth_enabled: enabled } },
      },
    });

  it('a passcode is one that is enough alone where nothing else is asked', async () => {
    const { status, body } = await ask(['totp']);
    assert.equal(status, 201, JSON.stringify(body));
    assert.deepEqual(body.token.methods, ['totp']);
    const right = { user: { name: 'careful', domain: { id: 'default' }, passcode: passcode() } };
    assert.equal((await ask(['totp'], undefined, { totp: right })).status, 201);
    for (const given of [{ id: user.id, passcode: '000' }, { id: user.id }, { id: 'nobody', passcode: '1' }])
      assert.equal((await ask(['totp'], undefined, { totp: { user: given } })).status, 401);
    const missing = await ask(['totp'], undefined, { totp: { user: { passcode: '1' } } });
    assert.equal(missing.status, 400);
  });

  it('are asked for together, or one after the other with a receipt', async () => {
    assert.equal((await require([['password', 'totp']])).status, 200);
    const both = await ask(['password', 'totp']);
    assert.equal(both.status, 201);
    assert.deepEqual(both.body.token.methods.toSorted(), ['password', 'totp']);

    const first = await ask(['password']);
    assert.equal(first.status, 401);
    const receipt = first.headers.get('openstack-auth-receipt') as string;
    assert.ok(receipt.length > 20);
    assert.deepEqual(first.body.required_auth_methods, [['password', 'totp']]);
    assert.deepEqual(first.body.receipt.methods, ['password']);
    assert.equal(first.body.receipt.user.id, user.id);
    const second = await ask(['totp'], receipt);
    assert.equal(second.status, 201, JSON.stringify(second.body));
    assert.deepEqual(second.body.token.methods.toSorted(), ['password', 'totp']);
  });

  it('a receipt is its user’s, and is no token', async () => {
    await require([['password', 'totp']]);
    const receipt = (await ask(['password'])).headers.get('openstack-auth-receipt') as string;
    const other = await cloud.make('/v3/users', 'user', { name: 'other', password });
    const stolen = await ask(['password'], receipt, { password: { user: { id: other.id, password } } });
    assert.equal(stolen.status, 401);
    assert.equal((await ask(['totp'], `${receipt.slice(0, -2)}AA`)).status, 401);
    assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: receipt })).status, 401);
    assert.equal((await ask(['password'], 'nonsense')).status, 401);
  });

  it('are not asked for where the rules are off, met by any one of them, or of methods that are not offered', async () => {
    await require([['password', 'totp']], false);
    assert.equal((await ask(['password'])).status, 201);
    await require([['password'], ['totp']]);
    assert.equal((await ask(['password'])).status, 201);
    await require([['password', 'retina']]);
    assert.equal((await ask(['password'])).status, 201);
    await require([]);
    assert.equal((await ask(['password'])).status, 201);
  });
});
