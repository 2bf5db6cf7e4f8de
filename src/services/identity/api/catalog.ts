import { Type } from 'typebox';
import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import { answer } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import {
  type EndpointRow,
  endpoints,
  type RegionRow,
  regions,
  type ServiceRow,
  services,
} from '../store/tables.ts';
import { assertUnmoved, Enabled, Id, keptExtra, NullableText } from './fields.ts';
import { duplicate, notFound, unique } from './style.ts';

const RegionId = Type.String({ minLength: 1, maxLength: 255 });
const NullableRegionId = Type.Union([Type.Null(), RegionId]);
const Interface = Type.Union([Type.Literal('public'), Type.Literal('internal'), Type.Literal('admin')]);
const Url = Type.String({ minLength: 1, maxLength: 225, pattern: '^[a-zA-Z0-9+.-]+:.+' });

/** Services, their endpoints, and the regions these are in. */
export const catalogRoutes = (identity: Identity): Route[] => [
  ...serviceRoutes(identity),
  ...endpointRoutes(identity),
  ...regionRoutes(identity),
];

function serviceRoutes(identity: Identity): Route[] {
  const rows = countedRows(identity.store, services, identity.changes);
  return identity.resource({
    one: 'service',
    many: 'services',
    path: '/services',
    rows,
    attributes: {
      id: { schema: Id },
      type: {
        schema: Type.String({ minLength: 1, maxLength: 255 }),
        create: 'required',
        update: true,
        filter: true,
      },
      name: {
        schema: Type.String({ maxLength: 255 }),
        create: 'optional',
        update: true,
        default: '',
        filter: true,
        from: (row: ServiceRow) => row.name ?? '',
      },
      description: {
        schema: NullableText,
        create: 'optional',
        update: true,
        from: (row: ServiceRow) => row.description ?? undefined,
      },
      enabled: { schema: Enabled, create: 'optional', update: true, default: true },
    },
    policy: {
      list: 'identity:list_services',
      show: 'identity:get_service',
      create: 'identity:create_service',
      update: 'identity:update_service',
      delete: 'identity:delete_service',
    },
    view: (view, row) => ({ ...row.extra, ...view }),
    create: (_call, body, extra) => rows.insert({ id: newId(), ...body, extra: keptExtra(extra) }),
    async update(_call, row, given, extra) {
      assertUnmoved(given, { id: row.id });
      const { type, name, description, enabled } = given;
      const changed: Partial<ServiceRow> = {
        extra: keptExtra(extra, row.extra),
        ...(type === undefined ? {} : { type }),
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(enabled === undefined ? {} : { enabled }),
      };
      await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
      return { ...row, ...changed };
    },
  }).routes;
}

function endpointRoutes(identity: Identity): Route[] {
  const { store, changes, directory, atomically } = identity;
  const rows = countedRows(store, endpoints, changes);
  const regionRows = countedRows(store, regions, changes);

  /** A region that an endpoint names by the old word `region` is made; by `region_id` it must be there. */
  async function regionFor(given: {
    region_id?: string | null;
    region?: string | null;
  }): Promise<string | null> {
    const { region_id, region } = given;
    const id = region_id ?? region;
    if (id === undefined || id === null) return null;
    if (await regionRows.find([{ column: 'id', op: 'eq', value: id }])) return id;
    if (region_id) throw new BadRequest(`Could not find region: ${id}.`);
    await regionRows.insert({ id });
    return id;
  }
  async function assertService(id: string): Promise<void> {
    const { services: known } = await directory.shared();
    if (!known.some((each) => each.id === id)) throw new BadRequest(`Could not find service: ${id}.`);
  }

  return identity.resource({
    one: 'endpoint',
    many: 'endpoints',
    path: '/endpoints',
    rows,
    attributes: {
      id: { schema: Id },
      service_id: { schema: Id, create: 'required', update: true, filter: true },
      interface: { schema: Interface, create: 'required', update: true, filter: true },
      region_id: { schema: NullableRegionId, create: 'optional', update: true, filter: true },
      region: {
        schema: NullableRegionId,
        create: 'optional',
        update: true,
        column: 'region_id',
        filter: true,
      },
      url: { schema: Url, create: 'required', update: true },
      enabled: { schema: Enabled, create: 'optional', update: true, default: true },
    },
    policy: {
      list: 'identity:list_endpoints',
      show: 'identity:get_endpoint',
      create: 'identity:create_endpoint',
      update: 'identity:update_endpoint',
      delete: 'identity:delete_endpoint',
    },
    view: (view, row) => ({ ...row.extra, ...view }),
    create: (_call, body, extra) =>
      atomically(async () => {
        await assertService(body.service_id);
        const { service_id, url, enabled } = body;
        return rows.insert({
          id: newId(),
          service_id,
          interface: body.interface,
          url,
          enabled,
          region_id: await regionFor(body),
          extra: keptExtra(extra),
        });
      }),
    update: (_call, row, given, extra) =>
      atomically(async () => {
        assertUnmoved(given, { id: row.id });
        const { service_id, url, enabled } = given;
        if (service_id !== undefined) await assertService(service_id);
        const moved = given.region_id !== undefined || given.region !== undefined;
        const changed: Partial<EndpointRow> = {
          extra: keptExtra(extra, row.extra),
          ...(service_id === undefined ? {} : { service_id }),
          ...(given.interface === undefined ? {} : { interface: given.interface }),
          ...(url === undefined ? {} : { url }),
          ...(enabled === undefined ? {} : { enabled }),
          ...(moved ? { region_id: await regionFor(given) } : {}),
        };
        await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
        return { ...row, ...changed };
      }),
  }).routes;
}

