import { BadRequest } from '../../../platform/errors/errors.ts';
import {
  failed,
  isUuid,
  parseInTree,
  parseMemberOf,
  parseResources,
  parseTraits,
  type TraitCondition,
} from './query-values.ts';
import type { CandidateQuery, RequestGroup } from './requests.ts';

const badValue = { code: 'placement.query.bad_value' };
const missingValue = { code: 'placement.query.missing_value' };
const duplicateKey = { code: 'placement.query.duplicate_key' };

/** First microversion (1.x) with each parameter of `GET /allocation_candidates`. */
const candidateParameters: Readonly<Record<string, number>> = {
  resources: 10,
  limit: 16,
  required: 17,
  member_of: 21,
  group_policy: 25,
  in_tree: 31,
  root_required: 35,
  same_subtree: 36,
};
const groupParameters = ['in_tree', 'member_of', 'required', 'resources'];
const granularSince = 25;
const sameSubtreeSince = 36;

/**
 * Parses the query of `GET /allocation_candidates`.
 * @param minor of microversion 1.x, 10 or more
 * @throws BadRequest with upstream's text and code, for what the microversion does not know or accept
 */
export function parseCandidateQuery(parameters: URLSearchParams, minor: number): CandidateQuery {
  assertCandidateParameters(parameters, minor);
  const wide = parseWide(parameters);
  const groups = parseGroups(parameters, minor);
  if (minor >= sameSubtreeSince) assertSubtrees(groups, wide.sameSubtrees);
  else assertNoOrphans(groups);
  if (minor >= 22) assertNoConflicts(groups);
  if (!wide.groupPolicy && groups.filter((group) => group.suffix !== '').length > 1) {
    throw new BadRequest(
      'The "group_policy" parameter is required when specifying more than one "resources{N}" parameter.',
    );
  }
  return { groups, ...wide, nested: minor >= 29 };
}

export interface ProviderQuery extends TraitCondition {
  name: string | undefined;
  uuid: string | undefined;
  inTree: string | undefined;
  resources: Map<string, number>;
  memberOf: Set<string>[];
  notMemberOf: Set<string>;
}

const providerParameters: Readonly<Record<string, number>> = {
  name: 0,
  uuid: 0,
  member_of: 3,
  resources: 4,
  in_tree: 14,
  required: 18,
};

/** Parses the query of `GET /resource_providers`. @throws BadRequest */
export function parseProviderQuery(parameters: URLSearchParams, minor: number): ProviderQuery {
  const unknown = [...new Set(parameters.keys())].filter(
    (key) => !(minor >= (known(providerParameters, key) ?? 1e9)),
  );
  if (unknown.length > 0) throw invalid(unexpected(unknown, parameters));
  for (const key of ['uuid', 'in_tree']) {
    const value = last(parameters, key);
    if (value !== undefined && !isUuid(value))
      throw invalid(`'${value}' is not a 'uuid'${failed('format', value, key)}`);
  }
  const resources = last(parameters, 'resources');
  return {
    name: last(parameters, 'name'),
    uuid: last(parameters, 'uuid'),
    inTree: last(parameters, 'in_tree'),
    resources: resources === undefined ? new Map() : parseResources(resources),
    ...parseAggregates(parameters, '', minor),
    ...parseRequired(parameters, '', minor),
  };
}

/** What exists; the asker brings it, since custom names live in the store. */
export interface KnownNames {
  resourceClasses: { has(name: string): boolean };
  traits: { has(name: string): boolean };
}

/** @throws BadRequest for resource classes and traits that do not exist */
export function assertNamesExist(query: CandidateQuery | ProviderQuery, there: KnownNames): void {
  const isList = 'inTree' in query;
  for (const { resources } of isList ? [query] : query.groups) {
    for (const name of resources.keys()) {
      if (there.resourceClasses.has(name)) continue;
      throw new BadRequest(`Invalid resource class in resources parameter: No such resource class ${name}.`);
    }
  }
  for (const traits of isList ? traitSets(query) : candidateTraitSets(query)) {
    const missing = [...traits].filter((trait) => !there.traits.has(trait)).toSorted();
    if (missing.length === 0) continue;
    const text = `No such trait(s): ${missing.join(', ')}.`;
    throw new BadRequest(isList ? `Invalid trait(s) in "required" parameter: ${text}` : text);
  }
}

function traitSets({
  required,
  forbidden,
}: Pick<RequestGroup, 'required' | 'forbidden'>): ReadonlySet<string>[] {
  return [...required, forbidden];
}

function candidateTraitSets(query: CandidateQuery): ReadonlySet<string>[] {
  return [query.rootRequired, query.rootForbidden, ...query.groups.flatMap(traitSets)];
}

