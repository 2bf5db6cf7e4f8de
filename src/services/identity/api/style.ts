import { STATUS_CODES } from 'node:http';
import { ApiError, BadRequest, Conflict, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { ErrorStyle } from '../../../platform/http/style.ts';
import type { ComparisonOp } from '../../../platform/resource/rows.ts';
import type { ResourceStyle } from '../../../platform/resource/style.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';

/** Identity's error body: `{ error: { code, title, message } }`. */
export const identityErrors: ErrorStyle = {
  errorBody: (error) => ({
    body: {
      error: {
        code: error.status,
        message: error.message,
        title: STATUS_CODES[error.status] ?? 'Error',
      },
    },
  }),
  objectsOnly: true,
  badJson: () =>
    new BadRequest(
      'Expecting to find valid JSON in request body. The server could not comply with the request since it is ' +
        'either malformed or otherwise incorrect. The client is assumed to be in error.',
    ),
  // Upstream checks what is in the wrapper, and so does not name it.
  invalid: ({ path: [, ...path], message }) =>
    new BadRequest(path.length > 0 ? `Invalid input for field '${path.join('/')}': ${message}` : message),
};

/** Items of a list at most, whatever is asked for. */
const longestPage = 10_000;

const comparison = /^(\w+?)__(i?(?:contains|startswith|endswith|equals))$/;
const comparisons: Record<string, ComparisonOp> = {
  contains: 'contains',
  startswith: 'startswith',
  endswith: 'endswith',
  equals: 'eq',
  icontains: 'icontains',
  istartswith: 'istartswith',
  iendswith: 'iendswith',
  iequals: 'iequals',
};

export const identityStyle: ResourceStyle = {
  errors: identityErrors,
  prefix: '/v3',
  updateMethod: 'PATCH',
  status: { create: 201, update: 200, delete: 204 },
  unknownProperties: 'keep',
  unknownFilters: 'ignore',
  policyFirst: true,
  absentWrapper: 'empty',
  emptyUpdate: 'refuse',
  looksAhead: true,
  decorate: (view, { path }, call) => ({
    ...view,
    links: { ...(view['links'] as object | undefined), self: selfLink(call, path, view['id']) },
  }),
  one: (view, { one }) => ({ [one]: view }),
  many: ({ views, request, full }, { many }, call) =>
    collection(call, many, views, full ? request.limit : undefined),
  page(call) {
    const marker = call.queryValue('marker');
    const limit = limitOf(call);
    return { sort: [], ...(limit === undefined ? {} : { limit }), ...(marker ? { marker } : {}) };
  },
  reserved: new Set(['limit', 'marker', 'sort_key', 'sort_dir', 'page', 'per_page']),
  filter(param, values) {
    const [, name, op] = comparison.exec(param) ?? [];
    const known = op ? comparisons[op] : undefined;
    return name && known ? { param: name, op: known, values } : undefined;
  },
  notFound: ({ one }, id) => notFound(one, id),
  badMarker: (_names, marker) => new BadRequest(`Marker ${marker} could not be found.`),
};

const { emptyUpdate: _refused, absentWrapper: _empty, ...lenient } = identityStyle;
/** Where an update that changes nothing is none to complain of. */
export const withEmptyUpdates: ResourceStyle = lenient;

const selfLink = (call: Call, path: string, id: unknown): string =>
  `${call.origin}${path}/${encodeURIComponent(String(id))}`;

/** Upstream's words for an id that nothing has. */
export const notFound = (what: string, id: string): ApiError =>
  new NotFound(`Could not find ${what}: ${id}.`);

function limitOf(call: Call): number | undefined {
  const text = call.queryValue('limit');
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,9}$/.test(text))
    throw new BadRequest(`Invalid input for field 'limit': '${text.slice(0, 40)}' is not an integer`);
  const limit = Number(text);
  return limit === 0 ? undefined : Math.min(limit, longestPage);
}

/** A list as identity wraps it. @param limit the limit of a page that is full, so that another may follow */
export function collection(
  call: Call,
  name: string,
  views: readonly Record<string, unknown>[],
  limit?: number,
): Record<string, unknown> {
  const [path, search = ''] = call.url.split('?');
  const last = views.at(-1);
  let next: string | null = null;
  if (limit !== undefined && last) {
    const query = new URLSearchParams(search);
    query.set('marker', String(last['id']));
    query.set('limit', String(limit));
    next = `${call.origin}${path}?${query}`;
  }
  return {
    [name]: views,
    links: { next, self: `${call.origin}${call.url}`, previous: null },
    ...(next ? { truncated: true } : {}),
  };
}

/** Runs a write; a name or id that is taken already becomes upstream's conflict. */
export async function unique<T>(what: string, detail: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof UniqueViolation) throw duplicate(what, detail, error);
    throw error;
  }
}

export const duplicate = (what: string, detail: string, cause?: unknown): ApiError =>
  conflict(what, `Duplicate entry found with ${detail}`, cause);

/** What cannot be stored beside what is there already. */
export const conflict = (what: string, details: string, cause?: unknown): ApiError =>
  new Conflict(`Conflict occurred attempting to store ${what} - ${details}.`, { cause });

/** Upstream's words for a body that names what is not there, or leaves out what must be. */
export const expecting = (attribute: string, target: string): ApiError =>
  new BadRequest(
    `Expecting to find ${attribute} in ${target}. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
  );
