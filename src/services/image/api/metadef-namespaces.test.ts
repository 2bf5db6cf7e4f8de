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

describe('a namespace of metadata definitions', () => {
  let world: World;
  let metadefs: ReturnType<typeof metadefsIn>;
  before(async () => {
    world = await startWorld([image]);
    metadefs = metadefsIn(world);
  });
  after(() => world[Symbol.asyncDispose]());
  const names = async (query: string, as = admin): Promise<string[]> =>
    (await metadefs.expect(200, 'GET', `/namespaces${query}`, { as })).namespaces.map(
      ({ namespace }: { namespace: string }) => namespace,
    );

  it('is made private and unprotected, in the project of who makes it', async () => {
    const { status, body, headers } = await metadefs.request('POST', '/namespaces', {
      body: { namespace: 'Test::Made', display_name: 'Made' },
    });
    assert.equal(status, 201);
    assert.equal(headers.get('location'), `${world.urls['image']}/v2/metadefs/namespaces/Test::Made`);
    const { created_at, updated_at, ...rest } = body;
    assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(updated_at, created_at);
    assert.deepEqual(rest, {
      namespace: 'Test::Made',
      display_name: 'Made',
      visibility: 'private',
      protected: false,
      owner: admin.projectId,
      self: '/v2/metadefs/namespaces/Test::Made',
      schema: '/v2/schemas/metadefs/namespace',
    });
    assert.deepEqual(await metadefs.expect(200, 'GET', '/namespaces/Test::Made'), body);
  });

  it('may be made with all that is in it, and is answered as it was said', async () => {
    const contents = {
      resource_type_associations: [
        { name: 'OS::Glance::Image', prefix: 'hw_' },
        { name: 'Test::Boat', prefix: 'boat:', properties_target: 'hull' },
      ],
      properties: {
        sails: { title: 'Sails', type: 'integer', minimum: 1, maximum: 9, default: 2, operators: ['<or>'] },
        rig: { title: 'Rig', type: 'string', enum: ['sloop', 'ketch'], confidential: true },
        ports: {
          title: 'Ports',
          type: 'array',
          items: { type: 'string', enum: ['A', 'B'] },
          uniqueItems: true,
        },
      },
      objects: [
        {
          name: 'Engine',
          description: 'What drives it',
          required: ['power'],
          properties: { power: { title: 'Power', type: 'number' } },
        },
      ],
      tags: [{ name: 'wood' }, { name: 'steel' }],
    };
    const body = { namespace: 'Test::Whole', visibility: 'public', owner: member.projectId, ...contents };
    const created = await metadefs.expect(201, 'POST', '/namespaces', { body });
    // Defaults are text, whatever they were.
    const properties = { ...contents.properties, sails: { ...contents.properties.sails, default: '2' } };
    for (const [name, value] of Object.entries({ ...contents, properties, owner: member.projectId }))
      assert.deepEqual(created[name], value, name);

    const shown = await metadefs.expect(200, 'GET', '/namespaces/Test::Whole', { as: stranger });
    assert.deepEqual(shown.properties, properties);
    assert.deepEqual(Object.keys(shown.properties), ['sails', 'rig', 'ports']);
    assert.deepEqual(shown.tags, contents.tags);
    const [engine] = shown.objects;
    assert.equal(engine.self, '/v2/metadefs/namespaces/Test::Whole/objects/Engine');
    assert.deepEqual(engine.required, ['power']);
    assert.deepEqual(
      shown.resource_type_associations.map(({ created_at, updated_at, ...rest }: Record<string, string>) => {
        assert.ok(created_at && updated_at);
        return rest;
      }),
      contents.resource_type_associations,
    );
    const { resource_types } = await metadefs.expect(200, 'GET', '/resource_types', { as: stranger });
    assert.ok(resource_types.some(({ name }: { name: string }) => name === 'Test::Boat'));

    const onBoats = await metadefs.expect(200, 'GET', '/namespaces/Test::Whole?resource_type=Test::Boat');
    assert.deepEqual(Object.keys(onBoats.properties), ['boat:sails', 'boat:rig', 'boat:ports']);
    assert.deepEqual(onBoats.objects[0].required, ['boat:power']);
    assert.deepEqual(Object.keys(onBoats.objects[0].properties), ['boat:power']);
    const elsewhere = await metadefs.expect(200, 'GET', '/namespaces/Test::Whole?resource_type=Test::Car');
    assert.deepEqual(elsewhere.properties, properties);
  });

  it('may be made again of what a show has answered', async () => {
    const { path } = await metadefs.namespace({
      objects: [{ name: 'A', properties: { p: { title: 'P', type: 'string' } } }],
      tags: [{ name: 't' }],
      resource_type_associations: [{ name: 'Test::Boat' }],
    });
    const { self, schema, created_at, updated_at, ...shown } = await metadefs.expect(200, 'GET', path);
    assert.ok(self && schema && created_at && updated_at);
    const again = { ...shown, namespace: 'Test::Again' };
    await metadefs.expect(201, 'POST', '/namespaces', { body: again });
    const copy = await metadefs.expect(200, 'GET', '/namespaces/Test::Again');
    assert.deepEqual(copy.objects[0].properties, shown.objects[0].properties);
  });

  it('is made whole or not at all', async () => {
    const twice = { tags: [{ name: 'x' }, { name: 'x' }] };
    await metadefs.expect(409, 'POST', '/namespaces', { body: { namespace: 'Test::Half', ...twice } });
    await metadefs.expect(404, 'GET', '/namespaces/Test::Half');
  });

  it('has a name that nobody else has, whoever sees it', async () => {
    const { name } = await metadefs.namespace();
    const { name: other, path } = await metadefs.namespace();
    await metadefs.expect(409, 'POST', '/namespaces', { body: { namespace: name } });
    await metadefs.expect(409, 'PUT', path, { body: { namespace: name } });
    assert.equal((await metadefs.expect(200, 'GET', path)).namespace, other);
  });

  it('is changed as a whole: what an update does not say is as in a new one', async () => {
    const { name, path } = await metadefs.namespace({
      visibility: 'public',
      protected: true,
      display_name: 'Old',
      description: 'Old',
      owner: member.projectId,
      tags: [{ name: 'stays' }],
    });
    const updated = await metadefs.expect(200, 'PUT', path, {
      body: { namespace: `${name}b`, description: 'New' },
    });
    const { created_at, updated_at, ...rest } = updated;
    assert.ok(created_at && updated_at);
    assert.deepEqual(rest, {
      namespace: `${name}b`,
      description: 'New',
      visibility: 'private',
      protected: false,
      owner: admin.projectId,
      self: `/v2/metadefs/namespaces/${name}b`,
      schema: '/v2/schemas/metadefs/namespace',
    });
    await metadefs.expect(404, 'GET', path);
    assert.deepEqual((await metadefs.expect(200, 'GET', `${path}b`)).tags, [{ name: 'stays' }]);
  });

  it('is kept, with all that is in it, as long as it is protected', async () => {
    const { name, path } = await metadefs.namespace({
      protected: true,
      objects: [{ name: 'o' }],
      properties: { p: { title: 'P', type: 'string' } },
      tags: [{ name: 't' }],
      resource_type_associations: [{ name: 'Test::Boat' }],
    });
    const inside = ['', '/objects', '/properties', '/tags', '/objects/o', '/properties/p', '/tags/t'];
    for (const each of [...inside, '/resource_types/Test::Boat'])
      await metadefs.expect(403, 'DELETE', `${path}${each}`);
    await metadefs.expect(200, 'PUT', path, { body: { namespace: name, protected: false } });
    for (const each of ['/objects', '/properties', '/tags'])
      await metadefs.expect(204, 'DELETE', `${path}${each}`);
    const emptied = await metadefs.expect(200, 'GET', path);
    for (const each of ['objects', 'properties', 'tags']) assert.equal(emptied[each], undefined);
    await metadefs.expect(204, 'DELETE', path);
    await metadefs.expect(404, 'GET', path);
    await metadefs.expect(404, 'DELETE', path);
    await metadefs.expect(404, 'GET', `${path}/objects`);
  });

  it('takes what is in it with it, and leaves what another namespace of its name had', async () => {
    const { name, path } = await metadefs.namespace({ tags: [{ name: 't' }], objects: [{ name: 'o' }] });
    await metadefs.expect(204, 'DELETE', path);
    await metadefs.expect(201, 'POST', '/namespaces', { body: { namespace: name } });
    const shown = await metadefs.expect(200, 'GET', path);
    assert.equal(shown.tags, undefined);
    assert.equal(shown.objects, undefined);
  });

  it('is not there for others as long as it is private', async () => {
    const { name, path } = await metadefs.namespace({ owner: member.projectId, tags: [{ name: 't' }] });
    const hidden = await metadefs.request('GET', path, { as: stranger });
    const absent = await metadefs.request('GET', '/namespaces/Test::Absent', { as: stranger });
    assert.equal(hidden.status, 404);
    assert.equal(hidden.body.replaceAll(name, '?'), absent.body.replaceAll('Test::Absent', '?'));
    for (const each of ['/objects', '/properties', '/tags', '/tags/t', '/resource_types'])
      await metadefs.expect(404, 'GET', `${path}${each}`, { as: stranger });
    const writes: [string, string, unknown][] = [
      ['PUT', '', { namespace: name }],
      ['DELETE', '', undefined],
      ['POST', '/objects', { name: 'o' }],
      ['POST', '/properties', { name: 'p', title: 'P', type: 'string' }],
      ['POST', '/tags', { tags: [] }],
      ['POST', '/tags/t2', undefined],
      ['POST', '/resource_types', { name: 'Test::Boat' }],
      ['DELETE', '/tags', undefined],
    ];
    for (const [method, more, body] of writes) {
      await metadefs.expect(404, method, `${path}${more}`, { as: stranger, body });
      // Its own project sees it, and only administrators write.
      await metadefs.expect(403, method, `${path}${more}`, { as: member, body });
    }
    assert.ok((await names('?limit=1000', reader)).includes(name));
    assert.ok(!(await names('?limit=1000', stranger)).includes(name));
    await metadefs.expect(404, 'GET', `/namespaces?marker=${name}`, { as: stranger });
    await metadefs.expect(200, 'GET', path, { as: reader });
  });

  it('is made by administrators only, and asked for with a token', async () => {
    await metadefs.expect(403, 'POST', '/namespaces', { as: member, body: { namespace: 'Test::Mine' } });
    await metadefs.expect(403, 'POST', '/namespaces', { as: reader, body: { namespace: 'Test::Mine' } });
    const nobody = { ...member, roles: ['other'] };
    for (const path of ['/namespaces', '/namespaces/OS::Compute::TPM', '/resource_types'])
      await metadefs.expect(404, 'GET', path, { as: nobody });
    for (const path of ['/v2/metadefs/namespaces', '/v2/metadefs/resource_types'])
      assert.equal((await world.request('image', 'GET', path)).status, 401);
  });

  it('is listed newest first, by pages', async () => {
    const made: string[] = [];
    for (let count = 0; count < 5; count++)
      made.unshift(
        (await metadefs.namespace({ resource_type_associations: [{ name: 'Test::Paged' }] })).name,
      );
    const found: string[] = [];
    let next = '/namespaces?resource_types=Test::Paged,Test::Other&limit=2';
    let pages = 0;
    while (next) {
      const { body } = await metadefs.request('GET', next);
      assert.equal(
        body.first,
        '/v2/metadefs/namespaces?resource_types=Test%3A%3APaged%2CTest%3A%3AOther&limit=2',
      );
      assert.equal(body.schema, '/v2/schemas/metadefs/namespaces');
      for (const each of body.namespaces) {
        assert.equal(each.resource_type_associations[0].name, 'Test::Paged');
        found.push(each.namespace);
      }
      pages++;
      next = body.next?.replace('/v2/metadefs', '');
    }
    assert.deepEqual(found, made);
    assert.equal(pages, 3);
    assert.deepEqual(
      await names('?resource_types=Test::Paged&sort_key=namespace&sort_dir=asc'),
      made.toReversed(),
    );
    assert.deepEqual(await names('?resource_types=Test::Nothing'), []);
    assert.deepEqual(await names('?limit=0'), []);
    assert.equal((await names('')).length, 25);
  });

  it('is listed by its visibility', async () => {
    const { name: open } = await metadefs.namespace({ visibility: 'public' });
    const { name: own } = await metadefs.namespace({ owner: member.projectId });
    const visible = await names('?visibility=public&limit=1000', member);
    assert.ok(visible.includes(open) && !visible.includes(own));
    assert.deepEqual((await names('?visibility=private&limit=1000', member)).includes(own), true);
    assert.ok(!(await names('?visibility=private&limit=1000', member)).includes(open));
  });

  const wrongQueries = ['limit=x', 'limit=-1', 'sort_dir=up', 'sort_key=nothing', 'visibility=shared'];
  for (const query of wrongQueries)
    it(`is not listed by ${query}`, () => metadefs.expect(400, 'GET', `/namespaces?${query}`));

  const property = (more: object) => ({ properties: { p: { title: 'P', type: 'string', ...more } } });
  const wrong: Record<string, unknown> = {
    'no body': undefined,
    'no object': ['Test::X'],
    'no name': { display_name: 'X' },
    'an empty name': { namespace: '' },
    'a name that is too long': { namespace: 'x'.repeat(81) },
    'a description that is too long': { namespace: 'Test::X', description: 'x'.repeat(501) },
    'an attribute that it does not have': { namespace: 'Test::X', colour: 'red' },
    'another visibility': { namespace: 'Test::X', visibility: 'shared' },
    'no flag as a flag': { namespace: 'Test::X', protected: 'yes' },
    'a property without a title': { namespace: 'Test::X', properties: { p: { type: 'string' } } },
    'a property of an unknown type': { namespace: 'Test::X', ...property({ type: 'colour' }) },
    'a property with more than properties have': { namespace: 'Test::X', ...property({ colour: 'red' }) },
    'values that are no text': { namespace: 'Test::X', ...property({ enum: [1, 2] }) },
    'items without a type': { namespace: 'Test::X', ...property({ items: { enum: ['a'] } }) },
    'a property with too long a name': {
      namespace: 'Test::X',
      properties: { ['x'.repeat(81)]: { title: 'P', type: 'string' } },
    },
    'an object without a name': { namespace: 'Test::X', objects: [{ description: 'x' }] },
    'a tag with more than a name': { namespace: 'Test::X', tags: [{ name: 'x', colour: 'red' }] },
    'a tag with too long a name': { namespace: 'Test::X', tags: [{ name: 'x'.repeat(81) }] },
    'a resource type with too long a prefix': {
      namespace: 'Test::X',
      resource_type_associations: [{ name: 'Test::Boat', prefix: 'x'.repeat(81) }],
    },
  };
  for (const [what, body] of Object.entries(wrong))
    it(`is not made of ${what}`, async () => {
      await metadefs.expect(400, 'POST', '/namespaces', { body });
      await metadefs.expect(404, 'GET', '/namespaces/Test::X');
    });

  it('has attributes that only the service writes', async () => {
    for (const name of ['self', 'schema', 'created_at', 'updated_at'])
      await metadefs.expect(403, 'POST', '/namespaces', { body: { namespace: 'Test::X', [name]: 'x' } });
  });
});