function suffixPattern(minor: number): string {
  return minor >= 33 ? '[a-zA-Z0-9_-]{1,64}' : '[1-9][0-9]*';
}

function assertCandidateParameters(parameters: URLSearchParams, minor: number): void {
  const since = (name: string) => minor >= (known(candidateParameters, name) ?? 1e9);
  const patterns =
    minor >= granularSince
      ? groupParameters.filter(since).map((name) => `^${name}(${suffixPattern(minor)})?$`)
      : [];
  const expressions = patterns.map((pattern) => new RegExp(pattern));
  const keys = [...new Set(parameters.keys())];
  const unknown = keys.filter(
    (key) => !since(key) && !expressions.some((expression) => expression.test(key)),
  );
  if (unknown.length > 0) {
    if (patterns.length === 0) throw invalid(unexpected(unknown, parameters));
    const names = unknown.map((key) => `'${key}'`).toSorted();
    const verb = names.length === 1 ? 'does' : 'do';
    const list = patterns.map((pattern) => `'${pattern}'`).toSorted();
    throw invalid(
      `${names.join(', ')} ${verb} not match any of the regexes: ${list.join(', ')}${failed('additionalProperties', sent(parameters))}`,
    );
  }
  const limit = last(parameters, 'limit');
  if (limit !== undefined && !/^[1-9][0-9]*$/.test(limit))
    throw invalid(`'${limit}' does not match '^[1-9][0-9]*$'${failed('pattern', limit, 'limit')}`);
  const policy = last(parameters, 'group_policy');
  if (policy !== undefined && policy !== 'none' && policy !== 'isolate') {
    throw invalid(`'${policy}' is not one of ['none', 'isolate']${failed('enum', policy, 'group_policy')}`);
  }
  if (minor < granularSince && !parameters.has('resources'))
    throw invalid(`'resources' is a required property${failed('required', sent(parameters))}`);
}

function parseWide(parameters: URLSearchParams): Omit<CandidateQuery, 'groups' | 'nested'> {
  const limit = parameters.get('limit');
  const policy = parameters.get('group_policy');
  const roots = parameters.getAll('root_required');
  if (roots.length > 1) {
    throw new BadRequest("Query parameter 'root_required' may be specified only once.", duplicateKey);
  }
  const root = roots.map((text) => parseTraits(text, { forbidden: true, any: false }));
  const rootRequired = new Set(root.flatMap(({ required }) => required.flatMap((any) => [...any])));
  const rootForbidden = new Set(root.flatMap(({ forbidden }) => [...forbidden]));
  const conflicts = [...rootForbidden].filter((trait) => rootRequired.has(trait)).toSorted();
  if (conflicts.length > 0) {
    throw new BadRequest(
      `Conflicting required and forbidden traits found in root_required: ${conflicts.join(', ')}`,
      badValue,
    );
  }
  const sameSubtrees = parameters.getAll('same_subtree').map((text) => {
    const suffixes = new Set(text.split(',').map((suffix) => suffix.trim()));
    if (!suffixes.has('')) return suffixes;
    throw new BadRequest('Empty string (unsuffixed group) can not be specified in `same_subtree` ', badValue);
  });
  return {
    groupPolicy: policy === 'isolate' || policy === 'none' ? policy : undefined,
    limit: limit === null ? undefined : Number(limit),
    rootRequired,
    rootForbidden,
    sameSubtrees,
  };
}

function parseGroups(parameters: URLSearchParams, minor: number): RequestGroup[] {
  const key = new RegExp(`^(?:${groupParameters.join('|')})(${suffixPattern(minor)})?$`);
  const suffixes = new Set<string>();
  for (const name of parameters.keys()) {
    const match = key.exec(name);
    if (match) suffixes.add(match[1] ?? '');
  }
  return [...suffixes].map((suffix) => {
    const resources = last(parameters, `resources${suffix}`);
    const inTree = last(parameters, `in_tree${suffix}`);
    return {
      suffix,
      resources: resources === undefined ? new Map() : parseResources(resources),
      ...parseRequired(parameters, suffix, minor),
      ...parseAggregates(parameters, suffix, minor),
      inTree: inTree === undefined ? undefined : parseInTree(inTree),
    };
  });
}

function parseRequired(parameters: URLSearchParams, suffix: string, minor: number): TraitCondition {
  const any = minor >= 39;
  // Before 1.39 a repeated parameter silently meant its last value.
  const values = parameters.getAll(`required${suffix}`).slice(any ? 0 : -1);
  const conditions = values.map((text) => parseTraits(text, { forbidden: minor >= 22, any }));
  return {
    required: conditions.flatMap(({ required }) => required),
    forbidden: new Set(conditions.flatMap(({ forbidden }) => [...forbidden])),
  };
}

