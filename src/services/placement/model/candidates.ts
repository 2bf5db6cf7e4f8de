import { Bitset } from './bitset.ts';
import { hasRoom } from './capacity.ts';
import { type Ask, canBeIsolated, isEnough } from './enough.ts';
import type { Conditions, Stock } from './provider-columns.ts';
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

/** What one provider gives for all groups alone; thousands of these cost no maps of their own. */
export class SoleCandidate implements AllocationCandidate {
  readonly provider: Provider;
  /** What every candidate of this search asks of its provider. */
  readonly amounts: ReadonlyMap<string, number>;
  readonly #suffixes: readonly string[];

  constructor(provider: Provider, amounts: ReadonlyMap<string, number>, suffixes: readonly string[]) {
    this.provider = provider;
    this.amounts = amounts;
    this.#suffixes = suffixes;
  }

  get allocations(): AllocationCandidate['allocations'] {
    return new Map([[this.provider, this.amounts]]);
  }

  get mappings(): AllocationCandidate['mappings'] {
    return new Map(this.#suffixes.map((suffix) => [suffix, [this.provider]]));
  }
}

export interface SearchOptions {
  /** Whether each answer is in an order of its own, so that not everybody tries the same hosts first. */
  randomize?: boolean;
  /** `depth-first`: all of one tree's candidates before the next tree's; `breadth-first`: one of each tree in turn. */
  strategy?: 'depth-first' | 'breadth-first';
  /** So many candidates in all, whatever limit the query has. */
  most?: number | undefined;
}

/**
 * Every way in which the query can be met, one at a time: taking only the first of them computes only those.
 * Trees come in the index's order, or at random.
 *
 * As upstream, a *tree* is met by its own providers and by sharing providers of its aggregates; candidates that
 * two trees would both give (made of sharing providers only) come once.
 */
export function* findCandidates(
  index: ProviderIndex,
  query: CandidateQuery,
  options: SearchOptions = {},
): Generator<AllocationCandidate> {
  let left = Math.min(
    query.limit ?? Number.POSITIVE_INFINITY,
    options.most === undefined ? Number.POSITIVE_INFINITY : options.most,
  );
  if (left <= 0) return;
  const search = new Search(index, query, options.randomize ?? false);
  const seen = new Set<string>();
  const all = options.strategy === 'breadth-first' ? inTurn(index, search) : treeByTree(index, search);
  for (const candidate of all) {
    // Any other candidate has a provider of its very tree, and no other tree can give it.
    if (!(candidate instanceof SoleCandidate) && isWhollyShared(candidate)) {
      const key = identityOf(candidate);
      if (seen.has(key)) continue;
      seen.add(key);
    }
    yield candidate;
    left -= 1;
    if (left <= 0) return;
  }
}

function* treeByTree(index: ProviderIndex, search: Search): Generator<AllocationCandidate> {
  for (const ordinal of search.roots()) {
    const sole = search.sole(ordinal);
    if (sole) yield sole;
    if (!index.loners.has(ordinal)) yield* search.inTree(ordinal);
  }
}

/** One of each tree, then the second of each that has more, and so on. */
function* inTurn(index: ProviderIndex, search: Search): Generator<AllocationCandidate> {
  let trees: Iterator<AllocationCandidate>[] = [];
  for (const ordinal of search.roots()) {
    const sole = search.sole(ordinal);
    if (sole) yield sole;
    if (index.loners.has(ordinal)) continue;
    const tree = search.inTree(ordinal);
    const first = tree.next();
    if (first.done) continue;
    yield first.value;
    trees.push(tree);
  }
  while (trees.length > 0) {
    const more: typeof trees = [];
    for (const tree of trees) {
      const next = tree.next();
      if (next.done) continue;
      yield next.value;
      more.push(tree);
    }
    trees = more;
  }
}

/** What one provider that serves all groups must give of a resource class. */
interface Need {
  stock: Stock;
  amounts: readonly number[];
  sum: number;
}

class Search {
  readonly #index: ProviderIndex;
  readonly #query: CandidateQuery;
  readonly #randomize: boolean;
  readonly #inTreeRoots: readonly (Provider | undefined)[];
  readonly #impossible: boolean;
  /** same_subtree sets by the place of the last group they name: as soon as that is chosen they can be judged */
  readonly #subtreesByLastGroup = new Map<number, ReadonlySet<string>[]>();
  /** For each group who meets its traits and aggregates (of the one without a suffix: what it forbids). */
  readonly #fit: readonly Bitset[];
  /** For each group who is in its aggregates; absent: it names none. */
  readonly #members: readonly (Bitset | undefined)[];
  readonly #needs: readonly Need[] | undefined;
  readonly #sum: ReadonlyMap<string, number>;
  readonly #suffixes: readonly string[];

