import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Type } from 'typebox';
import { ApiError, BadRequest, NotFound } from '../errors/errors.ts';
import { policyDefaults, rule } from '../policy/rule.ts';
import type { Platform, ServiceDefinition } from '../service/service.ts';
import { admin, member, startWorld, type World } from '../service/testing/world.ts';
import { defineSchema } from '../store/schema.ts';
import { boolean, integer, table, text, uuid } from '../store/table.ts';
import { resourcesIn } from './resource.ts';
import { rowsOf } from './rows.ts';
import type { ResourceStyle } from './style.ts';

const boats = table(
  'boats',
  {
    id: uuid(),
    name: text({ length: 255 }),
    length: integer(),
    is_public: boolean({ default: true }),
    project_id: uuid(),
    note: text({ nullable: true, length: 255 }),
  },
  { primaryKey: ['id'], indexes: [['project_id', 'id']] },
);
const schema = defineSchema('harbour', {
  tables: { boats },
  migrations: [{ name: '0001-boats', up: (m) => m.createTable(boats) }],
});

const style: ResourceStyle = {
  errors: {
    errorBody: (error: ApiError) => ({ body: { fault: { code: error.status, message: error.message } } }),
    invalid: ({ path, message }) => new BadRequest(`${path.join('.')}: ${message}`),
  },
  prefix: '/v1',
  updateMethod: 'PUT',
  status: { create: 201, update: 200, delete: 204 },
  unknownProperties: 'refuse',
  unknownFilters: 'refuse',
  one: (view, { one }) => ({ [one]: view }),
  many: ({ views, full }, { many }) => ({ [many]: views, more: full }),
  page: (call) => ({
    sort: call.queryValues('sort').map((attribute) => ({ attribute, direction: 'asc' as const })),
    ...(call.queryValue('limit') ? { limit: Number(call.queryValue('limit')) } : {}),
    ...(call.queryValue('marker') ? { marker: call.queryValue('marker') as string } : {}),
  }),
  reserved: new Set(['sort', 'limit', 'marker']),
  bulk: true,
  precondition: (call, row) => {
    const seen = call.headers['if-match'];
    if (seen !== undefined && seen !== (row as { name: string }).name)
      throw new ApiError(412, 'another by now');
  },
  notFound: ({ one }, id) => new NotFound(one, id),
  badMarker: (_names, marker) => new BadRequest(`marker ${marker} not found`),
};

const harbour: ServiceDefinition = {
  name: 'harbour',
  catalog: { type: 'harbour', name: 'harbour', description: 'boats', path: '/v1' },
  port: 1,
  async start(platform: Platform) {
    const store = await platform.openStore(schema);
    const resource = resourcesIn(style, (work) => store.transaction(work));
    const rows = rowsOf(store, boats);
    const authorizer = await platform.authorizer(
      policyDefaults('harbour', [
        rule('boat:list', ''),
        rule('boat:show', 'project_id:%(project_id)s or role:admin'),
        rule('boat:write', 'role:member and project_id:%(project_id)s or role:admin'),
        rule('boat:create:is_public', 'role:admin'),
        rule('boat:note', 'role:admin'),
      ]),
    );
    const made = resource({
      one: 'boat',
      many: 'boats',
      path: '/boats',
      rows,
      attributes: {
        id: { schema: Type.String({ format: 'uuid' }), sort: true },
        name: {
          schema: Type.String({ minLength: 1, maxLength: 255 }),
          create: 'required',
          update: true,
          sort: true,
          filter: true,
        },
        length: {
          schema: Type.Integer({ minimum: 1 }),
          create: 'optional',
          default: 7,
          sort: true,
          filter: { param: 'minLength', op: 'gte' },
        },
        is_public: {
          schema: Type.Boolean(),
          create: 'optional',
          default: true,
          filter: true,
          policy: { create: 'boat:create:is_public' },
        },
        project_id: { schema: Type.String() },
        note: {
          schema: Type.Union([Type.Null(), Type.String()]),
          create: 'optional',
          update: true,
          since: '1.5',
          policy: { show: 'boat:note' },
        },
      },
      policy: {
        list: 'boat:list',
        show: 'boat:show',
        create: 'boat:write',
        update: 'boat:write',
        delete: 'boat:write',
      },
      create: (call, body) =>
        rows.insert({
          id: randomUUID(),
          note: null,
          ...body,
          project_id: call.credentials.projectId as string,
        }),
    });
    await platform.listen(
      {
        name: 'harbour',
        title: 'Harbour',
        errors: style.errors,
        routes: made.routes,
        microversions: { service: 'harbour', min: '1.0', max: '1.9' },
      },
      0,
      authorizer,
    );
    return { close: async () => {} };
  },
};

