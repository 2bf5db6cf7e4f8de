import { ApiError, BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { ErrorStyle } from '../../../platform/http/style.ts';
import type { Invalid } from '../../../platform/http/validation.ts';
import { parseBoolean } from '../../../platform/resource/list-query.ts';
import type { Page, PageRequest, ResourceNames, ResourceStyle } from '../../../platform/resource/style.ts';
import { badRequest, invalidAttribute } from '../model/errors.ts';
import type { NetworkSettings } from '../settings.ts';

/** Types for errors that nobody gave one, as upstream's web layer names them. */
const typesByStatus: Record<number, string> = {
  400: 'HTTPBadRequest',
  401: 'HTTPUnauthorized',
  403: 'PolicyNotAuthorized',
  404: 'HTTPNotFound',
  405: 'HTTPMethodNotAllowed',
  409: 'HTTPConflict',
  412: 'RevisionNumberConstraintFailed',
  413: 'HTTPRequestEntityTooLarge',
  415: 'HTTPUnsupportedMediaType',
  500: 'HTTPInternalServerError',
  503: 'HTTPServiceUnavailable',
};

export const networkErrors: ErrorStyle = {
  errorBody: (error: ApiError) => ({
    body: {
      NeutronError: {
        type:
          error.code && /^[A-Z]/.test(error.code) ? error.code : (typesByStatus[error.status] ?? 'HTTPError'),
        message: error.message,
        detail: typeof error.details === 'string' ? error.details : '',
      },
    },
  }),
  invalid: (problem: Invalid) => {
    const name = problem.path[1] ?? problem.path[0] ?? 'body';
    if (problem.keyword === 'required' && problem.path.length <= 1) {
      return problem.path.length === 0
        ? badRequest('HTTPBadRequest', `Unable to find '${problem.property}' in request body`)
        : badRequest(
            'HTTPBadRequest',
            `Failed to parse request. Required attribute '${problem.property}' not specified`,
          );
    }
    if (problem.keyword === 'additionalProperties' && problem.path.length <= 1) {
      return badRequest('HTTPBadRequest', `Unrecognized attribute(s) '${problem.property}'`);
    }
    return invalidAttribute(name, problem.message);
  },
};

/** Upstream's names of resources in its errors: `SecurityGroupNotFound`. */
const pascal = (name: string): string =>
  ({ floatingip: 'FloatingIP', subnetpool: 'SubnetPool' })[name] ??
  name.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());

const words: Record<string, (id: string) => string> = {
  security_group: (id) => `Security group ${id} does not exist`,
  security_group_rule: (id) => `Security group rule ${id} does not exist`,
  router: (id) => `Router ${id} could not be found`,
  floatingip: (id) => `Floating IP ${id} could not be found`,
  address_group: (id) => `Address group ${id} could not be found.`,
  subnetpool: (id) => `Subnet pool ${id} could not be found.`,
};

/** How much one answer holds, whatever limit is asked for; -1 for any number. */
type Paging = Pick<NetworkSettings, 'pagination_max_limit'>;

/** The limit of a list: what was asked for, no more than the most. 0 is "as many as there are", as upstream has it. */
function limitOf(call: Call, { pagination_max_limit: most }: Paging): number {
  const limitText = call.queryValue('limit');
  if (limitText !== undefined && !/^\d{1,9}$/.test(limitText)) {
    throw new BadRequest(`Limit must be an integer 0 or greater and not '${limitText.slice(0, 40)}'`);
  }
  const limit = limitText === undefined ? 0 : Number(limitText);
  return most > 0 ? Math.min(limit, most) || most : limit;
}

function page(call: Call, paging: Paging): PageRequest {
  const limit = limitOf(call, paging);
  const keys = call.queryValues('sort_key');
  const directions = call.queryValues('sort_dir');
  if (directions.length > 0 && keys.length !== directions.length) {
    throw new BadRequest('The number of sort_keys and sort_dirs must be same');
  }
  const bad = directions.find((each) => each !== 'asc' && each !== 'desc');
  if (bad !== undefined) throw new BadRequest("sort_dir must be one of: 'asc', 'desc'");
  const marker = call.queryValue('marker');
  const fields = call.queryValues('fields').filter((each) => each !== '');
  const reverse = call.queryValue('page_reverse');
  return {
    ...(limit === 0 ? {} : { limit }),
    sort: keys.map((attribute, i) => ({
      attribute,
      direction: (directions[i] ?? 'asc') as 'asc' | 'desc',
    })),
    ...(marker ? { marker } : {}),
    ...(fields.length > 0 ? { fields } : {}),
    ...(reverse !== undefined && parseBoolean(reverse) ? { reverse: true } : {}),
  };
}

