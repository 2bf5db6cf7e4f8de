import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, secrets, startIdentity } from '../testing/cloud.ts';

describe('whom a web server in front has authenticated', () => {
  let cloud: IdentityCloud;
  const secret = 'known-to-the-server-alone';
  before(async () => {
    cloud = await startIdentity({ external_secret: secret });
  });
  after(() => cloud[Symbol.asyncDispose]());
  const ask = (headers: Record<string, string>, identity: object = { methods: [] }) =>
    cloud.request('POST', '/v3/auth/tokens', { body: { auth: { identity } }, headers });

  it('has a token', async () => {
    const { status, body } = await ask({ 'x-external-secret': secret, 'x-remote-user': 'demo' });
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(body.token.user.name, 'demo');
    assert.deepEqual(body.token.methods, ['external']);
    const named = { 'x-external-secret': secret, 'x-remote-user': 'demo', 'x-remote-domain': 'Default' };
    assert.equal((await ask(named)).status, 201);
  });

  it('must be who the other methods say', async () => {
    const { body } = await cloud.request('GET', '/v3/users?name=demo', { as: cloud.admin });
    const password = { user: { id: body.users[0].id, password: secrets.demo } };
    const identity = { methods: ['password'], password };
    const both = await ask({ 'x-external-secret': secret, 'x-remote-user': 'demo' }, identity);
    assert.deepEqual(both.body.token.methods.toSorted(), ['external', 'password']);
    const other = await ask({ 'x-external-secret': secret, 'x-remote-user': 'admin' }, identity);
    assert.equal(other.status, 401);
  });

  it('is believed only with the secret', async () => {
    const wrong: Record<string, string>[] = [
      { 'x-remote-user': 'admin' },
      { 'x-remote-user': 'admin', 'x-external-secret': '' },
      { 'x-remote-user': 'admin', 'x-external-secret': 'guessed' },
      { 'x-external-secret': secret },
      { 'x-external-secret': secret, 'x-remote-user': 'nobody' },
      { 'x-external-secret': secret, 'x-remote-user': 'admin', 'x-remote-domain': 'Elsewhere' },
    ];
    for (const headers of wrong) assert.equal((await ask(headers)).status, 401, JSON.stringify(headers));
  });
});

describe('without a web server in front', () => {
  it('no header says who asks', async () => {
    await using cloud = await startIdentity();
    const { status } = await cloud.request('POST', '/v3/auth/tokens', {
      body: { auth: { identity: { methods: [] } } },
      headers: { 'x-remote-user': 'admin', 'x-external-secret': '' },
    });
    assert.equal(status, 401);
  });
});
