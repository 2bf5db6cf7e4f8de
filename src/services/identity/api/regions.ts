import { Type } from 'typebox';
import { BadRequest, Conflict, Forbidden } from '../../../platform/errors/errors.ts';
import { answer } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { ForeignKeyViolation } from '../../../platform/store/errors.ts';
import type { Identity } from '../identity.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { type RegionRow, regions } from '../store/tables.ts';
import { assertUnmoved, keptExtra, NullableText } from './fields.ts';
import { conflict, notFound } from './style.ts';

const RegionId = Type.String({ minLength: 1, maxLength: 255 });
const NullableRegionId = Type.Union([Type.Null(), RegionId]);
/** Empty stands for an id of our making. */
const GivenId = Type.String({ maxLength: 255 });

/** Where endpoints are: a tree. */
export function regionRoutes(identity: Identity): Route[] {
  const { store, changes, atomically } = identity;
  const rows = countedRows(store, regions, changes);
  const find = (id: string) => rows.find([{ column: 'id', op: 'eq', value: id }]);

  /** @throws NotFound, or BadRequest where the tree would have a loop */
  async function assertParent(id: string, parent: string | null | undefined): Promise<void> {
    for (let next = parent; next; ) {
      if (next === id) {
        throw new BadRequest(`The specified parent region ${id} would create a circular region hierarchy.`);
      }
      const row = await find(next);
      if (!row) throw notFound('region', next);
      next = row.parent_region_id;
    }
  }
  const insert = (
    id: string,
    body: { description?: string | null; parent_region_id?: string | null },
    extra: Record<string, unknown>,
  ) =>
    atomically(async () => {
      if (await find(id)) throw conflict('region', `Duplicate ID, ${id}.`);
      await assertParent(id, body.parent_region_id);
      return rows.insert({
        id,
        description: body.description ?? '',
        parent_region_id: body.parent_region_id ?? null,
        extra: keptExtra(extra),
      });
    });
  /** A region and all below it. */
  async function subtree(id: string): Promise<string[]> {
    const found = [id];
    for (let parents = [id]; parents.length > 0; ) {
      const below = await rows.list({ where: [{ column: 'parent_region_id', op: 'in', value: parents }] });
      parents = below.map((row) => row.id).filter((each) => !found.includes(each));
      found.push(...parents);
    }
    return found;
  }

  const resource = identity.resource({
    one: 'region',
    many: 'regions',
    path: '/regions',
    rows,
    attributes: {
      id: { schema: GivenId, create: 'optional' },
      description: {
        schema: NullableText,
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
    create: (_call, body, extra) => insert(body.id || newId(), body, extra),
    update: (_call, row, given, extra) =>
      atomically(async () => {
        assertUnmoved(given, { id: row.id });
        const { description, parent_region_id } = given;
        await assertParent(row.id, parent_region_id);
        const changed: Partial<RegionRow> = {
          extra: keptExtra(extra, row.extra),
          ...(description === undefined ? {} : { description: description ?? '' }),
          ...(parent_region_id === undefined ? {} : { parent_region_id }),
        };
        await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
        return { ...row, ...changed };
      }),
    /** With all regions below it, as upstream has it, unless one of them is in use. */
    delete: (_call, row) =>
      atomically(async () => {
        const ids = await subtree(row.id);
        const used = await store.db
          .selectFrom('endpoints')
          .select('id')
          .where('region_id', 'in', ids)
          .limit(1)
          .execute();
        if (used.length > 0) {
          throw new Forbidden(
            `Unable to delete region ${row.id} because it or its child regions have associated endpoints.`,
          );
        }
        try {
          await rows.delete([{ column: 'id', op: 'in', value: ids }]);
        } catch (error) {
          if (!(error instanceof ForeignKeyViolation)) throw error;
          throw new Conflict(`Unable to delete region ${row.id} because it has registered limits.`);
        }
      }),
  });
  return [
    ...resource.routes,
    route({
      method: 'PUT',
      path: '/v3/regions/:id',
      summary: 'Create a region with this id',
      policy: 'identity:create_region',
      body: Type.Object({
        region: Type.Object(
          {
            id: Type.Optional(RegionId),
            description: Type.Optional(NullableText),
            parent_region_id: Type.Optional(NullableRegionId),
          },
          { additionalProperties: true },
        ),
      }),
      async handler(call) {
        const id = call.params['id'] as string;
        const { id: inBody, description, parent_region_id, ...extra } = call.body.region;
        if (inBody !== undefined && inBody !== id) {
          throw new BadRequest(`Conflicting region IDs specified: "${id}" != "${inBody}"`);
        }
        const given = {
          ...(description === undefined ? {} : { description }),
          ...(parent_region_id === undefined ? {} : { parent_region_id }),
        };
        return answer(201, await resource.body(await insert(id, given, extra), call));
      },
    }),
  ];
}
