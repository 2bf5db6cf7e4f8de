import type { Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import { type AllocationCandidate, findCandidates, summarizeProviders } from '../model/candidates.ts';
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
        return fresh(call, 200, {
          allocation_requests: candidates.map((candidate) => toRequest(call, candidate)),
          provider_summaries: toSummaries(call, query, view.index, candidates),
        });
      },
    }),
  ];
}

function toRequest(call: Call, { allocations, mappings }: AllocationCandidate): object {
  const minor = minorOf(call);
  if (minor < 12) {
    return {
      allocations: [...allocations].map(([{ uuid }, amounts]) => ({
        resource_provider: { uuid },
        resources: Object.fromEntries(amounts),
      })),
    };
  }
  const byProvider: Record<string, { resources: Record<string, number> }> = {};
  for (const [{ uuid }, amounts] of allocations)
    byProvider[uuid] = { resources: Object.fromEntries(amounts) };
  if (minor < 34) return { allocations: byProvider };
  const byGroup: Record<string, string[]> = {};
  for (const [suffix, providers] of mappings)
    byGroup[suffix] = [...new Set(providers.map(({ uuid }) => uuid))];
  return { allocations: byProvider, mappings: byGroup };
}

function toSummaries(
  call: Call,
  query: CandidateQuery,
  index: Parameters<typeof summarizeProviders>[0],
  candidates: readonly AllocationCandidate[],
): object {
  const minor = minorOf(call);
  const asked = new Set(query.groups.flatMap(({ resources }) => [...resources.keys()]));
  const summaries: Record<string, object> = {};
  for (const { provider, resources } of summarizeProviders(index, candidates, query)) {
    const shown: Record<string, object> = {};
    for (const [name, resource] of resources) if (minor >= 27 || asked.has(name)) shown[name] = resource;
    summaries[provider.uuid] = {
      resources: shown,
      ...(minor >= 17 ? { traits: [...provider.traits] } : {}),
      ...(minor >= 29
        ? {
            parent_provider_uuid: provider.parent?.uuid ?? null,
            root_provider_uuid: provider.root.uuid,
          }
        : {}),
    };
  }
  return summaries;
}
