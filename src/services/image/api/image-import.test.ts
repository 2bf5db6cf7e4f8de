import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { run } from '../../../platform/exec/run.ts';
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
import { zip } from '../testing/zip.ts';

/** An image service with two stores, and what tests do with its imports. */
async function worldWith(web: RunningWeb, settings: object = {}) {
  const world: World = await startWorld([image], {
    settings: {
      enabled_backends: 'file:file, archive:file, web:http',
      allowed_ports: [String(web.port)],
      image_size_cap: 8 * 2 ** 20,
      ...settings,
    },
  });
  const images = imagesIn(world);
  const show = async (id: string, as: Caller = member) =>
    (await images.request('GET', `/v2/images/${id}`, { as })).body;
  return {
    ...images,
    world,
    show,
    staged: () => readdir(join(world.stateDir, 'image', 'staging')),
    stage: (id: string, bytes: Buffer, as: Caller = member) => images.upload(as, id, bytes, {}, 'stage'),
    import: (id: string, method: object, more: object = {}, as: Caller = member, headers = {}) =>
      images.request('POST', `/v2/images/${id}/import`, { as, body: { method, ...more }, headers }),
    /** The image's newest task once it is over. */
    async over(id: string, as: Caller = member) {
      for (let tries = 0; tries < 2000; tries++) {
        const { body } = await images.request('GET', `/v2/images/${id}/tasks`, { as });
        const [task] = body.tasks;
        if (task?.status === 'success' || task?.status === 'failure') return task;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return assert.fail('the task was never over');
    },
  };
}
type Images = Awaited<ReturnType<typeof worldWith>>;

describe('an import', () => {
  let web: RunningWeb;
  let images: Images;
  before(async () => {
    web = await startWeb();
    images = await worldWith(web);
  });
  after(async () => {
    await images.world[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
  });

  /** An image that is imported from the test's own web server. */
  async function fromWeb(bytes: Buffer, more: object = {}, body: object = {}) {
    web.answers.set('/disk', (_, response) => response.end(bytes));
    const { id } = await images.create(member, body);
    const asked = await images.import(id, { name: 'web-download', uri: `${web.origin}/disk` }, more);
    assert.equal(asked.status, 202, String(asked.body));
    return { id, task: await images.over(id), image: await images.show(id) };
  }

  it('is offered in all its ways', async () => {
    const { body } = await images.request('GET', '/v2/info/import', { as: reader });
    const methods = ['glance-direct', 'web-download', 'copy-image', 'glance-download'];
    assert.deepEqual(body['import-methods'].value, methods);
    const made = await images.request('POST', '/v2/images', { as: member, body: {} });
    assert.equal(made.headers.get('openstack-image-import-methods'), methods.join(','));
  });

  it('of staged bytes makes the image active, and remembers its task', async () => {
    const { id } = await images.create(member);
    const bytes = randomBytes(3_000_000);
    assert.equal((await images.stage(id, bytes)).status, 204);
    const staged = await images.show(id);
    assert.equal(staged.status, 'uploading');
    assert.equal(staged.size, bytes.length);
    assert.equal(staged.os_glance_stage_host, undefined);
    assert.equal((await images.download(member, id)).status, 204);
    const asked = await images.import(id, { name: 'glance-direct' });
    assert.equal(asked.status, 202);
    const task = await images.over(id);
    assert.equal(task.status, 'success');
    assert.equal(task.request_id, asked.headers.get('x-openstack-request-id'));
    assert.equal(task.input.import_req.method.name, 'glance-direct');
    assert.deepEqual(task.result, { image_id: id });
    assert.equal(task.owner, member.projectId);
    const done = await images.show(id);
    assert.equal(done.status, 'active');
    assert.equal(done.stores, 'file');
    assert.equal(done.os_glance_import_task, undefined);
    assert.equal(done.os_glance_importing_to_stores, '');
    assert.equal(done.os_glance_failed_import, '');
    assert.equal(done.os_hash_value, createHash('sha512').update(bytes).digest('hex'));
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    assert.deepEqual(await images.staged(), []);
  });

  for (const [how, more, headers, stores] of [
    ['all of them', { all_stores: true }, {}, 'archive,file'],
    ['those that are named', { stores: ['archive'] }, {}, 'archive'],
    ['the one in the header', {}, { 'x-image-meta-store': 'archive' }, 'archive'],
  ] as const)
    it(`fills stores: ${how}`, async () => {
      const { id } = await images.create(member);
      await images.stage(id, randomBytes(1000));
      assert.equal((await images.import(id, { name: 'glance-direct' }, more, member, headers)).status, 202);
      assert.equal((await images.over(id)).status, 'success');
      assert.equal((await images.show(id)).stores, stores);
    });

  it('from the web follows redirects to where it might have gone itself', async () => {
    const bytes = randomBytes(2_000_000);
    web.answers.set('/moved', (_, response) => response.writeHead(302, { location: '/disk' }).end());
    web.answers.set('/disk', (_, response) => response.end(bytes));
    const { id } = await images.create(member);
    await images.import(id, { name: 'web-download', uri: `${web.origin}/moved` });
    assert.equal((await images.over(id)).status, 'success');
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
  });

  it('from the web is refused where it may not go, at once or behind a redirect', async () => {
    const { id } = await images.create(member);
    for (const uri of ['http://127.0.0.1/', 'http://127.0.0.1:22/', 'file:///etc/passwd', undefined, 7])
      assert.equal((await images.import(id, { name: 'web-download', uri })).status, 400, String(uri));
    web.answers.set('/away', (_, response) =>
      response.writeHead(301, { location: 'http://127.0.0.1:1/secret' }).end(),
    );
    await images.import(id, { name: 'web-download', uri: `${web.origin}/away` });
    const task = await images.over(id);
    assert.deepEqual(
      [task.status, task.message],
      ['failure', 'Redirect to disallowed URL: http://127.0.0.1:1/secret'],
    );
    const found = await images.show(id);
    assert.equal(found.status, 'queued');
    assert.equal(found.os_glance_failed_import, 'file');
    assert.equal(found.os_glance_importing_to_stores, '');
  });

  for (const [what, answers, message] of [
    ['is not there', undefined, /status 404/],
    ['goes round in circles', 'circle', /more than 10 redirects/],
    ['is too large', 'large', /too large/],
    ['breaks off', 'broken', /^The server of .* (broke off|does not answer)\.$/],
  ] as const)
    it(`from the web leaves a queued image and nothing else where the source ${what}`, async () => {
      web.answers.set('/circle', (_, response) => response.writeHead(302, { location: '/circle' }).end());
      web.answers.set('/large', (_, response) => response.end(Buffer.alloc(9 * 2 ** 20)));
      web.answers.set('/broken', (_, response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('half', () => response.destroy());
      });
      const { id } = await images.create(member);
      await images.import(id, { name: 'web-download', uri: `${web.origin}/${answers ?? 'missing'}` });
      const task = await images.over(id);
      assert.equal(task.status, 'failure');
      assert.match(task.message, message);
      const found = await images.show(id);
      assert.deepEqual([found.status, found.size, found.checksum], ['queued', null, null]);
      assert.deepEqual(await images.staged(), []);
      // It may be tried again.
      web.answers.set('/disk', (_, response) => response.end('now'));
      await images.import(id, { name: 'web-download', uri: `${web.origin}/disk` });
      assert.equal((await images.over(id)).status, 'success');
    });

  it('is refused bytes that are not what the image says', async () => {
    const { task, image: found } = await fromWeb(randomBytes(1000), {}, { disk_format: 'qcow2' });
    assert.equal(task.status, 'failure');
    assert.match(task.message, /qcow2 does not match stream data raw/);
    assert.equal(found.status, 'queued');
  });

  it('copies an image to other stores, for administrators', async () => {
    const bytes = randomBytes(2_500_000);
    const { id } = await fromWeb(bytes);
    const copy = (more: object, as: Caller = admin) => images.import(id, { name: 'copy-image' }, more, as);
    assert.equal((await copy({ stores: ['archive'] }, member)).status, 403);
    assert.equal((await copy({ stores: ['file'] })).status, 400);
    assert.equal((await copy({ stores: ['archive'] })).status, 202);
    assert.equal((await images.over(id)).status, 'success');
    const copied = await images.show(id);
    assert.deepEqual([copied.status, copied.stores], ['active', 'archive,file']);
    assert.equal((await copy({ all_stores: true })).status, 202);
    const gone = await images.request('DELETE', `/v2/stores/file/${id}`, { as: admin });
    assert.equal(gone.status, 204);
    assert.equal((await images.show(id)).stores, 'archive');
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    const last = await images.request('DELETE', `/v2/stores/archive/${id}`, { as: admin });
    assert.equal(last.status, 403);
  });

  it('is refused in each state and form that does not fit', async () => {
    const { id } = await images.create(member);
    const asked = async (method: unknown, more: object = {}, as: Caller = member, of = id) =>
      (await images.request('POST', `/v2/images/${of}/import`, { as, body: { method, ...more } })).status;
    const uri = `${web.origin}/disk`;
    const fetched = { name: 'web-download', uri };
    assert.equal(await asked(undefined), 400);
    assert.equal(await asked({}), 400);
    assert.equal(await asked({ name: 'by-post' }), 400);
    assert.equal(await asked(fetched, { all_stores: 'yes' }), 400);
    assert.equal(await asked(fetched, { all_stores_must_succeed: 1 }), 400);
    assert.equal(await asked(fetched, { stores: 'file' }), 400);
    assert.equal(await asked(fetched, { stores: ['file'], all_stores: true }), 400);
    assert.equal(await asked(fetched, { stores: ['nowhere'] }), 409);
    assert.equal(await asked(fetched, { stores: ['web'] }), 409);
    assert.equal(await asked({ name: 'glance-direct' }), 409);
    assert.equal(await asked({ name: 'copy-image' }, {}, admin), 409);
    assert.equal(await asked(fetched, {}, reader), 403);
    assert.equal(await asked(fetched, {}, stranger), 404);
    assert.equal(await asked(fetched, {}, member, randomUUID()), 404);
    assert.equal((await images.request('POST', `/v2/images/${id}/import`, { body: {} })).status, 401);
    const bare = await images.request('POST', '/v2/images', { as: member, body: {} });
    assert.equal(await asked(fetched, {}, member, bare.body.id), 409);
    const done = await fromWeb(Buffer.from('x'));
    assert.equal(await asked(fetched, {}, member, done.id), 409);
    const remote = { name: 'glance-download', glance_region: 'r' };
    assert.equal(await asked(remote), 400);
    assert.equal(await asked({ ...remote, glance_image_id: 'foo' }), 400);
  });

  it('is one at a time, and gives way when its image is deleted', async () => {
    const asked = Promise.withResolvers<void>();
    let finish: () => void = () => {};
    web.answers.set('/slow', (_, response) => {
      response.writeHead(200);
      response.write(randomBytes(100));
      finish = () => response.end();
      asked.resolve();
    });
    const { id } = await images.create(member);
    await images.import(id, { name: 'web-download', uri: `${web.origin}/slow` });
    await asked.promise;
    const during = await images.show(id);
    assert.equal(during.status, 'importing');
    assert.ok(during.os_glance_import_task);
    assert.equal(during.os_glance_importing_to_stores, 'file');
    const again = await images.import(id, { name: 'web-download', uri: `${web.origin}/slow` });
    assert.equal(again.status, 409);
    const patched = await images.patch(member, id, [
      { op: 'add', path: '/os_glance_import_task', value: 'mine' },
    ]);
    assert.equal(patched.status, 403);
    const named = await images.patch(member, id, [{ op: 'replace', path: '/name', value: 'n' }]);
    assert.equal(named.body.os_glance_import_task, during.os_glance_import_task);
    assert.equal((await images.request('DELETE', `/v2/images/${id}`, { as: member })).status, 204);
    finish();
    const path = `/v2/tasks/${during.os_glance_import_task}`;
    for (let tries = 0; tries < 2000; tries++) {
      const { body } = await images.request('GET', path, { as: admin });
      if (body.status === 'failure') break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal((await images.request('GET', path, { as: admin })).body.status, 'failure');
    assert.deepEqual(await images.staged(), []);
  });

  it('may be staged by those who may change the image, as bytes, once', async () => {
    const { id } = await images.create(member);
    const bytes = randomBytes(10);
    assert.equal((await images.stage(id, bytes, reader)).status, 403);
    assert.equal((await images.stage(id, bytes, stranger)).status, 404);
    assert.equal(
      (await images.upload(member, id, bytes, { 'content-type': 'text/plain' }, 'stage')).status,
      415,
    );
    assert.equal((await images.stage(id, randomBytes(9 * 2 ** 20))).status, 413);
    assert.equal((await images.show(id)).status, 'queued');
    assert.equal((await images.stage(id, bytes)).status, 204);
    assert.equal((await images.stage(id, bytes)).status, 409);
    assert.equal((await images.upload(member, id, bytes)).status, 409);
    await images.request('DELETE', `/v2/images/${id}`, { as: member });
    assert.deepEqual(await images.staged(), []);
  });
});

describe('an import into several stores of which one fails', () => {
  let web: RunningWeb;
  let images: Images;
  before(async () => {
    web = await startWeb();
    images = await worldWith(web, {
      enabled_backends: 'file:file, objects:s3',
      stores: {
        objects: {
          s3_store_host: 'http://127.0.0.1:1',
          s3_store_bucket: 'b',
          s3_store_access_key: 'k',
          s3_store_secret_key: 's',
        },
      },
    });
  });
  after(async () => {
    await images.world[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
  });

  it('leaves nothing in the others where all must succeed', async () => {
    const { id } = await images.create(member);
    await images.stage(id, randomBytes(100));
    await images.import(id, { name: 'glance-direct' }, { all_stores: true });
    assert.equal((await images.over(id)).status, 'failure');
    const found = await images.show(id);
    assert.deepEqual([found.status, found.stores], ['queued', undefined]);
    assert.equal(found.os_glance_failed_import, 'file,objects');
    assert.deepEqual(await readdir(join(images.world.stateDir, 'image', 'images')), []);
  });

  it('keeps the others where not all must succeed, and says which failed', async () => {
    const { id } = await images.create(member);
    await images.stage(id, randomBytes(100));
    const more = { all_stores: true, all_stores_must_succeed: false };
    await images.import(id, { name: 'glance-direct' }, more);
    assert.equal((await images.over(id)).status, 'success');
    const found = await images.show(id);
    assert.deepEqual([found.status, found.stores], ['active', 'file']);
    assert.equal(found.os_glance_failed_import, 'objects');
    assert.equal(found.os_glance_importing_to_stores, '');
  });
});

describe('import plugins', () => {
  let web: RunningWeb;
  let images: Images;
  before(async () => {
    web = await startWeb();
    images = await worldWith(web, {
      image_import_plugins: 'image_decompression, image_conversion, inject_image_metadata',
      conversion_output_format: 'raw',
      inject: 'made_by:import, os_admin_user:root',
    });
  });
  after(async () => {
    await images.world[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
  });

  async function imported(bytes: Buffer, body: object = {}, as: Caller = member) {
    const { id } = await images.create(as, body);
    assert.equal((await images.stage(id, bytes, as)).status, 204);
    await images.import(id, { name: 'glance-direct' }, {}, as);
    return { id, task: await images.over(id, as), image: await images.show(id, as) };
  }
  const disk = async (format: string): Promise<Buffer> => {
    const { readFile } = await import('node:fs/promises');
    const raw = join(images.world.stateDir, `${randomUUID()}.raw`);
    const made = `${raw}.${format}`;
    await writeFile(raw, Buffer.concat([Buffer.from('begin'), Buffer.alloc(2 ** 20 - 5)]));
    await run(['qemu-img', 'convert', '-f', 'raw', '-O', format, raw, made]);
    return readFile(made);
  };

  it('turn images into the format that is wanted, unpack them, and set properties', async () => {
    const qcow2 = await disk('qcow2');
    for (const bytes of [qcow2, gzipSync(qcow2)]) {
      const { id, task, image: found } = await imported(bytes, { disk_format: 'qcow2', made_by: 'hand' });
      assert.equal(task.status, 'success', task.message);
      assert.deepEqual([found.disk_format, found.size, found.virtual_size], ['raw', 2 ** 20, 2 ** 20]);
      assert.deepEqual([found.made_by, found.os_admin_user], ['import', 'root']);
      assert.equal((await images.download(member, id)).bytes.subarray(0, 5).toString(), 'begin');
    }
    assert.deepEqual(await images.staged(), []);
  });

  it('leave packed what is to be packed', async () => {
    const packed = gzipSync(Buffer.alloc(100_000));
    const { id, task, image: found } = await imported(packed, { container_format: 'compressed' });
    assert.equal(task.status, 'success', task.message);
    assert.deepEqual([found.container_format, found.size], ['compressed', packed.length]);
    assert.deepEqual((await images.download(member, id)).bytes, packed);
  });

  it('unpack a zip of one file, and of no more', async () => {
    const zipOf = (names: readonly string[]) => zip(names.map((name) => [name, Buffer.alloc(1000, name)]));
    const one = await imported(zipOf(['../../disk']));
    assert.equal(one.task.status, 'success', one.task.message);
    assert.equal(one.image.size, 1000);
    const two = await imported(zipOf(['a', 'b']));
    assert.deepEqual(
      [two.task.status, two.task.message],
      ['failure', 'Archive contains more than one file.'],
    );
  });

  it('leave who is to be left alone without properties', async () => {
    const { image: found } = await imported(Buffer.alloc(512), {}, admin);
    assert.equal(found.made_by, undefined);
  });

  it('stop at bombs, and put everything back', async () => {
    const bomb = gzipSync(Buffer.alloc(9 * 2 ** 20));
    const { task, image: found } = await imported(bomb, { disk_format: 'raw', made_by: 'hand' });
    assert.equal(task.status, 'failure');
    assert.match(task.message, /too large/);
    assert.deepEqual([found.status, found.made_by, found.os_admin_user], ['queued', 'hand', undefined]);
    assert.deepEqual(await images.staged(), []);
  });

  it('never show qemu-img what is not what it says or is dangerous', async () => {
    const qcow2 = await disk('qcow2');
    const mismatch = await imported(qcow2, { disk_format: 'raw' });
    assert.deepEqual([mismatch.task.status, mismatch.task.message], ['failure', 'Image format mismatch']);
    const backed = Buffer.from(qcow2);
    backed.writeBigUInt64BE(512n, 8);
    backed.writeUInt32BE(11, 16);
    backed.write('/etc/passwd', 512);
    const { task } = await imported(backed, { disk_format: 'qcow2' });
    assert.deepEqual([task.status, task.message], ['failure', 'Image has disallowed configuration']);
    const huge = Buffer.from(qcow2);
    huge.writeBigUInt64BE(2n ** 40n, 24);
    const large = await imported(huge, { disk_format: 'qcow2' });
    assert.equal(large.task.status, 'failure');
    assert.equal(large.image.disk_format, 'qcow2');
  });
});
