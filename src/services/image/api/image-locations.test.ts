import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  admin,
  type Caller,
  member,
  reader,
  startWorld,
  stranger,
  type World,
} from '../../../platform/service/testing/world.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';
import { type RunningWeb, startWeb } from '../testing/web-server.ts';

const bytes = randomBytes(2_000_000);
const hash = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex');
const service: Caller = { ...stranger, roles: ['service', 'member', 'reader'] };

async function start(web: RunningWeb, settings: object = {}) {
  const world: World = await startWorld([image], {
    settings: {
      enabled_backends: 'file:file, web:http',
      allowed_ports: [String(web.port)],
      disallowed_hosts: ['localhost'],
      ...settings,
    },
  });
  const images = imagesIn(world);
  return {
    ...images,
    world,
    url: `${web.origin}/disk`,
    show: async (id: string) => (await images.request('GET', `/v2/images/${id}`, { as: member })).body,
    add: (id: string, body: unknown, as: Caller = member) =>
      images.request('POST', `/v2/images/${id}/locations`, { as, body }),
    locations: (id: string, as: Caller = admin) =>
      images.request('GET', `/v2/images/${id}/locations`, { as }),
    async over(id: string) {
      for (let tries = 0; tries < 2000; tries++) {
        const { body } = await images.request('GET', `/v2/images/${id}/tasks`, { as: member });
        if (['success', 'failure'].includes(body.tasks[0]?.status)) return body.tasks[0];
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return assert.fail('the task was never over');
    },
  };
}
type Images = Awaited<ReturnType<typeof start>>;

describe('a location of an image', () => {
  let web: RunningWeb;
  let images: Images;
  before(async () => {
    web = await startWeb();
    web.answers.set('/disk', (_, response) =>
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes),
    );
    web.answers.set('/empty', (_, response) => response.writeHead(200, { 'content-length': 0 }).end());
    images = await start(web);
  });
  after(async () => {
    await images.world[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
  });

  it('makes it active, and it is hashed in the background', async () => {
    const { id } = await images.create(member);
    assert.equal((await images.add(id, { url: images.url })).status, 202);
    const task = await images.over(id);
    assert.deepEqual([task.status, task.type], ['success', 'location_import']);
    const found = await images.show(id);
    assert.deepEqual(
      [found.status, found.size, found.checksum, found.os_hash_algo, found.os_hash_value, found.stores],
      ['active', bytes.length, hash('md5'), 'sha512', hash('sha512'), 'web'],
    );
    assert.equal(found.os_glance_import_task, undefined);
    assert.equal(found.locations, undefined);
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    const part = await images.download(member, id, { range: 'bytes=5-9' });
    assert.deepEqual([part.status, part.bytes], [206, bytes.subarray(5, 10)]);
    const { body } = await images.locations(id);
    assert.deepEqual(body, [{ url: images.url, metadata: { store: 'web' } }]);
    assert.equal((await images.locations(id, service)).status, 404);
    assert.equal((await images.locations(id, member)).status, 403);
    assert.equal((await images.locations(id, stranger)).status, 404);
    assert.equal((await images.request('DELETE', `/v2/images/${id}`, { as: member })).status, 204);
  });

  for (const algorithm of ['sha512', 'sha256', 'md5'])
    it(`is compared with the ${algorithm} that was said`, async () => {
      const said = (value: string) => ({
        url: images.url,
        validation_data: { os_hash_algo: algorithm, os_hash_value: value },
      });
      const { id } = await images.create(member);
      const wrong = createHash(algorithm).update('other').digest('hex');
      assert.equal((await images.add(id, said(wrong))).status, 202);
      const failed = await images.over(id);
      assert.equal(failed.status, 'failure');
      assert.match(failed.message, /not matched with actual os_hash_value/);
      const found = await images.show(id);
      assert.deepEqual([found.status, found.size, found.os_hash_value], ['queued', null, null]);
      assert.equal((await images.add(id, said(hash(algorithm)))).status, 202);
      assert.equal((await images.over(id)).status, 'success');
      const right = await images.show(id);
      assert.deepEqual(
        [right.status, right.os_hash_algo, right.os_hash_value],
        ['active', algorithm, hash(algorithm)],
      );
    });

  it('must be there, not be empty, and not lead where imports may not go', async () => {
    web.answers.set('/away', (_, response) =>
      response.writeHead(302, { location: images.url.replace('127.0.0.1', 'localhost') }).end(),
    );
    for (const path of ['missing', 'empty', 'away']) {
      const { id } = await images.create(member);
      assert.equal((await images.add(id, { url: `${web.origin}/${path}` })).status, 202);
      assert.equal((await images.over(id)).status, 'failure');
      assert.equal((await images.show(id)).status, 'queued');
    }
  });

  it('is added by those who may, to images that wait for their data, on the web', async () => {
    const { id } = await images.create(member);
    const { url } = images;
    assert.equal((await images.add(id, { url }, reader)).status, 403);
    assert.equal((await images.add(id, { url }, stranger)).status, 404);
    assert.equal((await images.request('POST', `/v2/images/${id}/locations`, { body: { url } })).status, 401);
    assert.equal((await images.add(id, { url: 'file:///etc/passwd' })).status, 403);
    assert.equal((await images.add(id, { url: 'ftp://example.org/' }, admin)).status, 403);
    const { id: shared } = await images.create(member, { visibility: 'shared' });
    await images.request('POST', `/v2/images/${shared}/members`, {
      as: member,
      body: { member: service.projectId },
    });
    assert.equal((await images.add(shared, { url: 'file:///etc/passwd' }, service)).status, 400);
    for (const body of [
      {},
      { url: 5 },
      { url, validation_data: { os_hash_algo: 'sha512' } },
      { url, validation_data: { os_hash_algo: 'crc', os_hash_value: '00' } },
      { url, validation_data: { os_hash_algo: 'sha512', os_hash_value: 'no' } },
      { url, validation_data: { os_hash_algo: 'sha512', os_hash_value: '00' } },
    ])
      assert.equal((await images.add(id, body)).status, 400, JSON.stringify(body));
    for (const address of ['http://127.0.0.1:1/disk', url.replace('127.0.0.1', 'localhost')]) {
      const refused = await images.add(id, { url: address });
      assert.equal(refused.status, 400);
      assert.match(String(refused.body), /URI for add location does not pass filtering/);
    }
    assert.equal((await images.show(id)).status, 'queued');
    await images.upload(member, id, Buffer.from('x'));
    assert.equal((await images.add(id, { url })).status, 409);
  });

  it('is not what PATCH changes unless locations are shown', async () => {
    const { id } = await images.create(member);
    const { status, body } = await images.patch(member, id, [
      { op: 'add', path: '/locations/-', value: { url: images.url, metadata: {} } },
    ]);
    assert.equal(status, 403, JSON.stringify(body));
  });
});

describe('locations without hashing', () => {
  it('are believed', async () => {
    await using web = await startWeb();
    web.answers.set('/disk', (_, response) => response.writeHead(200, { 'content-length': 5 }).end('bytes'));
    const images = await start(web, { do_secure_hash: false });
    const { id } = await images.create(member);
    const said = { os_hash_algo: 'sha512', os_hash_value: '00'.repeat(64) };
    await images.add(id, { url: images.url, validation_data: said });
    assert.equal((await images.over(id)).status, 'success');
    const found = await images.show(id);
    assert.deepEqual([found.status, found.size, found.os_hash_value], ['active', 5, said.os_hash_value]);
    await images.world[Symbol.asyncDispose]();
  });
});
