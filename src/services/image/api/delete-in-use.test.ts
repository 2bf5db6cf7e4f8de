import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { NotFound } from '../../../platform/errors/errors.ts';
import { member, startWorld, type World } from '../../../platform/service/testing/world.ts';
import { imageService } from '../contract.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';
import { type RunningS3, startS3 } from '../testing/s3-server.ts';

/** More than what lies between a server and a client that does not read. */
const bytes = randomBytes(40 * 2 ** 20);
const hashOf = (of: Buffer) => createHash('sha256').update(of).digest('hex');

describe('an image that is deleted', () => {
  let s3: RunningS3;
  let world: World;
  let images: ReturnType<typeof imagesIn>;
  before(async () => {
    s3 = await startS3();
    const { host, bucket, accessKey, secretKey } = s3.options;
    const objects = {
      s3_store_host: host,
      s3_store_bucket: bucket,
      s3_store_access_key: accessKey,
      s3_store_secret_key: secretKey,
      s3_store_large_object_chunk_size: 5,
    };
    world = await startWorld([image], {
      settings: { enabled_backends: 'file:file, objects:s3', stores: { objects }, image_cache_dir: '' },
    });
    images = imagesIn(world);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await s3[Symbol.asyncDispose]();
  });

  const remove = async (id: string) =>
    assert.equal((await images.request('DELETE', `/v2/images/${id}`, { as: member })).status, 204);
  const ask = (method: string, id: string, headers: object = {}) =>
    httpRequest(`${world.urls['image']}/v2/images/${id}/file`, {
      method,
      headers: { 'x-auth-token': world.tokenFor(member), ...headers },
    });
  const nothing = async () => {
    assert.deepEqual(await readdir(join(world.stateDir, 'image', 'images')), []);
    assert.deepEqual([await s3.objects(), await s3.uploads()], [[], []]);
  };

  it('while it is downloaded comes to its end', async () => {
    const { id } = await images.create(member);
    assert.equal((await images.upload(member, id, bytes)).status, 204);
    const download = ask('GET', id);
    download.end();
    const [response] = (await once(download, 'response')) as [IncomingMessage];
    // Some of it has come; nobody reads the rest yet.
    await once(response, 'readable');
    await remove(id);
    await nothing();
    assert.equal((await images.download(member, id)).status, 404);
    const read = Buffer.concat(await response.toArray());
    assert.equal(read.length, bytes.length);
    assert.equal(hashOf(read), hashOf(bytes));
  });

  it('while it is read by compute’s hosts is not found by the next piece', async () => {
    const { id } = await images.create(member);
    assert.equal((await images.upload(member, id, bytes)).status, 204);
    const client = world.bus.client(imageService);
    const first = await client.read({ id, offset: 0, length: 1000 });
    assert.deepEqual(Buffer.from(first.bytes, 'base64'), bytes.subarray(0, 1000));
    await remove(id);
    await assert.rejects(client.read({ id, offset: 1000, length: 1000 }), NotFound);
    assert.equal(await client.locate({ id }), null);
    await nothing();
  });

  it('while it is uploaded in parts of an object leaves none of them', async () => {
    const { id } = await images.create(member);
    const upload = ask('PUT', id, {
      'content-type': 'application/octet-stream',
      'x-image-meta-store': 'objects',
    });
    const answered = once(upload, 'response') as Promise<[IncomingMessage]>;
    upload.write(bytes.subarray(0, 12 * 2 ** 20));
    while ((await s3.uploads()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await remove(id);
    upload.end();
    const [response] = await answered;
    response.resume();
    assert.equal(response.statusCode, 410);
    await nothing();
  });
});
