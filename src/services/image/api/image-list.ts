import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Condition } from '../../../platform/store/condition.ts';
import type { Sort } from '../../../platform/store/list.ts';
import type { Database } from '../../../platform/store/schema.ts';
import type { ImageStoreDb } from '../store/images.ts';
import type { ImageTables, images } from '../store/tables.ts';
import { isAdmin } from './access.ts';

export type ImageWhere = Condition<typeof images>;
type Where = ImageWhere;
type Builder = ExpressionBuilder<Database<ImageTables>, 'images'>;

const defaultLimit = 25;
const mostListed = 1000;
const sortKeys = [
  'name',
  'status',
  'container_format',
  'disk_format',
  'size',
  'id',
  'created_at',
  'updated_at',
] as const;
type SortKey = (typeof sortKeys)[number];
const memberStatuses = ['pending', 'accepted', 'rejected', 'all'] as const;
type MemberStatus = (typeof memberStatuses)[number];

const paging = new Set(['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'member_status', 'tag']);
const words = new Set(['name', 'id', 'status', 'container_format', 'disk_format']);
const plain = new Set(['owner', 'checksum', 'os_hash_algo', 'os_hash_value']);
const numbers = new Set(['size', 'virtual_size', 'min_ram', 'min_disk']);
const times = new Set(['created_at', 'updated_at']);
/** Each filter is one more condition of one statement. */
const mostFilters = 64;

/** A list as it was asked for. */
export interface Asked {
  limit: number;
  marker: string | undefined;
  sort: Sort<typeof images>[];
  where: Where[];
}

/** Reads the query of a list of images. @throws BadRequest, Forbidden in glance's words */
export function readListQuery(call: Call, store: ImageStoreDb): Asked {
  const filters = Object.keys(call.query).filter((name) => !paging.has(name));
  if (filters.length + call.queryValues('tag').length > mostFilters)
    throw new BadRequest(`A list has at most ${mostFilters} filters.`);
  const memberStatus = oneOf(
    memberStatuses,
    call.queryValue('member_status') ?? 'accepted',
    'Invalid status',
  );
  const where = [
    ...visibleTo(call, store, memberStatus),
    ...hidden(call),
    ...filters.flatMap((name) => filter(store, name, call.queryValue(name) ?? '')),
    ...call.queryValues('tag').map((tag) => tagged(store, tag.trim())),
  ];
  return { limit: limitOf(call), marker: call.queryValue('marker'), sort: sortOf(call), where };
}

function oneOf<const W extends string>(allowed: readonly W[], word: string, complaint: string): W {
  const found = allowed.find((each) => each === word);
  if (found === undefined) throw new BadRequest(`${complaint}: ${word}`);
  return found;
}

function limitOf(call: Call): number {
  const text = call.queryValue('limit');
  if (text === undefined) return defaultLimit;
  if (!/^\s*[-+]?\d{1,15}\s*$/.test(text)) throw new BadRequest('limit param must be an integer');
  if (Number(text) < 0) throw new BadRequest('limit param must be positive');
  return Math.min(Number(text), mostListed);
}

const directionOf = (text: string): 'asc' | 'desc' =>
  oneOf(['asc', 'desc'] as const, text.trim(), 'Invalid sort direction');

function keyOf(text: string): SortKey {
  const key = sortKeys.find((each) => each === text.trim());
  if (!key)
    throw new BadRequest(
      `Invalid sort key: ${text.trim()}. It must be one of the following: ${sortKeys.join(', ')}.`,
    );
  return key;
}

/** The two ways of asking for an order; newest first where nothing is asked. */
function sortOf(call: Call): Sort<typeof images>[] {
  const classic = { keys: call.queryValues('sort_key'), directions: call.queryValues('sort_dir') };
  const modern = call.queryValue('sort');
  const sort: Sort<typeof images>[] = [];
  let rest: 'asc' | 'desc' = 'desc';
  if (modern !== undefined) {
    if (classic.keys.length + classic.directions.length > 0)
      throw new BadRequest('Old and new sorting syntax cannot be combined');
    for (const part of modern.trim().split(',')) {
      const [key = '', direction = ''] = part.split(':');
      sort.push({ column: keyOf(key), direction: directionOf(direction || 'desc') });
    }
    if (sort.length === 1) rest = sort[0]?.direction ?? rest;
  } else {
    const keys = classic.keys.map(keyOf);
    const directions = classic.directions.map(directionOf);
    if (directions.length > 1 && directions.length !== keys.length)
      throw new BadRequest('Number of sort dirs does not match the number of sort keys');
    if (directions.length === 1) rest = directions[0] ?? rest;
    for (const [at, column] of (keys.length > 0 ? keys : (['created_at'] as const)).entries())
      sort.push({ column, direction: directions[at] ?? directions[0] ?? 'desc' });
  }
  for (const column of ['created_at', 'id'] as const)
    if (!sort.some((each) => each.column === column)) sort.push({ column, direction: rest });
  return sort;
}

/** What the caller may know of: its own, public, shared with it, and community images where it asks for them. */
function visibleTo(call: Call, store: ImageStoreDb, memberStatus: MemberStatus): Where[] {
  const asked = call.queryValue('visibility');
  if (asked && !['community', 'public', 'private', 'shared', 'all'].includes(asked))
    throw new BadRequest(`Invalid visibility value: ${asked}`);
  const { projectId } = call.credentials;
  const where: Where[] = [];
  if (!isAdmin(call)) where.push(knownTo(store, projectId, memberStatus));
  if (asked && asked !== 'all') {
    where.push({ column: 'visibility', op: 'eq', value: asked as 'public' });
  } else if (!asked) where.push(listedUnasked(projectId));
  return where;
}

/** Images that a project may know of. */
export function knownTo(
  store: ImageStoreDb,
  projectId: string | undefined,
  memberStatus: MemberStatus = 'accepted',
): Where {
  const groups: Where[][] = [[{ column: 'visibility', op: 'in', value: ['public', 'community'] }]];
  if (projectId !== undefined) {
    groups.push([{ column: 'owner', op: 'eq', value: projectId }]);
    groups.push([
      { column: 'visibility', op: 'eq', value: 'shared' },
      sharedWith(store, projectId, memberStatus),
    ]);
  }
  return { any: groups };
}

/** Images of other people's community are listed only for those who ask for them. */
export function listedUnasked(projectId: string | undefined): Where {
  const others: Where = { column: 'visibility', op: 'ne', value: 'community' };
  return projectId === undefined
    ? others
    : { any: [[{ column: 'owner', op: 'eq', value: projectId }], [others]] };
}

/** A row of another table that belongs to the image and fits. */
const having = (store: ImageStoreDb, build: (from: Builder) => Expression<SqlBool>): Where => {
  let made: Expression<SqlBool> | undefined;
  store.db.selectFrom('images').where((from) => (made = build(from)));
  return { expression: made as Expression<SqlBool> };
};

const sharedWith = (store: ImageStoreDb, project: string, status: MemberStatus): Where =>
  having(store, (from) => {
    let query = from
      .selectFrom('image_members')
      .select(sql<number>`1`.as('one'))
      .whereRef('image_members.image_id', '=', 'images.id')
      .where('image_members.member', '=', project);
    if (status !== 'all') query = query.where('image_members.status', '=', status);
    return from.exists(query);
  });

const tagged = (store: ImageStoreDb, tag: string): Where =>
  having(store, (from) =>
    from.exists(
      from
        .selectFrom('image_tags')
        .select(sql<number>`1`.as('one'))
        .whereRef('image_tags.image_id', '=', 'images.id')
        .where('image_tags.value', '=', tag),
    ),
  );

export const withProperty = (store: ImageStoreDb, name: string, value: string): Where =>
  having(store, (from) =>
    from.exists(
      from
        .selectFrom('image_properties')
        .select(sql<number>`1`.as('one'))
        .whereRef('image_properties.image_id', '=', 'images.id')
        .where('image_properties.name', '=', name)
        .where('image_properties.value', '=', value),
    ),
  );

function flag(name: string, text: string): boolean {
  const word = text.toLowerCase();
  if (word === 'true' || word === 'false') return word === 'true';
  throw new BadRequest(
    `Invalid value '${text.slice(0, 80)}' for '${name}' filter. Valid values are 'true' or 'false'.`,
  );
}

const hidden = (call: Call): Where[] => [
  { column: 'os_hidden', op: 'eq', value: flag('os_hidden', call.queryValue('os_hidden') ?? 'false') },
];

function filter(store: ImageStoreDb, name: string, text: string): Where[] {
  if (name === 'visibility' || name === 'os_hidden' || name === 'deleted') return [];
  if (name === 'changes-since')
    throw new BadRequest('The "changes-since" filter is no longer available on v2.');
  if (name === 'protected') return [{ column: 'protected', op: 'eq', value: flag(name, text) }];
  if (words.has(name)) return [wordFilter(name as 'name', text)];
  if (plain.has(name)) return [{ column: name as 'owner', op: 'eq', value: text }];
  if (numbers.has(name)) return [{ column: name as 'size', op: 'eq', value: numberOf(text) }];
  const range = /^(.*)_(min|max)$/.exec(name);
  if (range && numbers.has(range[1] ?? '')) {
    return [{ column: range[1] as 'size', op: range[2] === 'min' ? 'gte' : 'lte', value: numberOf(text) }];
  }
  if (times.has(name)) return [timeFilter(name as 'created_at', text)];
  return [withProperty(store, name, text)];
}

function numberOf(text: string): number {
  if (!/^-?\d{1,15}$/.test(text))
    throw new BadRequest('Unable to filter on a range with a non-numeric value.');
  return Number(text);
}

const operators = new Set(['in', 'eq', 'neq', 'gt', 'gte', 'lt', 'lte']);

/** `gt:2026-01-01` → `['gt', '2026-01-01']`; a text without an operator is compared as it is. */
function splitOperator(text: string): [operator: string, rest: string] {
  const cut = text.indexOf(':');
  const word = text.slice(0, Math.max(cut, 0));
  return cut > 0 && operators.has(word) ? [word, text.slice(cut + 1)] : ['eq', text];
}

function wordFilter(column: 'name', text: string): Where {
  const [operator, rest] = splitOperator(text);
  if (operator === 'eq') return { column, op: 'eq', value: rest };
  if (operator === 'in') return { column, op: 'in', value: splitList(rest) };
  throw new BadRequest(`Unable to filter by unknown operator '${operator}'.`);
}

/** `a,"b,c"` → `a` and `b,c`. */
function splitList(text: string): string[] {
  const parts = text.match(/"(?:\\.|[^"\\])*"|[^,"]+|(?<=,)(?=,|$)|^(?=,)/g) ?? [];
  if (parts.join(',') !== text)
    throw new BadRequest(`Invalid parameter value ${text.slice(0, 80)}. The quotes are not closed.`);
  return parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll(/\\(.)/g, '$1') : part));
}

