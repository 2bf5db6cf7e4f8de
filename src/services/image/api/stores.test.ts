import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { admin, member, startWorld, stranger, type World } from '../../../platform/service/testing/world.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';
import { type RunningS3, startS3 } from '../testing/s3-server.ts';

describe('several stores', () => {
  let world: World;
  let images: ReturnType<typeof imagesIn>;
  let s3: RunningS3;
  const inFolder = (name: string) => readdir(join(world.stateDir, 'image', name));
  before(async () => {
    s3 = await startS3();
    world = await startWorld([image], {
      settings: {
        enabled_backends: 'fast:file, archive:file, objects:s3, web:http',
        default_backend: 'archive',
        stores: {
          fast: { weight: 10, store_description: 'Solid' },
          objects: {
            s3_store_host: s3.options.host,
            s3_store_bucket: 'images',
            s3_store_access_key: 'S3RVER',
            s3_store_secret_key: 'S3RVER',
            s3_store_large_object_chunk_size: 5,
          },
        },
      },
    });
    images = imagesIn(world);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await s3[Symbol.asyncDispose]();
  });

  it('are listed for everybody, and what they are made of for administrators', async () => {
    const { body } = await images.request('GET', '/v2/info/stores', { as: stranger });
    assert.deepEqual(body.stores, [
      { id: 'fast', description: 'Solid' },
      { id: 'archive', description: 'Files on the host of the image service', default: 'true' },
      { id: 'objects', description: 'Objects in an S3 bucket' },
      { id: 'web', description: 'Images on web servers', 'read-only': 'true' },
    ]);
    assert.equal((await images.request('GET', '/v2/info/stores/detail', { as: member })).status, 403);
    assert.equal((await images.request('GET', '/v2/info/stores/detail')).status, 401);
    const detail = await images.request('GET', '/v2/info/stores/detail', { as: admin });
    assert.equal(detail.status, 200);
    assert.deepEqual(
      detail.body.stores.map(({ id, type, weight }: Record<string, unknown>) => [id, type, weight]),
      [
        ['fast', 'file', 10],
        ['archive', 'file', 0],
        ['objects', 's3', 0],
        ['web', 'http', 0],
      ],
    );
    assert.equal(detail.body.stores[0].properties.data_dir, join(world.stateDir, 'image', 'images'));
    assert.doesNotMatch(JSON.stringify(detail.body), /S3RVER/);
  });

  for (const [store, size] of [
    ['archive', 1000],
    ['fast', 3_000_000],
    ['objects', 12_000_000],
  ] as const)
    it(`take uploads that name them, as a whole and in parts: ${store}`, async () => {
      const made = await images.request('POST', '/v2/images', {
        as: member,
        body: { disk_format: 'raw', container_format: 'bare' },
      });
      assert.equal(made.headers.get('openstack-image-store-ids'), 'fast,archive,objects,web');
      const { id } = made.body;
      const bytes = randomBytes(size);
      const headers = store === 'archive' ? undefined : { 'x-image-meta-store': store };
      assert.equal((await images.upload(member, id, bytes, headers)).status, 204);
      const { body } = await images.request('GET', `/v2/images/${id}`, { as: member });
      assert.equal(body.stores, store);
      assert.deepEqual((await images.download(member, id)).bytes, bytes);
      const part = await images.download(member, id, { range: 'bytes=10-19' });
      assert.deepEqual([part.status, part.bytes], [206, bytes.subarray(10, 20)]);
      assert.equal((await images.request('DELETE', `/v2/images/${id}`, { as: member })).status, 204);
      assert.deepEqual(await inFolder('images'), []);
      assert.deepEqual(await inFolder('images-archive'), []);
    });

  it('refuse uploads that they cannot take, and leave the image queued', async () => {
    const { id } = await images.create(member);
    const put = (store: string) =>
      images.upload(member, id, randomBytes(10), { 'x-image-meta-store': store });
    assert.equal((await put('nowhere')).status, 400);
    assert.equal((await put('web')).status, 410);
    assert.equal((await images.request('GET', `/v2/images/${id}`, { as: member })).body.status, 'queued');
  });

  it('are not to be emptied of an image by those who may not, nor of its last bytes', async () => {
    const { id } = await images.create(member);
    const remove = (store: string, as = admin, of = id) =>
      images.request('DELETE', `/v2/stores/${store}/${of}`, { as });
    assert.equal((await remove('archive')).status, 409);
    await images.upload(member, id, randomBytes(10));
    assert.equal((await remove('archive', member)).status, 403);
    assert.equal((await remove('archive', stranger)).status, 404);
    assert.equal((await remove('nowhere')).status, 409);
    for (const store of ['fast', 'archive']) {
      const { status, body } = await remove(store);
      assert.equal(status, 403);
      assert.match(String(body), /the only store containing it/);
    }
    assert.equal((await remove('archive', admin, randomUUID())).status, 404);
  });

  it('must make sense', async () => {
    for (const [settings, problem] of [
      [{ enabled_backends: 'a:tape' }, /unknown kind, 'tape'/],
      [{ enabled_backends: 'a:file', default_backend: 'b' }, /no image store called 'b'/],
      [{ enabled_backends: 'a:s3' }, /a needs s3_store_host/],
      [{ enabled_backends: 'os_glance_x:file' }, /no name for a store/],
      [{ stores: { b: {} } }, /'b' is not among enabled_backends/],
      [{ enabled_backends: '' }, /at least one store/],
    ] as const)
      await assert.rejects(startWorld([image], { settings }), problem);
  });
});