function regionRoutes(identity: Identity): Route[] {
  const { store, changes, atomically } = identity;
  const rows = countedRows(store, regions, changes);
  const find = (id: string) => rows.find([{ column: 'id', op: 'eq', value: id }]);

  /** @throws NotFound, or BadRequest where the tree would have a loop */
  async function assertParent(id: string, parent: string | null | undefined): Promise<void> {
    for (let next = parent; next; ) {
      const row = await find(next);
      if (!row) throw notFound('region', next);
      if (row.id === id) throw new BadRequest(`Region ${id} cannot be its own ancestor.`);
      next = row.parent_region_id;
    }
  }
  const insert = (
    id: string,
    body: { description?: string; parent_region_id?: string | null },
    extra: object,
  ) =>
    unique('region', `ID ${id}`, () =>
      atomically(async () => {
        await assertParent(id, body.parent_region_id);
        return rows.insert({
          id,
          description: body.description ?? '',
          parent_region_id: body.parent_region_id ?? null,
          extra: keptExtra({ ...extra }),
        });
      }),
    );

  const resource = identity.resource({
    one: 'region',
    many: 'regions',
    path: '/regions',
    rows,
    attributes: {
      id: { schema: RegionId, create: 'optional' },
      description: {
        schema: Type.String({ maxLength: 65_535 }),
        create: 'optional',
        update: true,
        default: '',
      },
      parent_region_id: { schema: NullableRegionId, create: 'optional', update: true, filter: true },
    },
    policy: {
      list: 'identity:list_regions',
      show: 'identity:get_region',
      create: 'identity:create_region',
      update: 'identity:update_region',
      delete: 'identity:delete_region',
    },
    view: (view, row) => ({ ...row.extra, ...view }),
    create: (_call, body, extra) => insert(body.id ?? newId(), body, extra),
    update: (_call, row, given, extra) =>
      atomically(async () => {
        assertUnmoved(given, { id: row.id });
        const { description, parent_region_id } = given;
        await assertParent(row.id, parent_region_id);
        const changed: Partial<RegionRow> = {
          extra: keptExtra(extra, row.extra),
          ...(description === undefined ? {} : { description }),
          ...(parent_region_id === undefined ? {} : { parent_region_id }),
        };
        await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
        return { ...row, ...changed };
      }),
    async delete(_call, row) {
      const child = await rows.find([{ column: 'parent_region_id', op: 'eq', value: row.id }]);
      if (child)
        throw new Conflict(
          `Unable to delete region ${row.id} because it or its child regions have associated endpoints.`,
        );
      const used = await store.db
        .selectFrom('endpoints')
        .select('id')
        .where('region_id', '=', row.id)
        .limit(1)
        .execute();
      if (used.length > 0) {
        throw new Conflict(
          `Unable to delete region ${row.id} because it or its child regions have associated endpoints.`,
        );
      }
      await rows.delete([{ column: 'id', op: 'eq', value: row.id }]);
    },
  });
  return [
    ...resource.routes,
    route({
      method: 'PUT',
      path: '/v3/regions/:id',
      summary: 'Create a region with this id',
      policy: 'identity:create_region',
      body: Type.Object({
        region: Type.Object({
          id: Type.Optional(RegionId),
          description: Type.Optional(Type.String({ maxLength: 65_535 })),
          parent_region_id: Type.Optional(NullableRegionId),
        }),
      }),
      async handler(call) {
        const id = call.params['id'] as string;
        const { id: inBody, ...body } = call.body.region;
        if (inBody !== undefined && inBody !== id) {
          throw new BadRequest(`Conflicting region IDs specified: "${id}" != "${inBody}"`);
        }
        if (await find(id)) throw duplicate('region', `ID ${id}`);
        return answer(201, await resource.body(await insert(id, body, {}), call));
      },
    }),
  ];
}
