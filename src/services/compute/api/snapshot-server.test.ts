import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, member, reader, stranger } from '../../../platform/service/testing/world.ts';
import { type Cloud, startCloud } from '../testing/cloud.ts';

describe('backups of servers', () => {
  let cloud: Cloud;
  let id: string;
  before(async () => {
    cloud = await startCloud();
    ({ id } = await cloud.server());
  });
  after(() => cloud[Symbol.asyncDispose]());

  const backUp = (asked: object, { as = member, at = '2.45', of = id } = {}) =>
    cloud.compute('POST', `/servers/${of}/action`, {
      as,
      at,
      body: { createBackup: { name: 'backup', backup_type: 'daily', rotation: 2, ...asked } },
    });
  const done = async (asked: object): Promise<string> => {
    const { status, body } = await backUp(asked);
    assert.equal(status, 202, JSON.stringify(body));
    await cloud.reaches(id, 'ACTIVE');
    return body.image_id;
  };
  const images = async (query: string) =>
    (
      await cloud.request('image', 'GET', `/v2/images?sort=created_at:asc&instance_uuid=${id}&${query}`, {
        as: member,
      })
    ).body.images;
  const names = async (query: string) => (await images(query)).map(({ name }: { name: string }) => name);

  it('are images that know of what they are one, and the oldest goes when there are too many', async () => {
    await done({ name: 'one', metadata: { purpose: 'test', backup_type: 'not this' } });
    await done({ name: 'two', rotation: '2' });
    await done({ name: 'week', backup_type: 'weekly' });
    const [one] = await images('backup_type=daily');
    assert.deepEqual(
      [one.name, one.status, one.image_type, one.instance_uuid, one.base_image_ref, one.purpose],
      ['one', 'active', 'backup', id, cloud.imageId, 'test'],
    );
    await done({ name: 'three' });
    assert.deepEqual(await names('backup_type=daily'), ['two', 'three']);
    assert.deepEqual(await names('backup_type=weekly'), ['week']);
    await done({ name: 'none', rotation: 0 });
    assert.deepEqual(await names('backup_type=daily'), []);
    assert.deepEqual(await names('image_type=backup'), ['week']);
  });

  it('leave those alone that somebody has protected', async () => {
    const kept = await done({ name: 'kept', backup_type: 'safe', rotation: 1 });
    const protect = [{ op: 'replace', path: '/protected', value: true }];
    const { status } = await cloud.request('image', 'PATCH', `/v2/images/${kept}`, {
      as: member,
      body: protect,
      headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
    });
    assert.equal(status, 200);
    await done({ name: 'next', backup_type: 'safe', rotation: 1 });
    assert.deepEqual(await names('backup_type=safe'), ['kept', 'next']);
  });

  it('are told by a URL before 2.45, and by none where none is kept', async () => {
    const old = await backUp({ backup_type: 'old', rotation: 1 }, { at: '2.44' });
    assert.deepEqual([old.status, old.body], [202, undefined]);
    assert.match(old.headers.get('location') ?? '', /\/images\/[0-9a-f-]{36}$/);
    await cloud.reaches(id, 'ACTIVE');
    const none = await backUp({ backup_type: 'old', rotation: 0 }, { at: '2.1' });
    assert.deepEqual([none.status, none.headers.get('location')], [202, null]);
    await cloud.reaches(id, 'ACTIVE');
  });

  it('are made of a server that is locked, and are remembered as actions', async () => {
    await cloud.compute('POST', `/servers/${id}/action`, { body: { lock: null } });
    await done({ backup_type: 'locked' });
    await cloud.compute('POST', `/servers/${id}/action`, { body: { unlock: null } });
    const path = `/servers/${id}/os-instance-actions`;
    const { body } = await cloud.compute('GET', path);
    const action = body.instanceActions.find((each: { action: string }) => each.action === 'createBackup');
    const shown = (await cloud.compute('GET', `${path}/${action.request_id}`, { at: '2.51' })).body;
    const [event] = shown.instanceAction.events;
    assert.deepEqual([event.event, event.result], ['compute_backup_instance', 'Success']);
  });

  it('are checked: what is asked, by whom, of which server, in which state', async () => {
    for (const wrong of [
      { name: undefined },
      { name: '' },
      { backup_type: undefined },
      { backup_type: 7 },
      { rotation: undefined },
      { rotation: -1 },
      { rotation: 'two' },
      { rotation: '' },
      { metadata: { a: 1 } },
      { more: 1 },
    ])
      assert.equal((await backUp(wrong)).status, 400, JSON.stringify(wrong));
    assert.equal((await backUp({}, { as: reader })).status, 403);
    assert.equal((await backUp({}, { as: stranger })).status, 404);
    assert.equal((await backUp({}, { of: 'nothing' })).status, 404);
    const many = Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`k${i}`, 'v']));
    const over = await backUp({ metadata: many }, { at: '2.38' });
    assert.deepEqual(
      [over.status, over.body.forbidden?.message],
      [403, 'Maximum number of metadata items exceeds 128'],
    );
    const { id: broken } = await cloud.server();
    await cloud.compute('POST', `/servers/${broken}/action`, {
      as: { ...member, roles: admin.roles },
      body: { 'os-resetState': { state: 'error' } },
    });
    const refused = await backUp({}, { of: broken });
    assert.deepEqual(
      [refused.status, refused.body.conflictingRequest?.message],
      [409, `Cannot 'createBackup' instance ${broken} while it is in vm_state error`],
    );
  });
});
