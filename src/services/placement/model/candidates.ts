import { capacityOf, hasRoom, respectsUnits } from './capacity.ts';
import { type Provider, type ProviderIndex, sharingTrait } from './providers.ts';
import type { CandidateQuery, RequestGroup } from './requests.ts';

export interface AllocationCandidate {
  /** amounts by resource class, by provider; in the order in which the groups ask */
  allocations: ReadonlyMap<Provider, ReadonlyMap<string, number>>;
  /** who meets which group, by suffix */
  mappings: ReadonlyMap<string, readonly Provider[]>;
}

/** One way of meeting one group: resource class → provider; a granular group without resources has only `providers`. */
interface Choice {
  providers: readonly Provider[];
  parts: readonly { provider: Provider; resourceClass: string; amount: number }[];
}

/**
 * Every way in which the query can be met, one at a time: taking only the first of them computes only those.
 * Trees come in the index's order, and all of one tree's candidates before the next tree's.
 *
 * As upstream, a *tree* is met by its own providers and by sharing providers of its aggregates; candidates that
 * two trees would both give (made of sharing providers only) come once.
 */
export function* findCandidates(index: ProviderIndex, query: CandidateQuery): Generator<AllocationCandidate> {
  const search = new Search(index, query);
  const seen = new Set<string>();
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  for (const root of index.roots) {
    // Any other candidate has a provider of this very tree, and no other tree can give it.
    for (const candidate of search.inTree(root)) {
      if (left <= 0) return;
      if (isWhollyShared(candidate)) {
        const key = identityOf(candidate);
        if (seen.has(key)) continue;
        seen.add(key);
      }
      left -= 1;
      yield candidate;
    }
    if (left <= 0) return;
  }
}

class Search {
  readonly #index: ProviderIndex;
  readonly #query: CandidateQuery;
  readonly #inTreeRoots: readonly (Provider | undefined)[];
  readonly #impossible: boolean;
  /** same_subtree sets by the place of the last group they name: as soon as that is chosen they can be judged */
  readonly #subtreesByLastGroup = new Map<number, ReadonlySet<string>[]>();
  readonly #verdicts: Map<Provider, boolean>[];

  constructor(index: ProviderIndex, query: CandidateQuery) {
    this.#index = index;
    this.#query = query;
    this.#inTreeRoots = query.groups.map(({ inTree }) => (inTree ? index.get(inTree)?.root : undefined));
    this.#impossible = query.groups.some(({ inTree }, place) => inTree && !this.#inTreeRoots[place]);
    this.#verdicts = query.groups.map(() => new Map());
    for (const suffixes of query.sameSubtrees) {
      const last = query.groups.findLastIndex((group) => suffixes.has(group.suffix));
      this.#subtreesByLastGroup.set(last, [...(this.#subtreesByLastGroup.get(last) ?? []), suffixes]);
    }
  }

  *inTree(root: Provider): Generator<AllocationCandidate> {
    if (this.#impossible || this.#query.groups.length === 0 || !this.#isAnchor(root)) return;
    const lenders = this.#index.lenders(root);
    const tree = this.#index.tree(root);
    const providers = lenders.length > 0 ? [...tree, ...lenders] : tree;
    const choices: (() => Iterable<Choice>)[] = [];
    for (const [place, group] of this.#query.groups.entries()) {
      if (group.suffix !== '') {
        const able = providers.filter((provider) => this.#canMeet(provider, place, group));
        if (able.length === 0) return;
        const options = able.map((provider) => toChoice(provider, group));
        choices.push(() => options);
      } else {
        const perClass = this.#ablePerClass(providers, root, place, group);
        if (!perClass) return;
        choices.push(() => spread(perClass, group));
      }
    }
    yield* this.#combine(choices, 0, new Map(), new Map(), new Set());
  }

  #isAnchor(root: Provider): boolean {
    const { rootRequired, rootForbidden } = this.#query;
    return [...rootRequired].every((trait) => root.traits.has(trait)) && !overlap(rootForbidden, root.traits);
  }

  /** Whether one provider alone meets a granular group. Asked once for each sharing provider, not once a tree. */
  #canMeet(provider: Provider, place: number, group: RequestGroup): boolean {
    const verdicts = this.#verdicts[place];
    const known = verdicts?.get(provider);
    if (known !== undefined) return known;
    const inTree = this.#inTreeRoots[place];
    const verdict =
      (!inTree || provider.root === inTree) &&
      meetsTraits(provider.traits, group) &&
      meetsAll(provider.aggregates, group.memberOf) &&
      !overlap(group.notMemberOf, provider.aggregates) &&
      group.resources.entries().every(([resourceClass, amount]) => canGive(provider, resourceClass, amount));
    verdicts?.set(provider, verdict);
    return verdict;
  }

