import type { Ask } from './asks.ts';
import type { Provider } from './providers.ts';

/**
 * Which asks are met by the same provider. Of ten thousand candidates most have the same pattern: they differ in who
 * the providers are, and what is worked out of a pattern, down to its text, is worked out once.
 */
export class Pattern {
  /** By ask: the place, among the providers of a candidate, of the one that meets it. */
  readonly givers: readonly number[];
  readonly #asks: readonly Ask[];
  readonly #longer: Pattern[] = [];
  #allocations: ReadonlyMap<number, ReadonlyMap<string, number>> | undefined;
  #sources: readonly number[] | undefined;
  #mappings: ReadonlyMap<string, readonly number[]> | undefined;

  constructor(asks: readonly Ask[], givers: readonly number[] = []) {
    this.#asks = asks;
    this.givers = givers;
  }

  /** The pattern of one ask more. */
  with(giver: number): Pattern {
    return (this.#longer[giver] ??= new Pattern(this.#asks, [...this.givers, giver]));
  }

  /** Amounts by resource class, by the place of the provider; in the order of the asks. */
  get allocations(): ReadonlyMap<number, ReadonlyMap<string, number>> {
    if (this.#allocations) return this.#allocations;
    const allocations = new Map<number, Map<string, number>>();
    for (const [at, giver] of this.givers.entries()) {
      for (const { resourceClass, amount } of this.#asks[at]?.parts ?? []) {
        let amounts = allocations.get(giver);
        if (!amounts) allocations.set(giver, (amounts = new Map()));
        amounts.set(resourceClass, (amounts.get(resourceClass) ?? 0) + amount);
      }
    }
    return (this.#allocations = allocations);
  }

  /** Places of the providers that something is taken from. */
  get sources(): readonly number[] {
    return (this.#sources ??= [...this.allocations.keys()]);
  }

  /** Places of the providers that meet each group, each once, by suffix. */
  get mappings(): ReadonlyMap<string, readonly number[]> {
    if (this.#mappings) return this.#mappings;
    const mappings = new Map<string, number[]>();
    for (const [at, giver] of this.givers.entries()) {
      const suffix = this.#asks[at]?.group.suffix ?? '';
      const places = mappings.get(suffix);
      if (!places) mappings.set(suffix, [giver]);
      else if (!places.includes(giver)) places.push(giver);
    }
    return (this.#mappings = mappings);
  }
}

/** One way of meeting a query. */
export class AllocationCandidate {
  /** Each once, in the order in which they are first asked. */
  readonly providers: readonly Provider[];
  readonly pattern: Pattern;

  constructor(providers: readonly Provider[], pattern: Pattern) {
    this.providers = providers;
    this.pattern = pattern;
  }

  /** @param empty the pattern of no asks @param picked who meets each ask */
  static of(empty: Pattern, picked: readonly Provider[]): AllocationCandidate {
    const providers: Provider[] = [];
    let pattern = empty;
    for (const provider of picked) {
      let giver = providers.indexOf(provider);
      if (giver < 0) giver = providers.push(provider) - 1;
      pattern = pattern.with(giver);
    }
    return new AllocationCandidate(providers, pattern);
  }

  /** Amounts by resource class, by provider; in the order in which the groups ask. */
  get allocations(): ReadonlyMap<Provider, ReadonlyMap<string, number>> {
    return new Map(
      [...this.pattern.allocations].map(([place, amounts]) => [this.providers[place] as Provider, amounts]),
    );
  }

  /** Who meets which group, by suffix. */
  get mappings(): ReadonlyMap<string, readonly Provider[]> {
    return new Map(
      [...this.pattern.mappings].map(([suffix, places]) => [
        suffix,
        places.map((place) => this.providers[place] as Provider),
      ]),
    );
  }
}
