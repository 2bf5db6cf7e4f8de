import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  admin,
  member,
  reader,
  startWorld,
  stranger,
  type World,
} from '../../../platform/service/testing/world.ts';
import { imageService } from '../contract.ts';
import { image } from '../service.ts';
import type { ImageProcess, ImageProcessQuestion } from '../testing/image-process.ts';
import { imagesIn } from '../testing/images.ts';

describe("an image's bytes", () => {
  let world: World;
  let images: ReturnType<typeof imagesIn>;
  const files = async () => readdir(join(world.stateDir, 'image', 'images'));
  before(async () => {
    world = await startWorld([image], { settings: { image_size_cap: 96 * 1024 * 1024 } });
    images = imagesIn(world);
  });
  after(() => world[Symbol.asyncDispose]());

  for (const [what, size] of [
    ['a kilobyte', 1024],
    ['nothing', 0],
    ['one block and a byte', 1024 * 1024 + 1],
    ['five megabytes', 5 * 1024 * 1024],
  ] as const) {
    it(`come back as they were uploaded: ${what}`, async () => {
      const { id } = await images.create(member);
      const bytes = randomBytes(size);
      const uploaded = await images.upload(member, id, bytes);
      assert.equal(uploaded.status, 204, String(uploaded.body));
      const { body } = await images.request('GET', `/v2/images/${id}`, { as: member });
      assert.equal(body.status, 'active');
      assert.equal(body.size, size);
      assert.equal(body.virtual_size, size);
      assert.equal(body.checksum, createHash('md5').update(bytes).digest('hex'));
      assert.equal(body.os_hash_algo, 'sha512');
      assert.equal(body.os_hash_value, createHash('sha512').update(bytes).digest('hex'));
      assert.equal(body.stores, 'file');
      const { status, headers, bytes: back } = await images.download(member, id);
      assert.equal(status, 200);
      assert.equal(headers.get('content-md5'), body.checksum);
      assert.equal(headers.get('content-length'), String(size));
      assert.deepEqual(back, bytes);
    });
  }

  it('are readable to the owner of the cloud only', async () => {
    const { id } = await images.create(member);
    await images.upload(member, id, randomBytes(10));
    const found = await stat(join(world.stateDir, 'image', 'images', id));
    assert.equal(found.mode & 0o777, 0o600);
  });

  it('are not there before they are uploaded', async () => {
    const { id } = await images.create(member);
    assert.equal((await images.download(member, id)).status, 204);
  });

  it('are given in part', async () => {
    const { id } = await images.create(member);
    const bytes = randomBytes(1000);
    await images.upload(member, id, bytes);
    const part = async (range: string) => images.download(member, id, { range });
    const middle = await part('bytes=10-19');
    assert.equal(middle.status, 206);
    assert.equal(middle.headers.get('content-range'), 'bytes 10-19/1000');
    assert.deepEqual(middle.bytes, bytes.subarray(10, 20));
    assert.deepEqual((await part('bytes=990-')).bytes, bytes.subarray(990));
    assert.deepEqual((await part('bytes=-5')).bytes, bytes.subarray(995));
    assert.deepEqual((await part('bytes=990-5000')).bytes, bytes.subarray(990));
    assert.equal((await part('bytes=1000-')).status, 416);
    assert.equal((await part('bytes=5-4')).status, 416);
    assert.equal((await part('lines=1-2')).status, 416);
    assert.equal((await part('bytes=0-1,5-6')).status, 400);
  });

  it('are described, not opened, for HEAD', async () => {
    const { id } = await images.create(member);
    await images.upload(member, id, randomBytes(1000));
    const { status, headers, bytes } = await images.download(member, id, {}, 'HEAD');
    assert.equal(status, 200);
    assert.equal(headers.get('content-length'), '1000');
    assert.equal(bytes.length, 0);
  });

  it('are uploaded once', async () => {
    const { id } = await images.create(member);
    assert.equal((await images.upload(member, id, randomBytes(10))).status, 204);
    const again = await images.upload(member, id, randomBytes(10));
    assert.equal(again.status, 409);
    assert.match(String(again.body), /Image status transition from active to saving is not allowed/);
  });

  it('of many images come at the same time, each with its own hash', async () => {
    const hashes = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        const bytes = randomBytes(2 * 1024 * 1024 + n * 100_000);
        const { id } = await images.create(member);
        assert.equal((await images.upload(member, id, bytes)).status, 204);
        const { body } = await images.request('GET', `/v2/images/${id}`, { as: member });
        assert.equal(body.os_hash_value, createHash('sha512').update(bytes).digest('hex'));
        assert.equal(body.checksum, createHash('md5').update(bytes).digest('hex'));
        return body.checksum;
      }),
    );
    assert.equal(new Set(hashes).size, 8);
  });

  it('are uploaded by one at a time', async () => {
    const { id } = await images.create(member);
    const { promise: go, resolve: finish } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const slow = images.upload(
      member,
      id,
      new ReadableStream({
        async pull(controller) {
          controller.enqueue(randomBytes(10));
          begin();
          await go;
          controller.close();
        },
      }),
    );
    await begun;
    await untilStatus(id, 'saving');
    assert.equal((await images.upload(member, id, randomBytes(10))).status, 409);
    assert.equal((await images.download(member, id)).status, 204);
    finish();
    assert.equal((await slow).status, 204);
  });

  it('leave nothing when the upload is interrupted, and can be uploaded again', async () => {
    const { id } = await images.create(member);
    const upload = httpRequest(`${world.urls['image']}/v2/images/${id}/file`, {
      method: 'PUT',
      headers: {
        'x-auth-token': world.tokenFor(member),
        'content-type': 'application/octet-stream',
        'content-length': '1000000',
      },
    });
    upload.on('error', () => {});
    upload.write(randomBytes(5000));
    await untilStatus(id, 'saving');
    upload.destroy();
    await untilStatus(id, 'queued');
    assert.deepEqual(
      (await files()).filter((name) => name.startsWith(id)),
      [],
    );
    assert.equal((await images.upload(member, id, randomBytes(10))).status, 204);
  });

  it('are gone when the image is deleted while they come', async () => {
    const { id } = await images.create(member);
    const upload = httpRequest(`${world.urls['image']}/v2/images/${id}/file`, {
      method: 'PUT',
      headers: { 'x-auth-token': world.tokenFor(member), 'content-type': 'application/octet-stream' },
    });
    upload.write(randomBytes(5000));
    await untilStatus(id, 'saving');
    assert.equal((await images.request('DELETE', `/v2/images/${id}`, { as: member })).status, 204);
    upload.end();
    const [response] = await once(upload, 'response');
    response.resume();
    assert.equal(response.statusCode, 410);
    assert.deepEqual(
      (await files()).filter((name) => name.startsWith(id)),
      [],
    );
  });

  it('are limited in size, said or unsaid', async () => {
    const { id } = await images.create(member);
    const tooLarge = await images.upload(member, id, randomBytes(10), {
      'x-openstack-image-size': String(96 * 1024 * 1024 + 1),
    });
    assert.equal(tooLarge.status, 413);
    let sent = 0;
    const unsaid = await images.upload(
      member,
      id,
      new ReadableStream({
        pull(controller) {
          sent += 1024 * 1024;
          if (sent > 98 * 1024 * 1024) controller.close();
          else controller.enqueue(new Uint8Array(1024 * 1024));
        },
      }),
    );
    assert.equal(unsaid.status, 413);
    const { body } = await images.request('GET', `/v2/images/${id}`, { as: member });
    assert.equal(body.status, 'queued');
    assert.deepEqual(
      (await files()).filter((name) => name.startsWith(id)),
      [],
    );
  });

  it('are refused when they are not what the image says, and lead nowhere else', async () => {
    const backed = Buffer.alloc(8 * 1024 * 1024);
    backed.writeUInt32BE(0x514649fb, 0);
    backed.writeUInt32BE(3, 4);
    backed.writeBigUInt64BE(512n, 8);
    for (const [disk_format, bytes, why] of [
      ['qcow2', randomBytes(1024), /Image disk_format qcow2 does not match stream data raw/],
      ['raw', backed.subarray(0, 1024), /backing file/],
      ['qcow2', backed.subarray(0, 1024), /backing file/],
    ] as const) {
      const { id } = await images.create(member, { disk_format });
      const refused = await images.upload(member, id, bytes);
      assert.equal(refused.status, 415);
      assert.match(String(refused.body), why);
      const { body } = await images.request('GET', `/v2/images/${id}`, { as: member });
      assert.equal(body.status, 'queued');
      assert.deepEqual(
        (await files()).filter((name) => name.startsWith(id)),
        [],
      );
    }
    // Long before the end, where the beginning says it already.
    const { id } = await images.create(member, { disk_format: 'qcow2' });
    const answered = Promise.withResolvers<void>();
    let sent = false;
    const refused = await images.upload(
      member,
      id,
      new ReadableStream({
        async pull(controller) {
          if (!sent) controller.enqueue(new Uint8Array(backed));
          else {
            await answered.promise;
            controller.close();
          }
          sent = true;
        },
      }),
    );
    answered.resolve();
    assert.equal(refused.status, 415);
  });

  it('need a format first, and the right content type', async () => {
    const made = await images.request('POST', '/v2/images', { as: member, body: { name: 'bald' } });
    const uploaded = await images.upload(member, made.body.id, randomBytes(10));
    assert.equal(uploaded.status, 400);
    assert.match(String(uploaded.body), /Properties disk_format, container_format must be set/);
    const { id } = await images.create(member);
    const json = await images.upload(member, id, Buffer.from('{}'), { 'content-type': 'application/json' });
    assert.equal(json.status, 415);
  });

  it('are for those who may use the image', async () => {
    const { id } = await images.create(member);
    assert.equal((await images.upload(reader, id, randomBytes(10))).status, 403);
    assert.equal((await images.upload(stranger, id, randomBytes(10))).status, 404);
    assert.equal((await images.upload(member, id, randomBytes(10))).status, 204);
    assert.equal((await images.download(reader, id)).status, 403);
    assert.equal((await images.download(stranger, id)).status, 404);
    assert.equal((await images.download(admin, id)).status, 200);
  });

  it('are withheld while the image is deactivated', async () => {
    const { id } = await images.create(member);
    const act = (action: string) =>
      images.request('POST', `/v2/images/${id}/actions/${action}`, { as: member });
    assert.equal((await act('deactivate')).status, 403);
    await images.upload(member, id, randomBytes(10));
    assert.equal((await act('deactivate')).status, 204);
    assert.equal((await images.download(member, id)).status, 403);
    assert.equal((await images.download(admin, id)).status, 200);
    const { locate } = world.bus.client(imageService);
    assert.equal(await locate({ id }), null);
    assert.equal((await act('reactivate')).status, 204);
    assert.equal((await images.download(member, id)).status, 200);
  });

  it('take the same memory however many they are', async () => {
    const child = fork(new URL('../testing/image-process.ts', import.meta.url));
    try {
      const [{ url, token }] = (await once(child, 'message')) as [ImageProcess];
      const ask = async (method: string, path: string, type: string, body: unknown): Promise<Response> => {
        const headers = { 'x-auth-token': token, 'content-type': type };
        return fetch(`${url}/v2/images${path}`, {
          method,
          headers,
          body,
          duplex: 'half',
        } as object);
      };
      const upload = async (megabytes: number): Promise<void> => {
        const formats = JSON.stringify({ disk_format: 'raw', container_format: 'bare' });
        const { id } = (await (await ask('POST', '', 'application/json', formats)).json()) as { id: string };
        let left = megabytes;
        const bytes = new ReadableStream({
          pull(controller) {
            if (left-- === 0) controller.close();
            else controller.enqueue(new Uint8Array(1024 * 1024));
          },
        });
        assert.equal((await ask('PUT', `/${id}/file`, 'application/octet-stream', bytes)).status, 204);
      };
      const peak = async (): Promise<number> => {
        child.send('peak' satisfies ImageProcessQuestion);
        return ((await once(child, 'message')) as [number])[0];
      };
      // The first starts threads, and collects as much garbage as the collector is used to.
      await upload(64);
      const first = await peak();
      await upload(256);
      const grown = ((await peak()) - first) / 2 ** 20;
      assert.ok(grown < 64, `256 MiB took ${grown.toFixed(0)} MiB more than 64 MiB had`);
    } finally {
      child.send('end' satisfies ImageProcessQuestion);
      await once(child, 'exit');
    }
  });

  /** Asks until the image is in a state. */
  async function untilStatus(id: string, status: string): Promise<void> {
    for (let tries = 0; tries < 1000; tries++) {
      const { body } = await images.request('GET', `/v2/images/${id}`, { as: member });
      if (body.status === status) return;
    }
    assert.fail(`image ${id} did not become ${status}`);
  }
});
