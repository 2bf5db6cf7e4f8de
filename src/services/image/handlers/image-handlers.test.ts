import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Credentials } from '../../../platform/auth/credentials.ts';
import { withContext } from '../../../platform/context/context.ts';
import {
  BadRequest,
  Conflict,
  Forbidden,
  NotFound,
  Unauthorized,
  UnsupportedMediaType,
} from '../../../platform/errors/errors.ts';
import {
  type Caller,
  member,
  reader,
  startWorld,
  stranger,
  type World,
} from '../../../platform/service/testing/world.ts';
import { type ImageService, imageService } from '../contract.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';

describe('what other services do with images', () => {
  let world: World;
  let images: ReturnType<typeof imagesIn>;
  let client: ImageService;
  before(async () => {
    world = await startWorld([image]);
    images = imagesIn(world);
    client = world.bus.client(imageService);
  });
  after(() => world[Symbol.asyncDispose]());

  const snapshot = (more: object = {}) => ({
    name: 'snap',
    projectId: member.projectId as string,
    diskFormat: 'raw',
    containerFormat: 'bare',
    minDisk: 1,
    properties: { image_type: 'snapshot' },
    ...more,
  });

  it('is to make one of a file: queued first, then active with its hash', async () => {
    const { id } = await client.create(snapshot());
    const queued = await images.request('GET', `/v2/images/${id}`, { as: member });
    assert.equal(queued.body.status, 'queued');
    assert.equal(queued.body.visibility, 'private');
    assert.equal(queued.body.image_type, 'snapshot');
    assert.equal(await client.locate({ id }), null);
    const path = join(world.stateDir, 'disk');
    const bytes = randomBytes(3 * 1024 * 1024 + 5);
    await writeFile(path, bytes);
    await client.store({ id, path });
    await client.store({ id, path });
    const found = await client.locate({ id });
    assert.equal(found?.size, bytes.length);
    assert.equal(found?.diskFormat, 'raw');
    assert.deepEqual(await readFile(found?.path as string), bytes);
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    const piece = await client.read({ id, offset: bytes.length - 10, length: 100 });
    assert.deepEqual(Buffer.from(piece.bytes, 'base64'), bytes.subarray(-10));
    await assert.rejects(client.read({ id, offset: 0, length: 5 * 1024 * 1024 }), BadRequest);
  });

  it('may be done twice, without a second image', async () => {
    const id = randomUUID();
    assert.deepEqual(await client.create(snapshot({ id })), { id });
    assert.deepEqual(await client.create(snapshot({ id })), { id });
    await assert.rejects(client.create(snapshot({ id, projectId: stranger.projectId })), Conflict);
    await client.discard({ id });
    await client.discard({ id });
    assert.equal(await client.image({ id, admin: true }), null);
    await assert.rejects(client.store({ id, path: '/nowhere' }), NotFound);
    await assert.rejects(client.read({ id, offset: 0, length: 1 }), NotFound);
  });

  it('leaves the image queued when the file is not what it should be', async () => {
    const { id } = await client.create(snapshot({ diskFormat: 'qcow2' }));
    const path = join(world.stateDir, 'not-qcow2');
    await writeFile(path, randomBytes(100));
    await assert.rejects(client.store({ id, path }), UnsupportedMediaType);
    await assert.rejects(client.store({ id, path: join(world.stateDir, 'missing') }), BadRequest);
    assert.equal((await client.image({ id, admin: true }))?.status, 'queued');
  });

  it('is told of what happens to images', async () => {
    const heard = Promise.withResolvers<void>();
    const events: string[] = [];
    await world.bus.subscribe('image.*', ({ event }) => {
      events.push(event);
      if (event === 'image.delete') heard.resolve();
    });
    const { id } = await images.create(member);
    await images.patch(member, id, [{ op: 'replace', path: '/name', value: 'x' }]);
    await images.upload(member, id, randomBytes(10));
    await images.request('DELETE', `/v2/images/${id}`, { as: member });
    await heard.promise;
    assert.deepEqual(events, ['image.create', 'image.update', 'image.upload', 'image.delete']);
  });

  it('is to act for whoever asked them, with the rights that this one has', async () => {
    const { id } = await client.create(snapshot({ name: 'asked for', properties: { a: '1', 'b/~c': '2' } }));
    const as = <T>(caller: Caller, work: () => Promise<T>) =>
      withContext({ requestId: 'req-1', credentials: caller as Credentials }, work);
    const named = { name: 'asked for', limit: 10 };
    assert.deepEqual(
      (await as(member, () => client.list(named))).map((each) => each.id),
      [id],
    );
    assert.deepEqual(await as(stranger, () => client.list(named)), []);
    await assert.rejects(
      as(stranger, () => client.show({ id })),
      NotFound,
    );
    await assert.rejects(
      as(stranger, () => client.remove({ id })),
      NotFound,
    );
    await assert.rejects(
      as(reader, () => client.remove({ id })),
      Forbidden,
    );
    const properties = { 'b/~c': '3', d: '4' };
    await assert.rejects(
      as(reader, () => client.setProperties({ id, properties })),
      Forbidden,
    );
    await assert.rejects(
      as(member, () => client.setProperties({ id, properties: { owner: 'me' } })),
      Forbidden,
    );
    assert.deepEqual(
      (await as(member, () => client.setProperties({ id, properties }))).properties,
      properties,
    );
    assert.equal((await as(member, () => client.list({ limit: 5, properties: { d: '4' } }))).length, 1);
    await assert.rejects(
      as(member, () => client.list({ limit: 5, marker: 'none' })),
      BadRequest,
    );
    // Nobody asks: nobody has rights.
    await assert.rejects(client.show({ id }), Unauthorized);
    await as(member, () => client.remove({ id }));
    assert.equal(await client.image({ id, admin: true }), null);
  });
});
