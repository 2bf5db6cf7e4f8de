import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Type } from 'typebox';
import { type ApiError, BadRequest, NotFound } from '../../errors/errors.ts';
import { policyDefaults, rule } from '../../policy/rule.ts';
import type { ServiceDefinition } from '../../service/service.ts';
import { startWorld, type World } from '../../service/testing/world.ts';
import { defineSchema } from '../../store/schema.ts';
import { integer, table, text, uuid } from '../../store/table.ts';
import { describedIn } from '../described.ts';
import { type ResourceDefinition, resourcesIn } from '../resource.ts';
import { type Rows, rowsOf } from '../rows.ts';
import type { ResourceStyle } from '../style.ts';
import { casesOf, describeResources } from './describe-resources.ts';
import { Subject } from './subject.ts';

const buoys = table(
  'buoys',
  {
    id: uuid(),
    name: text({ length: 255 }),
    depth: integer({ default: 7 }),
    project_id: uuid(),
  },
  { primaryKey: ['id'] },
);
const schema = defineSchema('sea', {
  tables: { buoys },
  migrations: [{ name: '0001-buoys', up: (m) => m.createTable(buoys) }],
});
type Buoy = Awaited<
  ReturnType<Rows<{ id: string; name: string; depth: number; project_id: string }>['insert']>
>;

const soundStyle: ResourceStyle = {
  errors: {
    errorBody: (error: ApiError) => ({ body: { fault: { message: error.message } } }),
    invalid: ({ message }) => new BadRequest(message),
  },
  prefix: '/v1',
  updateMethod: 'PUT',
  status: { create: 201, update: 200, delete: 204 },
  unknownProperties: 'refuse',
  unknownFilters: 'refuse',
  one: (view, { one }) => ({ [one]: view }),
  many: ({ views }, { many }) => ({ [many]: views }),
  page(call) {
    const [limit, marker] = [call.queryValue('limit'), call.queryValue('marker')];
    if (limit !== undefined && !/^\d+$/.test(limit)) throw new BadRequest('limit');
    return {
      sort: call.queryValues('sort_key').map((attribute) => ({
        attribute,
        direction: call.queryValue('sort_dir') === 'desc' ? ('desc' as const) : ('asc' as const),
      })),
      ...(limit ? { limit: Number(limit) } : {}),
      ...(marker ? { marker } : {}),
    };
  },
  reserved: new Set(['limit', 'marker', 'sort_key', 'sort_dir']),
  notFound: ({ one }, id) => new NotFound(one, id),
  badMarker: () => new BadRequest('marker'),
};

const attributes = {
  id: { schema: Type.String(), sort: true, filter: true },
  name: {
    schema: Type.String({ maxLength: 20 }),
    create: 'required',
    update: true,
    sort: true,
    filter: true,
  },
  depth: {
    schema: Type.Integer({ minimum: 0, maximum: 11_000 }),
    create: 'optional',
    update: true,
    default: 7,
    sort: true,
    filter: true,
  },
  project_id: { schema: Type.String() },
} as const;

/** What is wrong with the API, beside nothing. */
interface Fault {
  style?: Partial<ResourceStyle>;
  rows?(rows: Rows<Buoy>): Partial<Rows<Buoy>>;
  definition?: Partial<ResourceDefinition<typeof attributes, Buoy>>;
  rule?: string;
}

const sea = (fault: Fault): ServiceDefinition => ({
  name: 'sea',
  port: 0,
  async start(platform) {
    const store = await platform.openStore(schema);
    const sound = rowsOf(store, buoys) as Rows<Buoy>;
    const rows = { ...sound, ...fault.rows?.(sound) };
    const style = { ...soundStyle, ...fault.style };
    const made = resourcesIn(style, (work) => store.transaction(work))({
      one: 'buoy',
      many: 'buoys',
      path: '/buoys',
      rows,
      attributes,
      policy: { list: 'any', show: 'own', create: 'own', update: 'own', delete: 'own' },
      scope: ({ credentials }) => [{ column: 'project_id', op: 'eq', value: credentials.projectId }],
      create: (call, body) =>
        rows.insert({
          id: crypto.randomUUID(),
          ...body,
          project_id: call.credentials.projectId as string,
        }),
      ...fault.definition,
    });
    const own = fault.rule ?? 'role:member and project_id:%(project_id)s';
    const authorizer = await platform.authorizer(policyDefaults('sea', [rule('any', ''), rule('own', own)]));
    await platform.listen(
      { name: 'sea', title: 'Sea', errors: style.errors, routes: made.routes },
      0,
      authorizer,
    );
    return { close: async () => {} };
  },
});

/** Of the sentences about the resource, those like this one that are not true. */
async function untrue(fault: Fault, sentence: RegExp): Promise<string[]> {
  await using world = await startWorld([sea(fault)], {
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const [resource] = describedIn(world.apis.get('sea')?.routes ?? []);
  assert.ok(resource);
  const subject = new Subject(world, 'sea', resource, {});
  const wrong: string[] = [];
  for (const { says, run } of casesOf(subject).filter((each) => sentence.test(each.says))) {
    await run().catch(() => wrong.push(says));
    await subject.tidy().catch(() => {});
  }
  return wrong;
}

const world: World = await startWorld([sea({})]);
after(() => world[Symbol.asyncDispose]());
describeResources(world, 'sea');

describe('the tests that follow from a description', () => {
  const faults: Record<string, [Fault, RegExp]> = {
    'a role that is not asked for': [{ rule: '' }, /refuses create to who has no role/],
    'a page that begins with its marker': [
      {
        rows: (rows) => ({
          list: async ({ after: marker, limit, ...query }) => {
            const all = await rows.list(query);
            const from = marker ? all.findIndex(({ id }) => id === marker.id) : 0;
            return all.slice(from, from + (limit ?? all.length));
          },
        }),
      },
      /is listed in pages that are complete/,
    ],
    'an order that is forgotten': [
      { rows: (rows) => ({ list: (query) => rows.list({ ...query, sort: [] }) }) },
      /is listed by name in complete pages/,
    ],
    'a filter that is forgotten': [
      { rows: (rows) => ({ list: (query) => rows.list({ ...query, where: [] }) }) },
      /is found by name/,
    ],
    'an update that is not stored': [
      { rows: () => ({ update: async () => 1 }) },
      /changes its depth, and nothing else/,
    ],
    'a delete that leaves it there': [
      { rows: () => ({ delete: async () => 1 }) },
      /is gone when it is deleted/,
    ],
    'what others own, shown': [
      { definition: { scope: () => [] }, rule: 'role:member' },
      /refuses show to a member/,
    ],
    'a view that says more': [
      { definition: { view: (view) => ({ ...view, secret: 'x' }) } },
      /is created and shown with exactly what is described/,
    ],
    'a status that is not the API’s for errors': [
      { style: { notFound: () => new BadRequest('no') } },
      /answers show of what is not there with 404/,
    ],
  };
  for (const [what, [fault, sentence]] of Object.entries(faults)) {
    it(`find ${what}`, async () => {
      assert.notDeepEqual(await untrue(fault, sentence), []);
    });
  }
});
