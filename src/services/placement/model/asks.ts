import type { ProviderColumns, Stock } from './provider-columns.ts';
import type { CandidateQuery, RequestGroup } from './requests.ts';

/** An amount of a resource class, and what providers have of it. */
export interface Part {
  resourceClass: string;
  amount: number;
  stock: Stock;
  /** What asks before this one want of the same class: a provider that meets both needs room for both. */
  before: readonly { ask: number; amount: number }[];
}

/**
 * What one provider must give alone: all that a granular group asks for, or one resource class of the group without a
 * suffix.
 */
export interface Ask {
  group: RequestGroup;
  /** The group's place among the groups. */
  place: number;
  /** Empty: a granular group that asks for a provider and no resources. */
  parts: readonly Part[];
  /** No two such asks may be met by the same provider. */
  isolated: boolean;
  /** Whether its group is complete with it. */
  last: boolean;
  /** Sets of groups, this one among them, that one of their providers must be over. */
  subtrees: readonly ReadonlySet<string>[];
}

/** A query as asks, in the order in which its groups ask; undefined where something is asked that nobody ever had. */
export function asksOf(query: CandidateQuery, columns: ProviderColumns): Ask[] | undefined {
  const asks: Ask[] = [];
  for (const [place, group] of query.groups.entries()) {
    const granular = group.suffix !== '';
    const wanted = [...group.resources];
    const each = granular ? [wanted] : wanted.map((one) => [one]);
    for (const [at, own] of each.entries()) {
      const parts: Part[] = [];
      for (const [resourceClass, amount] of own) {
        const stock = columns.stock(resourceClass);
        if (!stock) return undefined;
        parts.push({ resourceClass, amount, stock, before: wantedOf(resourceClass, asks) });
      }
      asks.push({
        group,
        place,
        parts,
        isolated: granular && query.groupPolicy === 'isolate',
        last: at + 1 === each.length,
        subtrees: query.sameSubtrees.filter((suffixes) => suffixes.has(group.suffix)),
      });
    }
  }
  return asks;
}

function wantedOf(name: string, asks: readonly Ask[]): Part['before'] {
  return asks.flatMap(({ parts }, ask) =>
    parts.filter(({ resourceClass }) => resourceClass === name).map(({ amount }) => ({ ask, amount })),
  );
}
