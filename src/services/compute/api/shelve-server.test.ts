import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, member, reader, stranger } from '../../../platform/service/testing/world.ts';
import { placementService } from '../../placement/contract.ts';
import { computeService } from '../contract.ts';
import { type Cloud, eventually, startCloud } from '../testing/cloud.ts';

/** An administrator of the member's own project, who sees where servers are. */
const own = { ...member, roles: admin.roles };

function asked(cloud: () => Cloud) {
  const act = (id: string, body: object, { as = member, at = '2.1' } = {}) =>
    cloud().compute('POST', `/servers/${id}/action`, { as, at, body });
  return {
    act,
    async done(id: string, body: object, status: string, options: { as?: typeof member; at?: string } = {}) {
      const { status: code, body: answer } = await act(id, body, options);
      assert.equal(code, 202, JSON.stringify(answer));
      return cloud().reaches(id, status, own);
    },
    async conflict(id: string, body: object, words: string, options = {}) {
      const refused = await act(id, body, options);
      assert.deepEqual([refused.status, refused.body.conflictingRequest?.message], [409, words]);
    },
    claimed: (id: string) => cloud().bus.client(placementService).allocations({ consumer: id }),
    portOf: async (id: string) =>
      (await cloud().request('network', 'GET', `/v2.0/ports?device_id=${id}`, { as: admin })).body.ports[0],
    imagesOf: async (id: string) =>
      (await cloud().request('image', 'GET', `/v2/images?instance_uuid=${id}`, { as: member })).body.images,
    actionsOf: async (id: string) =>
      (await cloud().compute('GET', `/servers/${id}/os-instance-actions`)).body.instanceActions.map(
        ({ action }: { action: string }) => action,
      ),
  };
}

