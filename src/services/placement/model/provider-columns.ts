import { Bitset } from './bitset.ts';
import { type Inventory, limitOf } from './capacity.ts';

/** What is searched for in a provider. */
export interface Described {
  readonly inventories: ReadonlyMap<string, Inventory>;
  readonly usages: ReadonlyMap<string, number>;
  readonly traits: ReadonlySet<string>;
  readonly aggregates: ReadonlySet<string>;
}

/** What of traits and aggregates is asked of a provider: one of each set of `required` and `memberOf`. */
export interface Conditions {
  required: readonly ReadonlySet<string>[];
  forbidden: ReadonlySet<string>;
  memberOf: readonly ReadonlySet<string>[];
  notMemberOf: ReadonlySet<string>;
}

/** One resource class across all providers, by their ordinals. */
export class Stock {
  /** What is left; -1 where there is no inventory, less where more is used than there is. */
  #free = new Float64Array(0);
  #least = new Float64Array(0);
  #most = new Float64Array(0);
  #step = new Float64Array(0);

  /** Whether a provider alone can give an amount (1 or more). */
  gives(ordinal: number, amount: number): boolean {
    return this.hasRoom(ordinal, amount) && this.respectsUnits(ordinal, amount);
  }

  /** How much one consumer can have; below 0 where there is nothing. */
  left(ordinal: number): number {
    return Math.min(this.#free[ordinal] ?? -1, this.#most[ordinal] ?? 0);
  }

  /** Whether so much is left, and may be taken at once. */
  hasRoom(ordinal: number, amount: number): boolean {
    return amount <= (this.#free[ordinal] ?? -1) && amount <= (this.#most[ordinal] ?? 0);
  }

  respectsUnits(ordinal: number, amount: number): boolean {
    return amount >= (this.#least[ordinal] ?? 1) && amount % (this.#step[ordinal] ?? 1) === 0;
  }

  set(ordinal: number, inventory: Inventory, used: number): void {
    if (ordinal >= this.#free.length) this.#grow(Math.max(ordinal + 1, this.#free.length * 2, 64));
    this.#free[ordinal] = Math.floor(limitOf(inventory)) - used;
    this.#least[ordinal] = inventory.min_unit;
    this.#most[ordinal] = inventory.max_unit;
    this.#step[ordinal] = inventory.step_size;
  }

  clear(ordinal: number): void {
    if (ordinal >= this.#free.length) return;
    this.#free[ordinal] = -1;
    this.#most[ordinal] = 0;
  }

  #grow(length: number): void {
    const grown = (old: Float64Array, rest: number) => {
      const longer = new Float64Array(length).fill(rest);
      longer.set(old);
      return longer;
    };
    this.#free = grown(this.#free, -1);
    this.#least = grown(this.#least, 1);
    this.#most = grown(this.#most, 0);
    this.#step = grown(this.#step, 1);
  }
}

/**
 * The providers again, turned on their side: for each trait and aggregate who has it, for each resource class how much
 * each has left. A condition on ten thousand providers is then a few hundred operations on whole words.
 */
export class ProviderColumns {
  readonly #traits = new Map<string, Bitset>();
  readonly #aggregates = new Map<string, Bitset>();
  readonly #stocks = new Map<string, Stock>();

  /** Puts a provider in place of what it was. */
  put(ordinal: number, was: Described | undefined, is: Described): void {
    move(this.#traits, ordinal, was?.traits, is.traits);
    move(this.#aggregates, ordinal, was?.aggregates, is.aggregates);
    for (const name of was?.inventories.keys() ?? [])
      if (!is.inventories.has(name)) this.#stocks.get(name)?.clear(ordinal);
    for (const [name, inventory] of is.inventories) {
      let stock = this.#stocks.get(name);
      if (!stock) this.#stocks.set(name, (stock = new Stock()));
      stock.set(ordinal, inventory, is.usages.get(name) ?? 0);
    }
  }

  /** Absent where no provider ever had any. */
  stock(resourceClass: string): Stock | undefined {
    return this.#stocks.get(resourceClass);
  }

  /** Takes out of a set who does not meet the conditions. */
  narrow(providers: Bitset, { required, forbidden, memberOf, notMemberOf }: Conditions): Bitset {
    for (const any of required) providers.keep(anyOf(this.#traits, any));
    for (const any of memberOf) providers.keep(anyOf(this.#aggregates, any));
    for (const trait of forbidden) without(providers, this.#traits.get(trait));
    for (const aggregate of notMemberOf) without(providers, this.#aggregates.get(aggregate));
    return providers;
  }

  withTrait(trait: string): Bitset {
    return this.#traits.get(trait) ?? new Bitset();
  }
}

function without(providers: Bitset, some: Bitset | undefined): void {
  if (some) providers.remove(some);
}

function anyOf(columns: ReadonlyMap<string, Bitset>, names: ReadonlySet<string>): Bitset {
  const [name, ...others] = names;
  const first = (name === undefined ? undefined : columns.get(name)) ?? new Bitset();
  if (others.length === 0) return first;
  const all = first.copy();
  for (const other of others) {
    const column = columns.get(other);
    if (column) all.join(column);
  }
  return all;
}

function move(
  columns: Map<string, Bitset>,
  ordinal: number,
  were: ReadonlySet<string> | undefined,
  are: ReadonlySet<string>,
): void {
  for (const name of were ?? []) if (!are.has(name)) columns.get(name)?.delete(ordinal);
  for (const name of are) {
    let column = columns.get(name);
    if (!column) columns.set(name, (column = new Bitset()));
    column.add(ordinal);
  }
}
