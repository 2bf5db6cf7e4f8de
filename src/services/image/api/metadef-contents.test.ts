import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  admin,
  member,
  reader,
  startWorld,
  stranger,
  type World,
} from '../../../platform/service/testing/world.ts';
import { image } from '../service.ts';
import { metadefsIn } from '../testing/metadefs.ts';

let world: World;
let metadefs: ReturnType<typeof metadefsIn>;
before(async () => {
  world = await startWorld([image]);
  metadefs = metadefsIn(world);
});
after(() => world[Symbol.asyncDispose]());

const rig = { title: 'Rig', type: 'string', enum: ['sloop', 'ketch'] };

describe('an object of a namespace', () => {
  it('is made, shown, listed, changed and deleted', async () => {
    const { name, path } = await metadefs.namespace({ visibility: 'public' });
    const body = { name: 'Sail', description: 'Cloth', required: ['rig'], properties: { rig } };
    const { created_at, updated_at, ...made } = await metadefs.expect(201, 'POST', `${path}/objects`, {
      body,
    });
    assert.ok(created_at && updated_at);
    assert.deepEqual(made, {
      ...body,
      self: `/v2/metadefs/namespaces/${name}/objects/Sail`,
      schema: '/v2/schemas/metadefs/object',
    });
    assert.deepEqual(await metadefs.expect(200, 'GET', `${path}/objects/Sail`, { as: stranger }), {
      created_at,
      updated_at,
      ...made,
    });
    await metadefs.expect(201, 'POST', `${path}/objects`, { body: { name: 'Bare' } });
    const { objects, schema } = await metadefs.expect(200, 'GET', `${path}/objects`, { as: reader });
    assert.equal(schema, 'v2/schemas/metadefs/objects');
    assert.deepEqual(
      objects.map((each: { name: string; required: string[]; properties: object }) => [
        each.name,
        each.required,
        Object.keys(each.properties),
      ]),
      [
        ['Sail', ['rig'], ['rig']],
        ['Bare', [], []],
      ],
    );
    const changed = await metadefs.expect(200, 'PUT', `${path}/objects/Sail`, { body: { name: 'Jib' } });
    assert.equal(changed.name, 'Jib');
    assert.equal(changed.description, undefined);
    await metadefs.expect(404, 'GET', `${path}/objects/Sail`);
    assert.deepEqual((await metadefs.expect(200, 'GET', `${path}/objects/Jib`)).properties, {});
    await metadefs.expect(204, 'DELETE', `${path}/objects/Jib`);
    await metadefs.expect(404, 'DELETE', `${path}/objects/Jib`);
  });

  it('is refused where another has its name, where it is malformed, and to who is no administrator', async () => {
    const { path } = await metadefs.namespace({
      visibility: 'public',
      objects: [{ name: 'A' }, { name: 'B' }],
    });
    await metadefs.expect(409, 'POST', `${path}/objects`, { body: { name: 'A' } });
    await metadefs.expect(409, 'PUT', `${path}/objects/B`, { body: { name: 'A' } });
    await metadefs.expect(200, 'PUT', `${path}/objects/B`, { body: { name: 'B', description: 'same' } });
    for (const body of [
      undefined,
      'A',
      {},
      { name: 'x'.repeat(81) },
      { name: 'C', colour: 'red' },
      { name: 'C', required: ['a', 'a'] },
      { name: 'C', properties: { p: { title: 'P' } } },
      { name: 'C', properties: { p: { title: 'P', type: 'string', colour: 'red' } } },
      { name: 'C', properties: { p: { title: 'P', type: 'string', enum: [1] } } },
    ])
      await metadefs.expect(400, 'POST', `${path}/objects`, { body });
    await metadefs.expect(403, 'POST', `${path}/objects`, { body: { name: 'C', self: 'x' } });
    for (const as of [member, reader]) {
      await metadefs.expect(403, 'POST', `${path}/objects`, { as, body: { name: 'C' } });
      await metadefs.expect(403, 'PUT', `${path}/objects/A`, { as, body: { name: 'C' } });
      await metadefs.expect(403, 'DELETE', `${path}/objects/A`, { as });
      await metadefs.expect(403, 'DELETE', `${path}/objects`, { as });
    }
    await metadefs.expect(404, 'POST', '/namespaces/Test::Absent/objects', { body: { name: 'A' } });
    for (const query of ['limit=0', 'limit=x', 'sort_dir=up', 'visibility=x'])
      await metadefs.expect(400, 'GET', `${path}/objects?${query}`);
  });
});

