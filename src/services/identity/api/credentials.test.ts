import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ec2Signature } from '../model/ec2-signature.ts';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

describe('credentials', () => {
  let cloud: IdentityCloud;
  let demoId: string;
  let stranger: string;
  let strangerId: string;
  before(async () => {
    cloud = await startIdentity();
    const { body } = await cloud.request('GET', '/v3/users?name=demo', { as: cloud.admin });
    demoId = body.users[0].id;
    const made = await cloud.make('/v3/users', 'user', { name: 'stranger', password: 'strange-secret' });
    strangerId = made.id;
    stranger = await cloud.login({ id: strangerId, password: 'strange-secret' });
  });
  after(() => cloud[Symbol.asyncDispose]());

  const path = '/v3/credentials';
  const create = (asked: object, as = cloud.demo) =>
    cloud.request('POST', path, { as, body: { credential: { user_id: demoId, ...asked } } });
  const pair = (access: string, more: object = {}) =>
    JSON.stringify({ access, secret: `secret of ${access}`, ...more });

  it('keep what users give them', async () => {
    const { status, body } = await create({ type: 'cert', blob: 'BEGIN', serial: '7' });
    assert.equal(status, 201);
    const { credential } = body;
    assert.equal(credential.blob, 'BEGIN');
    assert.equal(credential.project_id, null);
    assert.equal(credential.serial, '7');
    const one = `${path}/${credential.id}`;
    assert.deepEqual((await cloud.request('GET', one, { as: cloud.demo })).body, body);
    const changed = await cloud.request('PATCH', one, {
      as: cloud.demo,
      body: { credential: { blob: 'END' } },
    });
    assert.equal(changed.body.credential.blob, 'END');
    const same = await cloud.request('PATCH', one, {
      as: cloud.demo,
      body: { credential: { blob: 'END', user_id: demoId } },
    });
    assert.equal(same.status, 200);
    const listed = await cloud.request('GET', `${path}?type=cert`, { as: cloud.demo });
    assert.deepEqual(listed.body.credentials, [changed.body.credential]);
    assert.equal((await cloud.request('DELETE', one, { as: cloud.demo })).status, 204);
    assert.equal((await cloud.request('GET', one, { as: cloud.demo })).status, 403);
    assert.equal((await cloud.request('GET', one, { as: cloud.admin })).status, 404);
  });

  it('are their owner’s and administrators’', async () => {
    const { body } = await create({ type: 'cert', blob: 'mine' });
    const one = `${path}/${body.credential.id}`;
    assert.equal((await cloud.request('GET', one)).status, 401);
    for (const [method, given] of [
      ['GET', undefined],
      ['PATCH', { credential: { blob: 'stolen' } }],
      ['DELETE', undefined],
    ] as const) {
      const answered = await cloud.request(method, one, {
        as: stranger,
        ...(given ? { body: given } : {}),
      });
      assert.equal(answered.status, 403, method);
    }
    const listed = await cloud.request('GET', path, { as: stranger });
    assert.deepEqual(listed.body.credentials, []);
    const spied = await cloud.request('GET', `${path}?user_id=${demoId}`, { as: stranger });
    assert.deepEqual(spied.body.credentials, []);
    assert.equal((await create({ type: 'cert', blob: 'x' }, stranger)).status, 403);
    // Nor can one be given away, or taken.
    const given = await cloud.request('PATCH', one, {
      as: cloud.demo,
      body: { credential: { blob: 'mine', user_id: strangerId } },
    });
    assert.equal(given.status, 400);
    assert.equal((await cloud.request('GET', one, { as: cloud.admin })).status, 200);
    const all = await cloud.request('GET', `${path}?user_id=${demoId}`, { as: cloud.admin });
    assert.ok(all.body.credentials.length > 0);
  });

  it('of EC2 have the id that their access key gives, and a project', async () => {
    const asked = { type: 'ec2', blob: pair('an-access-key'), project_id: cloud.demoProjectId };
    const { status, body } = await create(asked);
    assert.equal(status, 201);
    assert.equal(body.credential.id, createHash('sha256').update('an-access-key').digest('hex'));
    assert.equal((await create(asked)).status, 409);
    for (const wrong of [
      { type: 'ec2', blob: pair('x') },
      { type: 'ec2', blob: 'no json', project_id: cloud.demoProjectId },
      { type: 'ec2', blob: '[]', project_id: cloud.demoProjectId },
      { type: 'ec2', blob: '{"secret":"x"}', project_id: cloud.demoProjectId },
      { type: 'cert' },
      { type: 'cert', blob: 7 },
    ])
      assert.equal((await create(wrong)).status, 400, JSON.stringify(wrong));
    const bounded = await create({
      type: 'ec2',
      blob: pair('bounded', { app_cred_id: 'x' }),
      project_id: cloud.demoProjectId,
    });
    const freed = await cloud.request('PATCH', `${path}/${bounded.body.credential.id}`, {
      as: cloud.demo,
      body: { credential: { blob: pair('bounded') } },
    });
    assert.equal(freed.status, 400);
  });

  it('are given away by nobody, and take in an update nothing else than what they are', async () => {
    const { body } = await create({ type: 'cert', blob: 'mine' });
    const one = `${path}/${body.credential.id}`;
    for (const credential of [
      { blob: 'x', user_id: strangerId },
      { blob: 'x', colour: 'red' },
      { blob: 'x', project_id: null },
      { type: 'cert' },
      {},
    ]) {
      const { status } = await cloud.request('PATCH', one, { as: cloud.admin, body: { credential } });
      assert.equal(status, 400, JSON.stringify(credential));
    }
    assert.deepEqual((await cloud.request('GET', one, { as: cloud.admin })).body, body);
  });

  it('are out of reach for delegated tokens', async () => {
    const made = await cloud.request('POST', `/v3/users/${demoId}/application_credentials`, {
      as: cloud.demo,
      body: { application_credential: { name: 'reaching', unrestricted: true } },
    });
    const { id, secret } = made.body.application_credential;
    const answered = await cloud.request('POST', '/v3/auth/tokens', {
      body: {
        auth: {
          identity: { methods: ['application_credential'], application_credential: { id, secret } },
        },
      },
    });
    const as = answered.headers.get('x-subject-token') as string;
    assert.equal((await create({ type: 'cert', blob: 'x' }, as)).status, 403);
    assert.deepEqual((await cloud.request('GET', path, { as })).body.credentials, []);
    assert.equal((await cloud.request('GET', `/v3/users/${demoId}/credentials/OS-EC2`, { as })).status, 403);
  });

  it('survive the rotation of their keys', async () => {
    const { body } = await create({ type: 'cert', blob: 'lasting' });
    for (let round = 0; round < 5; round++) {
      assert.ok(await cloud.world.operate('identity/rotate-credential-keys'));
      const shown = await cloud.request('GET', `${path}/${body.credential.id}`, { as: cloud.demo });
      assert.equal(shown.body.credential.blob, 'lasting');
    }
  });

  describe('of EC2, as pairs of keys', () => {
    const pairs = () => `/v3/users/${demoId}/credentials/OS-EC2`;
    const make = async () => {
      const answered = await cloud.request('POST', pairs(), {
        as: cloud.demo,
        body: { tenant_id: cloud.demoProjectId },
      });
      assert.equal(answered.status, 201, JSON.stringify(answered.body));
      return answered.body.credential as { access: string; secret: string };
    };

    it('are made, listed, shown and deleted by their access key', async () => {
      const made = await make();
      const one = `${pairs()}/${made.access}`;
      assert.deepEqual((await cloud.request('GET', one, { as: cloud.demo })).body.credential, made);
      const { body } = await cloud.request('GET', pairs(), { as: cloud.demo });
      assert.ok(body.credentials.some(({ access }: { access: string }) => access === made.access));
      assert.equal((await cloud.request('GET', one, { as: stranger })).status, 403);
      const through = `/v3/users/${strangerId}/credentials/OS-EC2/${made.access}`;
      assert.equal((await cloud.request('GET', through, { as: stranger })).status, 403);
      assert.equal((await cloud.request('DELETE', one, { as: cloud.demo })).status, 204);
      for (const as of [cloud.admin, stranger])
        assert.equal(
          (await cloud.request('GET', one, { as })).status,
          404,
          'an access key says nothing of whose it was',
        );
      const nowhere = await cloud.request('POST', pairs(), {
        as: cloud.demo,
        body: { tenant_id: 'f'.repeat(32) },
      });
      assert.equal(nowhere.status, 404);
    });

    const check = (signed: object, as: string | undefined = cloud.admin) =>
      cloud.request('POST', '/v3/ec2tokens', { ...(as ? { as } : {}), body: { credentials: signed } });
    const signed = ({ access, secret }: { access: string; secret: string }, timestamp = new Date()) => {
      const request = {
        signature: '',
        host: 'ec2.example:8773',
        verb: 'GET',
        path: '/services/Cloud',
        params: {
          SignatureVersion: '2',
          SignatureMethod: 'HmacSHA256',
          Action: 'DescribeInstances',
          Timestamp: timestamp.toISOString(),
        },
        headers: {},
      };
      return { ...request, access, signature: ec2Signature(secret, request) };
    };

    it('sign requests for which there is a token', async () => {
      const made = await make();
      const { status, body, headers } = await check(signed(made));
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.token.user.id, demoId);
      assert.equal(body.token.project.id, cloud.demoProjectId);
      const token = headers.get('x-subject-token') as string;
      assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: token })).status, 200);
      // It is no way to what outlives it.
      assert.equal((await create({ type: 'cert', blob: 'x' }, token)).status, 403);
    });

    it('are believed with and without the port in what was signed', async () => {
      const made = await make();
      const request = signed(made);
      const without = ec2Signature(made.secret, { ...request, host: 'ec2.example' });
      assert.equal((await check({ ...request, signature: without })).status, 200);
    });

    it('are refused for a wrong signature, a strange key, and one that is old', async () => {
      const made = await make();
      const request = signed(made);
      assert.equal((await check({ ...request, signature: 'wrong' })).status, 401);
      assert.equal((await check({ ...request, path: '/another' })).status, 401);
      assert.equal((await check({ ...request, access: 'unknown' })).status, 401);
      assert.equal((await check({ ...request, access: undefined })).status, 401);
      assert.equal((await check({ ...request, params: {} })).status, 401);
      const old = new Date(Date.now() - 16 * 60_000);
      assert.equal((await check(signed(made, old))).status, 401);
    });

    it('are asked about by services and administrators only', async () => {
      const request = signed(await make());
      assert.equal((await check(request, cloud.demo)).status, 403);
      assert.equal(
        (await cloud.request('POST', '/v3/ec2tokens', { body: { credentials: request } })).status,
        401,
      );
    });

    it('sign strings of S3', async () => {
      const { access, secret } = await make();
      const toSign = Buffer.from('GET\n\n\nSat, 21 Nov 2026 00:00:00 GMT\n/bucket/object');
      const signature = createHmac('sha1', secret).update(toSign).digest('base64');
      const ask = (credentials: object) =>
        cloud.request('POST', '/v3/s3tokens', { as: cloud.admin, body: { credentials } });
      const right = await ask({ access, signature, token: toSign.toString('base64') });
      assert.equal(right.status, 200, JSON.stringify(right.body));
      assert.equal(right.body.token.project.id, cloud.demoProjectId);
      assert.equal(right.headers.get('x-subject-token'), null);
      assert.equal((await ask({ access, signature: 'x', token: toSign.toString('base64') })).status, 401);
    });
  });
});