  constructor(index: ProviderIndex, query: CandidateQuery, randomize: boolean) {
    this.#index = index;
    this.#query = query;
    this.#randomize = randomize;
    this.#inTreeRoots = query.groups.map(({ inTree }) => (inTree ? index.get(inTree)?.root : undefined));
    this.#impossible =
      query.groups.length === 0 ||
      query.groups.some(({ inTree }, place) => inTree && !this.#inTreeRoots[place]);
    for (const suffixes of query.sameSubtrees) {
      const last = query.groups.findLastIndex((group) => suffixes.has(group.suffix));
      this.#subtreesByLastGroup.set(last, [...(this.#subtreesByLastGroup.get(last) ?? []), suffixes]);
    }
    const { columns, size } = index;
    this.#fit = query.groups.map((group) =>
      columns.narrow(
        Bitset.upTo(size),
        group.suffix === '' ? { ...group, required: [], memberOf: [] } : group,
      ),
    );
    this.#members = query.groups.map(({ memberOf }) =>
      memberOf.length === 0 ? undefined : columns.narrow(Bitset.upTo(size), { ...anything, memberOf }),
    );
    this.#suffixes = query.groups.map(({ suffix }) => suffix);
    const amounts = Map.groupBy(
      query.groups.flatMap(({ resources }) => [...resources]),
      ([resourceClass]) => resourceClass,
    );
    this.#sum = new Map(
      [...amounts].map(([name, all]) => [name, all.reduce((sum, [, some]) => sum + some, 0)]),
    );
    this.#needs = this.#soleNeeds(amounts);
  }

  /** Roots whose tree may have something to give, as far as whole words of bits can tell. */
  *roots(): Generator<number> {
    const { columns, loners, roots } = this.#index;
    if (this.#impossible) return;
    const { groups, rootRequired, rootForbidden } = this.#query;
    const required = [...rootRequired].map((trait) => new Set([trait]));
    const anchors = columns.narrow(roots.copy(), { ...anything, required, forbidden: rootForbidden });
    const alone = anchors.copy().keep(loners);
    if (this.#needs) for (const group of groups) columns.narrow(alone, group);
    else alone.keep(new Bitset());
    const able = anchors.remove(loners).join(alone);
    if (this.#randomize) yield* shuffled(able.members());
    else for (let root = able.next(0); root >= 0; root = able.next(root + 1)) yield root;
  }

  /** The only candidate of a provider that is a tree by itself; undefined where it lacks room, or is no such. */
  sole(root: number): SoleCandidate | undefined {
    const needs = this.#needs;
    const provider = this.#index.providers[root];
    if (!needs || !provider || !this.#index.loners.has(root)) return undefined;
    if (this.#inTreeRoots.some((wanted) => wanted && wanted !== provider)) return undefined;
    for (const { stock, amounts, sum } of needs) {
      if (!stock.hasRoom(root, sum)) return undefined;
      for (const amount of amounts) if (!stock.respectsUnits(root, amount)) return undefined;
    }
    return new SoleCandidate(provider, this.#sum, this.#suffixes);
  }

  /** What a provider that is alone must give; undefined when no such provider can meet the query. */
  #soleNeeds(amounts: ReadonlyMap<string, readonly [string, number][]>): Need[] | undefined {
    const { groups, groupPolicy } = this.#query;
    if (groupPolicy === 'isolate' && groups.filter(({ suffix }) => suffix !== '').length > 1)
      return undefined;
    if (groups.some(({ suffix, resources }) => suffix === '' && resources.size === 0)) return undefined;
    const needs: Need[] = [];
    for (const [name, all] of amounts) {
      const stock = this.#index.columns.stock(name);
      if (!stock) return undefined;
      needs.push({
        stock,
        amounts: [...new Set(all.map(([, amount]) => amount))],
        sum: this.#sum.get(name) ?? 0,
      });
    }
    return needs;
  }

  *inTree(ordinal: number): Generator<AllocationCandidate> {
    const root = this.#index.providers[ordinal];
    if (!root) return;
    const lenders = this.#index.lenders(root);
    const tree = this.#index.tree(root);
    const ordered = lenders.length > 0 ? [...tree, ...lenders] : tree;
    const providers = this.#randomize ? shuffled(ordered) : ordered;
    const choices: (() => Iterable<Choice>)[] = [];
    const asks: Ask[] = [];
    for (const [place, group] of this.#query.groups.entries()) {
      if (group.suffix !== '') {
        const able = this.#able(providers, place, group);
        if (able.length === 0) return;
        const options = able.map((provider) => toChoice(provider, group));
        choices.push(() => options);
        asks.push({ resources: group.resources, providers: able });
      } else {
        const perClass = this.#ablePerClass(providers, root, place, group);
        if (!perClass) return;
        choices.push(() => spread(perClass, group));
      }
    }
    if (!this.#mayServe(asks)) return;
    yield* this.#combine(choices, 0, new Map(), new Map(), new Set());
  }

  /** Whether granular groups do not ask together for more than there is. */
  #mayServe(asks: readonly Ask[]): boolean {
    if (asks.length < 2) return true;
    const isolated = this.#query.groupPolicy === 'isolate';
    if (isolated && !canBeIsolated(asks.map(({ providers }) => providers))) return false;
    // Two or three groups are combined as quickly as this is told.
    if (asks.length < 4) return true;
    const { columns } = this.#index;
    return isEnough(asks, ({ ordinal }, name) => columns.stock(name)?.left(ordinal) ?? 0);
  }

  /** Who alone meets a granular group. */
  #able(providers: readonly Provider[], place: number, { resources }: RequestGroup): Provider[] {
    const inTree = this.#inTreeRoots[place];
    const fit = this.#fit[place];
    const able: Provider[] = [];
    for (const provider of providers) {
      if (!fit?.has(provider.ordinal) || (inTree && provider.root !== inTree)) continue;
      let gives = true;
      for (const [resourceClass, amount] of resources) {
        gives = this.#index.columns.stock(resourceClass)?.gives(provider.ordinal, amount) ?? false;
        if (!gives) break;
      }
      if (gives) able.push(provider);
    }
    return able;
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
    const fit = this.#fit[place];
    const members = this.#members[place];
    const treeIsMember = !members || members.has(root.ordinal);
    const perClass: Provider[][] = [];
    for (const [resourceClass, amount] of group.resources) {
      const stock = this.#index.columns.stock(resourceClass);
      if (!stock) return undefined;
      const able = providers.filter(({ ordinal, root: own }) => {
        const isLender = own !== root;
        return (
          !(isLender && inTree) &&
          stock.gives(ordinal, amount) &&
          fit?.has(ordinal) &&
          ((!isLender && treeIsMember) || !members || members.has(ordinal))
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

const nothing: ReadonlySet<string> = new Set();
const anything: Conditions = { required: [], forbidden: nothing, memberOf: [], notMemberOf: nothing };

/** In an order of its own each time (Fisher and Yates). */
function shuffled<T>(items: readonly T[]): T[] {
  const order = [...items];
  for (let end = order.length - 1; end > 0; end -= 1) {
    const at = Math.floor(Math.random() * (end + 1));
    [order[end], order[at]] = [order[at] as T, order[end] as T];
  }
  return order;
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