describe('a property of a namespace', () => {
  it('is made, shown, listed, changed and deleted', async () => {
    const { path } = await metadefs.namespace({ visibility: 'public' });
    const body = { name: 'rig', ...rig, default: 'sloop', readonly: true };
    assert.deepEqual(await metadefs.expect(201, 'POST', `${path}/properties`, { body }), body);
    assert.deepEqual(await metadefs.expect(200, 'GET', `${path}/properties/rig`, { as: stranger }), body);
    const listed = await metadefs.expect(200, 'GET', `${path}/properties`, { as: reader });
    assert.deepEqual(listed, { properties: { rig: body } });
    const changed = { name: 'masts', title: 'Masts', type: 'integer', default: 2, minimum: 1.5 };
    const stored = { ...changed, default: '2', minimum: 1 };
    assert.deepEqual(await metadefs.expect(200, 'PUT', `${path}/properties/rig`, { body: changed }), stored);
    assert.deepEqual(await metadefs.expect(200, 'GET', `${path}/properties/masts`), stored);
    await metadefs.expect(404, 'GET', `${path}/properties/rig`);
    await metadefs.expect(204, 'DELETE', `${path}/properties/masts`);
    await metadefs.expect(404, 'DELETE', `${path}/properties/masts`);
  });

  it('is found by the name that it has on a type of resource', async () => {
    const { path } = await metadefs.namespace({
      properties: { rig },
      resource_type_associations: [{ name: 'Test::Boat', prefix: 'boat:' }, { name: 'Test::Plain' }],
    });
    const shown = await metadefs.expect(200, 'GET', `${path}/properties/boat:rig?resource_type=Test::Boat`);
    assert.deepEqual(shown, { ...rig, name: 'rig' });
    for (const wrong of [
      'rig?resource_type=Test::Boat',
      'boat:sail?resource_type=Test::Boat',
      'rig?resource_type=Test::Plain',
      'boat:rig?resource_type=OS::Glance::Image',
      'boat:rig?resource_type=Test::Unknown',
      'boat:rig',
    ])
      await metadefs.expect(404, 'GET', `${path}/properties/${wrong}`);
  });

  it('is refused where another has its name, where it is malformed, and to who is no administrator', async () => {
    const { path } = await metadefs.namespace({ visibility: 'public', properties: { a: rig, b: rig } });
    await metadefs.expect(409, 'POST', `${path}/properties`, { body: { name: 'a', ...rig } });
    await metadefs.expect(409, 'PUT', `${path}/properties/b`, { body: { name: 'a', ...rig } });
    for (const body of [undefined, [], rig, { name: 'c' }, { ...rig, name: 'c', colour: 1 }]) {
      await metadefs.expect(400, 'POST', `${path}/properties`, { body });
      await metadefs.expect(400, 'PUT', `${path}/properties/a`, { body });
    }
    await metadefs.expect(403, 'POST', `${path}/properties`, {
      body: { name: 'c', ...rig, created_at: 'x' },
    });
    for (const as of [member, reader]) {
      await metadefs.expect(403, 'POST', `${path}/properties`, { as, body: { name: 'c', ...rig } });
      await metadefs.expect(403, 'PUT', `${path}/properties/a`, { as, body: { name: 'c', ...rig } });
      await metadefs.expect(403, 'DELETE', `${path}/properties/a`, { as });
      await metadefs.expect(403, 'DELETE', `${path}/properties`, { as });
    }
  });
});

