import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type TSchema, Type } from 'typebox';
import { Forbidden } from '../errors/errors.ts';
import { Answer, type Call } from '../http/call.ts';
import type { Route } from '../http/route.ts';
import { type Validator, validator } from '../http/validation.ts';
import type { Microversion } from '../microversion/microversion.ts';
import {
  type Attributes,
  bodySchema,
  type CreateBody,
  changes,
  columnOf,
  defaultOf,
  type UpdateBody,
} from './attribute.ts';
import type { DescribedResource } from './described.ts';
import { filterReader } from './list-query.ts';
import type { Atomically, Resource, ResourceDefinition, Verb } from './resource.ts';
import type { Condition } from './rows.ts';
import type { ResourceStyle } from './style.ts';
import { viewer } from './view.ts';

/** Everything that follows from a resource's description in an API's style. */
export function resourceRoutes<A extends Attributes, Row extends object, Shown extends object>(
  style: ResourceStyle,
  definition: ResourceDefinition<A, Row, Shown>,
  atomically: Atomically,
): Resource<Row> {
  const { attributes, rows, policy } = definition;
  const names = { one: definition.one, many: definition.many, path: `${style.prefix}${definition.path}` };
  const key = definition.key ?? 'id';
  const status = { ...style.status, ...definition.status };
  const open = style.unknownProperties === 'keep';
  const readFilters = filterReader(attributes, style, definition.filters);
  const show = viewer(attributes);
  const summarise = definition.summary ? viewer(attributes, definition.summary) : show;
  const converts = Object.values(attributes).some((attribute) => attribute.convert);
  const checkCreate = bodyCheck('create');
  const checkUpdate = bodyCheck('update');

  const target = (row: Row, call: Call): object => definition.target?.(row, call) ?? row;
  const where = (call: Call, verb: Verb, id: string): Condition[] => [
    { column: key, op: 'eq', value: id },
    ...(definition.scope?.(call, verb) ?? []),
  ];

  async function find(call: Call, id: string, verb: Verb = 'show'): Promise<Row> {
    const row = await rows.find(where(call, verb, id));
    if (!row) throw style.notFound(names, id);
    return row;
  }

  const ruleOf = (row: Row, verb: 'show' | 'update' | 'delete') =>
    definition.ruleOf?.(row, verb) ?? policy[verb];

  /** The row of a call, once policy allows the verb; to whom may not even see it, it is not there. */
  async function allowed(call: Call, verb: 'show' | 'update' | 'delete'): Promise<Row> {
    const id = call.params[parameter] as string;
    const rule = policy[verb];
    if (style.policyFirst && rule) {
      const known = await rows.find(where(call, verb, id));
      if (!known && definition.absenceFirst?.includes(verb)) throw style.notFound(names, id);
      if (known) call.enforce(ruleOf(known, verb) ?? rule, target(known, call));
      else call.enforce(rule, call.params);
      if (!known) throw style.notFound(names, id);
      return known;
    }
    const row = await find(call, id, verb);
    const own = ruleOf(row, verb);
    if (!own) return row;
    const seen = target(row, call);
    if (call.can(own, seen)) return row;
    const showing = ruleOf(row, 'show');
    if (verb !== 'show' && showing && !call.can(showing, seen)) throw style.notFound(names, id);
    call.enforce(own, seen);
    throw new Forbidden();
  }

  async function views(
    page: Row[],
    call: Call,
    view: typeof show = show,
    fields?: readonly string[],
  ): Promise<Record<string, unknown>[]> {
    const shown = definition.expand ? await definition.expand(page, call) : (page as unknown as Shown[]);
    return shown.map((row, at) => {
      let seen = view(row, call, target(page[at] as Row, call));
      if (definition.view) seen = definition.view(seen, row, call);
      if (style.decorate) seen = style.decorate(seen, names, call);
      return fields ? pick(seen, fields) : seen;
    });
  }

  async function body(row: Row, call: Call): Promise<unknown> {
    const [view] = await views([row], call);
    return style.one(view as Record<string, unknown>, names, call);
  }

  /** The check of a body at each microversion, each compiled when a request first needs it. */
  function bodyCheck(verb: 'create' | 'update'): (version: Microversion) => Validator {
    const checks = changes(attributes).map((since) => ({
      since,
      check: validator(() => bodySchema(attributes, verb, since, open)),
    }));
    checks.reverse();
    return (version) => (checks.find(({ since }) => version >= since) ?? checks.at(-1))?.check as Validator;
  }

  function split(given: Record<string, unknown>): {
    known: Record<string, unknown>;
    extra: Record<string, unknown>;
  } {
    if (!open) return { known: given, extra: {} };
    const known: Record<string, unknown> = {};
    const extra: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(given)) {
      (Object.hasOwn(attributes, name) ? known : extra)[name] = value;
    }
    return { known, extra };
  }

  const settable = (given: Record<string, unknown>, verb: 'create' | 'update') =>
    Object.fromEntries(Object.entries(given).filter(([name]) => attributes[name]?.[verb]));

  function validated(
    verb: 'create' | 'update',
    call: Call,
    given: unknown,
    wrapper: string,
  ): { known: Record<string, unknown>; extra: Record<string, unknown> } {
    const read = converted(given);
    const problem = (verb === 'create' ? checkCreate : checkUpdate)(call.version)(read);
    if (problem) throw style.errors.invalid({ ...problem, path: [wrapper, ...problem.path] });
    const { known, extra } = split(read as Record<string, unknown>);
    // Where unknown properties are let through, so are known ones that a create may not give: they are not meant.
    return { known: verb === 'create' ? settable(known, 'create') : known, extra };
  }

  function converted(given: unknown): unknown {
    if (!converts || typeof given !== 'object' || given === null || Array.isArray(given)) return given;
    return Object.fromEntries(
      Object.entries(given).map(([name, value]) => {
        const convert = Object.hasOwn(attributes, name) ? attributes[name]?.convert : undefined;
        return [name, convert ? convert(value) : value];
      }),
    );
  }

  // Nothing at all must not make a resource, not even where nothing is required of one.
  const nothing = Object.values(attributes).some((each) => each.create === 'required') ? {} : null;

  async function createOne(call: Call, given: unknown): Promise<Row> {
    const { known, extra } = validated('create', call, given, names.one);
    const full = { ...known };
    for (const [name, attribute] of Object.entries(attributes)) {
      if (attribute.create && full[name] === undefined && attribute.default !== undefined) {
        full[name] = defaultOf(attribute, call);
      }
    }
    const made = full as CreateBody<A>;
    const seen = (await definition.createTarget?.(made, call)) ?? {
      project_id: call.credentials.projectId,
      tenant_id: call.credentials.projectId,
      ...full,
    };
    if (policy.create) call.enforce(policy.create, seen);
    for (const name of Object.keys(known)) {
      const attribute = attributes[name];
      const rule = attribute?.policy?.create;
      if (!rule) continue;
      const saysNothing =
        style.defaultsNeedNoRule && isDeepStrictEqual(known[name], defaultOf(attribute, call));
      if (!saysNothing) call.enforce(rule, seen);
    }
    if (definition.create) return definition.create(call, made, extra);
    const row: Record<string, unknown> = { id: randomUUID(), ...columns(full, attributes) };
    return rows.insert(row as never);
  }

  async function update(call: Call): Promise<unknown> {
    const row = await allowed(call, 'update');
    const given = unwrap(call, names.one, style);
    if (style.emptyUpdate && isEmpty(given)) {
      const message = '{} does not have enough properties';
      throw style.errors.invalid({ path: [names.one], message, keyword: 'minProperties', value: given });
    }
    const { known, extra } = validated('update', call, given, names.one);
    const seen = { ...target(row, call), ...known };
    for (const name of Object.keys(known)) {
      const rule = attributes[name]?.policy?.update;
      if (rule) call.enforce(rule, seen);
    }
    const after = await asItIsNow(call, row, async (now) => {
      if (definition.update) return definition.update(call, now, known as UpdateBody<A>, extra);
      const changed = columns(settable(known, 'update'), attributes) as Partial<Row>;
      if (Object.keys(changed).length > 0) await rows.update(itself(now), changed);
      return { ...now, ...changed };
    });
    return new Answer(status.update, await body(after, call));
  }

  const itself = (row: Row): Condition[] => [
    { column: key, op: 'eq', value: (row as Record<string, unknown>)[key] },
  ];

  /**
   * Changes a row. Where the API has preconditions, what they are asked of is the row as it is in the transaction that
   * changes it: of two who have seen the same, one comes second.
   */
  function asItIsNow<T>(call: Call, row: Row, change: (now: Row) => Promise<T>): Promise<T> {
    const { precondition } = style;
    if (!precondition) return change(row);
    return atomically(async () => {
      const now = await rows.find(itself(row));
      if (!now) throw style.notFound(names, call.params[parameter] as string);
      precondition(call, now);
      return change(now);
    });
  }

  async function remove(call: Call): Promise<Answer> {
    const row = await allowed(call, 'delete');
    const result = await asItIsNow(call, row, (now) =>
      definition.delete ? definition.delete(call, now) : rows.delete(itself(now)),
    );
    return result instanceof Answer ? result : new Answer(status.delete);
  }

  async function create(call: Call): Promise<Answer> {
    const given = call.body as Record<string, unknown> | undefined;
    if (style.bulk && given && Array.isArray(given[names.many])) {
      const all = given[names.many] as unknown[];
      const made = await atomically(async () => {
        const each: Row[] = [];
        for (const one of all) each.push(await createOne(call, one));
        return each;
      });
      return new Answer(status.create, { [names.many]: await views(made, call) });
    }
    const row = await createOne(call, unwrap(call, names.one, style, nothing));
    return new Answer(status.create, await body(row, call));
  }

  async function list(call: Call, view: typeof show): Promise<unknown> {
    const { credentials } = call;
    if (policy.list)
      call.enforce(policy.list, { project_id: credentials.projectId, user_id: credentials.userId });
    const request = style.page(call);
    const conditions = [...(await readFilters(call)), ...(definition.scope?.(call, 'list') ?? [])];
    const asked = request.sort.length > 0 ? request.sort : (definition.sort ?? []);
    const sort = asked.flatMap(({ attribute, direction }) => {
      const described = attributes[attribute];
      const column = described?.sort ? columnOf(attribute, described) : undefined;
      if (!column) {
        throw style.errors.invalid({
          path: ['sort_key'],
          message: `'${attribute}' is not a key that this list can be sorted by`,
          keyword: 'enum',
          value: attribute,
        });
      }
      const flip = { asc: 'desc', desc: 'asc' } as const;
      return [{ column, direction: request.reverse ? flip[direction] : direction }];
    });
    let after: Row | undefined;
    if (request.marker !== undefined) {
      after = await rows.find(where(call, 'list', request.marker));
      if (!after) throw style.badMarker(names, request.marker);
    }
    const { limit } = request;
    const ahead = style.looksAhead ? 1 : 0;
    const found =
      limit === 0
        ? []
        : await rows.list({
            where: conditions,
            sort,
            ...(after ? { after } : {}),
            ...(limit === undefined ? {} : { limit: limit + ahead }),
          });
    const full = limit !== undefined && found.length >= limit + ahead;
    if (full && ahead > 0) found.pop();
    if (request.reverse) found.reverse();
    const shown = await views(found, call, view, request.fields);
    return style.many({ views: shown, request, full }, names, call);
  }

  const parameter = parameterOf(definition.path, key);
  const item = `${names.path}/:${parameter}`;
  const versions = {
    ...(definition.since ? { since: definition.since } : {}),
    ...(definition.until ? { until: definition.until } : {}),
  };
  const has = (verb: Verb) => policy[verb] !== undefined;
  const described: DescribedResource = {
    names,
    key,
    attributes,
    style,
    status,
    verbs: (['list', 'show', 'create', 'update', 'delete'] as const).filter(has),
    detailed: definition.summary !== undefined,
    ...versions,
  };
  const routes: Route[] = [];
  const add = (verb: Verb, route: Omit<Route, 'summary'>, summary: string) => {
    if (has(verb)) routes.push({ ...versions, ...route, summary, from: described });
  };
  add(
    'list',
    { method: 'GET', path: names.path, handler: (call) => list(call, summarise) },
    `List ${names.many}`,
  );
  if (definition.summary) {
    add(
      'list',
      { method: 'GET', path: `${names.path}/detail`, handler: (call) => list(call, show) },
      `List ${names.many} in detail`,
    );
  }
  add(
    'create',
    { method: 'POST', path: names.path, documented: documented('create'), handler: create },
    `Create a ${names.one}`,
  );
  add(
    'show',
    { method: 'GET', path: item, handler: async (call) => projected(await allowed(call, 'show'), call) },
    `Show a ${names.one}`,
  );
  add(
    'update',
    { method: style.updateMethod, path: item, documented: documented('update'), handler: update },
    `Update a ${names.one}`,
  );
  add('delete', { method: 'DELETE', path: item, handler: remove }, `Delete a ${names.one}`);
  /** The body's schema for the OpenAPI document, at the newest microversion. */
  function documented(verb: 'create' | 'update'): TSchema {
    const schema = bodySchema(attributes, verb, Number.MAX_SAFE_INTEGER, open);
    return Type.Object({ [names.one]: schema }, { additionalProperties: true });
  }

  /** `fields=` narrows one resource as it narrows a list. */
  async function projected(row: Row, call: Call): Promise<unknown> {
    const { fields } = style.page(call);
    const [view] = await views([row], call, show, fields);
    return style.one(view as Record<string, unknown>, names, call);
  }

  return { names, routes, find, views, body };
}