describe('shelving servers', () => {
  let cloud: Cloud;
  const { act, done, conflict, claimed, portOf, imagesOf, actionsOf } = asked(() => cloud);
  before(async () => {
    cloud = await startCloud();
  });
  after(() => cloud[Symbol.asyncDispose]());

  const inState = (name: string, id: string, state: string) =>
    `Cannot '${name}' instance ${id} while it is in vm_state ${state}`;

  it('keeps a server as an image and leaves its host; later it is put back from that', async () => {
    const { id, ...server } = await cloud.server({ name: 'books' });
    const shelved = await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    assert.deepEqual(
      [
        shelved['OS-EXT-SRV-ATTR:host'],
        shelved['OS-EXT-SRV-ATTR:hypervisor_hostname'],
        shelved['hostId'],
        shelved['OS-EXT-STS:power_state'],
        shelved['OS-EXT-STS:vm_state'],
      ],
      [null, null, '', 4, 'shelved_offloaded'],
    );
    assert.deepEqual(shelved['addresses'], server['addresses']);
    const [image, ...others] = await imagesOf(id);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [image.name, image.status, image.image_type, image.base_image_ref, image.owner, image.min_disk],
      ['books-shelved', 'active', 'snapshot', cloud.imageId, member.projectId, 1],
    );
    assert.deepEqual(await claimed(id), {});
    const port = await portOf(id);
    assert.deepEqual([port['binding:host_id'], port['device_owner']], ['', 'compute:nova']);

    const back = await done(id, { unshelve: null }, 'ACTIVE');
    assert.deepEqual([back['OS-EXT-SRV-ATTR:host'], back['OS-EXT-STS:power_state']], ['host-1', 1]);
    assert.deepEqual(back['addresses'], server['addresses']);
    assert.equal((back['image'] as { id: string }).id, cloud.imageId);
    assert.equal((await portOf(id))['binding:host_id'], 'host-1');
    assert.equal(Object.keys(await claimed(id)).length, 1);
    assert.deepEqual(await imagesOf(id), []);
    assert.deepEqual(await actionsOf(id), ['unshelve', 'shelve', 'create']);
    // It can be done again, from any state in which its disk is its own.
    await done(id, { pause: null }, 'PAUSED');
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    await done(id, { unshelve: null }, 'ACTIVE');
    await done(id, { suspend: null }, 'SUSPENDED');
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    await done(id, { unshelve: null }, 'ACTIVE');
    await done(id, { 'os-stop': null }, 'SHUTOFF');
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    assert.equal((await done(id, { unshelve: null }, 'ACTIVE'))['OS-EXT-STS:power_state'], 1);
  });

  it('refuses what its state does not allow, and all else while it is shelved', async () => {
    const { id } = await cloud.server();
    await conflict(id, { unshelve: null }, inState('unshelve', id, 'active'));
    const offload = { as: own };
    await conflict(id, { shelveOffload: null }, inState('shelveOffload', id, 'active'), offload);
    await act(id, { lock: null });
    await conflict(id, { shelve: null }, `Instance ${id} is locked`);
    await act(id, { unlock: null });
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    await conflict(id, { shelve: null }, inState('shelve', id, 'shelved_offloaded'));
    await conflict(id, { shelveOffload: null }, inState('shelveOffload', id, 'shelved_offloaded'), offload);
    await conflict(id, { 'os-start': null }, inState('start', id, 'shelved_offloaded'));
    await conflict(id, { createImage: { name: 'x' } }, inState('createImage', id, 'shelved_offloaded'));
    await conflict(id, { 'os-getConsoleOutput': {} }, `Instance ${id} is not ready`);
  });

  it('is checked: what is asked, by whom, of which server', async () => {
    const { id } = await cloud.server();
    for (const name of ['shelve', 'unshelve', 'shelveOffload']) {
      assert.equal((await act(id, { [name]: null }, { as: reader })).status, 403);
      assert.equal((await act(id, { [name]: null }, { as: stranger })).status, 404);
      assert.equal((await act('nothing', { [name]: null })).status, 404);
    }
    assert.equal((await act(id, { shelveOffload: null })).status, 403);
    for (const [at, wrong] of [
      ['2.77', {}],
      ['2.77', { host: 'host-1' }],
      ['2.77', { availability_zone: null }],
      ['2.77', 'nova'],
      ['2.91', { availability_zone: 7 }],
      ['2.91', { host: null }],
      ['2.91', { other: 'x' }],
    ] as const)
      assert.equal(
        (await act(id, { unshelve: wrong }, { at })).status,
        400,
        `${at} ${JSON.stringify(wrong)}`,
      );
  });

  it('deletes the image with the server, unless somebody has protected it', async () => {
    const { id } = await cloud.server();
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    assert.equal((await cloud.compute('DELETE', `/servers/${id}`)).status, 204);
    await cloud.gone(id);
    assert.deepEqual(await imagesOf(id), []);
    assert.equal(await portOf(id), undefined);
    const { id: other } = await cloud.server();
    await done(other, { shelve: null }, 'SHELVED_OFFLOADED');
    const [{ id: image }] = await imagesOf(other);
    await cloud.request('image', 'PATCH', `/v2/images/${image}`, {
      as: member,
      body: [{ op: 'replace', path: '/protected', value: true }],
      headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
    });
    await cloud.compute('DELETE', `/servers/${other}`);
    await cloud.gone(other);
    assert.equal((await imagesOf(other)).length, 1);
  });

  it('ends in ERROR where the image is gone', async () => {
    const { id } = await cloud.server();
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    const [{ id: image }] = await imagesOf(id);
    await cloud.request('image', 'DELETE', `/v2/images/${image}`, { as: member });
    assert.equal((await act(id, { unshelve: null })).status, 202);
    const lost = await cloud.reaches(id, 'ERROR');
    assert.match(
      (lost['fault'] as { message: string }).message,
      new RegExp(`image ${image} cannot be found`),
    );
    assert.deepEqual(await claimed(id), {});
  });

  it('holds on to the quota of what it shelves', async () => {
    const used = async () =>
      (await cloud.compute('GET', '/limits')).body.limits.absolute.totalInstancesUsed as number;
    const { id } = await cloud.server();
    const taken = await used();
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    assert.equal(await used(), taken);
  });

  it('lets a host that was away destroy what it has of a server that left it', async () => {
    const { id } = await cloud.server();
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    const guests = [{ serverId: id, powerState: 'shutdown' }];
    const service = cloud.bus.client(computeService);
    const verdict = await service.reconcileGuests({ host: 'host-1', guests, resume: true });
    assert.deepEqual(verdict, { destroy: [id], start: [] });
  });
});