describe('tags of a namespace', () => {
  const tagsOf = async (path: string, query = ''): Promise<string[]> =>
    (await metadefs.expect(200, 'GET', `${path}/tags${query}`)).tags.map(
      ({ name }: { name: string }) => name,
    );
  const put = (path: string, names: string[], headers: Record<string, string> = {}) =>
    metadefs.request('POST', `${path}/tags`, { body: { tags: names.map((name) => ({ name })) }, headers });

  it('are made one by one', async () => {
    const { path } = await metadefs.namespace({ visibility: 'public' });
    const made = await metadefs.expect(201, 'POST', `${path}/tags/wood`);
    assert.deepEqual(Object.keys(made), ['name', 'created_at', 'updated_at']);
    await metadefs.expect(409, 'POST', `${path}/tags/wood`);
    await metadefs.expect(400, 'POST', `${path}/tags/${'x'.repeat(81)}`);
    assert.equal((await metadefs.expect(200, 'GET', `${path}/tags/wood`, { as: stranger })).name, 'wood');
    const renamed = await metadefs.expect(200, 'PUT', `${path}/tags/wood`, { body: { name: 'steel' } });
    assert.equal(renamed.name, 'steel');
    await metadefs.expect(404, 'GET', `${path}/tags/wood`);
    await metadefs.expect(201, 'POST', `${path}/tags/wood`);
    await metadefs.expect(409, 'PUT', `${path}/tags/wood`, { body: { name: 'steel' } });
    await metadefs.expect(400, 'PUT', `${path}/tags/wood`, { body: { name: 7 } });
    await metadefs.expect(204, 'DELETE', `${path}/tags/wood`);
    await metadefs.expect(404, 'DELETE', `${path}/tags/wood`);
    assert.deepEqual(await tagsOf(path), ['steel']);
  });

  it('are made without a body, whatever type it is said to have', async () => {
    const { path } = await metadefs.namespace();
    const headers = { 'content-type': 'application/octet-stream' };
    await metadefs.expect(201, 'POST', `${path}/tags/bare`, { headers });
    const sent = await fetch(`${world.urls['image']}/v2/metadefs${path}/tags/bytes`, {
      method: 'POST',
      headers: { ...headers, 'x-auth-token': world.tokenFor(admin) },
      body: 'bytes',
    });
    assert.equal(sent.status, 400);
    await sent.body?.cancel();
    assert.deepEqual(await tagsOf(path), ['bare']);
  });

  it('are made all at once, in the place of others or beside them', async () => {
    const { path } = await metadefs.namespace();
    const made = await put(path, ['a', 'b', 'c']);
    assert.equal(made.status, 201);
    assert.deepEqual(made.body, { tags: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] });
    assert.equal((await put(path, ['c', 'd'])).status, 201);
    assert.deepEqual(await tagsOf(path, '?sort_key=name&sort_dir=asc'), ['c', 'd']);
    assert.equal((await put(path, ['e', 'f'], { 'x-openstack-append': 'True' })).status, 201);
    assert.equal((await put(path, ['g', 'c'], { 'x-openstack-append': 'True' })).status, 409);
    assert.equal((await put(path, ['g', 'g'])).status, 409);
    assert.equal((await put(path, [])).status, 201);
    assert.deepEqual(await tagsOf(path, '?sort_dir=asc'), ['c', 'd', 'e', 'f']);
    for (const body of [undefined, {}, { tags: 'a' }, { tags: [{}] }, { tags: [{ name: 'x', more: 1 }] }])
      await metadefs.expect(400, 'POST', `${path}/tags`, { body });
    await metadefs.expect(400, 'POST', `${path}/tags`, { body: { tags: [{ name: 'x'.repeat(81) }] } });
  });

  it('are listed newest first, by pages', async () => {
    const { path } = await metadefs.namespace();
    await put(path, ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(await tagsOf(path), ['e', 'd', 'c', 'b', 'a']);
    assert.deepEqual(await tagsOf(path, '?limit=2'), ['e', 'd']);
    assert.deepEqual(await tagsOf(path, '?limit=2&marker=d'), ['c', 'b']);
    assert.deepEqual(await tagsOf(path, '?sort_key=name&sort_dir=asc&marker=d'), ['e']);
    await metadefs.expect(404, 'GET', `${path}/tags?marker=none`);
    for (const query of ['limit=x', 'limit=-1', 'sort_dir=up', 'sort_key=x', 'visibility=x'])
      await metadefs.expect(400, 'GET', `${path}/tags?${query}`);
  });

  it('are written by administrators only', async () => {
    const { path } = await metadefs.namespace({ visibility: 'public', tags: [{ name: 'a' }] });
    for (const as of [member, reader]) {
      await metadefs.expect(403, 'POST', `${path}/tags`, { as, body: { tags: [{ name: 'b' }] } });
      await metadefs.expect(403, 'POST', `${path}/tags/b`, { as });
      await metadefs.expect(403, 'PUT', `${path}/tags/a`, { as, body: { name: 'b' } });
      await metadefs.expect(403, 'DELETE', `${path}/tags/a`, { as });
      await metadefs.expect(403, 'DELETE', `${path}/tags`, { as });
    }
  });
});

