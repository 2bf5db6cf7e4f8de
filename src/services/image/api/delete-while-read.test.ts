import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { member, startWorld, type World } from '../../../platform/service/testing/world.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';
import { type RunningS3, startS3 } from '../testing/s3-server.ts';

describe('an image that is deleted while somebody reads it', () => {
  let world: World;
  let s3: RunningS3;
  let images: ReturnType<typeof imagesIn>;
  /** More than all the buffers between a store and a client take. */
  const bytes = randomBytes(48 * 2 ** 20);
  const complaints: unknown[] = [];
  before(async () => {
    s3 = await startS3();
    const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => void complaints.push(fields) };
    world = await startWorld([image], {
      log,
      settings: {
        enabled_backends: 'file:file, objects:s3',
        stores: {
          objects: {
            s3_store_host: s3.options.host,
            s3_store_bucket: s3.options.bucket,
            s3_store_access_key: s3.options.accessKey,
            s3_store_secret_key: s3.options.secretKey,
          },
        },
        image_cache_dir: '',
      },
    });
    images = imagesIn(world);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await s3[Symbol.asyncDispose]();
  });

  /** A client that has the head of an answer, and waits with the rest. */
  async function reading(store: string): Promise<{ id: string; response: IncomingMessage }> {
    const { id } = await images.create(member);
    const uploaded = await images.upload(member, id, bytes, { 'x-image-meta-store': store });
    assert.equal(uploaded.status, 204, String(uploaded.body));
    const asked = get(`${world.urls['image']}/v2/images/${id}/file`, {
      headers: { 'x-auth-token': world.tokenFor(member) },
      agent: false,
    });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return { id, response };
  }
  const remove = (id: string) => images.request('DELETE', `/v2/images/${id}`, { as: member });

  for (const store of ['file', 'objects'])
    it(`comes to its end: ${store}`, async () => {
      const { id, response } = await reading(store);
      assert.equal((await remove(id)).status, 204);
      assert.deepEqual(await s3.objects(), []);
      assert.ok((await buffer(response)).equals(bytes));
      assert.equal((await images.download(member, id)).status, 404);
      assert.deepEqual(complaints, []);
    });

  it('breaks off where the object store breaks off, and is never taken for whole', async () => {
    const { id, response } = await reading('objects');
    assert.equal((await remove(id)).status, 204);
    s3.breakConnections();
    await assert.rejects(buffer(response), { code: 'ECONNRESET' });
    assert.equal(complaints.length, 1);
  });

  it('is not found where its object goes between its record and its bytes', async () => {
    const { id } = await images.create(member);
    await images.upload(member, id, bytes.subarray(0, 1000), { 'x-image-meta-store': 'objects' });
    const asked = s3.hold('before', ({ method, url }) => method === 'GET' && url.includes(id));
    const download = images.download(member, id);
    const release = await asked;
    assert.equal((await remove(id)).status, 204);
    release();
    const { status, bytes: said } = await download;
    assert.equal(status, 404, String(said));
  });
});
