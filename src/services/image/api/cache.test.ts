import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { admin, member, startWorld, type World } from '../../../platform/service/testing/world.ts';
import { imageService } from '../contract.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';
import { type RunningWeb, startWeb } from '../testing/web-server.ts';

describe('the cache of images', () => {
  let web: RunningWeb;
  let world: World;
  let images: ReturnType<typeof imagesIn>;
  let asked = 0;
  const bytes = randomBytes(1_500_000);
  const folder = () => join(world.stateDir, 'image', 'cache');
  before(async () => {
    web = await startWeb();
    web.answers.set('/disk', (request, response) => {
      if (request.method === 'GET') asked++;
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    });
    world = await startWorld([image], {
      settings: {
        enabled_backends: 'file:file, web:http',
        image_cache_max_size: 4_000_000,
        allowed_ports: [String(web.port)],
      },
    });
    images = imagesIn(world);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
  });

  const ask = (method: string, path = '', as = admin, headers: Record<string, string> = {}) =>
    images.request(method, `/v2/cache${path}`, { as, headers });
  const state = async () => (await ask('GET')).body;
  const cachedIds = async (): Promise<string[]> =>
    (await state()).cached_images.map(({ image_id }: { image_id: string }) => image_id);
  async function until(so: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 2000; tries++) {
      if (await so()) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.fail('it never came to that');
  }
  const uploaded = async (data = bytes): Promise<string> => {
    const { id } = await images.create(member);
    await images.upload(member, id, data);
    return id;
  };
  const remote = async (): Promise<string> => {
    const { id } = await images.create(member);
    await images.request('POST', `/v2/images/${id}/locations`, {
      as: member,
      body: { url: `${web.origin}/disk` },
    });
    await until(
      async () =>
        (await images.request('GET', `/v2/images/${id}`, { as: member })).body.os_glance_import_task ===
          undefined &&
        (await images.request('GET', `/v2/images/${id}`, { as: member })).body.status === 'active',
    );
    return id;
  };

  it('fetches what is queued, and says so', async () => {
    const id = await uploaded();
    assert.equal((await ask('PUT', `/${id}`)).status, 202);
    await until(async () => (await cachedIds()).includes(id));
    const { cached_images: cached, queued_images: queued } = await state();
    assert.deepEqual(queued, []);
    assert.deepEqual([cached[0].size, cached[0].hits], [bytes.length, 0]);
    assert.deepEqual(await readdir(folder()), [id]);
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    await until(async () => (await state()).cached_images[0].hits === 1);
    assert.equal((await ask('DELETE', `/${id}`)).status, 204);
    assert.deepEqual(await state(), { cached_images: [], queued_images: [] });
    assert.deepEqual(await readdir(folder()), []);
    assert.deepEqual((await images.download(member, id)).bytes, bytes, 'the image itself stays');
  });

  it('keeps a remote image once it was read, and reads it no more from there', async () => {
    const id = await remote();
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    await until(async () => (await cachedIds()).includes(id));
    const askedBefore = asked;
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    const part = await images.download(member, id, { range: 'bytes=7-9' });
    assert.deepEqual(part.bytes, bytes.subarray(7, 10));
    const piece = await world.bus.client(imageService).read({ id, offset: 100, length: 50 });
    assert.deepEqual(Buffer.from(piece.bytes, 'base64'), bytes.subarray(100, 150));
    assert.equal(asked, askedBefore);
    await images.request('DELETE', `/v2/images/${id}`, { as: member });
    assert.deepEqual(await readdir(folder()), []);
  });

  it('does not believe a server that sends something else than it did', async () => {
    const id = await remote();
    web.answers.set('/disk', (_, response) =>
      response.writeHead(200, { 'content-length': bytes.length }).end(randomBytes(bytes.length)),
    );
    await ask('PUT', `/${id}`);
    await until(async () => (await state()).queued_images.length === 0);
    assert.deepEqual(await state(), { cached_images: [], queued_images: [] });
    assert.deepEqual(await readdir(folder()), []);
  });

  it('keeps within its size, and removes first what was read longest ago', async () => {
    const ids = [await uploaded(), await uploaded(), await uploaded()];
    for (const id of ids) {
      await ask('PUT', `/${id}`);
      await until(async () => (await state()).queued_images.length === 0);
    }
    assert.deepEqual(await cachedIds(), ids.slice(1));
    const pruned = await ask('POST', '/prune');
    assert.deepEqual([pruned.status, pruned.body], [200, { total_files_pruned: 0, total_bytes_pruned: 0 }]);
    assert.equal((await ask('DELETE', '', admin, { 'x-image-cache-clear-target': 'all' })).status, 400);
    assert.equal((await ask('DELETE', '', admin, { 'x-image-cache-clear-target': 'queue' })).status, 204);
    assert.equal((await cachedIds()).length, 2);
    assert.equal((await ask('DELETE')).status, 204);
    assert.deepEqual(await readdir(folder()), []);
  });

  it('is cleaned of what is no image, and forgets files that are gone', async () => {
    const id = await uploaded();
    await ask('PUT', `/${id}`);
    await until(async () => (await cachedIds()).includes(id));
    await writeFile(join(folder(), randomUUID()), 'nobody');
    await unlink(join(folder(), id));
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    assert.equal((await ask('POST', '/clean')).status, 200);
    assert.deepEqual(await readdir(folder()), []);
    assert.deepEqual(await cachedIds(), []);
  });

  it('is for administrators, and for images that are there', async () => {
    const { id } = await images.create(member);
    assert.equal((await ask('PUT', `/${id}`)).status, 400);
    assert.equal((await ask('PUT', '/non-existing-image-id')).status, 404);
    assert.equal((await ask('DELETE', `/${randomUUID()}`)).status, 404);
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['PUT', `/${id}`],
      ['DELETE', `/${id}`],
      ['POST', '/clean'],
      ['POST', '/prune'],
    ] as const)
      assert.equal((await ask(method, path, member)).status, 403, `${method} ${path}`);
    assert.equal((await images.request('GET', '/v2/cache')).status, 401);
  });

  it('may be switched off', async () => {
    const off = await startWorld([image], { settings: { image_cache_dir: '' } });
    assert.equal((await off.request('image', 'GET', '/v2/cache', { as: admin })).status, 404);
    await off[Symbol.asyncDispose]();
  });
});
