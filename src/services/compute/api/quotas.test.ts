import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  admin,
  member,
  reader,
  startWorld,
  stranger,
  type World,
} from '../../../platform/service/testing/world.ts';
import { identityService } from '../../identity/contract.ts';
import { compute } from '../service.ts';
import { asking } from './testing/ask.ts';

describe('quotas', () => {
  let world: World;
  const ask = asking(() => world);
  const project = member.projectId as string;
  const set = `/os-quota-sets/${project}`;
  before(async () => {
    world = await startWorld([compute], {
      async prepare(bus) {
        const known = new Map([admin, member, stranger].map((each) => [each.projectId as string, each]));
        await bus.serve(identityService, {
          validateToken: async () => null,
          project: async ({ id }) =>
            known.has(id) ? { id, name: id, domainId: 'default', parentId: null, enabled: true } : null,
        });
      },
    });
  });
  after(() => world[Symbol.asyncDispose]());
  const quota = async (path = set, at = '2.57') => (await ask('GET', path, { at })).body.quota_set;
  const change = (quota_set: object, query = '') =>
    ask('PUT', `${set}${query}`, { at: '2.57', body: { quota_set } });

  it('are the same for all at first, and show less in newer microversions', async () => {
    assert.deepEqual(await quota(), {
      id: project,
      instances: 10,
      cores: 20,
      ram: 51_200,
      metadata_items: 128,
      key_pairs: 100,
      server_groups: 10,
      server_group_members: 10,
    });
    assert.equal((await quota(set, '2.36')).injected_files, 5);
    assert.equal((await quota(set, '2.35')).floating_ips, -1);
    assert.equal((await quota(`${set}/defaults`)).cores, 20);
    assert.deepEqual((await quota(`${set}/detail`)).cores, { limit: 20, in_use: 0, reserved: 0 });
  });

  it('are shown to the project, and changed by administrators', async () => {
    assert.equal((await ask('GET', set, { as: reader })).status, 200);
    assert.equal((await ask('GET', set, { as: stranger })).status, 403);
    assert.equal((await ask('PUT', set, { as: member, body: { quota_set: { cores: 1 } } })).status, 403);
    assert.equal((await world.request('compute', 'GET', `/v2.1${set}`)).status, 401);
    assert.equal((await ask('GET', '/os-quota-sets/nowhere')).status, 400);
  });

  it('can be set for a project and for a user within it, and set back', async () => {
    const changed = await change({ cores: '8', instances: -1 });
    assert.deepEqual([changed.body.quota_set.cores, changed.body.quota_set.instances], [8, -1]);
    assert.ok(!('id' in changed.body.quota_set));
    const user = `?user_id=${member.userId}`;
    assert.equal((await change({ cores: 9 }, user)).status, 400);
    assert.equal((await change({ cores: 6 }, user)).body.quota_set.cores, 6);
    assert.equal((await change({ cores: 5 })).status, 400);
    assert.equal((await change({ cores: 5, force: true })).status, 200);
    assert.deepEqual([(await quota()).cores, (await quota(`${set}${user}`)).cores], [5, 6]);
    assert.equal((await ask('DELETE', `${set}${user}`)).status, 202);
    assert.equal((await quota(`${set}${user}`)).cores, 5);
    assert.equal((await ask('DELETE', set)).status, 202);
    assert.equal((await quota()).cores, 20);
  });

  it('refuse what is no limit', async () => {
    for (const wrong of [
      { cores: -2 },
      { cores: 'many' },
      { cores: 2 ** 31 },
      { cores: '99999999999' },
      { sails: 1 },
      { fixed_ips: 1 },
    ]) {
      assert.equal((await change(wrong)).status, 400, JSON.stringify(wrong));
    }
    assert.equal((await ask('GET', `${set}?colour=red`, { at: '2.75' })).status, 400);
  });

  it('have a class whose limits hold where a project has none of its own', async () => {
    const path = '/os-quota-class-sets/default';
    const at = '2.57';
    assert.equal((await ask('GET', path, { at, as: member })).status, 403);
    assert.equal((await ask('GET', path, { at })).body.quota_class_set.server_groups, 10);
    assert.ok(!('server_groups' in (await ask('GET', path, { at: '2.49' })).body.quota_class_set));
    const body = { quota_class_set: { key_pairs: 1 } };
    assert.equal((await ask('PUT', path, { at, body })).body.quota_class_set.key_pairs, 1);
    assert.equal((await quota()).key_pairs, 1);
    const key = (name: string) =>
      ask('POST', '/os-keypairs', { as: member, body: { keypair: { name } } }).then(({ status }) => status);
    assert.deepEqual([await key('one'), await key('two')], [200, 403]);
    await ask('PUT', path, { at, body: { quota_class_set: { key_pairs: 100 } } });
  });

  it('are the limits of a project, by microversion', async () => {
    const limits = async (at: string) => (await ask('GET', '/limits', { as: member, at })).body.limits;
    const old = await limits('2.1');
    assert.deepEqual(old.rate, []);
    assert.deepEqual(
      [old.absolute.maxTotalCores, old.absolute.totalCoresUsed, old.absolute.maxImageMeta],
      [20, 0, 128],
    );
    assert.ok(!('maxTotalFloatingIps' in (await limits('2.36')).absolute));
    assert.ok(!('maxImageMeta' in (await limits('2.39')).absolute));
    assert.ok(!('maxPersonality' in (await limits('2.57')).absolute));
    const other = `/limits?tenant_id=${project}`;
    assert.equal((await ask('GET', other, { as: stranger })).status, 403);
    assert.equal((await ask('GET', other)).status, 200);
  });
});
