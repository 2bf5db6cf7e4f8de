import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { identityService } from '../contract.ts';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

const password = 'a-user’s-secret';

describe('trusts', () => {
  let cloud: IdentityCloud;
  let trustor: { id: string };
  let trustee: { id: string };
  let third: { id: string };
  let tokens: { trustor: string; trustee: string; third: string };
  let projectId: string;
  const roleIds: Record<string, string> = {};
  const collection = '/v3/OS-TRUST/trusts';

  const grant = async (method: string, user: string, role: string) => {
    const path = `/v3/projects/${projectId}/users/${user}/roles/${roleIds[role]}`;
    assert.equal((await cloud.request(method, path, { as: cloud.admin })).status, 204);
  };
  before(async () => {
    cloud = await startIdentity();
    const { body } = await cloud.request('GET', '/v3/roles', { as: cloud.admin });
    for (const { name, id } of body.roles) roleIds[name] = id;
    projectId = (await cloud.make('/v3/projects', 'project', { name: 'entrusted' })).id;
    const user = (name: string) => cloud.make('/v3/users', 'user', { name, password });
    trustor = await user('trustor');
    trustee = await user('trustee');
    third = await user('third');
    await grant('PUT', trustor.id, 'manager');
    const token = (id: string, scope?: unknown) => cloud.login({ id, password }, scope);
    tokens = {
      trustor: await token(trustor.id, { project: { id: projectId } }),
      trustee: await token(trustee.id),
      third: await token(third.id),
    };
  });
  after(() => cloud[Symbol.asyncDispose]());

  const create = (asked: object = {}, as = tokens.trustor) =>
    cloud.request('POST', collection, {
      as,
      body: {
        trust: {
          trustor_user_id: trustor.id,
          trustee_user_id: trustee.id,
          project_id: projectId,
          impersonation: false,
          roles: [{ name: 'member' }],
          ...asked,
        },
      },
    });
  const created = async (asked: object = {}, as = tokens.trustor) => {
    const answered = await create(asked, as);
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    return answered.body.trust;
  };
  const use = (id: string, who = trustee.id) =>
    cloud.authenticate({ id: who, password }, { 'OS-TRUST:trust': { id } });
  const used = async (id: string, who = trustee.id): Promise<string> => {
    const answered = await use(id, who);
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    return answered.headers.get('x-subject-token') as string;
  };
  const show = (token: string) =>
    cloud.request('GET', '/v3/auth/tokens', { as: cloud.admin, headers: { 'x-subject-token': token } });

  it('ask whether one may before what is wrong', async () => {
    for (const asked of [{}, { trustor_user_id: null }, { trustor_user_id: third.id, impersonation: 'x' }]) {
      const { status } = await cloud.request('POST', collection, {
        as: tokens.trustor,
        body: { trust: asked },
      });
      assert.equal(status, 403, JSON.stringify(asked));
    }
    assert.equal((await create({ impersonation: 'x' })).status, 400);
  });

  it('have no roles without a project', async () => {
    const { status, body } = await create({ project_id: null });
    assert.equal(status, 404);
    assert.equal(body.error.message, `Could not find role: ${roleIds['member']}.`);
    assert.equal((await create({ project_id: null, roles: [] })).status, 201);
  });

  it('let the trustee have the trustor’s roles on a project', async () => {
    const trust = await created();
    assert.equal(trust.deleted_at, null);
    assert.equal(trust.redelegation_count, 0);
    assert.deepEqual(
      trust.roles.map((role: { name: string }) => role.name),
      ['member'],
    );
    const { status, body, headers } = await use(trust.id);
    assert.equal(status, 201);
    const { token } = body;
    assert.equal(token.user.id, trustee.id);
    assert.equal(token.project.id, projectId);
    assert.deepEqual(token.roles.map((role: { name: string }) => role.name).toSorted(), ['member', 'reader']);
    assert.deepEqual(token['OS-TRUST:trust'], {
      id: trust.id,
      trustor_user: { id: trustor.id },
      trustee_user: { id: trustee.id },
      impersonation: false,
    });
    const id = headers.get('x-subject-token') as string;
    assert.deepEqual((await show(id)).body, body);
    const credentials = await cloud.world.bus.client(identityService).validateToken({ token: id });
    assert.equal(credentials?.trustId, trust.id);
  });

  it('make the trustee speak as the trustor where they impersonate', async () => {
    const trust = await created({ impersonation: true });
    const token = await used(trust.id);
    assert.equal((await show(token)).body.token.user.id, trustor.id);
    const mine = await cloud.request('GET', `/v3/users/${trustor.id}`, { as: token });
    assert.equal(mine.status, 200);
    // Nothing that outlives it can be made with it, nor another token.
    const credential = await cloud.request('POST', `/v3/users/${trustor.id}/application_credentials`, {
      as: token,
      body: { application_credential: { name: 'outliving' } },
    });
    assert.equal(credential.status, 403);
    const again = await cloud.request('POST', '/v3/auth/tokens', {
      body: { auth: { identity: { methods: ['token'], token: { id: token } } } },
    });
    assert.equal(again.status, 403);
    // What is revoked of either of the two is revoked of it.
    const changed = await cloud.request('POST', `/v3/users/${trustee.id}/password`, {
      body: { user: { original_password: password, password: 'another-secret' } },
    });
    assert.equal(changed.status, 204);
    assert.equal((await show(token)).status, 404);
    await cloud.request('PATCH', `/v3/users/${trustee.id}`, {
      as: cloud.admin,
      body: { user: { password } },
    });
    tokens.trustee = await cloud.login({ id: trustee.id, password });
  });

  it('are for the trustee alone', async () => {
    const trust = await created();
    assert.equal((await use(trust.id, third.id)).status, 403);
    assert.equal((await use('f'.repeat(32))).status, 401);
  });

  it('are made by the trustor, with roles that he has', async () => {
    assert.equal((await create({ roles: [{ name: 'admin' }] })).status, 404);
    assert.equal((await create({ roles: [] })).status, 403);
    assert.equal((await create({ trustor_user_id: third.id })).status, 403);
    assert.equal((await create({ trustee_user_id: 'f'.repeat(32) })).status, 404);
    assert.equal((await create({ project_id: 'f'.repeat(32) })).status, 404);
    for (const asked of [
      { impersonation: 'yes' },
      { remaining_uses: 0 },
      { remaining_uses: '2' },
      { expires_at: 'soon' },
      { expires_at: '2001-01-01T00:00:00Z' },
      { roles: [{ id: 'a', name: 'b' }] },
    ])
      assert.equal((await create(asked)).status, 400, JSON.stringify(asked));
    assert.equal((await cloud.request('POST', collection, { body: { trust: {} } })).status, 401);
  });

  it('are seen by the two and by administrators, and by nobody else', async () => {
    const { id } = await created();
    const path = `${collection}/${id}`;
    for (const as of [tokens.trustor, tokens.trustee, cloud.admin]) {
      assert.equal((await cloud.request('GET', path, { as })).status, 200);
      assert.equal((await cloud.request('GET', `${path}/roles`, { as })).body.roles[0].name, 'member');
      const one = await cloud.request('GET', `${path}/roles/${roleIds['member']}`, { as });
      assert.equal(one.body.role.name, 'member');
      assert.equal((await cloud.request('GET', `${path}/roles/${roleIds['admin']}`, { as })).status, 404);
    }
    assert.equal((await cloud.request('GET', path, { as: tokens.third })).status, 403);
    assert.equal((await cloud.request('GET', path)).status, 401);
    assert.equal((await cloud.request('GET', collection, { as: tokens.trustor })).status, 403);
    const given = await cloud.request('GET', `${collection}?trustor_user_id=${trustor.id}`, {
      as: tokens.trustor,
    });
    assert.ok(given.body.trusts.some((trust: { id: string }) => trust.id === id));
    assert.equal(given.body.trusts[0].roles, undefined);
    const got = await cloud.request('GET', `${collection}?trustee_user_id=${trustee.id}`, {
      as: tokens.trustee,
    });
    assert.ok(got.body.trusts.some((trust: { id: string }) => trust.id === id));
    const others = await cloud.request('GET', `${collection}?trustor_user_id=${trustor.id}`, {
      as: tokens.third,
    });
    assert.equal(others.status, 403);
    assert.equal((await cloud.request('DELETE', path, { as: tokens.trustee })).status, 403);
  });

  it('take their tokens with them', async () => {
    const { id } = await created();
    const token = await used(id);
    assert.equal((await cloud.request('DELETE', `${collection}/${id}`, { as: tokens.trustor })).status, 204);
    assert.equal((await show(token)).status, 404);
    assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: token })).status, 401);
    assert.equal((await cloud.request('GET', `${collection}/${id}`, { as: cloud.admin })).status, 404);
  });

  it('hold while the trustor has the roles', async () => {
    const { id } = await created({ roles: [{ name: 'manager' }] });
    const token = await used(id);
    await grant('DELETE', trustor.id, 'manager');
    assert.equal((await show(token)).status, 404);
    assert.equal((await use(id)).status, 403);
    await grant('PUT', trustor.id, 'manager');
    tokens.trustor = await cloud.login({ id: trustor.id, password }, { project: { id: projectId } });
  });

  it('hold while the trustor is enabled', async () => {
    const { id } = await created();
    const token = await used(id);
    const set = (enabled: boolean) =>
      cloud.request('PATCH', `/v3/users/${trustor.id}`, { as: cloud.admin, body: { user: { enabled } } });
    await set(false);
    assert.equal((await show(token)).status, 404);
    assert.equal((await use(id)).status, 403);
    await set(true);
    tokens.trustor = await cloud.login({ id: trustor.id, password }, { project: { id: projectId } });
  });

  it('end when they say, and so do their tokens', async () => {
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    const trust = await created({ expires_at });
    assert.equal(Date.parse(trust.expires_at), Date.parse(expires_at));
    const { body } = await use(trust.id);
    assert.equal(Date.parse(body.token.expires_at), Date.parse(expires_at));
    assert.equal((await create({ expires_at })).status, 409);
  });

  it('are good for so many tokens, however many ask at once', async () => {
    const { id } = await created({ remaining_uses: 3 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => use(id)));
    const given = answers.filter(({ status }) => status === 201);
    assert.equal(given.length, 3);
    assert.ok(answers.every(({ status }) => status === 201 || status === 403));
    // What was given is good still.
    assert.equal((await show(given[0]?.headers.get('x-subject-token') as string)).status, 200);
    assert.equal((await cloud.request('GET', `${collection}/${id}`, { as: cloud.admin })).status, 404);
  });

  describe('that may be handed on', () => {
    const handOn = (as: string, asked: object = {}) =>
      create({ impersonation: true, trustee_user_id: third.id, allow_redelegation: true, ...asked }, as);

    it('give no more than they have', async () => {
      const first = await created({
        impersonation: true,
        allow_redelegation: true,
        expires_at: new Date(Date.now() + 600_000).toISOString(),
      });
      assert.equal(first.redelegation_count, 3);
      const token = await used(first.id);
      const second = await handOn(token);
      assert.equal(second.status, 201, JSON.stringify(second.body));
      const { trust } = second.body;
      assert.equal(trust.redelegated_trust_id, first.id);
      assert.equal(trust.redelegation_count, 2);
      assert.equal(trust.expires_at, first.expires_at);
      const handed = await used(trust.id, third.id);
      assert.equal((await show(handed)).body.token.user.id, trustor.id);
      for (const asked of [
        { redelegation_count: 1 },
        { redelegation_count: 7 },
        { expires_at: new Date(Date.now() + 6_000_000).toISOString() },
        { allow_redelegation: false, remaining_uses: 2 },
      ])
        assert.equal((await handOn(token, asked)).status, 403, JSON.stringify(asked));
      assert.equal((await handOn(token, { remaining_uses: 2 })).status, 400);
      // The last of a line cannot be handed on.
      const last = await handOn(token, { allow_redelegation: false, roles: [{ name: 'reader' }] });
      assert.equal(last.status, 403, 'the roles of a trust are those that it names');
      // With the first, all end.
      await cloud.request('DELETE', `${collection}/${first.id}`, { as: tokens.trustor });
      assert.equal((await show(handed)).status, 404);
      assert.equal(
        (await cloud.request('GET', `${collection}/${trust.id}`, { as: cloud.admin })).status,
        404,
      );
    });

    it('can be handed on as often as they say', async () => {
      const once = await created({ impersonation: true, allow_redelegation: true, redelegation_count: 1 });
      const token = await used(once.id);
      const { body } = await handOn(token);
      assert.equal(body.trust.redelegation_count, 0);
      assert.equal((await handOn(await used(body.trust.id, third.id))).status, 403);
      const never = await created({ impersonation: true });
      assert.equal((await handOn(await used(never.id))).status, 403);
      assert.equal((await create({ allow_redelegation: true, redelegation_count: 4 })).status, 403);
    });
  });

  it('go with their users and their project', async () => {
    const project = await cloud.make('/v3/projects', 'project', { name: 'passing' });
    const user = await cloud.make('/v3/users', 'user', { name: 'leaving', password });
    await cloud.request('PUT', `/v3/projects/${project.id}/users/${user.id}/roles/${roleIds['member']}`, {
      as: cloud.admin,
    });
    const own = await cloud.login({ id: user.id, password }, { project: { id: project.id } });
    const asked = { trustor_user_id: user.id, project_id: project.id };
    const one = await created(asked, own);
    const token = await used(one.id);
    assert.equal((await cloud.request('DELETE', `/v3/users/${user.id}`, { as: cloud.admin })).status, 204);
    assert.equal((await show(token)).status, 404);
    assert.equal((await cloud.request('GET', `${collection}/${one.id}`, { as: cloud.admin })).status, 404);
  });
});
