import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  admin,
  type Caller,
  member,
  reader,
  startWorld,
  stranger,
  type World,
} from '../../../platform/service/testing/world.ts';
import { imageService } from '../contract.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';
import { type RunningWeb, startWeb } from '../testing/web-server.ts';

const bytes = randomBytes(100_000);
const hash = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex');
const hashes = { checksum: hash('md5'), os_hash_algo: 'sha512', os_hash_value: hash('sha512') };

describe('locations that are shown', () => {
  let web: RunningWeb;
  let world: World;
  let images: ReturnType<typeof imagesIn>;
  let url: string;
  before(async () => {
    web = await startWeb();
    url = `${web.origin}/disk`;
    world = await startWorld([image], {
      settings: {
        enabled_backends: 'file:file, archive:file, web:http, mirror:http',
        stores: { mirror: { weight: 5 } },
        allowed_ports: [String(web.port)],
        show_image_direct_url: true,
        show_multiple_locations: true,
        image_location_quota: 4,
      },
    });
    images = imagesIn(world);
  });
  beforeEach(() => {
    web.answers.clear();
    serve('/disk', bytes);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
  });

  function serve(path: string, body: Buffer): void {
    web.answers.set(path, (_, response) =>
      response.writeHead(200, { 'content-length': body.length }).end(body),
    );
  }
  const location = (address: string, metadata: object = {}, validation_data?: object) => ({
    url: address,
    metadata,
    ...(validation_data ? { validation_data } : {}),
  });
  const show = async (id: string, as: Caller = member) =>
    (await images.request('GET', `/v2/images/${id}`, { as })).body;
  const add = (id: string, value: unknown, at = '-', as: Caller = member) =>
    images.patch(as, id, [{ op: 'add', path: `/locations/${at}`, value }]);
  const replace = (id: string, value: unknown, as: Caller = member) =>
    images.patch(as, id, [{ op: 'replace', path: '/locations', value }]);
  const remove = (id: string, at: string, as: Caller = admin) =>
    images.patch(as, id, [{ op: 'remove', path: `/locations/${at}` }]);
  const urlsOf = async (id: string) =>
    (await show(id)).locations.map((each: { url: string }) => each.url.replace(url, ''));

  async function assertAnswer(
    asked: Promise<{ status: number; body: unknown }>,
    status: number,
    said: RegExp,
  ): Promise<void> {
    const answered = await asked;
    assert.equal(answered.status, status, JSON.stringify(answered.body));
    assert.match(String(answered.body), said);
  }

  /** An image that lies at the URL, and there again under each fragment. */
  async function located(...fragments: string[]): Promise<string> {
    const { id } = await images.create(member);
    for (const fragment of ['', ...fragments])
      assert.equal((await add(id, location(`${url}${fragment}`))).status, 200);
    return id;
  }

  it('are the image’s, the best store’s first, to those who may see them', async () => {
    const { id } = await images.create(member, { visibility: 'community' });
    assert.deepEqual((await show(id)).locations, []);
    await images.upload(member, id, bytes);
    const { locations, direct_url } = await show(id);
    assert.match(direct_url, new RegExp(`^file:///.*/${id}$`));
    assert.deepEqual(locations, [{ url: direct_url, metadata: { store: 'file' } }]);
    const { body } = await add(id, location(url, { store: 'mirror', note: 'theirs' }));
    assert.equal(body.direct_url, url, 'the heavier store is the better one');
    assert.equal(body.stores, 'file,mirror');
    assert.deepEqual(body.locations, [
      { url, metadata: { store: 'mirror', note: 'theirs' } },
      { url: direct_url, metadata: { store: 'file' } },
    ]);
    const theirs = await show(id, stranger);
    assert.deepEqual([theirs.locations, theirs.direct_url], [[], undefined]);
    assert.equal((await remove(id, '1')).body.stores, 'mirror');
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    assert.deepEqual((await show(id)).locations.length, 1);
  });

  it('make a queued image active, and nobody is asked what it hashes to', async () => {
    const { id } = await images.create(member);
    const added = await add(id, location(url, { foo: 'bar' }));
    assert.equal(added.status, 200, JSON.stringify(added.body));
    const { status, size, checksum, os_hash_algo, os_hash_value } = added.body;
    assert.deepEqual(
      [status, size, checksum, os_hash_algo, os_hash_value],
      ['active', bytes.length, null, null, null],
    );
    assert.deepEqual(added.body.locations, [{ url, metadata: { foo: 'bar', store: 'web' } }]);
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    await assertAnswer(
      add(id, location(`${url}#2`, {}, hashes)),
      409,
      /New value\(s\) for checksum, os_hash_algo, os_hash_value may only be provided when image status is 'queued'/,
    );
  });

  it('are several in one store, in the order in which they were put', async () => {
    const id = await located('#b');
    assert.deepEqual(await urlsOf(id), ['', '#b']);
    assert.equal((await add(id, location(`${url}#0`), '0')).status, 200);
    assert.equal((await add(id, location(`${url}#m`), '2')).status, 200);
    assert.deepEqual(await urlsOf(id), ['#0', '', '#m', '#b']);
    const found = await show(id);
    assert.deepEqual([found.direct_url, found.stores], [`${url}#0`, 'web']);
    for (const at of ['5', '-1', 'x', '1.0'])
      await assertAnswer(add(id, location(`${url}#n`), at), 400, /Invalid position for adding a location/);
    await assertAnswer(
      add(id, location(`${url}#n`)),
      413,
      /allowed image locations\. Attempted: 5, Maximum: 4/,
    );
    const { body } = await images.request('GET', `/v2/images/${id}/locations`, { as: admin });
    assert.deepEqual(body, found.locations);
    assert.equal((await images.request('DELETE', `/v2/images/${id}`, { as: member })).status, 204);
    await assertGone(id);
  });

  it('are not the same twice', async () => {
    const id = await located();
    const said = /The location http.* already exists/;
    await assertAnswer(add(id, location(url)), 400, said);
    // The store is where it lies, and not what makes it another one.
    await assertAnswer(add(id, location(url, { store: 'web' })), 400, said);
    assert.equal((await add(id, location(url, { a: 1, b: { c: [2] } }))).status, 200);
    await assertAnswer(add(id, location(url, { b: { c: [2] }, a: 1 })), 400, said);
    const { id: empty } = await images.create(member);
    await assertAnswer(replace(empty, [location(url), location(url)]), 400, said);
    assert.equal((await show(empty)).status, 'queued');
  });

  it('are removed by where they stand, but for the last', async () => {
    const id = await located('#b', '#c');
    await assertAnswer(remove(id, '0', member), 403, /delete_image_location/);
    await assertAnswer(remove(id, '3'), 400, /Invalid position for removing a location/);
    assert.equal((await remove(id, '0')).status, 200);
    assert.deepEqual(await urlsOf(id), ['#b', '#c']);
    assert.equal((await show(id)).direct_url, `${url}#b`);
    assert.equal((await remove(id, '-')).status, 200);
    assert.deepEqual(await urlsOf(id), ['#b']);
    await assertAnswer(remove(id, '0'), 403, /Cannot remove last location in the image/);
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    // Where one was removed there may be one again.
    assert.equal((await add(id, location(`${url}#c`))).status, 200);
    assert.deepEqual(await urlsOf(id), ['#b', '#c']);
    const { id: empty } = await images.create(member);
    await assertAnswer(remove(empty, '0'), 409, /not allowed to remove locations if image status is queued/);
  });

  it('take their bytes along where those are in a store of files', async () => {
    const id = await located();
    const { id: uploaded } = await images.create(member);
    await images.upload(member, uploaded, bytes);
    assert.equal((await add(uploaded, location(url))).status, 200);
    const [file] = (await show(uploaded)).locations;
    assert.equal((await remove(uploaded, '0')).status, 200);
    const direct = (await show(uploaded)).direct_url;
    assert.deepEqual([file.metadata.store, direct], ['file', url]);
    const copy = await images.request('POST', `/v2/images/${uploaded}/import`, {
      as: admin,
      body: { method: { name: 'copy-image' }, stores: ['file', 'archive'] },
    });
    assert.equal(copy.status, 202, JSON.stringify(copy.body));
    await until(async () => (await show(uploaded)).stores === 'archive,file,web');
    assert.deepEqual(
      (await show(uploaded)).locations.map((each: { metadata: { store: string } }) => each.metadata.store),
      ['web', 'file', 'archive'],
      'what was removed is not in the way, and what comes is behind what is there',
    );
    assert.equal((await images.request('DELETE', `/v2/stores/file/${uploaded}`, { as: admin })).status, 204);
    assert.equal((await show(uploaded)).stores, 'archive,web');
    assert.deepEqual((await show(id)).stores, 'web');
  });

  it('leave a store one by one', async () => {
    const id = await located('#b', '#c');
    const removeFrom = (store: string) =>
      images.request('DELETE', `/v2/stores/${store}/${id}`, { as: admin });
    assert.equal((await removeFrom('web')).status, 204);
    assert.deepEqual(await urlsOf(id), ['#b', '#c']);
    assert.equal((await removeFrom('archive')).status, 404);
    assert.equal((await removeFrom('web')).status, 204);
    assert.equal((await removeFrom('web')).status, 403);
    assert.deepEqual(await urlsOf(id), ['#c']);
  });

  it('are replaced by themselves only: in another order, with other metadata', async () => {
    const id = await located('#b');
    const { locations } = await show(id);
    assert.equal((await replace(id, locations)).status, 200);
    assert.deepEqual((await show(id)).locations, locations);
    const [first, second] = locations;
    first.metadata.date = '2015-10-15';
    assert.equal((await replace(id, [second, first])).status, 200);
    assert.deepEqual((await show(id)).locations, [second, first]);
    const different = /Original locations is not empty/;
    await assertAnswer(replace(id, [first]), 400, different);
    await assertAnswer(replace(id, [first, location(`${url}#new`)]), 400, different);
    await assertAnswer(replace(id, [first, first]), 400, different);
    await assertAnswer(replace(id, [first, second, location(`${url}#new`)]), 400, different);
    await assertAnswer(replace(id, []), 403, /Cannot set locations to empty list/);
    await assertAnswer(replace(id, [first, { ...second, validation_data: hashes }]), 409, /New value/);
    assert.deepEqual((await show(id)).locations, [second, first]);
    // Nobody is asked on the web for what is known.
    web.answers.clear();
    assert.equal((await replace(id, [first, second])).status, 200);
    const deep = { ...first, metadata: { a: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) } };
    await assertAnswer(replace(id, [deep, second]), 400, /metadata of a location/);
    await assertAnswer(
      replace(id, [{ ...first, metadata: { a: 'x'.repeat(65_536) } }, second]),
      400,
      /metadata of a location/,
    );
  });

  it('are given all at once to an image that has none', async () => {
    const { id } = await images.create(member);
    const given = [location(`${url}#a`, { x: '1' }), location(`${url}#b`, {}, hashes)];
    const conflicting = { ...hashes, checksum: '0'.repeat(32) };
    await assertAnswer(
      replace(id, [location(url, {}, conflicting), given[1]]),
      409,
      /Conflicting values for checksum/,
    );
    const { status, body } = await replace(id, given);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(
      [body.status, body.size, body.checksum, body.os_hash_algo, body.os_hash_value],
      ['active', bytes.length, ...Object.values(hashes)],
    );
    assert.deepEqual(await urlsOf(id), ['#a', '#b']);
    assert.ok(!JSON.stringify(body.locations).includes('validation_data'));
    const { id: many } = await images.create(member);
    const five = ['1', '2', '3', '4', '5'].map((n) => location(`${url}#${n}`));
    await assertAnswer(replace(many, five), 413, /Attempted: 5, Maximum: 4/);
  });

  it('come with hashes that are the image’s from then on', async () => {
    const { id } = await images.create(member);
    for (const [wrong, said] of [
      [{ os_hash_algo: 'sha256' }, /os_hash_algo must be sha512, not sha256/],
      [{ os_hash_value: 'beef' }, /not the correct size for sha512 \(should be 64 bytes\)/],
      [{ os_hash_value: 'no'.repeat(64) }, /is not a valid hexadecimal value/],
      [{ checksum: 'no'.repeat(16) }, /checksum \(.*\) is not a valid hexadecimal value/],
    ] as const)
      await assertAnswer(add(id, location(url, {}, { ...hashes, ...wrong })), 409, said);
    for (const data of [
      {},
      { checksum: hashes.checksum },
      { ...hashes, size: 5 },
      { ...hashes, checksum: 'a' },
    ])
      await assertAnswer(add(id, location(url, {}, data)), 400, /does not match schema/);
    assert.deepEqual([(await show(id)).status, (await show(id)).checksum], ['queued', null]);
    const { body } = await add(id, location(url, {}, hashes));
    assert.deepEqual(
      [body.status, body.checksum, body.os_hash_algo, body.os_hash_value],
      ['active', ...Object.values(hashes)],
    );
    assert.deepEqual(body.locations, [{ url, metadata: { store: 'web' } }]);
    assert.equal((await add(id, location(`${url}#2`, {}, hashes))).status, 200);
    for (const [name, value] of Object.entries({
      checksum: '2'.repeat(32),
      os_hash_algo: 'sha256',
      os_hash_value: 'beefdead'.repeat(16),
    }))
      await assertAnswer(
        add(id, location(`${url}#3`, {}, { ...hashes, [name]: value })),
        409,
        new RegExp(`${name} is already set with a different value`),
      );
    assert.deepEqual(await urlsOf(id), ['', '#2']);
  });

  it('lie on the web, where there is an image that may be one', async () => {
    const { id } = await images.create(member);
    serve('/empty', Buffer.alloc(0));
    serve('/qcow2', Buffer.alloc(4096, 'QFI\xfb', 'latin1'));
    serve('/other', Buffer.alloc(4096, 'QED\0'));
    serve('/longer', Buffer.alloc(bytes.length + 1));
    const invalid = /Invalid location/;
    for (const address of [
      'file:///etc/passwd',
      'gopher://info.example.org',
      'disk',
      'http://127.0.0.1:1/disk',
      url.replace('//', '//user:secret@'),
      `${web.origin}/missing`,
      `${web.origin}/empty`,
    ])
      await assertAnswer(add(id, location(address)), 400, invalid);
    await assertAnswer(add(id, location(`${web.origin}/other`)), 415, /Image failed safety checks/);
    assert.equal((await show(id)).status, 'queued');
    await add(id, location(url));
    await assertAnswer(add(id, location(`${web.origin}/longer`)), 400, /100001 bytes are there/);
    for (const value of [{}, { url }, { metadata: {} }, { url: 5, metadata: {} }, 'x', [location(url)]])
      await assertAnswer(add(id, value), 400, /does not match schema/);
    assert.deepEqual(await urlsOf(id), ['']);
  });

  it('are changed by those who may, and of images that are ready for it', async () => {
    const id = await located();
    const other = location(`${url}#2`);
    await assertAnswer(add(id, other, '-', reader), 403, /set_image_location/);
    assert.equal((await add(id, other, '-', stranger)).status, 404);
    assert.equal((await remove(id, '0', stranger)).status, 404);
    await images.request('POST', `/v2/images/${id}/actions/deactivate`, { as: admin });
    for (const asked of [add(id, other), replace(id, [location(url)])])
      await assertAnswer(asked, 409, /not allowed to (add|replace) locations if image status is deactivated/);
    await assertAnswer(
      remove(id, '0'),
      409,
      /not allowed to remove locations if image status is deactivated/,
    );
    const { id: formless } = await images.create(member, { disk_format: null, container_format: null });
    await assertAnswer(
      add(formless, location(url)),
      400,
      /Properties disk_format, container_format must be set prior to saving data/,
    );
    const all = await images.patch(member, formless, [
      { op: 'add', path: '/locations/-', value: location(url) },
      { op: 'replace', path: '/disk_format', value: 'raw' },
      { op: 'replace', path: '/container_format', value: 'bare' },
      { op: 'add', path: '/locations/0', value: other },
      { op: 'add', path: '/note', value: 'all or nothing' },
    ]);
    assert.equal(all.status, 200, JSON.stringify(all.body));
    assert.deepEqual(await urlsOf(formless), ['#2', '']);
    assert.equal(all.body.note, 'all or nothing');
    const none = await images.patch(member, formless, [
      { op: 'add', path: '/locations/-', value: location(`${url}#3`) },
      { op: 'remove', path: '/note' },
      { op: 'remove', path: '/nothing' },
    ]);
    assert.equal(none.status, 409);
    assert.deepEqual([(await show(formless)).note, await urlsOf(formless)], ['all or nothing', ['#2', '']]);
  });

  it('are read in their order: where one is gone, the next one', async () => {
    serve('/other', bytes);
    const id = await located();
    assert.equal((await add(id, location(`${web.origin}/other`))).status, 200);
    const others = world.bus.client(imageService);
    const piece = async () => Buffer.from((await others.read({ id, offset: 5, length: 10 })).bytes, 'base64');
    web.answers.delete('/disk');
    assert.deepEqual(await piece(), bytes.subarray(5, 15));
    assert.deepEqual((await images.download(member, id)).bytes, bytes);
    assert.deepEqual(await urlsOf(id), ['', `${web.origin}/other`]);
  });

  it('that are added at the same time are all there', async () => {
    const { id } = await images.create(member);
    const answers = await Promise.all(
      ['#1', '#2', '#3', '#4'].map((each) => add(id, location(`${url}${each}`))),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    assert.deepEqual((await urlsOf(id)).toSorted(), ['#1', '#2', '#3', '#4']);
  });

  it('that a server is slow to answer for hold nobody up', async () => {
    const { id } = await images.create(member);
    const answering = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    web.answers.set('/slow', (_, response) => {
      asked.resolve();
      void answering.promise.then(() => response.writeHead(200, { 'content-length': 5 }).end('bytes'));
    });
    const adding = add(id, location(`${web.origin}/slow`));
    await asked.promise;
    const { id: another } = await images.create(member);
    assert.equal((await images.upload(member, another, bytes)).status, 204);
    // Meanwhile the image was filled in another way.
    assert.equal((await images.upload(member, id, bytes)).status, 204);
    answering.resolve();
    await assertAnswer(adding, 400, /5 bytes are there, and the image has 100000/);
  });

  it('wait for another that is on its way', async () => {
    const { id } = await images.create(member);
    const answering = Promise.withResolvers<void>();
    web.answers.set(
      '/slow',
      (_, response) =>
        void answering.promise.then(() =>
          response.writeHead(200, { 'content-length': bytes.length }).end(bytes),
        ),
    );
    const posted = await images.request('POST', `/v2/images/${id}/locations`, {
      as: member,
      body: { url: `${web.origin}/slow` },
    });
    assert.equal(posted.status, 202);
    await assertAnswer(add(id, location(url)), 409, /Image has active task/);
    answering.resolve();
    await until(async () => {
      const { status, os_glance_import_task: task } = await show(id);
      return status === 'active' && task === undefined;
    });
    assert.equal((await add(id, location(url))).status, 200);
    assert.deepEqual((await urlsOf(id)).length, 2);
  });

  async function assertGone(id: string): Promise<void> {
    assert.equal((await images.request('GET', `/v2/images/${id}`, { as: member })).status, 404);
  }

  async function until(so: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 10_000; tries++) {
      if (await so()) return;
      await setImmediate();
    }
    assert.fail('it never came to that');
  }
});