describe('a type of resource', () => {
  it('is associated with a namespace, and known from then on', async () => {
    const { path } = await metadefs.namespace({ visibility: 'public' });
    const body = { name: 'Test::Ship', prefix: 'ship:', properties_target: 'hull' };
    const { created_at, updated_at, ...made } = await metadefs.expect(201, 'POST', `${path}/resource_types`, {
      body,
    });
    assert.ok(created_at && updated_at);
    assert.deepEqual(made, body);
    await metadefs.expect(409, 'POST', `${path}/resource_types`, { body });
    await metadefs.expect(201, 'POST', `${path}/resource_types`, { body: { name: 'OS::Nova::Flavor' } });
    const listed = await metadefs.expect(200, 'GET', `${path}/resource_types`, { as: stranger });
    assert.deepEqual(
      listed.resource_type_associations.map(({ name, prefix }: Record<string, string>) => [name, prefix]),
      [
        ['Test::Ship', 'ship:'],
        ['OS::Nova::Flavor', undefined],
      ],
    );
    await metadefs.expect(204, 'DELETE', `${path}/resource_types/Test::Ship`);
    await metadefs.expect(404, 'DELETE', `${path}/resource_types/Test::Ship`);
    const { resource_types } = await metadefs.expect(200, 'GET', '/resource_types', { as: reader });
    const ship = resource_types.find(({ name }: { name: string }) => name === 'Test::Ship');
    assert.deepEqual(Object.keys(ship), ['name', 'created_at', 'updated_at']);
  });

  it('is associated by administrators only, and in good form', async () => {
    const { path } = await metadefs.namespace({
      visibility: 'public',
      resource_type_associations: [{ name: 'Test::Boat' }],
    });
    for (const as of [member, reader]) {
      await metadefs.expect(403, 'POST', `${path}/resource_types`, { as, body: { name: 'Test::Ship' } });
      await metadefs.expect(403, 'DELETE', `${path}/resource_types/Test::Boat`, { as });
    }
    for (const body of [undefined, {}, { name: 7 }, { name: 'x'.repeat(81) }, { name: 'x', more: 1 }])
      await metadefs.expect(400, 'POST', `${path}/resource_types`, { body });
    await metadefs.expect(403, 'POST', `${path}/resource_types`, { body: { name: 'x', created_at: 'x' } });
    await metadefs.expect(404, 'POST', '/namespaces/Test::Absent/resource_types', { body: { name: 'x' } });
  });
});

describe('the schemas of metadata definitions', () => {
  const names = {
    namespace: 'namespace',
    namespaces: 'namespaces',
    resource_type: 'resource_type_association',
    resource_types: 'resource_type_associations',
    property: 'property',
    properties: 'properties',
    object: 'object',
    objects: 'objects',
    tag: 'tag',
    tags: 'tags',
  };
  for (const [path, name] of Object.entries(names))
    it(`say what ${path} are`, async () => {
      const { status, body } = await world.request('image', 'GET', `/v2/schemas/metadefs/${path}`, {
        as: reader,
      });
      assert.equal(status, 200);
      assert.equal(body.name, name);
      assert.ok(body.properties);
      assert.equal(body.links === undefined, !path.endsWith('s'));
    });

  it('are for those who have a token', async () => {
    assert.equal((await world.request('image', 'GET', '/v2/schemas/metadefs/tag')).status, 401);
  });
});