describe('a described resource', () => {
  let world: World;
  before(async () => {
    world = await startWorld([{ ...harbour, port: 0 }]);
  });
  after(() => world[Symbol.asyncDispose]());
  const boat = async (body: object, as = member) => {
    const made = await world.request('harbour', 'POST', '/v1/boats', { as, body: { boat: body } });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    return made.body.boat;
  };

  it('is created with defaults, and shown, changed and deleted', async () => {
    const made = await boat({ name: 'Argo' });
    assert.equal(made.length, 7);
    assert.equal(made.is_public, true);
    const path = `/v1/boats/${made.id}`;
    assert.equal((await world.request('harbour', 'GET', path, { as: member })).body.boat.name, 'Argo');
    const changed = await world.request('harbour', 'PUT', path, {
      as: member,
      body: { boat: { name: 'Beagle' } },
    });
    assert.deepEqual([changed.status, changed.body.boat.name], [200, 'Beagle']);
    assert.equal((await world.request('harbour', 'DELETE', path, { as: member })).status, 204);
    assert.equal((await world.request('harbour', 'GET', path, { as: member })).status, 404);
  });

  it('refuses what its schema does not say, in the style of its API', async () => {
    const refused = async (body: unknown) =>
      (await world.request('harbour', 'POST', '/v1/boats', { as: member, body })).body.fault;
    assert.deepEqual(await refused({ boat: {} }), {
      code: 400,
      message: "boat: 'name' is a required property",
    });
    assert.equal((await refused({ boat: { name: '' } })).message, "boat.name: '' is too short");
    assert.match((await refused({ boat: { name: 'x', sails: 3 } })).message, /'sails' was unexpected/);
    assert.match((await refused({ boat: { name: 'x', id: randomUUID() } })).message, /'id' was unexpected/);
    assert.equal((await refused({ ship: {} })).message, ": 'boat' is a required property");
    assert.equal((await refused('{')).code, 400);
  });

  it('asks policy for the verb and for attributes of their own', async () => {
    const denied = await world.request('harbour', 'POST', '/v1/boats', {
      as: member,
      body: { boat: { name: 'x', is_public: false } },
    });
    assert.equal(denied.status, 403);
    const { id } = await boat({ name: 'mine' });
    const other = { ...member, projectId: 'e'.repeat(32) };
    assert.equal((await world.request('harbour', 'DELETE', `/v1/boats/${id}`, { as: other })).status, 404);
    assert.equal((await world.request('harbour', 'GET', `/v1/boats/${id}`)).status, 401);
  });

  it('has attributes only in the microversions that know them', async () => {
    const at = (version: string) => ({ 'openstack-api-version': `harbour ${version}` });
    const body = { boat: { name: 'x', note: 'new' } };
    const old = await world.request('harbour', 'POST', '/v1/boats', { as: admin, body, headers: at('1.4') });
    assert.equal(old.status, 400);
    const now = await world.request('harbour', 'POST', '/v1/boats', {
      as: admin,
      body,
      headers: at('latest'),
    });
    assert.equal(now.body.boat.note, 'new');
    assert.equal(now.headers.get('openstack-api-version'), 'harbour 1.9');
    const path = `/v1/boats/${now.body.boat.id}`;
    assert.ok(!('note' in (await world.request('harbour', 'GET', path, { as: admin })).body.boat));
    assert.equal(
      (await world.request('harbour', 'GET', path, { as: admin, headers: at('1.10') })).status,
      406,
    );
  });

  it('lists by filter, in order, in pages that are complete', async () => {
    for (const length of [3, 1, 2, 5, 4]) await boat({ name: `page-${length}`, length });
    const seen: number[] = [];
    let marker = '';
    for (;;) {
      const page = await world.request(
        'harbour',
        'GET',
        `/v1/boats?minLength=2&sort=length&limit=2${marker}`,
        {
          as: member,
        },
      );
      for (const each of page.body.boats) if (each.name.startsWith('page-')) seen.push(each.length);
      if (!page.body.more) break;
      marker = `&marker=${page.body.boats.at(-1).id}`;
    }
    assert.deepEqual(seen, [2, 3, 4, 5]);
    const unknown = await world.request('harbour', 'GET', '/v1/boats?sails=1', { as: member });
    assert.equal(unknown.status, 400);
  });

  it('is changed once by those who have seen the same', async () => {
    const path = `/v1/boats/${(await boat({ name: 'seen' })).id}`;
    const request = (method: string, body?: object) =>
      world.request('harbour', method, path, { as: member, body, headers: { 'if-match': 'seen' } });
    const answers = await Promise.all(
      ['one', 'two', 'three'].map((name) => request('PUT', { boat: { name } })),
    );
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 412, 412]);
    assert.equal((await request('DELETE')).status, 412);
  });

  it('is made in bulk all or none', async () => {
    const body = { boats: [{ name: 'bulk' }, { name: 'bulk', is_public: false }] };
    assert.equal((await world.request('harbour', 'POST', '/v1/boats', { as: member, body })).status, 403);
    const none = await world.request('harbour', 'GET', '/v1/boats?name=bulk', { as: member });
    assert.deepEqual(none.body.boats, []);
  });

  it('answers 405 with what is allowed, and documents itself', async () => {
    const wrong = await world.request('harbour', 'PATCH', '/v1/boats', { as: member });
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, POST, HEAD']);
    const document = await world.request('harbour', 'GET', '/openapi.json');
    assert.deepEqual(Object.keys(document.body.paths), ['/v1/boats', '/v1/boats/{id}']);
  });
});
