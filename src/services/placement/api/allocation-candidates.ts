import type { Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import { findCandidates, type SearchOptions } from '../model/candidates.ts';
import type { AllocationCandidate, Pattern } from '../model/pattern.ts';
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
 * How candidates are written at a microversion, as JSON. Those of one pattern differ in the uuids of their providers
 * only: the pattern is written once, with gaps. Uuids, resource classes and suffixes hold nothing that JSON would escape.
 */
function requestText(minor: number): (candidate: AllocationCandidate) => string {
  const written = new Map<Pattern, { head: string; gaps: { giver: number; rest: string }[] }>();
  const textOf = minor < 12 ? listText : minor < 34 ? allocationsText : mappedText;
  return ({ providers, pattern }) => {
    let parts = written.get(pattern);
    if (!parts) {
      const [head = '', ...pieces] = textOf(pattern).split(gap);
      const gaps = pieces.map((piece) => {
        const end = piece.indexOf(gapEnd);
        return { giver: Number(piece.slice(0, end)), rest: piece.slice(end + 1) };
      });
      written.set(pattern, (parts = { head, gaps }));
    }
    let text = parts.head;
    for (const { giver, rest } of parts.gaps) text += (providers[giver]?.uuid ?? '') + rest;
    return text;
  };
}

/** Around the place of a provider, where its uuid will be. */
const [gap, gapEnd] = ['<', '>'];
const gapFor = (giver: number) => `"${gap}${giver}${gapEnd}"`;

function listText({ allocations }: Pattern): string {
  const items = [...allocations].map(
    ([giver, amounts]) =>
      `{"resource_provider":{"uuid":${gapFor(giver)}},"resources":${amountsText(amounts)}}`,
  );
  return `{"allocations":[${items}]}`;
}

function allocationsText(pattern: Pattern): string {
  return `{${allocationsMember(pattern)}}`;
}

function mappedText(pattern: Pattern): string {
  const groups = [...pattern.mappings].map(([suffix, givers]) => `"${suffix}":[${givers.map(gapFor)}]`);
  return `{${allocationsMember(pattern)},"mappings":{${groups}}}`;
}

function allocationsMember({ allocations }: Pattern): string {
  const items = [...allocations].map(
    ([giver, amounts]) => `${gapFor(giver)}:{"resources":${amountsText(amounts)}}`,
  );
  return `"allocations":{${items}}`;
}

const amountsText = (amounts: ReadonlyMap<string, number>) => JSON.stringify(Object.fromEntries(amounts));

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
