import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

describe('security compliance', () => {
  let cloud: IdentityCloud;
  before(async () => {
    cloud = await startIdentity({
      lockout_failure_attempts: 2,
      lockout_duration: 1000,
      change_password_upon_first_use: true,
      unique_last_password_count: 2,
      password_regex: '.{5,}$',
      password_regex_description: 'five characters',
      password_hash_algorithm: 'bcrypt_sha256',
    });
  });
  after(() => cloud[Symbol.asyncDispose]());

  const spared = { ignore_change_password_upon_first_use: true };
  const make = (name: string, options: object = spared) =>
    cloud.make('/v3/users', 'user', { name, password: 'given', options });
  const patch = (id: string, user: object) =>
    cloud.request('PATCH', `/v3/users/${id}`, { as: cloud.admin, body: { user } });
  const change = (id: string, original_password: string, password: string) =>
    cloud.request('POST', `/v3/users/${id}/password`, { body: { user: { original_password, password } } });
  const status = async (id: string, password: string) =>
    (await cloud.authenticate({ id, password }, 'unscoped')).status;

  it('makes who was given a password change it first, and says so to him who knows it', async () => {
    const user = await make('first', {});
    assert.match(String(user['password_expires_at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
    const refused = await cloud.authenticate({ id: user.id, password: 'given' });
    assert.equal(refused.status, 401);
    assert.equal(
      refused.body.error.message,
      `The password is expired and needs to be changed for user: ${user.id}.`,
    );
    assert.ok(refused.headers.get('www-authenticate'));
    const wrong = await cloud.authenticate({ id: user.id, password: 'wrong' });
    assert.equal(wrong.body.error.message, 'The request you have made requires authentication.');
    assert.equal((await change(user.id, 'given', 'chosen')).status, 204);
    assert.equal(await status(user.id, 'chosen'), 201);
    await patch(user.id, { password: 'reset' });
    assert.equal(await status(user.id, 'reset'), 401);
  });

  it('refuses weak and repeated passwords in upstream’s words', async () => {
    const { id } = await make('weak');
    const weak = await change(id, 'given', 'four');
    assert.equal(weak.status, 400);
    assert.equal(weak.body.error.message, 'The password does not match the requirements: five characters.');
    assert.equal((await patch(id, { password: 'four' })).status, 400);
    assert.equal(
      (
        await cloud.request('POST', '/v3/users', {
          as: cloud.admin,
          body: { user: { name: 'w', password: 'x' } },
        })
      ).status,
      400,
    );
    const again = await change(id, 'given', 'given');
    assert.equal(again.status, 400);
    assert.match(again.body.error.message, /cannot be identical to a previous password/);
    // An administrator may.
    assert.equal((await patch(id, { password: 'given' })).status, 200);
  });

  it('locks out, answering as for a wrong password, until an administrator enables the user', async () => {
    const { id } = await make('locked');
    const wrong = await cloud.authenticate({ id, password: 'wrong' });
    await cloud.authenticate({ id, password: 'wrong' });
    const locked = await cloud.authenticate({ id, password: 'given' });
    assert.deepEqual([locked.status, locked.body], [wrong.status, wrong.body]);
    assert.equal((await change(id, 'given', 'other')).status, 401);
    assert.equal((await patch(id, { description: 'still locked' })).status, 200);
    assert.equal(await status(id, 'given'), 401);
    await patch(id, { enabled: true });
    assert.equal(await status(id, 'given'), 201);
  });

  it('lets an option lock a password that its user may not change, and takes it away again', async () => {
    const { id } = await make('kept', { ...spared, lock_password: true });
    assert.equal((await change(id, 'given', 'other')).status, 400);
    const lifted = await patch(id, { options: { lock_password: null } });
    assert.deepEqual(lifted.body.user.options, spared);
    assert.equal((await change(id, 'given', 'other')).status, 204);
  });

  it('takes no options but its own, in their form', async () => {
    const create = async (options: object) =>
      (await cloud.request('POST', '/v3/users', { as: cloud.admin, body: { user: { name: 'o', options } } }))
        .status;
    for (const options of [
      { unknown: true },
      { lock_password: 'yes' },
      { multi_factor_auth_rules: ['password'] },
      { multi_factor_auth_rules: [[]] },
      { multi_factor_auth_rules: [['password', 'password']] },
      { multi_factor_auth_rules: [['password'], ['password']] },
      { multi_factor_auth_rules: [[1]] },
    ]) {
      assert.equal(await create(options), 400, JSON.stringify(options));
    }
    assert.equal(
      await create({ multi_factor_auth_enabled: true, multi_factor_auth_rules: [['password', 'totp']] }),
      201,
    );
  });

  it('finds users by the end of their passwords', async () => {
    const { id } = await make('ended', {});
    const names = async (filter: string, path = '/v3/users') => {
      const answered = await cloud.request('GET', `${path}?password_expires_at=${filter}`, {
        as: cloud.admin,
      });
      assert.equal(answered.status, 200, JSON.stringify(answered.body));
      return answered.body.users.map((user: { id: string }) => user.id);
    };
    assert.ok((await names('lt:2999-01-01T00:00:00Z')).includes(id));
    assert.deepEqual(await names('gt:2999-01-01T00:00:00Z'), []);
    assert.deepEqual(await names('2016-12-08T22:02:00Z'), []);
    assert.ok((await names('neq:2016-12-08T22:02:00Z')).includes(id));
    const group = await cloud.make('/v3/groups', 'group', { name: 'of the ended' });
    await cloud.request('PUT', `/v3/groups/${group.id}/users/${id}`, { as: cloud.admin });
    assert.deepEqual(await names('gte:2016-12-08T22:02:00Z', `/v3/groups/${group.id}/users`), [id]);
    assert.deepEqual(await names('lte:2016-12-08T22:02:00Z', `/v3/groups/${group.id}/users`), []);
    for (const filter of ['lt:yesterday', 'xx:2016-12-08T22:02:00Z', '']) {
      const answered = await cloud.request('GET', `/v3/users?password_expires_at=${filter}`, {
        as: cloud.admin,
      });
      assert.equal(answered.status, 400, filter);
    }
  });

  it('trims names, and lets no domain be a default project', async () => {
    const user = await cloud.make('/v3/users', 'user', { name: '  spaced out ', options: spared });
    assert.equal(user['name'], 'spaced out');
    const refused = await patch(user.id, { default_project_id: 'default' });
    assert.equal(refused.status, 400);
    assert.equal(refused.body.error.message, "User's default project ID cannot be a domain ID: default");
  });
});