  /**
   * For each resource class of the group without a suffix, who of the tree and its lenders can give it; undefined
   * when for some there is nobody. An aggregate of the root counts for the whole tree; a lender must be in a
   * wanted aggregate itself, and never serves a group that names its tree.
   */
  #ablePerClass(
    providers: readonly Provider[],
    root: Provider,
    place: number,
    group: RequestGroup,
  ): Provider[][] | undefined {
    const inTree = this.#inTreeRoots[place];
    if (inTree && inTree !== root) return undefined;
    if (overlap(group.notMemberOf, root.aggregates)) return undefined;
    const treeIsMember = meetsAll(root.aggregates, group.memberOf);
    const perClass: Provider[][] = [];
    for (const [resourceClass, amount] of group.resources) {
      const able = providers.filter((provider) => {
        const isLender = provider.root !== root;
        return (
          !(isLender && inTree) &&
          canGive(provider, resourceClass, amount) &&
          !overlap(group.forbidden, provider.traits) &&
          !overlap(group.notMemberOf, provider.aggregates) &&
          ((!isLender && treeIsMember) || meetsAll(provider.aggregates, group.memberOf))
        );
      });
      if (able.length === 0) return undefined;
      perClass.push(able);
    }
    return perClass;
  }

  /** Chooses for one group after another, and turns back as soon as what is chosen cannot be completed. */
  *#combine(
    choices: readonly (() => Iterable<Choice>)[],
    place: number,
    chosen: Map<string, readonly Provider[]>,
    amounts: Map<Provider, Map<string, number>>,
    taken: Set<Provider>,
  ): Generator<AllocationCandidate> {
    const group = this.#query.groups[place];
    const options = choices[place];
    if (!group || !options) return;
    const isLast = place + 1 === choices.length;
    const isolated = this.#query.groupPolicy === 'isolate' && group.suffix !== '';
    for (const choice of options()) {
      const [first] = choice.providers;
      if (isolated && first && taken.has(first)) continue;
      const parts = choice.parts;
      let added = 0;
      while (added < parts.length && this.#take(parts[added], amounts)) added += 1;
      if (added === parts.length) {
        chosen.set(group.suffix, choice.providers);
        const subtrees = this.#subtreesByLastGroup.get(place) ?? [];
        if (subtrees.every((suffixes) => isSameSubtree(suffixes, chosen))) {
          if (isolated && first) taken.add(first);
          if (!isLast) yield* this.#combine(choices, place + 1, chosen, amounts, taken);
          else {
            const candidate = { allocations: copy(amounts), mappings: new Map(chosen) };
            if (this.#query.nested || !usesTreeTwice(candidate)) yield candidate;
          }
          if (isolated && first) taken.delete(first);
        }
        chosen.delete(group.suffix);
      }
      while (added > 0) {
        added -= 1;
        this.#giveBack(parts[added], amounts);
      }
    }
  }

  /** Adds a part to the sums if the provider still has room; groups that add up may exceed what each may have. */
  #take(part: Choice['parts'][number] | undefined, amounts: Map<Provider, Map<string, number>>): boolean {
    if (!part) return false;
    const { provider, resourceClass, amount } = part;
    const before = amounts.get(provider)?.get(resourceClass) ?? 0;
    const inventory = provider.inventories.get(resourceClass);
    if (before > 0) {
      const used = provider.usages.get(resourceClass) ?? 0;
      const sum = before + amount;
      if (!inventory || sum > inventory.max_unit || !hasRoom(inventory, used, sum)) return false;
    }
    const own = amounts.get(provider);
    if (own) own.set(resourceClass, before + amount);
    else amounts.set(provider, new Map([[resourceClass, amount]]));
    return true;
  }

  #giveBack(part: Choice['parts'][number] | undefined, amounts: Map<Provider, Map<string, number>>): void {
    const own = part && amounts.get(part.provider);
    if (!part || !own) return;
    const left = (own.get(part.resourceClass) ?? 0) - part.amount;
    if (left > 0) own.set(part.resourceClass, left);
    else own.delete(part.resourceClass);
    if (own.size === 0) amounts.delete(part.provider);
  }
}

function toChoice(provider: Provider, group: RequestGroup): Choice {
  const parts = [...group.resources].map(([resourceClass, amount]) => ({ provider, resourceClass, amount }));
  return { providers: [provider], parts };
}

