import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, reader, stranger } from '../../../platform/service/testing/world.ts';
import { type Cloud, eventually, startCloud } from '../testing/cloud.ts';

describe('images, as compute shows them', () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await startCloud();
  });
  after(() => cloud[Symbol.asyncDispose]());

  /** A snapshot of a server, once it is there. */
  async function snapshot(server: string, name: string, metadata: object = {}) {
    const made = await cloud.compute('POST', `/servers/${server}/action`, {
      body: { createImage: { name, metadata } },
    });
    assert.equal(made.status, 202, JSON.stringify(made.body));
    const id = made.headers.get('location')?.split('/').at(-1) as string;
    return eventually(`image ${id}`, async () => {
      const { body } = await cloud.compute('GET', `/images/${id}`);
      return body.image.status === 'ACTIVE' ? body.image : undefined;
    });
  }

  it('are the snapshots of servers too', async () => {
    const { id: server } = await cloud.server();
    const image = await snapshot(server, '₡one', { purpose: 'test', image_type: 'mine' });
    assert.equal(image.name, '₡one');
    assert.equal(image.progress, 100);
    assert.equal(image.metadata.purpose, 'test');
    assert.equal(image.metadata.image_type, 'mine');
    assert.equal(image.server.id, server);
    assert.ok(image['OS-EXT-IMG-SIZE:size'] > 0);
    assert.match(image.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(
      image.links.map(({ rel }: { rel: string }) => rel),
      ['self', 'bookmark', 'alternate'],
    );
  });

  it('are found by server, name, type, status and time, and in pages', async () => {
    const { id: server } = await cloud.server();
    const first = await snapshot(server, 'first');
    await cloud.reaches(server, 'ACTIVE');
    const second = await snapshot(server, 'second');
    const ids = async (query: string, detail = '') => {
      const { status, body } = await cloud.compute('GET', `/images${detail}?${query}`);
      assert.equal(status, 200, JSON.stringify(body));
      return body.images.map(({ id }: { id: string }) => id);
    };
    assert.deepEqual(await ids(`server=${server}`), [second.id, first.id]);
    assert.deepEqual(await ids(`server=${encodeURIComponent(second.server.links[1].href)}`, '/detail'), [
      second.id,
      first.id,
    ]);
    assert.deepEqual(await ids('name=first'), [first.id]);
    assert.deepEqual(await ids(`server=${server}&status=SAVING`), []);
    assert.ok(!(await ids('type=snapshot')).includes(cloud.imageId));
    assert.ok((await ids(`changes-since=${first.created}`)).includes(first.id));
    assert.deepEqual(await ids(`server=${server}&limit=1`), [second.id]);
    assert.deepEqual(await ids(`server=${server}&limit=1&marker=${second.id}`), [first.id]);
    const page = await cloud.compute('GET', '/images?limit=1');
    assert.match(page.body.images_links[0].href, /marker=/);
    assert.deepEqual(Object.keys(page.body.images[0]), ['id', 'name', 'links']);
    for (const bad of ['limit=-1', 'marker=nothing', 'changes-since=never', 'minRam=much'])
      assert.equal((await cloud.compute('GET', `/images?${bad}`)).status, 400, bad);
  });

  it("are other people's own", async () => {
    const { id: server } = await cloud.server();
    const { id } = await snapshot(server, 'mine');
    for (const [method, path, body] of [
      ['GET', `/images/${id}`],
      ['DELETE', `/images/${id}`],
      ['GET', `/images/${id}/metadata`],
      ['PUT', `/images/${id}/metadata`, { metadata: {} }],
    ] as const) {
      const { status } = await cloud.compute(method, path, { as: stranger, body });
      assert.equal(status, 404, `${method} ${path}`);
    }
    const theirs = await cloud.compute('GET', '/images', { as: stranger });
    assert.ok(!JSON.stringify(theirs.body).includes(id));
    assert.equal((await cloud.compute('DELETE', `/images/${id}`, { as: reader })).status, 403);
    assert.equal((await cloud.compute('DELETE', `/images/${cloud.imageId}`)).status, 403);
    const put = { as: reader, body: { metadata: { a: 'b' } } };
    assert.equal((await cloud.compute('PUT', `/images/${id}/metadata`, put)).status, 403);
    assert.equal((await cloud.compute('GET', `/images/${id}`)).status, 200);
  });

  it('are deleted, unless they are protected', async () => {
    const { id: server } = await cloud.server();
    const { id } = await snapshot(server, 'short-lived');
    const protect = (value: boolean) =>
      cloud.request('image', 'PATCH', `/v2/images/${id}`, {
        as: admin,
        headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
        body: [{ op: 'replace', path: '/protected', value }],
      });
    assert.equal((await protect(true)).status, 200);
    assert.equal((await cloud.compute('DELETE', `/images/${id}`)).status, 403);
    await protect(false);
    assert.equal((await cloud.compute('DELETE', `/images/${id}`)).status, 204);
    assert.equal((await cloud.compute('GET', `/images/${id}`)).status, 404);
    assert.equal((await cloud.compute('DELETE', `/images/${id}`)).status, 404);
    assert.equal((await cloud.compute('DELETE', '/images/')).status, 404);
  });

  it('have metadata that is read, added to, replaced and taken away', async () => {
    const { id: server } = await cloud.server();
    const { id } = await snapshot(server, 'described');
    const path = `/images/${id}/metadata`;
    const metadata = async () => (await cloud.compute('GET', path)).body.metadata;
    const put = await cloud.compute('PUT', path, { body: { metadata: { os_version: '1', 'a.b:c d': 'x' } } });
    assert.equal(put.status, 200, JSON.stringify(put.body));
    assert.deepEqual(await metadata(), { os_version: '1', 'a.b:c d': 'x' });
    await cloud.compute('POST', path, { body: { metadata: { os_distro: 'd', os_version: '2' } } });
    assert.deepEqual(await metadata(), { os_version: '2', os_distro: 'd', 'a.b:c d': 'x' });
    const one = { body: { meta: { os_distro: 'e' } } };
    assert.deepEqual((await cloud.compute('PUT', `${path}/os_distro`, one)).body, one.body);
    assert.deepEqual((await cloud.compute('GET', `${path}/os_distro`)).body, one.body);
    assert.equal((await cloud.compute('PUT', `${path}/other`, one)).status, 400);
    assert.equal((await cloud.compute('DELETE', `${path}/os_version`)).status, 204);
    assert.equal((await cloud.compute('DELETE', `${path}/os_version`)).status, 404);
    assert.equal((await cloud.compute('GET', `${path}/os_version`)).status, 404);
    assert.equal((await cloud.compute('PUT', path, { body: { metadata: { owner: 'me' } } })).status, 403);
    assert.equal((await cloud.compute('PUT', path, { body: { metadata: { '': '' } } })).status, 400);
    assert.equal((await cloud.compute('GET', path, { at: '2.38' })).status, 200);
    assert.equal((await cloud.compute('GET', path, { at: '2.39' })).status, 404);
  });

  it('are for the image service to show from 2.36 on', async () => {
    for (const path of ['/images', '/images/detail', `/images/${cloud.imageId}`]) {
      assert.equal((await cloud.compute('GET', path, { at: '2.35' })).status, 200, path);
      assert.equal((await cloud.compute('GET', path, { at: '2.36' })).status, 404, path);
    }
    assert.equal((await cloud.compute('GET', '/images', {})).body.images.length > 0, true);
  });
});
