import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
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
import { imagesIn } from '../testing/images.ts';

describe('images', () => {
  let world: World;
  let images: ReturnType<typeof imagesIn>;
  before(async () => {
    world = await startWorld([image]);
    images = imagesIn(world);
  });
  after(() => world[Symbol.asyncDispose]());

  it('are created, shown, and deleted, without a wrapper', async () => {
    const id = randomUUID();
    const made = await images.request('POST', '/v2/images', {
      as: member,
      body: {
        id,
        name: 'cirros',
        disk_format: 'qcow2',
        container_format: 'bare',
        min_disk: 1,
        tags: ['a', 'b', 'a'],
        os_distro: 'cirros',
      },
    });
    assert.equal(made.status, 201);
    assert.equal(made.headers.get('location'), `${world.urls['image']}/v2/images/${id}`);
    const { created_at, updated_at, tags, ...rest } = made.body;
    assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(updated_at, created_at);
    assert.deepEqual(tags.toSorted(), ['a', 'b']);
    assert.deepEqual(rest, {
      os_distro: 'cirros',
      id,
      name: 'cirros',
      disk_format: 'qcow2',
      container_format: 'bare',
      visibility: 'shared',
      size: null,
      virtual_size: null,
      status: 'queued',
      checksum: null,
      protected: false,
      min_ram: 0,
      min_disk: 1,
      owner: member.projectId,
      os_hidden: false,
      os_hash_algo: null,
      os_hash_value: null,
      self: `/v2/images/${id}`,
      file: `/v2/images/${id}/file`,
      schema: '/v2/schemas/image',
    });
    assert.deepEqual((await images.request('GET', `/v2/images/${id}`, { as: member })).body, made.body);
    assert.equal((await images.request('DELETE', `/v2/images/${id}`, { as: member })).status, 204);
    assert.equal((await images.request('GET', `/v2/images/${id}`, { as: member })).status, 404);
    assert.equal((await images.request('DELETE', `/v2/images/${id}`, { as: member })).status, 404);
    const again = await images.request('POST', '/v2/images', { as: member, body: { id } });
    assert.equal(again.status, 409, 'an id is used once, even after its image is gone');
  });

  it('say why they are refused as glance does: in HTML, or in JSON to those who ask for it', async () => {
    const path = `/v2/images/${randomUUID()}`;
    const html = await images.request('GET', path, { as: member });
    assert.equal(html.status, 404);
    assert.match(html.headers.get('content-type') ?? '', /^text\/html/);
    assert.match(html.body, /<title>404 Not Found<\/title>[\s\S]*No image found with ID/);
    const json = await images.request('GET', path, { as: member, headers: { accept: 'application/json' } });
    assert.equal(json.body.code, '404 Not Found');
    assert.match(json.body.message, /^No image found with ID .*<br \/><br \/>/);
    const attack = await images.request('GET', '/v2/images/%3Cscript%3E', { as: member });
    assert.ok(!attack.body.includes('<script>'));
    const nobody = await images.request('GET', path, { headers: { accept: 'application/json' } });
    assert.deepEqual([nobody.status, nobody.body.code], [401, '401 Unauthorized']);
    assert.match(nobody.headers.get('www-authenticate') ?? '', /^Keystone uri="/);
    assert.equal((await images.request('GET', '/v2/images/', { as: member })).status, 404);
  });

  it('say some refusals below the sentence that all of their status have', async () => {
    const { id } = await images.create(member);
    const removing = (accept: string) =>
      images.request('PATCH', `/v2/images/${id}`, {
        as: member,
        headers: { accept, 'content-type': 'application/openstack-images-v2.1-json-patch' },
        body: [{ op: 'remove', path: '/colour' }],
      });
    const sentence = 'There was a conflict when trying to complete your request.';
    const { status, body } = await removing('application/json');
    assert.equal(status, 409);
    assert.equal(body.message, `${sentence}<br /><br />\nProperty colour does not exist.\n\n`);
    assert.ok((await removing('text/html')).body.includes(`${sentence}<br /><br />\nProperty colour`));
  });

  it('are made of JSON that is not said to be any', async () => {
    const post = (body: string) =>
      images.request('POST', '/v2/images', { as: member, body, headers: { 'content-type': 'text/plain' } });
    assert.equal((await post('{"name": "undeclared"}')).status, 201);
    assert.equal((await post('name=undeclared')).status, 400);
  });

  it('may have a kernel by the id of its image, and none', async () => {
    const kernel_id = randomUUID();
    const { id, ...made } = await images.create(member, { kernel_id, ramdisk_id: null });
    assert.deepEqual([made.kernel_id, made.ramdisk_id], [kernel_id, null]);
    const patched = await images.request('PATCH', `/v2/images/${id}`, {
      as: member,
      headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
      body: [{ op: 'replace', path: '/kernel_id', value: null }],
    });
    assert.deepEqual([patched.body.kernel_id, patched.body.ramdisk_id], [null, null]);
    const { body: shown } = await images.request('GET', `/v2/images/${id}`, { as: member });
    assert.deepEqual([shown.kernel_id, shown.ramdisk_id], [null, null], 'they are there, and are null');
    const record = await world.bus.client(imageService).image({ id, admin: true });
    assert.deepEqual(record?.properties, {}, 'to other services they are not there');
    const gone = await images.patch(member, id, [{ op: 'remove', path: '/kernel_id' }]);
    assert.equal('kernel_id' in gone.body, false);
    for (const none of ['vmlinuz', '']) {
      const body = { kernel_id: none };
      assert.equal((await images.request('POST', '/v2/images', { as: member, body })).status, 400);
    }
    assert.equal(
      (await images.patch(member, id, [{ op: 'add', path: '/colour', value: null }])).status,
      400,
      'other properties are texts',
    );
  });

  for (const [what, body, status] of [
    ['an unknown disk format', { disk_format: 'floppy' }, 400],
    ['a name that is too long', { name: 'n'.repeat(256) }, 400],
    ['a tag that is too long', { tags: ['t'.repeat(256)] }, 400],
    ['too many tags', { tags: Array.from({ length: 129 }, (_, n) => `t${n}`) }, 413],
    ['too many properties', Object.fromEntries(Array.from({ length: 129 }, (_, n) => [`p${n}`, ''])), 413],
    ['a property whose name is too long', { ['p'.repeat(256)]: '' }, 400],
    ['a property that is no text', { cores: 4 }, 400],
    ['an id that is none', { id: 'mine' }, 400],
    ['a negative size', { min_disk: -1 }, 400],
    ['a status', { status: 'active' }, 403],
    ['a checksum', { checksum: '0'.repeat(32) }, 403],
    ['an address', { self: '/v2/images/1' }, 403],
    ['a reserved property', { os_glance_x: '' }, 403],
    ['a location', { locations: [{ url: 'file:///etc/shadow', metadata: {} }] }, 403],
    ["somebody else's owner", { owner: 'c'.repeat(32) }, 403],
    ['publicity', { visibility: 'public' }, 403],
  ] as const) {
    it(`are not created with ${what}`, async () => {
      const made = await images.request('POST', '/v2/images', { as: member, body });
      assert.equal(made.status, status, JSON.stringify(made.body));
    });
  }

  it('are created by members, not readers, and for anybody by administrators', async () => {
    assert.equal((await images.request('POST', '/v2/images', { as: reader, body: {} })).status, 403);
    assert.equal((await images.request('POST', '/v2/images', { body: {} })).status, 401);
    const made = await images.create(admin, { owner: member.projectId, visibility: 'public' });
    assert.equal(made.owner, member.projectId);
    assert.equal(made.visibility, 'public');
  });

  describe('are patched', () => {
    it('attribute by attribute', async () => {
      const { id } = await images.create(member, { os_distro: 'debian', note: 'x', 'a/b': '1' });
      const { status, body } = await images.patch(member, id, [
        { op: 'replace', path: '/name', value: 'new' },
        { op: 'replace', path: '/tags', value: ['x', 'y'] },
        { op: 'add', path: '/os_version', value: '13' },
        { op: 'add', path: '/os_distro', value: 'ubuntu' },
        { op: 'remove', path: '/note' },
        { op: 'replace', path: '/a~1b', value: '2' },
        { op: 'replace', path: '/min_ram', value: 64 },
        { op: 'replace', path: '/os_hidden', value: true },
      ]);
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.name, 'new');
      assert.equal(body.os_version, '13');
      assert.equal(body.os_distro, 'ubuntu');
      assert.equal(body.note, undefined);
      assert.equal(body['a/b'], '2');
      assert.deepEqual(body.tags.toSorted(), ['x', 'y']);
      assert.equal(body.min_ram, 64);
      const shown = await images.request('GET', `/v2/images/${id}`, { as: member });
      assert.deepEqual(shown.body, { ...body, tags: shown.body.tags });
    });

    it('in the older form too', async () => {
      const { id } = await images.create(member);
      const patch = (body: unknown) =>
        images.request('PATCH', `/v2/images/${id}`, {
          as: member,
          body,
          headers: { 'content-type': 'application/openstack-images-v2.0-json-patch' },
        });
      const { status, body } = await patch([
        { replace: '/name', value: 'old' },
        { add: '/x', value: 'y' },
      ]);
      assert.equal(status, 200);
      assert.deepEqual([body.name, body.x], ['old', 'y']);
      assert.equal((await patch([{ add: '/x', value: 'z' }])).status, 409);
      assert.equal((await patch([{ add: '/x', replace: '/x', value: 'z' }])).status, 400);
    });

    for (const [what, operation, status] of [
      ['what is read-only', { op: 'replace', path: '/status', value: 'active' }, 403],
      ['the id', { op: 'replace', path: '/id', value: randomUUID() }, 403],
      ['what is reserved', { op: 'add', path: '/os_glance_x', value: '' }, 403],
      ['locations', { op: 'add', path: '/locations/-', value: { url: 'file:///x', metadata: {} } }, 403],
      ['a base attribute away', { op: 'remove', path: '/name' }, 403],
      ['what is not there', { op: 'remove', path: '/nothing' }, 409],
      ['what is not there by another', { op: 'replace', path: '/nothing', value: '' }, 409],
      ['the owner', { op: 'replace', path: '/owner', value: 'c'.repeat(32) }, 403],
      ['its visibility to public', { op: 'replace', path: '/visibility', value: 'public' }, 403],
      ['in an unknown way', { op: 'move', path: '/name', from: '/x' }, 400],
      ['without a value', { op: 'add', path: '/name' }, 400],
      ['too deep', { op: 'add', path: '/tags/-', value: 'x' }, 400],
      ['without a slash', { op: 'add', path: 'name', value: 'x' }, 400],
      ['by a bad pointer', { op: 'add', path: '/a~2', value: 'x' }, 400],
      ['to a wrong type', { op: 'replace', path: '/protected', value: 'yes' }, 400],
    ] as const) {
      it(`but not ${what}`, async () => {
        const { id } = await images.create(member, { name: 'before' });
        const answered = await images.patch(member, id, [
          { op: 'replace', path: '/name', value: 'after' },
          operation,
        ]);
        assert.equal(answered.status, status, JSON.stringify(answered.body));
        const { body } = await images.request('GET', `/v2/images/${id}`, { as: member });
        assert.equal(body.name, 'before', 'all operations or none');
      });
    }

    it('by those who own them', async () => {
      const { id } = await images.create(admin, { visibility: 'public' });
      const operations = [{ op: 'replace', path: '/name', value: 'mine' }];
      assert.equal((await images.patch(member, id, operations)).status, 403);
      const own = await images.create(member);
      assert.equal((await images.patch(stranger, own.id, operations)).status, 404);
      assert.equal((await images.patch(reader, own.id, operations)).status, 403);
    });

    it('but not in their formats once they have bytes', async () => {
      const { id } = await images.create(member);
      await images.upload(member, id, randomBytes(10));
      const answered = await images.patch(member, id, [
        { op: 'replace', path: '/disk_format', value: 'iso' },
      ]);
      assert.equal(answered.status, 403);
    });

    it('with a content type that says so', async () => {
      const { id } = await images.create(member);
      const answered = await images.request('PATCH', `/v2/images/${id}`, { as: member, body: [] });
      assert.equal(answered.status, 415);
      assert.match(answered.headers.get('accept-patch') ?? '', /openstack-images-v2\.1-json-patch/);
    });
  });

  it('are not deleted while they are protected', async () => {
    const { id } = await images.create(member, { protected: true });
    const refused = await images.request('DELETE', `/v2/images/${id}`, { as: member });
    assert.equal(refused.status, 403);
    assert.match(refused.body, new RegExp(`Image ${id} is protected and cannot be deleted.`));
    await images.patch(member, id, [{ op: 'replace', path: '/protected', value: false }]);
    assert.equal((await images.request('DELETE', `/v2/images/${id}`, { as: member })).status, 204);
  });

  it('are seen by those for whom they are', async () => {
    const some = await Promise.all([
      images.create(admin, { name: 'seen-public', visibility: 'public' }),
      images.create(member, { name: 'seen-own', visibility: 'private' }),
      images.create(stranger, { name: 'seen-foreign', visibility: 'private' }),
      images.create(stranger, { name: 'seen-community', visibility: 'community' }),
    ]);
    const seen = async (as: typeof member, query = '') =>
      (await images.names(as, query)).filter((name) => name?.startsWith('seen-')).toSorted();
    assert.deepEqual(await seen(member), ['seen-own', 'seen-public']);
    assert.deepEqual(await seen(reader), ['seen-own', 'seen-public']);
    assert.deepEqual(await seen(stranger), ['seen-community', 'seen-foreign', 'seen-public']);
    assert.deepEqual(await seen(admin), ['seen-foreign', 'seen-own', 'seen-public']);
    assert.deepEqual(await seen(member, '?visibility=community'), ['seen-community']);
    assert.deepEqual(await seen(member, '?visibility=all'), ['seen-community', 'seen-own', 'seen-public']);
    assert.deepEqual(await seen(member, '?visibility=private'), ['seen-own']);
    const statuses = await Promise.all(
      some.map(async ({ id }) => (await images.request('GET', `/v2/images/${id}`, { as: member })).status),
    );
    assert.deepEqual(statuses, [200, 200, 404, 200]);
  });

  describe('are listed', () => {
    const lister = { ...member, projectId: '1'.repeat(32) };
    // Public images of the other tests are left out.
    const list = (query: string) => images.names(lister, `${query}${query ? '&' : '?'}visibility=private`);
    before(async () => {
      const make = (name: string, more: object = {}) =>
        images.create(lister, { name, visibility: 'private', ...more });
      const one = await make('one', { tags: ['x', 'y'], os_distro: 'debian', min_ram: 10 });
      await make('two', { tags: ['y'], disk_format: 'qcow2', min_ram: 20 });
      await make('three, and more', { protected: true, os_distro: 'debian' });
      await make('hidden', { os_hidden: true });
      await images.upload(lister, one.id, randomBytes(100));
    });

    for (const [query, names] of [
      ['', ['three, and more', 'two', 'one']],
      ['?name=one', ['one']],
      ['?name=in:one,two', ['two', 'one']],
      ['?name=in:one,"three, and more"', ['three, and more', 'one']],
      ['?status=active', ['one']],
      ['?status=in:active,queued', ['three, and more', 'two', 'one']],
      ['?disk_format=qcow2', ['two']],
      ['?container_format=bare&disk_format=in:raw,iso', ['three, and more', 'one']],
      ['?size_min=1', ['one']],
      ['?size_max=99', []],
      ['?size=100', ['one']],
      ['?min_ram_min=15', ['two']],
      ['?min_ram_max=15&min_ram_min=5', ['one']],
      ['?tag=y', ['two', 'one']],
      ['?tag=x&tag=y', ['one']],
      ['?protected=true', ['three, and more']],
      ['?os_hidden=true', ['hidden']],
      ['?os_distro=debian', ['three, and more', 'one']],
      ['?os_distro=debian&name=one', ['one']],
      [`?owner=${lister.projectId}&tag=x`, ['one']],
      ['?owner=nobody', []],
      ['?created_at=gt:2020-01-01T00:00:00Z', ['three, and more', 'two', 'one']],
      ['?created_at=lte:2020-01-01', []],
      ['?updated_at=lt:2100-01-01T00:00:00%2B02:00&tag=x', ['one']],
      ['?sort=name:asc', ['one', 'three, and more', 'two']],
      ['?sort=name', ['two', 'three, and more', 'one']],
      ['?sort_key=name&sort_dir=asc', ['one', 'three, and more', 'two']],
      ['?sort_key=disk_format&sort_key=name&sort_dir=desc&sort_dir=asc', ['one', 'three, and more', 'two']],
      ['?sort=size:desc,name:asc', ['one', 'three, and more', 'two']],
      ['?limit=0', []],
    ] as const) {
      it(`by ${query || 'nothing'}`, async () => assert.deepEqual(await list(query), names));
    }

    for (const query of [
      '?limit=x',
      '?limit=-1',
      '?sort_key=colour',
      '?sort=name:up',
      '?sort=name&sort_key=name',
      '?sort_key=name&sort_key=size&sort_dir=asc&sort_dir=asc&sort_dir=asc',
      '?visibility=secret',
      '?member_status=x',
      '?size_min=x',
      '?created_at=yesterday',
      '?name=gt:a',
      '?protected=maybe',
      '?os_hidden=maybe',
      '?marker=none',
      `?marker=${randomUUID()}`,
      '?changes-since=2020-01-01',
    ]) {
      it(`but not by ${query}`, async () => {
        const { status } = await images.request('GET', `/v2/images${query}`, { as: lister });
        assert.equal(status, 400);
      });
    }

    it('in pages that have all of them once, in every order', async () => {
      const many = { ...member, projectId: '2'.repeat(32) };
      for (let n = 0; n < 7; n++)
        await images.create(many, { name: n % 2 ? 'odd' : 'even', visibility: 'private', tags: ['p', 'q'] });
      for (const sort of ['', '&sort=name:asc', '&sort=size:desc', '&sort=name:desc,created_at:asc']) {
        const found: string[] = [];
        let next: string | undefined = `/v2/images?limit=3&tag=p&tag=q${sort}`;
        let pages = 0;
        while (next) {
          const { body }: { body: { images: { id: string }[]; next?: string; first: string } } =
            await images.request('GET', next, { as: many });
          assert.ok(!body.first.includes('marker'));
          found.push(...body.images.map(({ id }) => id));
          next = body.next;
          pages++;
        }
        assert.equal(pages, 3);
        assert.equal(found.length, 7);
        assert.equal(new Set(found).size, 7);
      }
    });
  });

  it('have versions and schemas that clients find', async () => {
    const root = await images.request('GET', '/');
    assert.equal(root.status, 300);
    const [newest] = root.body.versions;
    assert.deepEqual(newest, {
      id: 'v2.16',
      status: 'CURRENT',
      links: [{ rel: 'self', href: `${world.urls['image']}/v2/` }],
    });
    assert.equal((await images.request('GET', '/versions')).status, 200);
    for (const name of ['image', 'images', 'member', 'members']) {
      const { body } = await images.request('GET', `/v2/schemas/${name}`, { as: reader });
      assert.equal(body.name, name);
    }
    const methods = await images.request('GET', '/v2/info/import', { as: reader });
    assert.equal(methods.body['import-methods'].value.length, 4);
    const stores = await images.request('GET', '/v2/info/stores', { as: reader });
    assert.deepEqual(
      stores.body.stores.map(({ id }: { id: string }) => id),
      ['file'],
    );
  });
});
