import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { parseBoolean } from '../../../platform/resource/list-query.ts';
import { resourcesIn } from '../../../platform/resource/resource.ts';
import { type Condition, rowsOf } from '../../../platform/resource/rows.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import { visibleFlavors } from '../store/flavor-access.ts';
import { type Flavor, flavors } from '../store/flavors.ts';
import { closed, description, maxInteger, Name, toBoolean, toInteger, wrapped } from './parameter-types.ts';
import { computeStyle, links, pageOf } from './style.ts';

const Positive = Type.Integer({ minimum: 1, maximum: maxInteger });
const Size = Type.Integer({ minimum: 0, maximum: maxInteger });
const Id = Type.Union([
  Type.Null(),
  Type.String({ minLength: 1, maxLength: 255, pattern: '^(?! )[a-zA-Z0-9. _-]+(?<! )$' }),
]);
const RxtxFactor = Type.Number({ exclusiveMinimum: 0, maximum: 3.40282e38 });
const Description = description(65_535);
const Text = Type.String();

/** Flavors are sorted by one key, upwards unless asked otherwise; servers are not. */
const flavorStyle = {
  ...computeStyle,
  page(call: Call) {
    const request = pageOf(call);
    const direction = call.queryValue('sort_dir')?.toLowerCase() === 'desc' ? 'desc' : 'asc';
    const attribute = call.queryValue('sort_key') || 'flavorid';
    return { ...request, sort: [{ attribute, direction } as const] };
  },
};

const isAdmin = (call: Call): boolean => call.can('context_is_admin');

/** What `is_public` of a list's query asks for; `undefined`: both. Only administrators are heard. */
function publicityOf(call: Call): boolean | undefined {
  const asked = call.queryValue('is_public');
  if (asked === undefined || !isAdmin(call)) return true;
  if (asked.toLowerCase() === 'none') return undefined;
  const flag = parseBoolean(asked);
  if (flag === undefined) throw new BadRequest(`Invalid is_public filter [${asked.slice(0, 80)}]`);
  return flag;
}

/** A query's lower bound, in nova's words where it is no number. */
const atLeast = (param: string, column: string) => (values: string[]) => {
  const text = values.at(-1) ?? '';
  if (!/^\s*[+-]?\d{1,15}\s*$/.test(text))
    throw new BadRequest(`Invalid ${param} filter [${text.slice(0, 80)}]`);
  return [{ column, op: 'gte', value: Number(text) } as const];
};

const sortKey = (column: keyof Flavor) => ({ schema: Text, hidden: true, column, sort: true }) as const;

/** Flavors, and who may see which: everybody the public ones and those that their project was given access to. */
export function flavorResource({ store }: Pick<Compute, 'store'>) {
  const resource = resourcesIn(flavorStyle, (work) => store.transaction(work));
  const visible = visibleFlavors(store);
  const rows = rowsOf(store, flavors);
  return resource({
    one: 'flavor',
    many: 'flavors',
    path: '/flavors',
    rows,
    attributes: {
      id: {
        schema: Id,
        create: 'optional',
        convert: (value) => (typeof value === 'number' ? String(value) : value),
        sort: true,
      },
      name: { schema: Name, create: 'required', sort: true },
      ram: { schema: Positive, create: 'required', convert: toInteger },
      disk: { schema: Size, create: 'required', convert: toInteger },
      swap: {
        schema: Size,
        create: 'optional',
        default: 0,
        convert: toInteger,
        sort: true,
        from: ({ swap }: Flavor, call) => (swap === 0 && !call.since('2.75') ? '' : swap),
      },
      'OS-FLV-EXT-DATA:ephemeral': {
        schema: Size,
        create: 'optional',
        default: 0,
        convert: toInteger,
        column: 'ephemeral',
      },
      'OS-FLV-DISABLED:disabled': { schema: Type.Boolean(), column: 'disabled' },
      vcpus: { schema: Positive, create: 'required', convert: toInteger, sort: true },
      'os-flavor-access:is_public': {
        schema: Type.Boolean(),
        create: 'optional',
        default: true,
        convert: toBoolean,
        column: 'is_public',
      },
      rxtx_factor: {
        schema: RxtxFactor,
        create: 'optional',
        default: 1,
        convert: (value) =>
          typeof value === 'string' && /^[0-9]+(\.[0-9]+)?$/.test(value) ? Number(value) : value,
        sort: true,
      },
      links: links('flavors'),
      description: { schema: Description, create: 'optional', since: '2.55', sort: true },
      extra_specs: {
        schema: Type.Object({}),
        since: '2.61',
        policy: { show: 'os_compute_api:os-flavor-extra-specs:index' },
      },
      // Sort keys that are nova's columns and no attributes of the API.
      flavorid: sortKey('id'),
      memory_mb: sortKey('ram'),
      root_gb: sortKey('disk'),
      ephemeral_gb: sortKey('ephemeral'),
      is_public: sortKey('is_public'),
      disabled: sortKey('disabled'),
      created_at: sortKey('created_at'),
      updated_at: sortKey('updated_at'),
    },
    summary: ['id', 'name', 'links', 'description'],
    policy: {
      list: null,
      show: null,
      create: 'os_compute_api:os-flavor-manage:create',
      delete: 'os_compute_api:os-flavor-manage:delete',
    },
    target: (_row, call) => ({ project_id: call.credentials.projectId }),
    scope: (call, verb): Condition[] => {
      const { projectId } = call.credentials;
      if (verb !== 'list') return isAdmin(call) ? [] : [visible(projectId)];
      const publicity = publicityOf(call);
      return [
        ...(publicity === true ? [visible(projectId)] : []),
        ...(publicity === false ? [{ column: 'is_public', op: 'eq', value: false } as const] : []),
        ...(isAdmin(call) ? [] : [{ column: 'disabled', op: 'eq', value: false } as const]),
      ];
    },
    filters: {
      minRam: atLeast('minRam', 'ram'),
      minDisk: atLeast('minDisk', 'disk'),
      is_public: () => [],
    },
    create: async (_call, body) => {
      const {
        'OS-FLV-EXT-DATA:ephemeral': ephemeral,
        'os-flavor-access:is_public': is_public,
        ...rest
      } = body;
      const row = { ...rest, id: body.id ?? randomUUID(), ephemeral, is_public, created_at: timestamp() };
      try {
        return await rows.insert(row);
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        throw new Conflict(
          error.columns.includes('name')
            ? `Flavor with name ${row.name} already exists.`
            : `Flavor with ID ${row.id} already exists.`,
        );
      }
    },
  });
}

const Update = wrapped('flavor', closed({ description: Description }));

export function flavorRoutes(compute: Compute): Route[] {
  const { store } = compute;
  const resource = flavorResource(compute);
  const rows = rowsOf(store, flavors);
  return [
    ...resource.routes,
    route({
      method: 'PUT',
      path: '/v2.1/flavors/:id',
      since: '2.55',
      summary: 'Update the description of a flavor',
      policy: 'os_compute_api:os-flavor-manage:update',
      body: Update,
      async handler(call) {
        const flavor = await resource.find(call, call.params['id'] as string);
        const changes = { description: call.body.flavor.description, updated_at: timestamp() };
        await rows.update([{ column: 'id', op: 'eq', value: flavor.id }], changes);
        return resource.body({ ...flavor, ...changes }, call);
      },
    }),
  ];
}