/** The name of the item's parameter: `id`, or `<key>` where a parent's `:id` already stands in the path. */
const parameterOf = (path: string, key: string): string => (path.includes('/:id') ? `${key}_` : 'id');

/** What stands under the resource's name. @param absent what it is where nothing does, if the style allows that */
function unwrap(call: Call, one: string, style: ResourceStyle, absent: object | null = {}): unknown {
  const body = call.body as Record<string, unknown> | null | undefined;
  const given = body && typeof body === 'object' && !Array.isArray(body) ? body[one] : undefined;
  if (given === undefined) {
    if (style.absentWrapper) return absent;
    throw style.errors.invalid({
      path: [],
      message: `'${one}' is a required property`,
      keyword: 'required',
      property: one,
      value: body ?? null,
    });
  }
  return given;
}

const isEmpty = (given: unknown): boolean =>
  typeof given === 'object' && given !== null && Object.keys(given).length === 0;

/** The columns that hold the given attributes. */
export function columns(given: Record<string, unknown>, attributes: Attributes): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const attribute = attributes[name];
    const column = attribute && columnOf(name, attribute);
    if (column && value !== undefined) out[column] = value;
  }
  return out;
}

function pick(view: Record<string, unknown>, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(view).filter(([name]) => fields.includes(name)));
}
