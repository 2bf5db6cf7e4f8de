import { Conflict, NotFound } from '../../../platform/errors/errors.ts';
import type { Candidate, CandidateQuery, PlacementService } from '../contract.ts';
import { findCandidates, type SearchOptions } from '../model/candidates.ts';
import { assertNamesExist } from '../model/query.ts';
import { ImpossibleTree } from '../model/refusals.ts';
import type { CandidateQuery as SearchQuery } from '../model/requests.ts';
import { summarizeProviders } from '../model/summaries.ts';
import { aggregatesOfAll, changeAggregates } from '../store/aggregates.ts';
import { consumerAllocations, releaseAllocations, setAllocations } from '../store/allocations.ts';
import { ensureProvider } from '../store/ensure-provider.ts';
import { holders } from '../store/holders.ts';
import type { CloudView, IndexFollower } from '../store/provider-index.ts';
import { deleteProvider } from '../store/resource-providers.ts';
import type { PlacementStore } from '../store/tables.ts';

/** Placement as the other services of the cloud ask it, over the bus. */
export function placementHandlers(
  store: PlacementStore,
  follower: IndexFollower,
  options: SearchOptions,
): PlacementService {
  return {
    ensureProvider: (report) => worded(() => ensureProvider(store, report)),
    async deleteProvider({ uuid }) {
      try {
        await worded(() => deleteProvider(store, uuid));
      } catch (error) {
        if (!(error instanceof NotFound)) throw error;
      }
    },
    candidates: async (query) => candidatesIn(await follower.current(), query, options),
    claim: (claim) => worded(() => setAllocations(store, [claim])),
    async release({ consumer }) {
      await releaseAllocations(store, consumer);
    },
    async allocations({ consumer }) {
      const { rows } = await consumerAllocations(store, consumer);
      const held: Record<string, Record<string, number>> = {};
      for (const row of rows) (held[row.provider_uuid] ??= {})[row.resource_class] = row.used;
      return held;
    },
    consumers: ({ after }) => holders(store, after),
    aggregates: ({ providers }) => aggregatesOfAll(store, providers),
    changeAggregates: (change) => worded(() => changeAggregates(store, change)),
  };
}

function candidatesIn(view: CloudView, query: CandidateQuery, options: SearchOptions): Candidate[] {
  const search: SearchQuery = {
    groups: [
      {
        suffix: '',
        resources: new Map(Object.entries(query.resources)),
        required: (query.required ?? []).map((trait) => new Set([trait])),
        forbidden: new Set(query.forbidden),
        memberOf: (query.memberOf ?? []).map((aggregates) => new Set(aggregates)),
        notMemberOf: new Set(),
        inTree: undefined,
      },
    ],
    groupPolicy: undefined,
    limit: query.limit,
    rootRequired: new Set(),
    rootForbidden: new Set(),
    sameSubtrees: [],
    nested: true,
  };
  assertNamesExist(search, view);
  return [...findCandidates(view.index, search, options)].map((candidate) => ({
    allocations: Object.fromEntries(
      [...candidate.allocations].map(([{ uuid }, amounts]) => [uuid, Object.fromEntries(amounts)]),
    ),
    providers: Object.fromEntries(
      summarizeProviders(view.index, [candidate]).map(({ provider, resources }) => [
        provider.uuid,
        {
          name: view.rowOf(provider.uuid)?.name ?? '',
          root: provider.root.uuid,
          traits: [...provider.traits],
          resources: Object.fromEntries(resources),
        },
      ]),
    ),
  }));
}

/** The bus knows the platform's errors, not this service's: each becomes the one that it is a kind of. */
async function worded(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Conflict) throw new Conflict(error.message, { code: error.code, cause: error });
    if (error instanceof NotFound) throw new NotFound(error.message, undefined, { cause: error });
    if (error instanceof ImpossibleTree) throw new Conflict(error.message, { cause: error });
    throw error;
  }
}
