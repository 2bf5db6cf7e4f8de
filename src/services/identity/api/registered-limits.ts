import { type Static, Type } from 'typebox';
import { Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import { answer } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { resourcesIn } from '../../../platform/resource/resource.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Identity } from '../identity.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { limits, type RegisteredLimitRow, registeredLimits } from '../store/tables/limits.ts';
import { regions } from '../store/tables.ts';
import { Id, Name } from './fields.ts';
import { conflict, expecting, withEmptyUpdates } from './style.ts';

/** -1 for any number, up to what 32 bits hold. */
export const Amount = Type.Integer({ minimum: -1, maximum: 0x7fff_ffff });
export const LimitRegion = Type.Union([Type.Null(), Type.String({ minLength: 1, maxLength: 255 })]);
export const LimitDescription = Type.Union([Type.Null(), Type.String({ maxLength: 255 })]);
/** In one request. */
export const mostLimits = 1000;

const RegisteredLimit = Type.Object(
  {
    service_id: Id,
    region_id: Type.Optional(LimitRegion),
    resource_name: Name(255),
    default_limit: Amount,
    description: Type.Optional(LimitDescription),
  },
  { additionalProperties: false },
);

/** What of a service can be limited, and how much of it everybody has. */
export function registeredLimitRoutes(identity: Identity): Route[] {
  const { store, changes, atomically } = identity;
  const rows = countedRows(store, registeredLimits, changes);
  const used = repository(store, limits);

  async function assertUnused({ id }: RegisteredLimitRow): Promise<void> {
    if (!(await used.find({ registered_limit_id: id }))) return;
    throw new Forbidden(
      `Unable to update or delete registered limit ${id} because there are project limits associated with it.`,
    );
  }
  async function assertAlone(row: Omit<RegisteredLimitRow, 'default_limit' | 'description'>): Promise<void> {
    const same = await rows.list({
      where: (['service_id', 'region_id', 'resource_name'] as const).map((column) => ({
        column,
        op: 'eq',
        value: row[column],
      })),
    });
    if (same.some((each) => each.id !== row.id)) throw conflict('registered_limit', 'Duplicate entry');
  }
  async function insert(given: Static<typeof RegisteredLimit>): Promise<RegisteredLimitRow> {
    const { region_id = null, description = null, ...rest } = given;
    await assertPlaced(identity, { ...rest, region_id }, 'registered_limit');
    const row = { id: newId(), ...rest, region_id, description };
    await assertAlone(row);
    return rows.insert(row);
  }

  const resource = resourcesIn(
    {
      ...withEmptyUpdates,
      unknownProperties: 'refuse',
      notFound: (_names, id) => new NotFound(`Could not find registered limit for ${id}.`),
    },
    atomically,
  )({
    one: 'registered_limit',
    many: 'registered_limits',
    path: '/registered_limits',
    rows,
    attributes: {
      id: { schema: Id },
      service_id: { schema: Id, update: true, filter: true },
      region_id: { schema: LimitRegion, update: true, filter: true },
      resource_name: { schema: Name(255), update: true, filter: true },
      default_limit: { schema: Amount, update: true },
      description: { schema: LimitDescription, update: true },
    },
    policy: {
      list: 'identity:list_registered_limits',
      show: 'identity:get_registered_limit',
      update: 'identity:update_registered_limit',
      delete: 'identity:delete_registered_limit',
    },
    update: (_call, row, given) =>
      atomically(async () => {
        await assertPlaced(identity, given, 'registered_limit');
        await assertUnused(row);
        const changed = { ...row, ...given };
        await assertAlone(changed);
        if (Object.keys(given).length > 0) {
          await rows.update([{ column: 'id', op: 'eq', value: row.id }], given);
        }
        return changed;
      }),
    delete: (_call, row) =>
      atomically(async () => {
        await assertUnused(row);
        await rows.delete([{ column: 'id', op: 'eq', value: row.id }]);
      }),
  });

  return [
    ...resource.routes,
    route({
      method: 'POST',
      path: '/v3/registered_limits',
      summary: 'Create registered limits, all or none',
      policy: 'identity:create_registered_limits',
      body: Type.Object(
        { registered_limits: Type.Array(RegisteredLimit, { minItems: 1, maxItems: mostLimits }) },
        { additionalProperties: true },
      ),
      async handler(call) {
        const made = await atomically(async () => {
          const each: RegisteredLimitRow[] = [];
          for (const given of call.body.registered_limits) each.push(await insert(given));
          return each;
        });
        return answer(201, { registered_limits: await resource.views(made, call) });
      },
    }),
  ];
}

/** @throws BadRequest where the service or the region is not there */
export async function assertPlaced(
  identity: Identity,
  given: { service_id?: string; region_id?: string | null },
  target: string,
): Promise<void> {
  const { service_id, region_id } = given;
  if (service_id !== undefined) {
    const { services } = await identity.directory.shared();
    if (!services.some((each) => each.id === service_id)) throw expecting('service_id', target);
  }
  if (region_id !== undefined && region_id !== null) {
    if (!(await repository(identity.store, regions).get(region_id))) throw expecting('region_id', target);
  }
}