const comparisons = { eq: 'eq', neq: 'ne', gt: 'gt', gte: 'gte', lt: 'lt', lte: 'lte' } as const;

/** Times are kept with fractions and shown without: `eq` means the second that was shown. */
function timeFilter(column: 'created_at', text: string): Where {
  const [operator, rest] = splitOperator(text);
  if (operator === 'in') throw new BadRequest(`Unable to filter by unknown operator '${operator}'.`);
  const parsed = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/.test(rest)
    ? Date.parse(
        /(Z|[+-]\d\d:?\d\d)$/.test(rest.slice(10))
          ? rest
          : `${rest.length === 10 ? `${rest}T00:00:00` : rest}Z`,
      )
    : Number.NaN;
  if (Number.isNaN(parsed))
    throw new BadRequest(`Bad "${column}" query filter format. Use ISO 8601 DateTime notation.`);
  const second = new Date(parsed).toISOString().slice(0, 19);
  const first = `${second}.000000Z`;
  const last = `${second}.999999Z`;
  const op = comparisons[operator as keyof typeof comparisons];
  switch (op) {
    case 'eq':
      return {
        any: [
          [
            { column, op: 'gte', value: first },
            { column, op: 'lte', value: last },
          ],
        ],
      };
    case 'ne':
      return { any: [[{ column, op: 'lt', value: first }], [{ column, op: 'gt', value: last }]] };
    case 'gt':
    case 'lte':
      return { column, op, value: last };
    default:
      return { column, op, value: first };
  }
}

/** The query of another page of the same list, `marker` aside. */
export function queryWithout(call: Call, left: string): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of Object.keys(call.query))
    if (name !== left) for (const value of call.queryValues(name)) query.append(name, value);
  return query;
}

/** @throws Forbidden where a project may not list images at all */
export function assertMayList(call: Call): void {
  const { projectId } = call.credentials;
  if (!call.can('get_images', { project_id: projectId }))
    throw new Forbidden('You are not authorized to complete get_images action.');
}
