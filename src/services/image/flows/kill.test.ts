import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { KilledImages } from '../testing/killed-images.ts';
import { type RunningS3, startS3 } from '../testing/s3-server.ts';
import { type RunningWeb, startWeb } from '../testing/web-server.ts';

const mib = 2 ** 20;
const bytes = randomBytes(1_500_000);
const packed = gzipSync(bytes);
/** More than two parts of an S3 upload. */
const large = randomBytes(12 * mib);
const hashOf = (of: Buffer) => createHash('sha512').update(of).digest('hex');

const methods = ['glance-direct', 'web-download', 'glance-download', 'copy-image'] as const;
type Method = (typeof methods)[number];
const sides = ['before', 'after'] as const;

const importSteps = [
  'begin the task',
  'read the remote description',
  'take over the description',
  'fetch the bytes',
  'prepare the image',
  'import to the stores',
  'the end',
];
const importUndoing = [
  'undoing import to the stores',
  'undoing prepare the image',
  'undoing fetch the bytes',
  'undoing take over the description',
  'the failure',
];
const locationSteps = ['begin the task', 'add the location', 'hash what is there', 'the end'];
const locationUndoing = ['undoing add the location', 'the failure'];
/** Steps of an import that need the token of who asked for it: it went with the process that was killed. */
const withToken = (place: string): boolean =>
  importSteps.indexOf(place.replace(/^\w+ /, '')) < importSteps.indexOf('fetch the bytes') ||
  place === 'before fetch the bytes';

/** What is on its way when the process is killed, and what it must have come to afterwards. */
interface Begun {
  what: string;
  id: string;
  check(): Promise<void>;
}