/** `networks_links`: present when the list has a limit, with `next` while there may be more. */
function links({ views, request, full }: Page, names: ResourceNames, call: Call, ids: readonly string[]) {
  if (request.limit === undefined || views.length === 0) return {};
  const link = (rel: 'next' | 'previous', marker: string) => {
    const query = new URLSearchParams(call.url.split('?')[1] ?? '');
    query.delete('page_reverse');
    query.set('marker', marker);
    if (rel === 'previous') query.set('page_reverse', 'True');
    return { rel, href: `${call.origin}${names.path}?${query}` };
  };
  const first = ids[0] as string;
  const last = ids.at(-1) as string;
  const more = request.reverse ? true : full;
  const before = request.reverse ? full : request.marker !== undefined;
  const all = [...(more ? [link('next', last)] : []), ...(before ? [link('previous', first)] : [])];
  return all.length > 0 ? { [`${names.many}_links`]: all } : {};
}

/** The revision that a request wants to change, by its `If-Match: revision_number=3`; nothing where it does not say. */
function wantedRevision(call: Call): number | undefined {
  const header = call.headers['if-match'];
  if (typeof header !== 'string') return undefined;
  const bad = (problem: string) => badRequest('BadRequest', `Bad if-match request: ${problem}.`);
  const named = header
    .split(',')
    .map((tag) => tag.trim().replace(/^"(.*)"$/, '$1'))
    .filter((tag) => tag.startsWith('revision_number='));
  if (named.length > 1) throw bad('Multiple revision_number etags are not supported');
  const [, revision] = /^revision_number=(.*)$/.exec(named[0] ?? '') ?? [];
  if (revision === undefined) return undefined;
  if (!/^\d{1,12}$/.test(revision)) {
    throw bad('Revision number etag must be in the format of revision_number=<int>');
  }
  return Number(revision);
}

/**
 * Sees that a request changes what its sender has seen. Asked of the row as it is in the transaction that changes it;
 * what has no revisions has no such conditions.
 * @throws ApiError 412
 */
export function assertRevision(call: Call, row: object): void {
  const wanted = wantedRevision(call);
  const { revision_number: actual } = row as { revision_number?: number };
  if (wanted === undefined || actual === undefined || actual === wanted) return;
  throw new ApiError(412, `Constrained to ${wanted}, but current revision is ${actual}`, {
    code: 'RevisionNumberConstraintFailed',
  });
}

/** How this API wraps, links and pages its resources. */
export const networkStyle = (
  settings: Paging & Pick<NetworkSettings, 'filter_validation'>,
): ResourceStyle => ({
  errors: networkErrors,
  prefix: '/v2.0',
  updateMethod: 'PUT',
  status: { create: 201, update: 200, delete: 204 },
  unknownProperties: 'refuse',
  unknownFilters: settings.filter_validation ? 'refuse' : 'ignore',
  one: (view, { one }) => ({ [one]: view }),
  many: (result, names, call) => ({
    [names.many]: result.views,
    ...links(
      result,
      names,
      call,
      result.views.map(({ id }) => String(id)),
    ),
  }),
  page: (call) => page(call, settings),
  reserved: new Set(['limit', 'marker', 'page_reverse', 'sort_key', 'sort_dir', 'fields']),
  bulk: true,
  defaultsNeedNoRule: true,
  precondition: assertRevision,
  notFound: ({ one }, id) =>
    new NotFound(words[one]?.(id) ?? `${pascal(one)} ${id} could not be found.`, undefined, {
      code: `${pascal(one)}NotFound`,
    }),
  badMarker: (_names, marker) => new NotFound(`Marker ${marker} could not be found.`),
});