describe('unshelving', () => {
  let cloud: Cloud;
  const { act, done, conflict, portOf } = asked(() => cloud);
  before(async () => {
    cloud = await startCloud();
  });
  after(() => cloud[Symbol.asyncDispose]());

  it('puts a server back into another zone, onto a named host, or anywhere', async () => {
    const { id } = await cloud.server({ availability_zone: 'nova' });
    const zone = (availability_zone: string | null, more = {}) => ({
      unshelve: { availability_zone, ...more },
    });
    await conflict(id, zone('nova'), `Cannot 'unshelve' instance ${id} while it is in vm_state active`, {
      at: '2.77',
    });
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    const refused = async (body: object, as = member) => {
      const { status, body: answer } = await act(id, body, { as, at: '2.91' });
      return [status, (answer.badRequest ?? answer.conflictingRequest ?? answer.forbidden)?.message];
    };
    const unavailable = [400, 'The requested availability zone is not available'];
    assert.deepEqual(await refused(zone('mars')), unavailable);
    assert.equal((await refused({ unshelve: { host: 'host-1' } }))[0], 403);
    assert.deepEqual(await refused({ unshelve: { host: 'host-9' } }, own), [
      400,
      'Compute host host-9 could not be found.',
    ]);
    const made = await cloud.compute('POST', '/os-aggregates', {
      as: admin,
      body: { aggregate: { name: 'a', availability_zone: 'west' } },
    });
    const path = `/os-aggregates/${made.body.aggregate.id}/action`;
    const added = await cloud.compute('POST', path, { as: admin, body: { add_host: { host: 'host-1' } } });
    assert.equal(added.status, 200, JSON.stringify(added.body));
    assert.deepEqual(await refused({ unshelve: { host: 'host-1' } }, own), [
      409,
      'Host "host-1" is not in the availability zone "nova".',
    ]);
    // It is pinned to a zone that has no host any more.
    assert.equal((await act(id, { unshelve: null })).status, 202);
    await eventually('scheduling to fail', async () => {
      const [last] = (await cloud.compute('GET', `/servers/${id}/os-instance-actions`)).body.instanceActions;
      return last.message === 'Error' ? true : undefined;
    });
    await cloud.reaches(id, 'SHELVED_OFFLOADED');
    const back = await done(id, zone('west', { host: 'host-1' }), 'ACTIVE', { as: own, at: '2.91' });
    assert.equal(back['OS-EXT-AZ:availability_zone'], 'west');
    const pinned = async () =>
      (await cloud.compute('GET', `/servers/${id}`, { at: '2.96' })).body.server.pinned_availability_zone;
    assert.equal(await pinned(), 'west');
    assert.equal((await portOf(id)).device_owner, 'compute:west');
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    await done(id, zone(null), 'ACTIVE', { at: '2.91' });
    assert.equal(await pinned(), null);
  });
});

describe('shelving servers that stay on their hosts', () => {
  let cloud: Cloud;
  const { act, done, conflict, claimed, imagesOf, portOf, actionsOf } = asked(() => cloud);
  before(async () => {
    cloud = await startCloud({ shelved_offload_time: -1 });
  });
  after(() => cloud[Symbol.asyncDispose]());

  it('starts them there, or takes them off when an administrator asks', async () => {
    const { id } = await cloud.server();
    const shelved = await done(id, { shelve: null }, 'SHELVED');
    assert.deepEqual([shelved['OS-EXT-SRV-ATTR:host'], shelved['OS-EXT-STS:power_state']], ['host-1', 4]);
    assert.equal(Object.keys(await claimed(id)).length, 1);
    assert.equal((await portOf(id))['binding:host_id'], 'host-1');
    await conflict(
      id,
      { unshelve: { availability_zone: 'nova' } },
      `Specifying an availability zone or a host when unshelving server "${id}" with status "shelved" is not supported. The server status must be SHELVED_OFFLOADED.`,
      { at: '2.77' },
    );
    await done(id, { unshelve: null }, 'ACTIVE');
    assert.deepEqual(await imagesOf(id), []);
    await done(id, { shelve: null }, 'SHELVED');
    await done(id, { shelveOffload: null }, 'SHELVED_OFFLOADED', { as: own });
    assert.deepEqual(await claimed(id), {});
    assert.equal((await imagesOf(id)).length, 1);
    // Before 2.77 nothing that is said beside it counts.
    await done(id, { unshelve: { availability_zone: 'mars' } }, 'ACTIVE');
    assert.deepEqual(await actionsOf(id), [
      'unshelve',
      'shelveOffload',
      'shelve',
      'unshelve',
      'shelve',
      'create',
    ]);
  });

  it('is seen as it is, whatever its guest was before', async () => {
    const { id } = await cloud.server();
    await done(id, { suspend: null }, 'SUSPENDED');
    await done(id, { shelve: null }, 'SHELVED');
    const guests = [{ serverId: id, powerState: 'suspended' }];
    const service = cloud.bus.client(computeService);
    await service.reconcileGuests({ host: 'host-1', guests, resume: true });
    assert.equal((await cloud.reaches(id, 'SHELVED'))['OS-EXT-STS:power_state'], 4);
    assert.equal((await done(id, { unshelve: null }, 'ACTIVE'))['OS-EXT-STS:power_state'], 1);
    assert.equal((await act(id, { resume: null })).status, 409);
  });
});

it('takes servers off their hosts that have been shelved for long enough', async () => {
  const cloud = await startCloud({ shelved_offload_time: 1, shelved_poll_interval: 1 });
  try {
    const { done, claimed } = asked(() => cloud);
    const { id } = await cloud.server();
    await done(id, { shelve: null }, 'SHELVED_OFFLOADED');
    assert.deepEqual(await claimed(id), {});
  } finally {
    await cloud[Symbol.asyncDispose]();
  }
});
