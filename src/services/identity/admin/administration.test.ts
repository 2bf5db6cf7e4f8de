import assert from 'node:assert/strict';
import { chmod, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type IdentityCloud, inDefault, secrets, startIdentity } from '../testing/cloud.ts';
import type { Diagnosis } from './doctor.ts';

describe('an operator', () => {
  let cloud: IdentityCloud;
  before(async () => {
    cloud = await startIdentity();
  });
  after(() => cloud[Symbol.asyncDispose]());
  const id = async (name: string) =>
    (await cloud.request('GET', `/v3/users?name=${name}`, { as: cloud.admin })).body.users[0].id as string;

  it('makes the administrator one again, whatever became of him', async () => {
    const admin = await id('admin');
    const { id: role } = (await cloud.request('GET', '/v3/roles?name=admin', { as: cloud.admin })).body
      .roles[0];
    const broken = [
      [
        'PATCH',
        `/v3/users/${admin}`,
        {
          user: {
            options: { multi_factor_auth_enabled: true, multi_factor_auth_rules: [['password', 'totp']] },
          },
        },
      ],
      ['DELETE', `/v3/system/users/${admin}/roles/${role}`],
      ['PATCH', `/v3/users/${admin}`, { user: { password: 'nobody-knows', enabled: false } }],
    ] as const;
    for (const [method, path, body] of broken) {
      const answered = await cloud.request(method, path, { as: cloud.admin, body });
      assert.ok(answered.status < 300, JSON.stringify(answered.body));
    }
    assert.equal((await cloud.authenticate(inDefault('admin', secrets.admin))).status, 401);
    const made = await cloud.world.operate<{ projectId: string }>('identity/recover-admin', {
      password: 'known-again',
    });
    assert.equal(made.projectId, cloud.adminProjectId);
    const user = inDefault('admin', 'known-again');
    cloud.admin = await cloud.login(user, { project: { id: cloud.adminProjectId } });
    await cloud.login(user, { system: { all: true } });
    await assert.rejects(
      cloud.world.operate('identity/recover-admin', { password: 'short' }),
      /8 characters/,
    );
    await assert.rejects(cloud.world.operate('identity/recover-admin'), /8 characters/);
  });

  it('throws away trusts that are over, and those alone', async () => {
    const [trustor_user_id, trustee_user_id] = [await id('admin'), await id('demo')];
    const made = async (more: object) => {
      const trust = {
        trustor_user_id,
        trustee_user_id,
        project_id: cloud.adminProjectId,
        impersonation: false,
        roles: [{ name: 'reader' }],
        ...more,
      };
      const answered = await cloud.request('POST', '/v3/OS-TRUST/trusts', {
        as: cloud.admin,
        body: { trust },
      });
      assert.equal(answered.status, 201, JSON.stringify(answered.body));
      return answered.body.trust.id as string;
    };
    const kept = await made({});
    await made({ expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    const flush = (args = {}) => cloud.world.operate<{ flushed: number }>('identity/trust-flush', args);
    assert.deepEqual(await flush(), { flushed: 0 });
    assert.deepEqual(await flush({ before: '2001-01-01' }), { flushed: 0 });
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    assert.deepEqual(await flush({ before: tomorrow }), { flushed: 1 });
    await assert.rejects(flush({ before: 'yesterday' }), /no time/);
    const shown = await cloud.request('GET', `/v3/OS-TRUST/trusts/${kept}`, { as: cloud.admin });
    assert.equal(shown.status, 200);
  });

  it('rotates the keys of receipts, and those of signed tokens where there are any', async () => {
    const folder = join(cloud.world.stateDir, 'identity', 'receipt-keys');
    const staged = await readFile(join(folder, '0'), 'utf8');
    await cloud.world.operate('identity/rotate-receipt-keys');
    assert.equal(await readFile(join(folder, '2'), 'utf8'), staged);
    await assert.rejects(cloud.world.operate('identity/rotate-jws-keys'), /not signed/);
  });
});

describe('the doctor', () => {
  let cloud: IdentityCloud;
  let folder: string;
  before(async () => {
    cloud = await startIdentity({
      password_hash_rounds: 4,
      password_regex: '^.{3,}$',
      minimum_password_age: 3,
      password_expires_days: 2,
      driver: 'sql',
    });
    folder = join(cloud.world.stateDir, 'identity');
  });
  after(() => cloud[Symbol.asyncDispose]());
  let found: Map<string, Diagnosis>;
  const look = async () => {
    const all = await cloud.world.operate<Diagnosis[]>('identity/doctor');
    found = new Map(all.map((each) => [each.check, each]));
  };
  const result = (check: string) => found.get(check)?.result;
  beforeEach(look);

  it('says what to do about whatever is not well', () => {
    for (const { result: is, seen, mend, check } of found.values()) {
      assert.equal(is === 'well', seen === '', check);
      assert.equal(is === 'well', mend === '', check);
    }
    assert.equal(result('keys are for their owner alone'), 'well');
    assert.equal(result('keys are each for one purpose'), 'well');
    assert.equal(result('keys of tokens are there, and new enough'), 'well');
    assert.equal(result('somebody can administer'), 'well');
    assert.equal(result('every service can be found'), 'well');
    assert.equal(result('identity is in its own catalog'), 'well');
    assert.equal(result('trusts that are over are gone'), 'well');
  });

  it('sees settings that stand in each other’s way', () => {
    assert.equal(result('passwords can be changed before they end'), 'problem');
    assert.equal(result('the rule of passwords is told to people'), 'warning');
    assert.equal(result('passwords are hashed slowly enough'), 'warning');
    assert.equal(result('stored passwords are hashed slowly enough'), 'warning');
    assert.equal(result('endpoints can be reached from elsewhere'), 'warning');
  });

  it('sees keys that others can read, that are old, and that are used twice', async () => {
    const key = join(folder, 'fernet-keys', '1');
    await chmod(key, 0o644);
    await utimes(key, new Date(2020, 0), new Date(2020, 0));
    await writeFile(join(folder, 'receipt-keys', '0'), await readFile(key));
    await look();
    assert.equal(result('keys are for their owner alone'), 'problem');
    assert.match(found.get('keys are for their owner alone')?.seen ?? '', /fernet-keys\/1$/);
    assert.equal(result('keys are each for one purpose'), 'problem');
    assert.equal(result('keys of tokens are there, and new enough'), 'warning');
    const [text] = [await readFile(key, 'utf8')];
    assert.ok(![...found.values()].some(({ seen }) => seen.includes(text.trim())), 'no key is shown');
  });

  it('sees that nobody can administer, and that services are not found', async () => {
    const as = cloud.admin;
    const { users } = (await cloud.request('GET', '/v3/users?name=admin', { as })).body;
    const { services } = (await cloud.request('GET', '/v3/services?type=identity', { as })).body;
    await cloud.request('PATCH', `/v3/services/${services[0].id}`, {
      as,
      body: { service: { enabled: false } },
    });
    await cloud.make('/v3/services', 'service', { type: 'lonely', name: 'lonely' });
    await cloud.request('PATCH', `/v3/users/${users[0].id}`, { as, body: { user: { enabled: false } } });
    await look();
    assert.equal(result('somebody can administer'), 'problem');
    assert.equal(result('every service can be found'), 'warning');
    assert.match(found.get('every service can be found')?.seen ?? '', /lonely/);
    assert.equal(result('identity is in its own catalog'), 'problem');
  });
});
