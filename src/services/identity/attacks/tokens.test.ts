import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Fernet, generateFernetKey } from '../model/fernet.ts';
import { nowMicros } from '../model/timestamps.ts';
import { packTokenPayload, type TokenPayload, unpackTokenPayload } from '../model/token-payload.ts';
import { type IdentityCloud, inDefault, secrets, startIdentity } from '../testing/cloud.ts';

describe('a token that is none', () => {
  let cloud: IdentityCloud;
  /** As somebody who has stolen the keys. */
  let own: Fernet;
  before(async () => {
    cloud = await startIdentity();
    const directory = join(cloud.world.stateDir, 'identity', 'fernet-keys');
    const names = (await readdir(directory)).filter((name) => /^\d+$/.test(name)).sort((a, b) => +b - +a);
    own = new Fernet(await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8'))));
  });
  after(() => cloud[Symbol.asyncDispose]());

  const payload = (token: string): TokenPayload => unpackTokenPayload(own.decrypt(token).message);

  /** What comes of it as the caller's token, as the subject, and as a way to authenticate. */
  async function uses(token: string): Promise<number[]> {
    const asCaller = await cloud.request('GET', '/v3/users', { as: token });
    const asSubject = await cloud.request('GET', '/v3/auth/tokens', {
      as: cloud.admin,
      headers: { 'x-subject-token': token },
    });
    const asProof = await cloud.request('POST', '/v3/auth/tokens', {
      body: { auth: { identity: { methods: ['token'], token: { id: token } } } },
    });
    return [asCaller.status, asSubject.status, asProof.status];
  }
  const nothing = [401, 404, 404];
  const refused = async (token: string, what: string) => assert.deepEqual(await uses(token), nothing, what);

  it('is refused when it is cut off anywhere', async () => {
    const { length } = cloud.admin;
    for (const kept of [1, 10, 40, 98, length - 44, length - 2, length - 1])
      await refused(cloud.admin.slice(0, kept), `${kept} of ${length} characters`);
  });

  it('is refused when any of its bits is another', async () => {
    const bytes = Buffer.from(cloud.admin, 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      const answered = await cloud.request('GET', '/v3/users', { as: changed.toString('base64url') });
      assert.equal(answered.status, 401, `byte ${at}`);
    }
  });

  it('is refused when something is added, before or after', async () => {
    for (const token of [`A${cloud.admin}`, `${cloud.admin}AAAA`, `${cloud.admin}.e30`, `${cloud.admin},x`])
      await refused(token, token);
  });

  it('is refused when it was made with other keys', async () => {
    const foreign = new Fernet([generateFernetKey()]);
    await refused(foreign.encrypt(packTokenPayload(payload(cloud.admin))), 'foreign');
  });

  it('is refused when it is random, empty of meaning, or as long as may be', async () => {
    for (const token of [
      'x',
      'null',
      'undefined',
      '__proto__',
      'gAAAAA',
      randomBytes(180).toString('base64url'),
      `gAAAAA${'A'.repeat(12_000)}`,
      'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.',
      own.encrypt(Buffer.from('no payload')),
      own.encrypt(Buffer.from([0x91, 0xc0])),
      own.encrypt(Buffer.alloc(0)),
    ])
      await refused(token, token.slice(0, 40));
  });

  it('is refused when its time is over, whatever it was remembered as', async () => {
    const past = nowMicros() - 60_000_000;
    const expired = own.encrypt(
      packTokenPayload({ ...payload(cloud.admin), expiresAt: past }),
      Math.floor(past / 1e6) - 3600,
    );
    await refused(expired, 'expired');
    const allowed = await cloud.request('GET', '/v3/auth/tokens?allow_expired=1', {
      as: cloud.admin,
      headers: { 'x-subject-token': expired },
    });
    assert.equal(allowed.status, 200, 'services may ask what it meant');
  });

  it('is refused when it names what is not there', async () => {
    const nobody = 'f'.repeat(32);
    const real = payload(cloud.admin);
    await refused(own.encrypt(packTokenPayload({ ...real, userId: nobody })), 'no such user');
    if (real.kind !== 'project') assert.fail(real.kind);
    await refused(own.encrypt(packTokenPayload({ ...real, projectId: nobody })), 'no such project');
    const { userId } = payload(cloud.demo);
    await refused(own.encrypt(packTokenPayload({ ...real, userId })), 'a project on which he has no role');
  });

  it('is what it was: another user’s token shows to nobody who may not see it', async () => {
    const asked = await cloud.request('GET', '/v3/auth/tokens', {
      as: cloud.demo,
      headers: { 'x-subject-token': cloud.admin },
    });
    assert.equal(asked.status, 403);
    const revoked = await cloud.request('DELETE', '/v3/auth/tokens', {
      as: cloud.demo,
      headers: { 'x-subject-token': cloud.admin },
    });
    assert.equal(revoked.status, 403);
    assert.equal((await cloud.request('GET', '/v3/users', { as: cloud.admin })).status, 200);
  });
});

describe('a token that was good', () => {
  let cloud: IdentityCloud;
  let memberId: string;
  before(async () => {
    cloud = await startIdentity();
    const roles = await cloud.request('GET', '/v3/roles?name=member', { as: cloud.admin });
    memberId = roles.body.roles[0].id;
  });
  after(() => cloud[Symbol.asyncDispose]());

  let count = 0;
  /** A user with a role on a project of a domain of his own, and his token. */
  async function somebody() {
    count += 1;
    const domain = await cloud.make('/v3/domains', 'domain', { name: `replayed ${count}` });
    const project = await cloud.make('/v3/projects', 'project', { name: 'p', domain_id: domain.id });
    const user = await cloud.make('/v3/users', 'user', { name: 'u', domain_id: domain.id, password: 'x' });
    const grant = `/v3/projects/${project.id}/users/${user.id}/roles/${memberId}`;
    assert.equal((await cloud.request('PUT', grant, { as: cloud.admin })).status, 204);
    const token = await cloud.login({ id: user.id, password: 'x' }, { project: { id: project.id } });
    const works = async (method = 'GET') => {
      const caller = await cloud.request(method, '/v3/auth/projects', { as: token });
      const subject = await cloud.request('GET', '/v3/auth/tokens', {
        as: cloud.admin,
        headers: { 'x-subject-token': token },
      });
      return [caller.status, subject.status];
    };
    assert.deepEqual(await works(), [200, 200]);
    return { domain, project, user, grant, token, works };
  }
  const gone = [401, 404];
  const patch = (path: string, body: object) => cloud.request('PATCH', path, { as: cloud.admin, body });
  const remove = (path: string) => cloud.request('DELETE', path, { as: cloud.admin });

  for (const [what, end] of [
    [
      'its holder has revoked it',
      ({ token }) =>
        cloud.request('DELETE', '/v3/auth/tokens', { as: token, headers: { 'x-subject-token': token } }),
    ],
    ['its user is deleted', ({ user }) => remove(`/v3/users/${user.id}`)],
    ['its user is disabled', ({ user }) => patch(`/v3/users/${user.id}`, { user: { enabled: false } })],
    ['his password is reset', ({ user }) => patch(`/v3/users/${user.id}`, { user: { password: 'y' } })],
    [
      'he has changed his password',
      ({ user }) =>
        cloud.request('POST', `/v3/users/${user.id}/password`, {
          body: { user: { original_password: 'x', password: 'y' } },
        }),
    ],
    ['its project is deleted', ({ project }) => remove(`/v3/projects/${project.id}`)],
    [
      'its project is disabled',
      ({ project }) => patch(`/v3/projects/${project.id}`, { project: { enabled: false } }),
    ],
    [
      'its domain is disabled',
      ({ domain }) => patch(`/v3/domains/${domain.id}`, { domain: { enabled: false } }),
    ],
    ['its last role is taken away', ({ grant }) => remove(grant)],
  ] as [string, (who: Awaited<ReturnType<typeof somebody>>) => Promise<{ status: number }>][]) {
    it(`is refused from the moment when ${what}`, async () => {
      const who = await somebody();
      const answered = await end(who);
      assert.ok(answered.status < 300, JSON.stringify(answered));
      assert.deepEqual(await who.works(), gone);
      assert.deepEqual(await who.works(), gone);
    });
  }

  it('does not come back with a user of the same name, or when he is enabled again', async () => {
    const one = await somebody();
    await remove(`/v3/users/${one.user.id}`);
    const again = await cloud.make('/v3/users', 'user', {
      name: 'u',
      domain_id: one.domain.id,
      password: 'x',
    });
    await cloud.request('PUT', `/v3/projects/${one.project.id}/users/${again.id}/roles/${memberId}`, {
      as: cloud.admin,
    });
    assert.deepEqual(await one.works(), gone);
    const other = await somebody();
    await patch(`/v3/users/${other.user.id}`, { user: { enabled: false } });
    await patch(`/v3/users/${other.user.id}`, { user: { enabled: true } });
    assert.deepEqual(await other.works(), gone);
  });

  it('hands its end on to those that were got with it', async () => {
    const who = await somebody();
    const child = await cloud.request('POST', '/v3/auth/tokens', {
      body: {
        auth: {
          identity: { methods: ['token'], token: { id: who.token } },
          scope: { project: { id: who.project.id } },
        },
      },
    });
    assert.equal(child.status, 201);
    const token = child.headers.get('x-subject-token') as string;
    const parent = await cloud.request('GET', '/v3/auth/tokens', {
      as: who.token,
      headers: { 'x-subject-token': who.token },
    });
    assert.ok(child.body.token.expires_at <= parent.body.token.expires_at);
    assert.equal(child.body.token.audit_ids[1], parent.body.token.audit_ids[0]);
    await patch(`/v3/users/${who.user.id}`, { user: { password: 'y' } });
    assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: token })).status, 401);
  });

  it('cannot be got by many wrong ways to say who one is', async () => {
    const user = inDefault('demo', secrets.demo);
    for (const identity of [
      { methods: [] },
      { methods: ['password'] },
      { methods: ['password'], password: {} },
      { methods: ['password'], password: { user: {} } },
      { methods: ['password'], password: { user: { ...user, password: null } } },
      { methods: ['password'], password: { user: { ...user, password: '' } } },
      { methods: ['password'], password: { user: { ...user, password: ['demo-secret'] } } },
      { methods: ['password'], password: { user: { ...user, password: { $ne: '' } } } },
      { methods: ['password', 'token'], password: { user }, token: { id: cloud.admin } },
      { methods: ['token', 'password'], password: { user }, token: { id: cloud.admin } },
      { methods: ['external'] },
      { methods: ['constructor'] },
      { methods: ['__proto__'] },
    ]) {
      const answered = await cloud.request('POST', '/v3/auth/tokens', { body: { auth: { identity } } });
      assert.ok(
        answered.status === 400 || answered.status === 401,
        `${JSON.stringify(identity)} ${answered.status}`,
      );
      assert.equal(answered.headers.get('x-subject-token'), null);
    }
  });
});