function parseAggregates(
  parameters: URLSearchParams,
  suffix: string,
  minor: number,
): { memberOf: Set<string>[]; notMemberOf: Set<string> } {
  const values = parameters.getAll(`member_of${suffix}`);
  if (values.length > 1 && minor < 24) {
    throw new BadRequest(`Multiple member_of${suffix} parameters are not supported`);
  }
  const conditions = values.map(parseMemberOf);
  const notMemberOf = new Set(conditions.flatMap(({ forbidden }) => [...forbidden]));
  if (notMemberOf.size > 0 && minor < 32) {
    throw new BadRequest(
      `Forbidden member_of${suffix} parameters are not supported in the specified microversion`,
    );
  }
  return { memberOf: conditions.map(({ required }) => required).filter(({ size }) => size > 0), notMemberOf };
}

function assertSubtrees(groups: readonly RequestGroup[], subtrees: readonly ReadonlySet<string>[]): void {
  const named = new Set(subtrees.flatMap((suffixes) => [...suffixes]));
  const resourceless = groups.filter(({ resources }) => resources.size === 0).map(({ suffix }) => suffix);
  if (resourceless.length === groups.length) {
    throw new BadRequest('There must be at least one resources or resources[$S] parameter.', missingValue);
  }
  const loose = resourceless.filter((suffix) => !named.has(suffix));
  if (loose.length > 0) {
    throw new BadRequest(
      'Resourceless suffixed group request should be specified in `same_subtree` query param: ' +
        `bad group(s) - ${pythonList(loose)}.`,
      badValue,
    );
  }
  const suffixes = groups.map(({ suffix }) => suffix);
  const missing = [...named].filter((suffix) => !suffixes.includes(suffix));
  if (missing.length > 0) {
    throw new BadRequest(
      `Real suffixes should be specified in \`same_subtree\`: ${pythonList(missing)} not found in ` +
        `${pythonList(suffixes)}.`,
      badValue,
    );
  }
}

function assertNoOrphans(groups: readonly RequestGroup[]): void {
  const empty = groups.filter(({ resources }) => resources.size === 0);
  const traits = empty.filter(({ required }) => required.length > 0).map(({ suffix }) => `required${suffix}`);
  if (traits.length > 0) {
    throw new BadRequest(
      'All traits parameters must be associated with resources.  Found the following orphaned traits keys: ' +
        traits.join(', '),
    );
  }
  const aggregates = empty
    .filter(({ memberOf, notMemberOf }) => memberOf.length > 0 || notMemberOf.size > 0)
    .map(({ suffix }) => `member_of${suffix}`);
  if (aggregates.length > 0) {
    throw new BadRequest(
      'All member_of parameters must be associated with resources. Found the following orphaned member_of keys: ' +
        aggregates.join(', '),
    );
  }
  if (empty.length > 0) throw new BadRequest('All request groups must specify resources.');
  if (groups.length === 0) {
    throw new BadRequest('At least one request group (`resources` or `resources{$S}`) is required.');
  }
}

function assertNoConflicts(groups: readonly RequestGroup[]): void {
  const conflicts = groups.flatMap(({ suffix, required, forbidden }) =>
    required
      .filter((any) => [...any].every((trait) => forbidden.has(trait)))
      .map((any) => `required${suffix}: (${[...any].toSorted().join(', ')})`),
  );
  if (conflicts.length === 0) return;
  throw new BadRequest(
    'Conflicting required and forbidden traits found in the following traits keys: ' +
      conflicts.toSorted().join(', '),
  );
}

function invalid(what: string): BadRequest {
  return new BadRequest(`Invalid query string parameters: ${what}`);
}

function unexpected(keys: readonly string[], parameters: URLSearchParams): string {
  const names = keys.map((key) => `'${key}'`).join(', ');
  return `Additional properties are not allowed (${names} ${keys.length === 1 ? 'was' : 'were'} unexpected)${failed('additionalProperties', sent(parameters))}`;
}

/** All parameters, of each the last, as upstream's schemas see them. */
const sent = (parameters: URLSearchParams) => Object.fromEntries(parameters);

function known(table: Readonly<Record<string, number>>, key: string): number | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Of a parameter that is given several times, the last counts, as in upstream. */
function last(parameters: URLSearchParams, key: string): string | undefined {
  return parameters.getAll(key).at(-1);
}

function pythonList(items: readonly string[]): string {
  return `[${items.map((item) => `'${item}'`).join(', ')}]`;
}
