import { type TSchema, Type } from 'typebox';
import { type ApiError, BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { ErrorStyle } from '../../../platform/http/style.ts';
import { type Invalid, pythonRepr } from '../../../platform/http/validation.ts';
import type { Attribute } from '../../../platform/resource/attribute.ts';
import type { Page, PageRequest, ResourceNames, ResourceStyle } from '../../../platform/resource/style.ts';

/** The member under which an error's body stands, by status. Source: nova/api/openstack/wsgi.py, `Fault`. */
const faults: Record<number, string> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
};

/** Python's `str` of a value: text stands without quotes, everything else as `repr` shows it. */
const shown = (value: unknown): string =>
  (typeof value === 'string' ? value : pythonRepr(value)).slice(0, 300);

export const computeErrors: ErrorStyle = {
  errorBody: (error: ApiError) => ({
    body: {
      [faults[error.status] ?? 'computeFault']: {
        code: error.status,
        message: error.code === 'malformed' ? 'Malformed request body' : error.message,
        ...(error.headers['retry-after'] ? { retryAfter: error.headers['retry-after'] } : {}),
      },
    },
  }),
  invalid: ({ path, message, value }: Invalid) =>
    new BadRequest(
      path.length === 0
        ? message
        : `Invalid input for field/attribute ${path.at(-1)}. Value: ${shown(value)}. ${message}`,
    ),
};

/** A query parameter that does not fit, in the words of nova's validator. */
export const invalidQuery = (name: string, value: string, why: string): BadRequest =>
  new BadRequest(`Invalid input for query parameters ${name}. Value: ${value.slice(0, 300)}. ${why}`);

/** The most items of one page: nova's `max_limit`. */
export const mostItems = 1000;

/** Reads `limit`, `marker`, `sort_key` and `sort_dir`. @throws BadRequest in nova's words */
export function pageOf(call: Call): PageRequest {
  const limit = call.queryValue('limit');
  if (limit !== undefined && !/^\d{1,15}$/.test(limit)) {
    throw invalidQuery('limit', limit, `${pythonRepr(limit)} does not match '^[0-9]*$'`);
  }
  const marker = call.queryValue('marker');
  const directions = call.queryValues('sort_dir');
  const bad = directions.find((each) => !/^(asc|desc)$/i.test(each));
  if (bad !== undefined) throw invalidQuery('sort_dir', bad, `${pythonRepr(bad)} is not one of asc, desc`);
  return {
    limit: limit === undefined ? mostItems : Math.min(Number(limit), mostItems),
    // oslo's list of directions is filled up with the first one.
    sort: call.queryValues('sort_key').map((attribute, i) => ({
      attribute,
      direction: (directions[i] ?? directions[0])?.toLowerCase() === 'asc' ? 'asc' : 'desc',
    })),
    ...(marker ? { marker } : {}),
  };
}

/** `flavors_links` with `next`, while there may be more. */
export function pageLinks(many: string, lastId: string | undefined, full: boolean, call: Call): object {
  if (!full || lastId === undefined) return {};
  const [path = '', query = ''] = call.url.split('?');
  const next = new URLSearchParams(query);
  next.set('marker', lastId);
  return { [`${many}_links`]: [{ rel: 'next', href: `${call.origin}${path}?${next}` }] };
}

/** The two links of an item: `self` with the API's version, `bookmark` without. */
export const linksOf = (collection: string, id: string, call: Call): { rel: string; href: string }[] => [
  { rel: 'self', href: `${call.origin}/v2.1/${collection}/${id}` },
  { rel: 'bookmark', href: `${call.origin}/${collection}/${id}` },
];

/**
 * The attribute `links` of resources that have it: `links: links('flavors')`. Many of compute's resources have none.
 * @param key the member of the row that the path is made of
 */
export const links = (collection: string, key = 'id'): Attribute<TSchema> => ({
  schema: Type.Array(Type.Object({ rel: Type.String(), href: Type.String() })),
  column: false,
  from: (row: Record<string, unknown>, call) => linksOf(collection, String(row[key]), call),
});

/** How compute words that something is not there. Those that are not named here: `Flavor x could not be found.` */
const notFoundWords: Record<string, (id: string) => string> = {
  server: (id) => `Instance ${id} could not be found.`,
  server_group: (id) => `Instance group ${id} could not be found.`,
};

export const computeNotFound = ({ one }: Pick<ResourceNames, 'one'>, id: string): NotFound =>
  new NotFound(
    notFoundWords[one]?.(id) ??
      `${one[0]?.toUpperCase()}${one.slice(1).replaceAll('_', ' ')} ${id} could not be found.`,
  );

export const computeStyle: ResourceStyle = {
  errors: computeErrors,
  prefix: '/v2.1',
  updateMethod: 'PUT',
  status: { create: 200, update: 200, delete: 202 },
  unknownProperties: 'refuse',
  // Lists have refused parameters that they do not know since 2.75.
  unknownFilters: (call) => (call.since('2.75') ? 'refuse' : 'ignore'),
  one: (view, { one }) => ({ [one]: view }),
  many: ({ views, full }: Page, { many }, call) => ({
    [many]: views,
    ...pageLinks(many, views.length > 0 ? String(views.at(-1)?.['id']) : undefined, full, call),
  }),
  page: pageOf,
  reserved: new Set(['limit', 'marker', 'sort_key', 'sort_dir']),
  notFound: computeNotFound,
  badMarker: (_names, marker) => new BadRequest(`marker [${marker}] not found`),
};