/** Every way of giving each resource class of the group to one able provider, whose traits together suffice. */
function* spread(perClass: readonly Provider[][], group: RequestGroup): Generator<Choice> {
  const wanted = [...group.resources];
  const places = wanted.map(() => 0);
  for (;;) {
    const parts: Choice['parts'][number][] = [];
    const providers: Provider[] = [];
    for (const [at, [resourceClass, amount]] of wanted.entries()) {
      const provider = perClass[at]?.[places[at] ?? 0];
      if (!provider) return;
      parts.push({ provider, resourceClass, amount });
      if (!providers.includes(provider)) providers.push(provider);
    }
    if (group.required.every((any) => providers.some((one) => overlap(any, one.traits))))
      yield { providers, parts };
    // Like an odometer: the last class turns fastest.
    let turning = places.length - 1;
    while (turning >= 0 && (places[turning] ?? 0) + 1 === perClass[turning]?.length) {
      places[turning] = 0;
      turning -= 1;
    }
    if (turning < 0) return;
    places[turning] = (places[turning] ?? 0) + 1;
  }
}

function canGive(provider: Provider, resourceClass: string, amount: number): boolean {
  const inventory = provider.inventories.get(resourceClass);
  if (!inventory) return false;
  const used = provider.usages.get(resourceClass) ?? 0;
  return respectsUnits(inventory, amount) && hasRoom(inventory, used, amount);
}

function meetsTraits(traits: ReadonlySet<string>, group: RequestGroup): boolean {
  return meetsAll(traits, group.required) && !overlap(group.forbidden, traits);
}

function meetsAll(has: ReadonlySet<string>, wanted: readonly ReadonlySet<string>[]): boolean {
  return wanted.every((any) => overlap(any, has));
}

function overlap(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const one of some) if (others.has(one)) return true;
  return false;
}

function isSameSubtree(
  suffixes: ReadonlySet<string>,
  chosen: ReadonlyMap<string, readonly Provider[]>,
): boolean {
  const providers = new Set([...suffixes].flatMap((suffix) => chosen.get(suffix) ?? []));
  return [...providers].some((top) => [...providers].every((provider) => isAtOrUnder(provider, top)));
}

function isAtOrUnder(provider: Provider, top: Provider): boolean {
  for (let at: Provider | undefined = provider; at; at = at.parent) if (at === top) return true;
  return false;
}

function usesTreeTwice({ allocations }: AllocationCandidate): boolean {
  return new Set([...allocations.keys()].map((provider) => provider.root)).size < allocations.size;
}

/** A sharing provider's own tree gives the same candidate as the trees that it lends to, so both remember it. */
function isWhollyShared({ mappings }: AllocationCandidate): boolean {
  for (const providers of mappings.values()) {
    for (const { traits } of providers) if (!traits.has(sharingTrait)) return false;
  }
  return true;
}

function identityOf({ allocations, mappings }: AllocationCandidate): string {
  const amounts = [...allocations].flatMap(([provider, own]) =>
    [...own].map(([resourceClass, amount]) => `${provider.uuid} ${resourceClass} ${amount}`),
  );
  const groups = [...mappings].map(
    ([suffix, some]) => `${suffix}=${some.map(({ uuid }) => uuid).toSorted()}`,
  );
  return [...amounts.toSorted(), ...groups.toSorted()].join('\n');
}

function copy(amounts: Map<Provider, Map<string, number>>): Map<Provider, Map<string, number>> {
  const copied = new Map<Provider, Map<string, number>>();
  for (const [provider, own] of amounts) copied.set(provider, new Map(own));
  return copied;
}

export interface ProviderSummary {
  provider: Provider;
  /** by resource class: all of the provider's, whatever was asked (microversions below 1.27 show fewer) */
  resources: Map<string, { capacity: number; used: number }>;
}

/**
 * Every provider of the trees that the candidates take from; below microversion 1.29 (`nested: false`) only the
 * providers that they take from.
 */
export function summarizedProviders(
  index: ProviderIndex,
  candidates: Iterable<AllocationCandidate>,
  options: { nested: boolean } = { nested: true },
): Provider[] {
  const providers = new Set<Provider>();
  const roots = new Set<Provider>();
  for (const { allocations } of candidates) {
    for (const provider of allocations.keys()) {
      if (!options.nested) providers.add(provider);
      else if (!roots.has(provider.root)) {
        roots.add(provider.root);
        for (const one of index.tree(provider.root)) providers.add(one);
      }
    }
  }
  return [...providers];
}

/** What a provider has and what of it is used, by resource class. */
export function resourcesOf(provider: Provider): ProviderSummary['resources'] {
  return new Map(
    [...provider.inventories].map(([resourceClass, inventory]) => [
      resourceClass,
      { capacity: capacityOf(inventory), used: provider.usages.get(resourceClass) ?? 0 },
    ]),
  );
}

/** Summaries of `summarizedProviders`. */
export function summarizeProviders(
  index: ProviderIndex,
  candidates: Iterable<AllocationCandidate>,
  options: { nested: boolean } = { nested: true },
): ProviderSummary[] {
  return summarizedProviders(index, candidates, options).map((provider) => ({
    provider,
    resources: resourcesOf(provider),
  }));
}
