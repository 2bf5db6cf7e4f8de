import type { Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import {
  type AllocationCandidate,
  findCandidates,
  type SearchOptions,
  SoleCandidate,
} from '../model/candidates.ts';
import type { Provider, ProviderIndex } from '../model/providers.ts';
import { assertNamesExist, parseCandidateQuery } from '../model/query.ts';
import type { CandidateQuery } from '../model/requests.ts';
import { resourcesOf, summarizedProviders } from '../model/summaries.ts';
import type { IndexFollower } from '../store/provider-index.ts';
import { fresh, minorOf, operation } from './operation.ts';
import { queryOf } from './resource-providers.ts';

export function allocationCandidateRoutes(follower: IndexFollower, options: SearchOptions): Route[] {
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
        const candidates = [...findCandidates(view.index, query, options)];
        const body = bytesOf(
          candidates.map(requestText(minorOf(call))),
          toSummaries(call, query, view.index, candidates),
        );
        return fresh(call, 200, body, { 'content-type': 'application/json' });
      },
    }),
  ];
}

/**
 * The whole answer. Nothing in it is beyond ASCII, and it may be ten megabytes long: each piece is written where it
 * belongs at once, in place of joining texts to longer ones that are then copied, encoded and thrown away.
 */
function bytesOf(requests: readonly string[], summaries: readonly string[]): Buffer {
  const [head, middle, tail] = ['{"allocation_requests":[', '],"provider_summaries":{', '}}'];
  let length = head.length + middle.length + tail.length;
  for (const pieces of [requests, summaries]) {
    length += Math.max(pieces.length - 1, 0);
    for (const piece of pieces) length += piece.length;
  }
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  const write = (text: string) => {
    at += bytes.write(text, at, 'latin1');
  };
  const writeAll = (pieces: readonly string[]) => {
    for (const [place, piece] of pieces.entries()) {
      if (place > 0) bytes[at++] = comma;
      write(piece);
    }
  };
  write(head);
  writeAll(requests);
  write(middle);
  writeAll(summaries);
  write(tail);
  return bytes;
}

const comma = 44;

/**
 * How a candidate is written at a microversion, as JSON. Written by hand because of a thousand of them the objects alone
 * take longer than the search; uuids, resource classes and suffixes hold nothing that JSON would escape.
 */
function requestText(minor: number): (candidate: AllocationCandidate) => string {
  const text = minor < 12 ? listText : minor < 34 ? allocationsText : mappedText;
  const sole = soleText(text);
  return (candidate) => (candidate instanceof SoleCandidate ? sole(candidate) : text(candidate));
}

/** Candidates of one provider each differ in its uuid only: written once, with gaps. */
function soleText(text: (candidate: AllocationCandidate) => string) {
  let parts: string[] | undefined;
  let [first, second, third]: (string | undefined)[] = [];
  return (candidate: SoleCandidate): string => {
    const { uuid } = candidate.provider;
    if (!parts) {
      parts = text(candidate).split(uuid);
      [first, second, third] = parts;
    }
    if (parts.length === 2) return `${first}${uuid}${second}`;
    if (parts.length === 3) return `${first}${uuid}${second}${uuid}${third}`;
    return parts.join(uuid);
  };
}

function listText({ allocations }: AllocationCandidate): string {
  const items: string[] = [];
  for (const [{ uuid }, amounts] of allocations)
    items.push(`{"resource_provider":{"uuid":"${uuid}"},"resources":${amountsText(amounts)}}`);
  return `{"allocations":[${items.join()}]}`;
}

function allocationsText(candidate: AllocationCandidate): string {
  return `{${allocationsMember(candidate)}}`;
}

function mappedText(candidate: AllocationCandidate): string {
  let groups = '';
  for (const [suffix, providers] of candidate.mappings) {
    const [first, second] = providers;
    const uuids = second ? [...new Set(providers.map(({ uuid }) => `"${uuid}"`))].join() : `"${first?.uuid}"`;
    groups += `${groups && ','}"${suffix}":[${uuids}]`;
  }
  return `{${allocationsMember(candidate)},"mappings":{${groups}}}`;
}

function allocationsMember({ allocations }: AllocationCandidate): string {
  let items = '';
  for (const [{ uuid }, amounts] of allocations)
    items += `${items && ','}"${uuid}":{"resources":${amountsText(amounts)}}`;
  return `"allocations":{${items}}`;
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
