import type { Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import {
  type AllocationCandidate,
  findCandidates,
  resourcesOf,
  summarizedProviders,
} from '../model/candidates.ts';
import type { Provider, ProviderIndex } from '../model/providers.ts';
import { assertNamesExist, parseCandidateQuery } from '../model/query.ts';
import type { CandidateQuery } from '../model/requests.ts';
import type { IndexFollower } from '../store/provider-index.ts';
import { fresh, minorOf, operation } from './operation.ts';
import { queryOf } from './resource-providers.ts';

export function allocationCandidateRoutes(follower: IndexFollower): Route[] {
  return [
    operation({
      method: 'GET',
      path: '/allocation_candidates',
      summary: 'List allocation candidates',
      since: '1.10',
      rule: 'allocation_candidates:list',
      json: true,
      async answer(call) {
        const query = parseCandidateQuery(queryOf(call), minorOf(call));
        const view = await follower.current();
        assertNamesExist(query, view);
        const candidates = [...findCandidates(view.index, query)];
        const requests = candidates.map(requestText(minorOf(call)));
        const summaries = toSummaries(call, query, view.index, candidates);
        const text = `{"allocation_requests":[${requests.join()}],"provider_summaries":{${summaries.join()}}}`;
        return fresh(call, 200, text, { 'content-type': 'application/json' });
      },
    }),
  ];
}

/**
 * How a candidate is written at a microversion, as JSON. Written by hand because of a thousand of them the objects alone
 * take longer than the search; uuids, resource classes and suffixes hold nothing that JSON would escape.
 */
function requestText(minor: number): (candidate: AllocationCandidate) => string {
  if (minor < 12) {
    return ({ allocations }) => {
      const items: string[] = [];
      for (const [{ uuid }, amounts] of allocations)
        items.push(`{"resource_provider":{"uuid":"${uuid}"},"resources":${amountsText(amounts)}}`);
      return `{"allocations":[${items.join()}]}`;
    };
  }
  return ({ allocations, mappings }) => {
    let items = '';
    for (const [{ uuid }, amounts] of allocations) {
      items += `${items && ','}"${uuid}":{"resources":${amountsText(amounts)}}`;
    }
    if (minor < 34) return `{"allocations":{${items}}}`;
    let groups = '';
    for (const [suffix, providers] of mappings) {
      const uuids = providers.map(({ uuid }) => `"${uuid}"`);
      groups += `${groups && ','}"${suffix}":[${uuids.length > 1 ? [...new Set(uuids)].join() : uuids.join()}]`;
    }
    return `{"allocations":{${items}},"mappings":{${groups}}}`;
  };
}

function amountsText(amounts: ReadonlyMap<string, number>): string {
  let text = '';
  for (const [name, amount] of amounts) text += `${text && ','}"${name}":${amount}`;
  return `{${text}}`;
}

/**
 * The JSON of whole summaries (microversion 1.29 and newer), which is most of a long answer. Known by the map of
 * usages, of which a provider gets a new one whenever anything about it changes.
 */
const wholeSummaries = new WeakMap<Provider['usages'], string>();

/** Members of the object of summaries, as JSON. */
function toSummaries(
  call: Call,
  query: CandidateQuery,
  index: ProviderIndex,
  candidates: readonly AllocationCandidate[],
): string[] {
  const minor = minorOf(call);
  const asked = new Set(query.groups.flatMap(({ resources }) => [...resources.keys()]));
  return summarizedProviders(index, candidates, query).map((provider) => {
    const known = minor >= 29 ? wholeSummaries.get(provider.usages) : undefined;
    if (known !== undefined) return known;
    const shown: Record<string, object> = {};
    for (const [name, resource] of resourcesOf(provider)) {
      if (minor >= 27 || asked.has(name)) shown[name] = resource;
    }
    const summary = {
      resources: shown,
      ...(minor >= 17 ? { traits: [...provider.traits] } : {}),
      ...(minor >= 29
        ? { parent_provider_uuid: provider.parent?.uuid ?? null, root_provider_uuid: provider.root.uuid }
        : {}),
    };
    const text = `"${provider.uuid}":${JSON.stringify(summary)}`;
    if (minor >= 29) wholeSummaries.set(provider.usages, text);
    return text;
  });
}
