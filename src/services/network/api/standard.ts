import { type SqlBool, sql } from 'kysely';
import { Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import type { Attributes } from '../../../platform/resource/attribute.ts';
import { type Resource, type ResourceDefinition, resourcesIn } from '../../../platform/resource/resource.ts';
import type { Condition } from '../../../platform/resource/rows.ts';
import type { Network } from '../store/network.ts';
import { networkStyle } from './style.ts';
import { tagFilters, tagRoutes } from './tags.ts';

/** Values as the API takes them: booleans and numbers also as text, as upstream's converters do. */
export const toBoolean = (value: unknown): unknown => {
  if (value === 0 || value === 1) return value === 1;
  if (typeof value !== 'string') return value;
  if (/^(true|1)$/i.test(value)) return true;
  return /^(false|0)$/i.test(value) ? false : value;
};
export const toInteger = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value;

/** A time as this API writes it: to the second. */
export const shownTime = (stored: string): string => `${stored.slice(0, 19)}Z`;

export const Id = Type.String({ minLength: 1, maxLength: 36 });
export const Name = Type.String({ maxLength: 255 });
export const Flag = Type.Boolean();

/** An attribute that is true or false. */
export const flag = <const Rest extends object>(rest: Rest) => ({
  schema: Flag,
  convert: toBoolean,
  filter: true as const,
  sort: true as const,
  ...rest,
});

interface StandardRow {
  created_at: string;
  updated_at: string;
}

/** What all resources of the network have in common; spread into the attributes of each. */
export const standardAttributes = {
  id: { schema: Id, filter: true, sort: true },
  project_id: { schema: Name, create: 'optional', filter: true, sort: true },
  tenant_id: { schema: Name, create: 'optional', column: 'project_id', filter: true, sort: true },
  description: { schema: Name, create: 'optional', update: true, default: '', filter: true, sort: true },
  created_at: {
    schema: Type.String(),
    sort: true,
    from: ({ created_at }: StandardRow) => shownTime(created_at),
  },
  updated_at: {
    schema: Type.String(),
    sort: true,
    from: ({ updated_at }: StandardRow) => shownTime(updated_at),
  },
  revision_number: { schema: Type.Integer(), filter: true, sort: true },
  tags: { schema: Type.Array(Type.String()) },
} as const satisfies Attributes;

/** A name that may be changed. */
export const name = {
  schema: Name,
  create: 'optional',
  update: true,
  default: '',
  filter: true,
  sort: true,
} as const;

interface Owned {
  project_id?: string;
  tenant_id?: string;
}

/** The project that a new resource is for: the one that is named, else the caller's. */
export const ownerOf = (call: Call, body: Owned): string =>
  body.project_id ?? body.tenant_id ?? call.credentials.projectId ?? '';

export const isAdmin = (call: Call): boolean => call.can('context_is_admin');
/** Whether the caller sees what belongs to any project. */
export const seesAll = (call: Call): boolean =>
  isAdmin(call) || call.can('service_api') || call.can('context_is_advsvc');
export const projectOf = (call: Call): string => call.credentials.projectId ?? '';

/** Rows of the caller's own project. */
export const own = (call: Call): readonly Condition[] =>
  seesAll(call) ? [] : [{ column: 'project_id', op: 'eq', value: projectOf(call) }];

/** Ids of what is shared with a project, or with all. */
export const sharedWith = (type: string, projectId: string) =>
  sql`select object_id from rbac_policies where object_type = ${type} and target_project in (${projectId}, '*')`;

/** Whether a row is shared with everybody or with the caller's project. */
export const isShared = (row: { shared_with: string[] }, call: Call): boolean =>
  row.shared_with.includes('*') || row.shared_with.includes(projectOf(call));

/** The caller's own rows, and those that are shared with the caller's project. */
export const ownOrShared =
  (table: string, type: string) =>
  (call: Call): readonly Condition[] => {
    if (seesAll(call)) return [];
    const shared = sql<SqlBool>`${sql.ref(`${table}.id`)} in (${sharedWith(type, projectOf(call))})`;
    return [{ any: [own(call), [{ expression: shared }]] }];
  };

/** `shared=true` of a list, as a condition. */
export const sharedFilter =
  (table: string, type: string, action = 'access_as_shared') =>
  (values: string[], call: Call): readonly Condition[] => {
    const wanted = toBoolean(values.at(-1)) === true;
    const among = sql<SqlBool>`${sql.ref(`${table}.id`)} in (${sharedWith(type, projectOf(call))} and action = ${action})`;
    return [{ expression: wanted ? among : sql<SqlBool>`not (${among})` }];
  };

/**
 * Binds the network's style, so that a resource says only what is particular to it: scope, owner, tags and
 * preconditions are the same for all.
 */
export const networkResources = (network: Network) => {
  const resource = resourcesIn(networkStyle(network.settings), (work) => network.store.transaction(work));
  return <const A extends Attributes, Row extends object, Shown extends object = Row>(
    definition: ResourceDefinition<A, Row, Shown> & {
      /** Its table; tags and their filters exist where it is given. */
      table?: string;
    },
  ): Resource<Row> => {
    const { table, filters, ...rest } = definition;
    const made = resource<A, Row, Shown>({
      scope: own,
      createTarget: (body, call) => {
        const project = ownerOf(call, body as Owned);
        return { ...body, project_id: project, tenant_id: project };
      },
      ...rest,
      filters: { ...(table ? tagFilters(table) : {}), ...filters },
    });
    if (!table) return made;
    const tags = tagRoutes(network.store, {
      one: definition.one,
      many: definition.many,
      table,
      find: (call, id) => made.find(call, id),
      target: (row, call) => definition.target?.(row, call) ?? row,
    });
    return { ...made, routes: [...made.routes, ...tags] };
  };
};
