import type { Call } from '../http/call.ts';
import type { Route } from '../http/route.ts';
import type { Attributes, CreateBody, UpdateBody } from './attribute.ts';
import { resourceRoutes } from './routes.ts';
import type { Condition, Rows } from './rows.ts';
import type { ResourceStyle } from './style.ts';

export type Verb = 'list' | 'show' | 'create' | 'update' | 'delete';

/**
 * A resource: what it is, said once. Routes, request schemas of every microversion, views, filters, sorting, paging,
 * links and policy checks follow from it; the functions hold only what is particular.
 */
export interface ResourceDefinition<A extends Attributes, Row extends object, Shown extends object = Row> {
  one: string;
  many: string;
  /** Below the style's prefix; parents as parameters: `/subnetpools`, `/users/:user_id/projects`. */
  path: string;
  attributes: A;
  rows: Rows<Row, never>;
  /** The rule asked for each verb; a verb without an entry does not exist. `null`: the verb asks policy itself. */
  policy: Partial<Record<Verb, string | null>>;
  /** The rule for what is done to this row, where policy tells rows of one resource apart. */
  ruleOf?: (row: Row, verb: 'show' | 'update' | 'delete') => string;
  /** The parameter's column. Default `id`. */
  key?: string & keyof Row;
  /** Microversions in which the resource exists. */
  since?: string;
  until?: string;
  /** The attributes of the plain list where a `/detail` list stands beside it, as compute has it. */
  summary?: readonly (keyof A & string)[];
  /** Where the API asks policy first: what is not there is said to be so all the same, as upstream has it of some verbs. */
  absenceFirst?: readonly ('show' | 'update' | 'delete')[];
  /** What a policy rule sees of a row; default is the row. */
  target?: (row: Row, call: Call) => object;
  /** What a policy rule sees of a create; default is the body with the caller's project. */
  createTarget?: (body: CreateBody<A>, call: Call) => object | Promise<object>;
  /** The rows that this caller may know of at all: what is outside of it is not found. */
  scope?: (call: Call, verb: Verb) => readonly Condition[];
  sort?: readonly { attribute: keyof A & string; direction: 'asc' | 'desc' }[];
  /** Query parameters that are not plain filters: each gives conditions, or says what is wrong with the value. */
  filters?: Record<
    string,
    (values: string[], call: Call) => readonly Condition[] | Promise<readonly Condition[]>
  >;
  /** Adds to a page of rows what the views need beyond the columns, in one query for all of them. */
  expand?: (rows: Row[], call: Call) => Promise<Shown[]>;
  /** Default: the body's columns with a new id, the caller's project and the time, inserted. */
  create?: (call: Call, body: CreateBody<A>, extra: Record<string, unknown>) => Promise<Row>;
  /** Default: the changed columns, written. Gives the row as it is after. */
  update?: (call: Call, row: Row, changes: UpdateBody<A>, extra: Record<string, unknown>) => Promise<Row>;
  /** Default: the row is deleted. */
  delete?: (call: Call, row: Row) => Promise<unknown>;
  /** Last word on a view, e.g. properties that are kept beside the described ones. */
  view?: (view: Record<string, unknown>, row: Shown, call: Call) => Record<string, unknown>;
  /** The names of the status codes that differ from the API's. */
  status?: Partial<ResourceStyle['status']>;
}

/** A resource brought to life in an API's style. */
export interface Resource<Row extends object> {
  names: { one: string; many: string; path: string };
  routes: Route[];
  /** The row with this id if this caller may know of it. @throws the style's not-found error */
  find(call: Call, id: string, verb?: Verb): Promise<Row>;
  /** Rows as this API shows them to this caller. */
  views(rows: Row[], call: Call): Promise<Record<string, unknown>[]>;
  /** One row, wrapped as the API answers it. */
  body(row: Row, call: Call): Promise<unknown>;
}

/** Runs several writes as one: the store's transaction. */
export type Atomically = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Binds an API's style, so that a service says `const resource = resourcesIn(computeStyle)` once.
 *
 * @example
 * resource({ one: 'flavor', many: 'flavors', path: '/flavors', attributes: { … }, rows, policy: { list: '…' } })
 */
export const resourcesIn =
  (style: ResourceStyle, atomically: Atomically = (work) => work()) =>
  <const A extends Attributes, Row extends object, Shown extends object = Row>(
    definition: ResourceDefinition<A, Row, Shown>,
  ): Resource<Row> =>
    resourceRoutes(style, definition, atomically);