describe('an image service whose process is killed', () => {
  let web: RunningWeb;
  let s3: RunningS3;
  let images: KilledImages;
  const remote = { name: 'glance-download', glance_region: 'R', glance_image_id: '1'.repeat(8) };
  before(async () => {
    [web, s3] = await Promise.all([startWeb(), startS3()]);
    const json = (path: string, body: unknown) =>
      web.answers.set(path, (_, response) => response.end(JSON.stringify(body)));
    remote.glance_image_id = '11111111-1111-1111-1111-111111111111';
    const endpoint = { region_id: 'R', interface: 'public', url: `${web.origin}/glance` };
    json('/v3/auth/catalog', { catalog: [{ type: 'image', endpoints: [endpoint] }] });
    json(`/glance/v2/images/${remote.glance_image_id}`, {
      status: 'active',
      disk_format: 'raw',
      container_format: 'bare',
      size: packed.length,
      os_distro: 'theirs',
    });
    serve(`/glance/v2/images/${remote.glance_image_id}/file`, packed);
    serve('/packed', packed);
    serve('/plain', bytes);
    images = await KilledImages.start(
      {
        enabled_backends: 'file:file, archive:file, objects:s3, web:http',
        stores: {
          objects: {
            s3_store_host: s3.options.host,
            s3_store_bucket: s3.options.bucket,
            s3_store_access_key: s3.options.accessKey,
            s3_store_secret_key: s3.options.secretKey,
            s3_store_large_object_chunk_size: 5,
          },
        },
        allowed_ports: [String(web.port)],
        image_import_plugins: 'image_decompression',
        image_cache_dir: '',
      },
      web.port,
    );
  });
  after(async () => {
    await images?.[Symbol.asyncDispose]();
    await Promise.all([s3[Symbol.asyncDispose](), web[Symbol.asyncDispose]()]);
  });

  function serve(path: string, body: Buffer): void {
    web.answers.set(path, (_, response) =>
      response.writeHead(200, { 'content-length': body.length }).end(body),
    );
  }

  async function killAndStart(): Promise<void> {
    await images.kill();
    await images.start();
  }

  /** All bytes are an image's, all images have their bytes, and nothing waits for something that is over. */
  async function assertSound(): Promise<void> {
    const all = images.rows<{ id: string; status: string }>(
      'SELECT id, status FROM images WHERE NOT deleted',
    );
    const locations = images.rows<{ image_id: string; store: string; status: string }>(
      'SELECT * FROM locations',
    );
    const active = all.filter(({ status }) => status === 'active').map(({ id }) => id);
    for (const { id, status } of all)
      assert.ok(['queued', 'uploading', 'active'].includes(status), `image ${id} is left ${status}`);
    for (const { image_id, status } of locations) {
      assert.ok(active.includes(image_id), `image ${image_id} has bytes and is not active`);
      assert.equal(status, 'active');
    }
    for (const id of active)
      assert.ok(
        locations.some(({ image_id }) => image_id === id),
        `image ${id} is active without bytes`,
      );
    const named = (name: string) =>
      locations
        .filter(({ store }) => store === name)
        .map(({ image_id }) => image_id)
        .toSorted();
    assert.deepEqual(await images.files('images'), named('file'));
    assert.deepEqual(await images.files('images-archive'), named('archive'));
    assert.deepEqual((await s3.objects()).toSorted(), named('objects'));
    assert.deepEqual(await s3.uploads(), []);
    const staged = all.filter(({ status }) => status === 'uploading').map(({ id }) => id);
    assert.deepEqual(await images.files('staging'), staged.toSorted());
    assert.deepEqual(
      images.rows("SELECT id FROM image_tasks WHERE status NOT IN ('success', 'failure')"),
      [],
    );
    assert.deepEqual(images.rows("SELECT id, state FROM flows WHERE state NOT IN ('done', 'failed')"), []);
  }

  /** All of it is right after the kill, and each image can be used again; then all of it goes. */
  async function assertAll(begun: readonly Begun[]): Promise<void> {
    for (const { what, check } of begun)
      await check().catch((cause: unknown) => {
        throw new Error(`after a kill in ${what}: ${(cause as Error).message}`, { cause });
      });
    await assertSound();
    for (const { id } of begun) await images.request('DELETE', `/images/${id}`);
    await assertSound();
    const ids = begun.map(({ id }) => `'${id}'`);
    assert.deepEqual(images.rows(`SELECT * FROM locations WHERE image_id IN (${ids.join()})`), []);
  }

  async function assertWhole(id: string, content = bytes): Promise<void> {
    const found = await images.show(id);
    assert.deepEqual([found.status, found.size], ['active', content.length]);
    assert.equal(found.os_hash_value, hashOf(content));
    assert.equal(found.os_glance_import_task, undefined);
    assert.deepEqual((await images.request('GET', `/images/${id}/file`)).bytes, content);
  }

  async function assertQueued(id: string): Promise<void> {
    const { status, size, checksum, os_hash_value, stores, os_glance_import_task } = await images.show(id);
    assert.deepEqual(
      [status, size, checksum, os_hash_value, stores, os_glance_import_task],
      ['queued', null, null, null, undefined, undefined],
    );
  }

  const copied = ['archive', 'objects'];
  const filled = ['archive', 'file'];
  const storesOf = (method: Method) => (method === 'copy-image' ? copied : filled);
  const methodOf = (name: Method) =>
    name === 'glance-download'
      ? remote
      : { name, ...(name === 'web-download' ? { uri: `${web.origin}/packed` } : {}) };

  async function toImport(method: Method): Promise<string> {
    const id = await images.create();
    if (method === 'glance-direct') assert.equal(await images.put(id, packed, 'stage'), 204);
    if (method === 'copy-image') assert.equal(await images.put(id, bytes, 'file'), 204);
    return id;
  }

  async function assertImported(id: string, method: Method): Promise<void> {
    assert.equal((await images.over(id)).status, 'success');
    await assertWhole(id);
    const found = await images.show(id);
    assert.equal(found.stores, method === 'copy-image' ? 'archive,file,objects' : 'archive,file');
    assert.equal(found.os_distro, method === 'glance-download' ? 'theirs' : undefined);
    assert.deepEqual([found.os_glance_importing_to_stores, found.os_glance_failed_import], ['', '']);
  }

  /** It failed, says so, has nothing of it, and may be asked for again. */
  async function assertGivenUp(id: string, method: Method): Promise<string> {
    const { status, message } = await images.over(id);
    assert.equal(status, 'failure');
    const found = await images.show(id);
    assert.equal(found.os_glance_failed_import, storesOf(method).join(','));
    assert.equal(found.os_glance_importing_to_stores, '');
    assert.equal(found.os_distro, undefined);
    if (method === 'copy-image') {
      await assertWhole(id);
      assert.equal(found.stores, 'file');
    } else await assertQueued(id);
    if (method === 'glance-direct') assert.equal(await images.put(id, packed, 'stage'), 204);
    await images.import(id, methodOf(method), { stores: storesOf(method) });
    await assertImported(id, method);
    return message;
  }

  /** Imports of every method whose flows stop at a place, one before and one after its work. */
  async function importsAt(place: string, fail?: string): Promise<Begun[]> {
    const begun: Begun[] = [];
    for (const method of methods)
      for (const side of sides) {
        const id = await toImport(method);
        const stop = `${side} ${place}`;
        const stopped = await images.order({ imageId: id, stop, ...(fail ? { fail } : {}) });
        await images.import(id, methodOf(method), { stores: storesOf(method) });
        await stopped();
        const lost = method === 'glance-download' && withToken(stop);
        begun.push({
          what: `${method}, ${stop}`,
          id,
          async check() {
            if (!fail && !lost) return assertImported(id, method);
            const message = await assertGivenUp(id, method);
            if (!fail) assert.equal(message, 'The import was interrupted: it has to be asked for again.');
          },
        });
      }
    return begun;
  }

  async function locationsAt(place: string, fail?: string): Promise<Begun[]> {
    const begun: Begun[] = [];
    for (const validated of [true, false])
      for (const side of sides) {
        const id = await images.create();
        const stop = `${side} ${place}`;
        const stopped = await images.order({ imageId: id, stop, ...(fail ? { fail } : {}) });
        const validation_data = { os_hash_algo: 'sha512', os_hash_value: hashOf(bytes) };
        const add = async () => {
          const body = { url: `${web.origin}/plain`, ...(validated ? { validation_data } : {}) };
          assert.equal((await images.request('POST', `/images/${id}/locations`, { body })).status, 202);
        };
        await add();
        await stopped();
        begun.push({
          what: `a location ${validated ? 'with' : 'without'} a hash, ${stop}`,
          id,
          async check() {
            const { status } = await images.over(id);
            if (fail) {
              assert.equal(status, 'failure');
              await assertQueued(id);
              await add();
            }
            assert.equal((await images.over(id)).status, 'success');
            await assertWhole(id);
          },
        });
      }
    return begun;
  }

  for (const [index, place] of importSteps.entries())
    it(`at '${place}' of imports goes on with them, or says that they must be asked for again`, async () => {
      const location = locationSteps[index];
      const begun = [...(await importsAt(place)), ...(location ? await locationsAt(location) : [])];
      await killAndStart();
      await assertAll(begun);
    });

  for (const [index, place] of importUndoing.entries())
    it(`at '${place}' of imports that fail takes them back, and they may be asked for again`, async () => {
      const location = locationUndoing[index];
      const begun = [
        ...(await importsAt(place, 'after import to the stores')),
        ...(location ? await locationsAt(location, 'after hash what is there') : []),
      ];
      await killAndStart();
      await assertAll(begun);
    });

  /** An upload whose process dies while bytes come. `stored`: of these, so many must be where they go before. */
  async function uploadTo(
    store: string,
    to: 'file' | 'stage',
    stored: () => Promise<boolean>,
  ): Promise<Begun> {
    const id = await images.create();
    const upload = images.begin(id, to, {
      'content-length': String(large.length + 1),
      'x-image-meta-store': store,
    });
    upload.on('error', () => {});
    upload.write(large);
    await until(`the bytes to come to ${store}`, stored);
    return {
      what: `an upload to ${store}`,
      id,
      async check() {
        await assertQueued(id);
        assert.equal(await images.put(id, large, 'file', store === 'objects' ? store : 'file'), 204);
        await assertWhole(id, large);
      },
    };
  }
  const ofImage = (id: string, method: string, more: RegExp) => (request: { method: string; url: string }) =>
    request.method === method && request.url.includes(id) && more.test(request.url);

  it('while uploads come has queued images and no bytes of them', async () => {
    const hasPart = (folder: string) => async () =>
      (await images.files(folder)).some((name) => name.endsWith('.part'));
    const begun = [
      await uploadTo('file', 'file', hasPart('images')),
      await uploadTo('staging', 'stage', hasPart('staging')),
      await uploadTo('objects', 'file', async () => (await s3.uploads()).length > 0),
    ];
    // An object that is there, and whose image does not know it yet: in one request, and in parts.
    for (const [content, method, path] of [
      [bytes, 'PUT', /./],
      [large, 'POST', /uploadId=/],
    ] as const) {
      const id = await images.create();
      const done = s3.hold('after', ofImage(id, method, path));
      images.put(id, content, 'file', 'objects').catch(() => {});
      await done;
      assert.ok((await s3.objects()).includes(id));
      begun.push({
        what: `an upload that the object store has, by ${method}`,
        id,
        async check() {
          await assertQueued(id);
          assert.equal(await images.put(id, content, 'file', 'objects'), 204);
          await assertWhole(id, content);
        },
      });
    }
    await killAndStart();
    assert.deepEqual(await s3.objects(), []);
    assert.deepEqual(await s3.uploads(), []);
    assert.deepEqual([await images.files('images'), await images.files('staging')], [[], []]);
    await assertAll(begun);
  });

  it('while images are deleted has nothing of them, and all of the others', async () => {
    const kept: [string, string][] = [];
    for (const store of ['file', 'objects']) {
      const id = await images.create();
      assert.equal(await images.put(id, bytes, 'file', store), 204);
      kept.push([id, store]);
    }
    const staged = await images.create();
    assert.equal(await images.put(staged, packed, 'stage'), 204);
    for (const when of sides) {
      const id = await images.create();
      assert.equal(await images.put(id, bytes, 'file', 'objects'), 204);
      const removing = s3.hold(when, ofImage(id, 'DELETE', /./));
      images.request('DELETE', `/images/${id}`).catch(() => {});
      await removing;
    }
    for (const when of sides) {
      const id = await images.create();
      assert.equal(await images.put(id, bytes, 'file', 'archive'), 204);
      const removing = await images.order({ imageId: id, stop: `${when} removing the file` });
      images.request('DELETE', `/images/${id}`).catch(() => {});
      await removing();
      assert.equal((await images.files('images-archive')).includes(id), when === 'before');
      const left = images.rows(`SELECT status FROM locations WHERE image_id = '${id}'`);
      assert.equal(left.length, 1);
    }
    await killAndStart();
    assert.deepEqual(await images.files('images-archive'), []);
    assert.deepEqual(await s3.objects(), [kept[1]?.[0]]);
    await assertSound();
    const check = async () => {
      for (const [id] of kept) await assertWhole(id);
    };
    await check();
    // What was staged waits for its import as before.
    assert.equal((await images.show(staged)).status, 'uploading');
    await images.import(staged, { name: 'glance-direct' });
    assert.equal((await images.over(staged)).status, 'success');
    await assertAll([
      { what: 'a delete', id: staged, check: () => assertWhole(staged) },
      ...kept.map(([id, store]) => ({ what: `a delete, ${store}`, id, check })),
    ]);
  });

  it('while an import moves bytes goes on with it, or says that it must be asked for again', async () => {
    const begun: Begun[] = [];
    /** Half of the bytes come, the first time. */
    async function halfOf(path: string, content: Buffer, begin: () => Promise<unknown>): Promise<void> {
      const { promise: asked, resolve } = Promise.withResolvers<void>();
      web.answers.set(path, (request, response) => {
        response.writeHead(200, { 'content-length': content.length });
        if (request.method === 'HEAD') return void response.end();
        serve(path, content);
        response.write(content.subarray(0, content.length / 2), () => resolve());
      });
      await begin();
      await asked;
    }
    const plain = await images.create();
    const location = { url: `${web.origin}/plain` };
    await halfOf('/plain', bytes, () =>
      images.request('POST', `/images/${plain}/locations`, { body: location }),
    );
    begun.push({
      what: 'the hashing of a location',
      id: plain,
      async check() {
        assert.equal((await images.over(plain)).status, 'success');
        await assertWhole(plain);
      },
    });
    for (const [method, path] of [
      ['web-download', '/packed'],
      ['glance-download', `/glance/v2/images/${remote.glance_image_id}/file`],
    ] as const) {
      const id = await images.create();
      await halfOf(path, packed, () => images.import(id, methodOf(method), { stores: storesOf(method) }));
      begun.push({
        what: `${method}, half of its bytes`,
        id,
        async check() {
          if (method === 'web-download') await assertImported(id, method);
          else await assertGivenUp(id, method);
        },
      });
    }
    for (const method of ['glance-direct', 'copy-image'] as const) {
      const id = await images.create();
      assert.equal(await images.put(id, large, method === 'copy-image' ? 'file' : 'stage'), 204);
      const part = s3.hold('before', ofImage(id, 'PUT', /partNumber=2/));
      await images.import(id, { name: method }, { stores: ['objects'] });
      await part;
      begun.push({
        what: `${method}, the second part of an object`,
        id,
        async check() {
          assert.equal((await images.over(id)).status, 'success');
          await assertWhole(id, large);
        },
      });
    }
    assert.equal((await s3.uploads()).length, 2);
    await killAndStart();
    await assertAll(begun);
  });

  it('has the steps that these tests name', () => {
    const rows = images.rows<{ name: string; step_names: string }>(
      'SELECT DISTINCT name, step_names FROM flows',
    );
    const steps = Object.fromEntries(rows.map(({ name, step_names }) => [name, JSON.parse(step_names)]));
    assert.deepEqual(steps['image.import'], importSteps.slice(0, -1));
    assert.deepEqual(steps['image.add-location'], locationSteps.slice(0, -1));
  });
});

async function until(what: string, so: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 4000; tries++) {
    if (await so()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`waited too long for ${what}`);
}
