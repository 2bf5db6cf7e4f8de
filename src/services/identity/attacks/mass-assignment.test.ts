import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

describe('a body that says more than it may', () => {
  let cloud: IdentityCloud;
  before(async () => {
    cloud = await startIdentity();
  });
  after(() => cloud[Symbol.asyncDispose]());
  const patch = (path: string, body: object, as = cloud.admin) => cloud.request('PATCH', path, { as, body });
  const get = async (path: string) => (await cloud.request('GET', path, { as: cloud.admin })).body;

  /** What columns there are that no request may write. */
  const hidden = {
    password_hash: '$2b$04$2SwuPVQZ.SRYHGFrzOkYUO6.UdNiXw4dQ5nMMq3vY5SeqZftjXbAm',
    password_expires_at: '2999-01-01T00:00:00.000000',
    password_created_at: '1999-01-01T00:00:00.000000',
    password_self_service: true,
    failed_auth_count: -1_000_000,
    failed_auth_at: null,
    last_active_at: '2999-01-01',
    user_created_at: '2999-01-01T00:00:00.000000',
    is_admin: true,
    is_domain: true,
    roles: ['admin'],
    __proto_: {},
    constructor: { prototype: { admin: true } },
  };

  it('sets no column of a user that is not the client’s to set', async () => {
    const made = await cloud.make('/v3/users', 'user', { name: 'mass', password: 'real', ...hidden });
    assert.equal(made['password_expires_at'], null);
    assert.equal((await cloud.authenticate({ id: made.id, password: 'pässword' })).status, 401);
    assert.equal((await cloud.authenticate({ id: made.id, password: 'real' })).status, 201);
    await patch(`/v3/users/${made.id}`, { user: hidden });
    assert.equal((await cloud.authenticate({ id: made.id, password: 'pässword' })).status, 401);
    assert.equal((await cloud.authenticate({ id: made.id, password: 'real' })).status, 201);
    const { user } = await get(`/v3/users/${made.id}`);
    assert.equal(user.password_expires_at, null);
  });

  it('chooses no id, and moves nothing', async () => {
    const wanted = 'deadbeef'.repeat(4);
    for (const [path, one, more] of [
      ['/v3/users', 'user', { name: 'chosen' }],
      ['/v3/groups', 'group', { name: 'chosen' }],
      ['/v3/projects', 'project', { name: 'chosen' }],
      ['/v3/roles', 'role', { name: 'chosen' }],
      ['/v3/services', 'service', { type: 'chosen' }],
    ] as const) {
      const answered = await cloud.request('POST', path, {
        as: cloud.admin,
        body: { [one]: { ...more, id: wanted } },
      });
      if (answered.status === 201) {
        assert.notEqual(answered.body[one].id, wanted, one);
        const { id } = answered.body[one];
        const moved = await patch(`${path}/${id}`, { [one]: { id: wanted } });
        if (moved.status < 300) assert.equal(moved.body[one].id, id);
        assert.equal((await cloud.request('GET', `${path}/${wanted}`, { as: cloud.admin })).status, 404, one);
      } else assert.equal(answered.status, 400, one);
    }
  });

  it('takes no user, group or project into another domain', async () => {
    const domain = await cloud.make('/v3/domains', 'domain', { name: 'elsewhere' });
    for (const [path, one] of [
      ['/v3/users', 'user'],
      ['/v3/groups', 'group'],
      ['/v3/projects', 'project'],
    ] as const) {
      const item = await cloud.make(path, one, { name: 'stays' });
      const moved = await patch(`${path}/${item.id}`, { [one]: { domain_id: domain.id } });
      assert.equal(moved.status, 400, one);
      assert.equal((await get(`${path}/${item.id}`))[one].domain_id, 'default');
    }
  });

  it('makes no domain of a project, and no project of a domain', async () => {
    const project = await cloud.make('/v3/projects', 'project', { name: 'plain' });
    await patch(`/v3/projects/${project.id}`, { project: { is_domain: true } });
    assert.equal((await get(`/v3/projects/${project.id}`)).project.is_domain, false);
    assert.equal((await cloud.request('GET', `/v3/domains/${project.id}`, { as: cloud.admin })).status, 404);
    const domain = await cloud.make('/v3/domains', 'domain', { name: 'real' });
    await patch(`/v3/domains/${domain.id}`, { domain: { is_domain: false, parent_id: project.id } });
    assert.equal((await cloud.request('GET', `/v3/domains/${domain.id}`, { as: cloud.admin })).status, 200);
    const moved = await patch(`/v3/projects/${project.id}`, { project: { parent_id: cloud.demoProjectId } });
    assert.ok(moved.status === 400 || moved.status === 403, `${moved.status}`);
  });

  it('lets no user change himself', async () => {
    const { users } = await get('/v3/users?name=demo');
    const { id } = users[0];
    for (const change of [{ enabled: true }, { name: 'admin' }, { password: 'mine' }, { options: {} }, {}])
      assert.equal((await patch(`/v3/users/${id}`, { user: change }, cloud.demo)).status, 403);
  });

  it('keeps what it does not know beside the resource, where it means nothing', async () => {
    const made = await cloud.make('/v3/users', 'user', {
      name: 'extra',
      note: 'kept',
      links: { self: 'evil' },
    });
    assert.equal(made['note'], 'kept');
    assert.match(String((made['links'] as { self: string }).self), /\/v3\/users\//);
    const polluted = await cloud.request('POST', '/v3/users', {
      as: cloud.admin,
      body: '{"user":{"name":"polluted","__proto__":{"enabled":false}}}',
    });
    assert.equal(polluted.status, 400);
    assert.equal(({} as Record<string, unknown>)['enabled'], undefined);
  });
});
