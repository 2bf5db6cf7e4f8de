import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, member, reader, stranger } from '../../../platform/service/testing/world.ts';
import { type Cloud, eventually, startCloud } from '../testing/cloud.ts';

describe('rescuing servers', () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await startCloud();
  });
  after(() => cloud[Symbol.asyncDispose]());

  const act = (id: string, body: object, as = member) =>
    cloud.compute('POST', `/servers/${id}/action`, { as, body });
  const disks = async (id: string): Promise<number> =>
    (await cloud.compute('GET', `/servers/${id}/diagnostics`, { as: admin, at: '2.48' })).body.num_disks;

  it('boots from another image with its own disk as the second, and from its own again', async () => {
    const { id } = await cloud.server();
    const { status, body } = await act(id, { rescue: { adminPass: 'let me in' } });
    assert.deepEqual([status, body], [200, { adminPass: 'let me in' }]);
    const rescued = await cloud.reaches(id, 'RESCUE');
    assert.deepEqual([rescued['OS-EXT-STS:vm_state'], rescued['OS-EXT-STS:power_state']], ['rescued', 1]);
    assert.equal(await disks(id), 2);
    assert.equal((await act(id, { unrescue: null })).status, 202);
    await cloud.reaches(id, 'ACTIVE');
    assert.equal(await disks(id), 1);
    const { body: log } = await cloud.compute('GET', `/servers/${id}/os-instance-actions`);
    assert.deepEqual(
      log.instanceActions.map(({ action }: { action: string }) => action),
      ['unrescue', 'rescue', 'create'],
    );
    const path = `/servers/${id}/os-instance-actions/${log.instanceActions[1].request_id}`;
    const [event] = (await cloud.compute('GET', path, { at: '2.51' })).body.instanceAction.events;
    assert.deepEqual([event.event, event.result], ['compute_rescue_instance', 'Success']);
  });

  it('takes any image that the project may use, and makes up a password', async () => {
    const { id } = await cloud.server();
    await act(id, { 'os-stop': null });
    await cloud.reaches(id, 'SHUTOFF');
    const { status, body } = await act(id, { rescue: { rescue_image_ref: cloud.imageId } });
    assert.equal(status, 200, JSON.stringify(body));
    assert.match(body.adminPass, /^\w{12}$/);
    await cloud.reaches(id, 'RESCUE');
    // It is on afterwards, whatever it was.
    await act(id, { unrescue: null });
    await cloud.reaches(id, 'ACTIVE');
    const none = '00000000-0000-4000-8000-000000000000';
    const refused = await act(id, { rescue: { rescue_image_ref: none } });
    assert.deepEqual(
      [refused.status, refused.body.badRequest.message],
      [400, `Requested rescue image '${none}' is not supported`],
    );
  });

  it('refuses what its state does not allow, and all else while it is rescued', async () => {
    const { id } = await cloud.server();
    const conflict = async (body: object, words: string) => {
      const refused = await act(id, body);
      assert.deepEqual([refused.status, refused.body.conflictingRequest?.message], [409, words]);
    };
    const inState = (name: string, state: string) =>
      `Cannot '${name}' instance ${id} while it is in vm_state ${state}`;
    await conflict({ unrescue: null }, inState('unrescue', 'active'));
    await act(id, { pause: null });
    await cloud.reaches(id, 'PAUSED');
    await conflict({ rescue: null }, inState('rescue', 'paused'));
    await act(id, { unpause: null });
    await cloud.reaches(id, 'ACTIVE');
    await act(id, { rescue: null });
    await cloud.reaches(id, 'RESCUE');
    await conflict({ rescue: null }, inState('rescue', 'rescued'));
    await conflict({ reboot: { type: 'HARD' } }, inState('reboot', 'rescued'));
    await conflict({ rebuild: { imageRef: cloud.imageId } }, inState('rebuild', 'rescued'));
    await conflict({ createImage: { name: 'x' } }, inState('createImage', 'rescued'));
    await act(id, { lock: null });
    await conflict({ unrescue: null }, `Instance ${id} is locked`);
    assert.equal((await act(id, { unrescue: null }, admin)).status, 202);
    await cloud.reaches(id, 'ACTIVE');
  });

  it('is checked: what is asked, by whom, of which server', async () => {
    const { id } = await cloud.server();
    assert.equal((await act(id, { rescue: { adminPass: 7 } })).status, 400);
    assert.equal((await act(id, { rescue: { rescue_image_ref: 'no uuid' } })).status, 400);
    assert.equal((await act(id, { rescue: { other: 1 } })).status, 400);
    assert.equal((await act(id, { rescue: null }, reader)).status, 403);
    assert.equal((await act(id, { unrescue: null }, reader)).status, 403);
    assert.equal((await act(id, { rescue: null }, stranger)).status, 404);
    assert.equal((await act('nothing', { rescue: null })).status, 404);
    await cloud.reaches(id, 'ACTIVE');
  });

  it('leaves nothing of a rescued server that is deleted', async () => {
    const { id } = await cloud.server();
    await act(id, { rescue: null });
    await cloud.reaches(id, 'RESCUE');
    assert.equal((await cloud.compute('DELETE', `/servers/${id}`)).status, 204);
    await cloud.gone(id);
  });

  it('is with what its own image was made of, or with that image where the first is gone', async () => {
    const { id: first } = await cloud.server();
    const made = await cloud.compute('POST', `/servers/${first}/action`, {
      at: '2.45',
      body: { createImage: { name: 'snapshot' } },
    });
    const imageRef = made.body.image_id as string;
    await eventually('the snapshot', async () => {
      const { body } = await cloud.request('image', 'GET', `/v2/images/${imageRef}`, { as: member });
      return body.status === 'active' ? body : undefined;
    });
    const { id } = await cloud.server({ imageRef });
    await act(id, { rescue: null });
    await cloud.reaches(id, 'RESCUE');
    await act(id, { unrescue: null });
    await cloud.reaches(id, 'ACTIVE');
    assert.equal(
      (await cloud.request('image', 'DELETE', `/v2/images/${imageRef}`, { as: member })).status,
      204,
    );
    const refused = await act(id, { rescue: null });
    assert.deepEqual(
      [refused.status, refused.body.badRequest?.message],
      [400, `Instance ${id} cannot be rescued: Image ${imageRef} could not be found.`],
    );
  });
});

it('says no password where the cloud is set to say none', async () => {
  const cloud = await startCloud({ enable_instance_password: false });
  try {
    const made = await cloud.compute('POST', '/servers', {
      body: { server: { name: 'x', imageRef: cloud.imageId, flavorRef: cloud.flavorId } },
    });
    assert.equal(made.status, 202);
    assert.ok(!('adminPass' in made.body.server));
    const { id } = made.body.server;
    await cloud.reaches(id, 'ACTIVE');
    const rescued = await cloud.compute('POST', `/servers/${id}/action`, { body: { rescue: null } });
    assert.deepEqual([rescued.status, rescued.body], [200, {}]);
    await cloud.reaches(id, 'RESCUE');
  } finally {
    await cloud[Symbol.asyncDispose]();
  }
});
