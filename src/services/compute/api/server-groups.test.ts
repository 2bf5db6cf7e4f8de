import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { member, reader, startWorld, stranger, type World } from '../../../platform/service/testing/world.ts';
import { compute } from '../service.ts';
import { type Asked, asking } from './testing/ask.ts';

describe('server groups', () => {
  let world: World;
  before(async () => {
    world = await startWorld([compute]);
  });
  after(() => world[Symbol.asyncDispose]());
  const ask = asking(() => world);
  const make = (server_group: object, options: Asked = {}) =>
    ask('POST', '/os-server-groups', { as: member, ...options, body: { server_group } });

  it('have policies until 2.63, and a policy with rules since', async () => {
    const old = await make({ name: 'old', policies: ['affinity'] });
    const { id } = old.body.server_group;
    assert.deepEqual(old.body.server_group, {
      id,
      name: 'old',
      policies: ['affinity'],
      metadata: {},
      members: [],
    });
    const now = await ask('GET', `/os-server-groups/${id}`, { as: reader, at: '2.64' });
    assert.deepEqual(now.body.server_group, {
      id,
      name: 'old',
      policy: 'affinity',
      rules: {},
      members: [],
      project_id: member.projectId,
      user_id: member.userId,
    });
    const at = '2.64';
    const ruled = { name: 'ruled', policy: 'anti-affinity', rules: { max_server_per_host: '3' } };
    assert.deepEqual((await make(ruled, { at })).body.server_group.rules, { max_server_per_host: 3 });
    for (const wrong of [
      { name: 'x', policy: 'affinity', rules: { max_server_per_host: 3 } },
      { name: 'x', policy: 'anti-affinity', rules: { max_server_per_host: 0 } },
      { name: 'x', policy: 'anti-affinity', rules: { max_server_per_host: '0' } },
      { name: 'x', policy: 'nearby' },
      { name: '', policy: 'affinity' },
      { name: 'x', policies: ['affinity'] },
      { policy: 'affinity' },
    ]) {
      assert.equal((await make(wrong, { at })).status, 400, JSON.stringify(wrong));
    }
    assert.equal((await make({ name: 'x', policies: ['soft-affinity'] })).status, 400);
    assert.equal((await make({ name: 'x', policies: ['soft-affinity'] }, { at: '2.15' })).status, 200);
  });

  it("are each project's own", async () => {
    const { id } = (await make({ name: 'mine', policies: ['affinity'] })).body.server_group;
    const path = `/os-server-groups/${id}`;
    assert.equal((await ask('GET', path, { as: stranger })).status, 404);
    assert.equal((await ask('DELETE', path, { as: stranger })).status, 404);
    assert.equal((await ask('DELETE', path, { as: reader })).status, 403);
    assert.equal((await make({ name: 'x', policies: ['affinity'] }, { as: reader })).status, 403);
    const list = async (query: string, options: Asked) =>
      (await ask('GET', `/os-server-groups${query}`, options)).body.server_groups.length;
    assert.equal(await list('?all_projects', { as: stranger }), 0);
    assert.equal(await list('', {}), 0);
    const all = await list('?all_projects', {});
    assert.ok(all > 1);
    assert.equal(await list('?all_projects&offset=1', {}), all - 1);
    assert.equal(await list('?limit=1', { as: member }), 1);
    assert.equal((await ask('DELETE', path, { as: member })).status, 204);
    assert.equal((await ask('GET', path, { as: member })).status, 404);
    assert.equal((await world.request('compute', 'GET', '/v2.1/os-server-groups')).status, 401);
  });

  it('are as many as the quota allows', async () => {
    const statuses = [];
    for (let i = 0; i < 11; i++) {
      statuses.push((await make({ name: `g${i}`, policies: ['affinity'] }, { as: stranger })).status);
    }
    assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 200), 403]);
  });
});
