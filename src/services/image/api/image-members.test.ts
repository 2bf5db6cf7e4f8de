import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  admin,
  member as owner,
  startWorld,
  stranger,
  type World,
} from '../../../platform/service/testing/world.ts';
import { imageService } from '../contract.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';

describe("an image's members", () => {
  let world: World;
  let images: ReturnType<typeof imagesIn>;
  const other = { ...stranger, projectId: 'd'.repeat(32) };
  before(async () => {
    world = await startWorld([image], { settings: { image_member_quota: 2 } });
    images = imagesIn(world);
  });
  after(() => world[Symbol.asyncDispose]());
  const share = (id: string, project: unknown, as = owner) =>
    images.request('POST', `/v2/images/${id}/members`, { as, body: { member: project } });
  const answerWith = (id: string, status: unknown, as = stranger) =>
    images.request('PUT', `/v2/images/${id}/members/${stranger.projectId}`, { as, body: { status } });
  const listed = async (id: string, query = '') => {
    const { body } = await images.request('GET', `/v2/images${query}`, { as: stranger });
    return body.images.some((each: { id: string }) => each.id === id);
  };

  it('see it at once, and have it in their lists when they took it', async () => {
    const { id } = await images.create(owner);
    assert.equal((await images.request('GET', `/v2/images/${id}`, { as: stranger })).status, 404);
    const shared = await share(id, stranger.projectId);
    assert.equal(shared.status, 200);
    assert.deepEqual(
      { ...shared.body, created_at: 0, updated_at: 0 },
      {
        member_id: stranger.projectId,
        image_id: id,
        status: 'pending',
        created_at: 0,
        updated_at: 0,
        schema: '/v2/schemas/member',
      },
    );
    assert.equal((await images.request('GET', `/v2/images/${id}`, { as: stranger })).status, 200);
    assert.equal(await listed(id), false);
    assert.equal(await listed(id, '?member_status=pending&visibility=shared'), true);
    assert.equal((await answerWith(id, 'accepted')).body.status, 'accepted');
    assert.equal(await listed(id), true);
    assert.equal((await answerWith(id, 'rejected')).body.status, 'rejected');
    assert.equal(await listed(id), false);
    assert.equal(await listed(id, '?member_status=all'), true);
    assert.equal((await images.request('GET', `/v2/images/${id}`, { as: other })).status, 404);
  });

  it('may use it over the bus, and nobody else', async () => {
    const { id } = await images.create(owner);
    const client = world.bus.client(imageService);
    const stranger_ = { id, projectId: stranger.projectId as string };
    assert.equal(await client.image(stranger_), null);
    await share(id, stranger.projectId);
    assert.equal((await client.image(stranger_))?.id, id);
    assert.equal(await client.image({ id }), null);
    assert.equal((await client.image({ id, admin: true }))?.id, id);
  });

  it('are listed to the owner; each of them sees itself only', async () => {
    const { id } = await images.create(owner);
    await share(id, stranger.projectId);
    await share(id, other.projectId);
    const members = async (as: typeof owner) =>
      (await images.request('GET', `/v2/images/${id}/members`, { as })).body.members.map(
        ({ member_id }: { member_id: string }) => member_id,
      );
    assert.deepEqual(await members(owner), [stranger.projectId, other.projectId]);
    assert.deepEqual(await members(admin), [stranger.projectId, other.projectId]);
    assert.deepEqual(await members(stranger), [stranger.projectId]);
    const show = (as: typeof owner, project = other.projectId) =>
      images.request('GET', `/v2/images/${id}/members/${project}`, { as });
    assert.equal((await show(owner)).status, 200);
    assert.equal((await show(stranger)).status, 404);
    assert.equal((await show(stranger, stranger.projectId)).status, 200);
  });

  it('are taken back by the owner, not by themselves', async () => {
    const { id } = await images.create(owner);
    await share(id, stranger.projectId);
    const path = `/v2/images/${id}/members/${stranger.projectId}`;
    assert.equal((await images.request('DELETE', path, { as: stranger })).status, 403);
    assert.equal((await images.request('DELETE', path, { as: owner })).status, 204);
    assert.equal((await images.request('DELETE', path, { as: owner })).status, 404);
    assert.equal((await images.request('GET', `/v2/images/${id}`, { as: stranger })).status, 404);
  });

  it('answer for themselves: the owner cannot, nor with another word', async () => {
    const { id } = await images.create(owner);
    await share(id, stranger.projectId);
    assert.equal((await answerWith(id, 'accepted', owner)).status, 403);
    assert.equal((await answerWith(id, 'perhaps')).status, 400);
    assert.equal(
      (
        await images.request('PUT', `/v2/images/${id}/members/${stranger.projectId}`, {
          as: stranger,
          body: {},
        })
      ).status,
      400,
    );
    await share(id, other.projectId);
    const foreign = await images.request('PUT', `/v2/images/${id}/members/${other.projectId}`, {
      as: stranger,
      body: { status: 'accepted' },
    });
    assert.equal(foreign.status, 403);
  });

  it('are of shared images only, once each, and not too many', async () => {
    const lonely = await images.create(owner, { visibility: 'private' });
    assert.equal((await share(lonely.id, stranger.projectId)).status, 403);
    const { id } = await images.create(owner);
    assert.equal((await share(id, stranger.projectId)).status, 200);
    assert.equal((await share(id, stranger.projectId)).status, 409);
    assert.equal((await share(id, other.projectId)).status, 200);
    assert.equal((await share(id, 'e'.repeat(32))).status, 413);
    assert.equal((await share(id, '')).status, 400);
    assert.equal((await share(id, 'x'.repeat(256))).status, 400);
    assert.equal((await share(id, other.projectId, stranger)).status, 403);
    assert.equal((await share(id, other.projectId, { ...other, projectId: 'e'.repeat(32) })).status, 404);
  });

  it('know its tags, which only the owner changes', async () => {
    const { id } = await images.create(owner);
    await share(id, stranger.projectId);
    const tag = (method: string, name: string, as = owner) =>
      images.request(method, `/v2/images/${id}/tags/${name}`, { as });
    assert.equal((await tag('PUT', 'blue')).status, 204);
    assert.equal((await tag('PUT', 'blue')).status, 204);
    const { body } = await images.request('GET', `/v2/images/${id}`, { as: stranger });
    assert.deepEqual(body.tags, ['blue']);
    assert.equal((await tag('PUT', 'red', stranger)).status, 403);
    assert.equal((await tag('PUT', 'x'.repeat(256))).status, 400);
    assert.equal((await tag('DELETE', 'blue')).status, 204);
    assert.equal((await tag('DELETE', 'blue')).status, 404);
  });
});
