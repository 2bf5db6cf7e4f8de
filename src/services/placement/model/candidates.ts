import { type Ask, asksOf } from './asks.ts';
import { Bitset } from './bitset.ts';
import { isEnough, type OpenAsk } from './enough.ts';
import { AllocationCandidate, Pattern } from './pattern.ts';
import type { Conditions, Stock } from './provider-columns.ts';
import { type Provider, type ProviderIndex, sharingTrait } from './providers.ts';
import type { CandidateQuery } from './requests.ts';

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
  const sharing = index.columns.withTrait(sharingTrait);
  for (const candidate of all) {
    // Any other candidate has a provider of its very tree, and no other tree can give it.
    if (candidate.providers.every(({ ordinal }) => sharing.has(ordinal))) {
      const key = `${candidate.providers.map(({ ordinal }) => ordinal)}/${candidate.pattern.givers}`;
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
  /** None: the query cannot be met anywhere. */
  readonly #asks: readonly Ask[];
  /** Where there are only a few asks they are combined as quickly as it is told whether they can be. */
  readonly #looksAhead: boolean;
  /** For each group who meets its traits and aggregates (of the one without a suffix: what it forbids). */
  readonly #fit: readonly Bitset[];
  /** For each group who is in its aggregates; absent: it names none. */
  readonly #members: readonly (Bitset | undefined)[];
  readonly #pattern: Pattern;
  /** One provider meets all asks. */
  readonly #sole: Pattern;
  readonly #needs: readonly Need[] | undefined;

  constructor(index: ProviderIndex, query: CandidateQuery, randomize: boolean) {
    this.#index = index;
    this.#query = query;
    this.#randomize = randomize;
    const { columns, size } = index;
    const { groups } = query;
    this.#inTreeRoots = groups.map(({ inTree }) => (inTree ? index.get(inTree)?.root : undefined));
    const isNowhere = groups.some(({ inTree }, place) => inTree && !this.#inTreeRoots[place]);
    this.#asks = (isNowhere ? undefined : asksOf(query, columns)) ?? [];
    this.#looksAhead = this.#asks.length > 3;
    this.#fit = groups.map((group) =>
      columns.narrow(
        Bitset.upTo(size),
        group.suffix === '' ? { ...group, required: [], memberOf: [] } : group,
      ),
    );
    this.#members = groups.map(({ memberOf }) =>
      memberOf.length === 0 ? undefined : columns.narrow(Bitset.upTo(size), { ...anything, memberOf }),
    );
    this.#pattern = new Pattern(this.#asks);
    this.#sole = new Pattern(
      this.#asks,
      this.#asks.map(() => 0),
    );
    this.#needs = this.#soleNeeds();
  }

  /** Roots whose tree may have something to give, as far as whole words of bits can tell. */
  *roots(): Generator<number> {
    const { columns, loners, roots } = this.#index;
    if (this.#asks.length === 0) return;
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
  sole(root: number): AllocationCandidate | undefined {
    const needs = this.#needs;
    const provider = this.#index.providers[root];
    if (!needs || !provider || !this.#index.loners.has(root)) return undefined;
    if (this.#inTreeRoots.some((wanted) => wanted && wanted !== provider)) return undefined;
    for (const { stock, amounts, sum } of needs) {
      if (!stock.hasRoom(root, sum)) return undefined;
      for (const amount of amounts) if (!stock.respectsUnits(root, amount)) return undefined;
    }
    return new AllocationCandidate([provider], this.#sole);
  }

  /** What a provider that is alone must give; undefined when no such provider can meet the query. */
  #soleNeeds(): Need[] | undefined {
    if (this.#asks.filter(({ isolated }) => isolated).length > 1) return undefined;
    const parts = Map.groupBy(
      this.#asks.flatMap((ask) => ask.parts),
      ({ stock }) => stock,
    );
    return [...parts].map(([stock, all]) => ({
      stock,
      amounts: [...new Set(all.map(({ amount }) => amount))],
      sum: all.reduce((sum, { amount }) => sum + amount, 0),
    }));
  }

  /** Meets one ask after another; like an odometer, the last turns fastest. */
  *inTree(ordinal: number): Generator<AllocationCandidate> {
    const root = this.#index.providers[ordinal];
    const able = root && this.#ableIn(root);
    if (!able || (this.#looksAhead && !this.#mayFinish(able, []))) return;
    const picked: Provider[] = [];
    const turns = able.map(() => 0);
    let at = 0;
    while (at >= 0) {
      const turn = turns[at] ?? 0;
      const provider = able[at]?.[turn];
      if (!provider) {
        turns[at] = 0;
        at -= 1;
        continue;
      }
      turns[at] = turn + 1;
      picked.length = at;
      if (!this.#mayMeet(at, provider, picked)) continue;
      picked.push(provider);
      if (!this.#isGood(able, picked)) continue;
      if (picked.length < able.length) at = picked.length;
      else {
        const candidate = AllocationCandidate.of(this.#pattern, picked);
        if (this.#query.nested || !usesTreeTwice(candidate)) yield candidate;
      }
    }
  }

  /** For each ask who of a tree and its lenders can meet it alone; undefined when for some there is nobody. */
  #ableIn(root: Provider): Provider[][] | undefined {
    const lenders = this.#index.lenders(root);
    const tree = this.#index.tree(root);
    const ordered = lenders.length > 0 ? [...tree, ...lenders] : tree;
    const providers = this.#randomize ? shuffled(ordered) : ordered;
    const able: Provider[][] = [];
    for (const ask of this.#asks) {
      const some =
        ask.group.suffix === '' ? this.#ableToShare(ask, providers, root) : this.#able(ask, providers);
      if (some.length === 0) return undefined;
      able.push(some);
    }
    return able;
  }

  /** Who meets a granular group. */
  #able({ place, parts }: Ask, providers: readonly Provider[]): Provider[] {
    const inTree = this.#inTreeRoots[place];
    const fit = this.#fit[place];
    return providers.filter(
      ({ ordinal, root }) =>
        fit?.has(ordinal) &&
        (!inTree || root === inTree) &&
        parts.every(({ stock, amount }) => stock.gives(ordinal, amount)),
    );
  }

  /**
   * Who gives one resource class of the group without a suffix. An aggregate of the root counts for the whole tree; a
   * lender must be in a wanted aggregate itself, and never serves a group that names its tree.
   */
  #ableToShare({ group, place, parts }: Ask, providers: readonly Provider[], root: Provider): Provider[] {
    const inTree = this.#inTreeRoots[place];
    if (inTree && inTree !== root) return [];
    if (overlap(group.notMemberOf, root.aggregates)) return [];
    const fit = this.#fit[place];
    const members = this.#members[place];
    const treeIsMember = !members || members.has(root.ordinal);
    return providers.filter(({ ordinal, root: own }) => {
      const isLender = own !== root;
      return (
        !(isLender && inTree) &&
        parts.every(({ stock, amount }) => stock.gives(ordinal, amount)) &&
        fit?.has(ordinal) &&
        ((!isLender && treeIsMember) || members?.has(ordinal) !== false)
      );
    });
  }

  /** Whether an ask may be met beside those that are: groups that add up may exceed what each may have. */
  #mayMeet(at: number, provider: Provider, picked: readonly Provider[]): boolean {
    const ask = this.#asks[at];
    if (!ask) return false;
    if (ask.isolated && picked.some((one, other) => one === provider && this.#asks[other]?.isolated))
      return false;
    for (const { stock, amount, before } of ask.parts) {
      let sum = amount;
      for (const other of before) if (picked[other.ask] === provider) sum += other.amount;
      if (sum > amount && !stock.hasRoom(provider.ordinal, sum)) return false;
    }
    return true;
  }

  /** Whether what is picked, the last of it just now, breaks no rule and can be completed as far as can be told. */
  #isGood(able: readonly Provider[][], picked: readonly Provider[]): boolean {
    const ask = this.#asks[picked.length - 1];
    if (!ask) return false;
    if (ask.group.suffix === '' && ask.last && ask.group.required.length > 0) {
      const givers = this.#pickedFor(picked, (suffix) => suffix === '');
      if (!ask.group.required.every((any) => givers.some(({ traits }) => overlap(any, traits)))) return false;
    }
    for (const suffixes of ask.subtrees) if (!this.#mayBeSubtree(suffixes, able, picked)) return false;
    return !this.#looksAhead || this.#mayFinish(able, picked);
  }

  #pickedFor(picked: readonly Provider[], names: (suffix: string) => boolean): Provider[] {
    return picked.filter((_, at) => names(this.#asks[at]?.group.suffix ?? ''));
  }

  /** Whether of the providers that meet these groups one can be over all the others, or is. */
  #mayBeSubtree(
    suffixes: ReadonlySet<string>,
    able: readonly Provider[][],
    picked: readonly Provider[],
  ): boolean {
    const chosen = this.#pickedFor(picked, (suffix) => suffixes.has(suffix));
    const open = able.filter(
      (_, at) => at >= picked.length && suffixes.has(this.#asks[at]?.group.suffix ?? ''),
    );
    for (let top = chosen[0]; top; top = top.parent) {
      const over = top;
      if (
        (chosen.includes(over) || open.some((some) => some.includes(over))) &&
        chosen.every((one) => isAtOrUnder(one, over)) &&
        open.every((some) => some.some((one) => isAtOrUnder(one, over)))
      )
        return true;
    }
    return false;
  }

  /** Whether the asks after those that are met can be met too, as far as numbers can tell. */
  #mayFinish(able: readonly Provider[][], picked: readonly Provider[]): boolean {
    // The last is tried as quickly.
    if (able.length - picked.length < 2) return true;
    const open: OpenAsk[] = [];
    for (let at = picked.length; at < able.length; at += 1) {
      const ask = this.#asks[at];
      const providers = able[at]?.filter((provider) => this.#mayMeet(at, provider, picked));
      if (!ask || !providers?.length) return false;
      open.push({ ask, providers });
    }
    return isEnough(open, ({ stock, before }, provider) => {
      let left = stock.left(provider.ordinal);
      for (const { ask, amount } of before) if (picked[ask] === provider) left -= amount;
      return left;
    });
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

function overlap(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const one of some) if (others.has(one)) return true;
  return false;
}

function isAtOrUnder(provider: Provider, top: Provider): boolean {
  for (let at: Provider | undefined = provider; at; at = at.parent) if (at === top) return true;
  return false;
}

function usesTreeTwice({ providers, pattern }: AllocationCandidate): boolean {
  return new Set(pattern.sources.map((place) => providers[place]?.root)).size < pattern.sources.length;
}
