import { Bitset } from './bitset.ts';
import type { Inventory } from './capacity.ts';
import { ProviderColumns } from './provider-columns.ts';

/** A provider as it stands in the store; plain data. */
export interface ProviderRecord {
  uuid: string;
  parentUuid: string | null;
  /** by resource class */
  inventories: Readonly<Record<string, Inventory>>;
  /** sums of the allocations, by resource class */
  usages: Readonly<Record<string, number>>;
  traits: readonly string[];
  aggregates: readonly string[];
}

export interface Provider {
  readonly uuid: string;
  /** its place among all providers of the index, from 0 on; parents before their children */
  readonly ordinal: number;
  readonly parent: Provider | undefined;
  readonly root: Provider;
  readonly inventories: ReadonlyMap<string, Inventory>;
  readonly usages: ReadonlyMap<string, number>;
  readonly traits: ReadonlySet<string>;
  readonly aggregates: ReadonlySet<string>;
}

/** A provider with this trait lends its inventory to every tree that has a provider in one of its aggregates. */
export const sharingTrait = 'MISC_SHARES_VIA_AGGREGATE';

/** All providers of a cloud, joined into trees, with who shares with whom worked out. */
export class ProviderIndex {
  readonly columns = new ProviderColumns();
  readonly #byUuid = new Map<string, IndexedProvider>();
  readonly #providers: IndexedProvider[] = [];
  readonly #roots = new Bitset();
  #loners: Bitset | undefined;
  readonly #trees = new Map<Provider, Provider[]>();
  readonly #lenders = new Map<Provider, Provider[]>();

  /** @throws RangeError when a parent is missing, or parents form a cycle */
  constructor(records: Iterable<ProviderRecord>) {
    const waiting = new Map<string, ProviderRecord>();
    for (const record of records) waiting.set(record.uuid, record);
    for (const uuid of waiting.keys()) this.#add(uuid, waiting, new Set());
    this.#joinLenders();
  }

  /**
   * Puts providers in place of what they were, and adds those that are new; parents must be what they were.
   *
   * @throws RangeError when a parent is missing
   */
  replace(records: Iterable<ProviderRecord>): void {
    const added = new Map<string, ProviderRecord>();
    let lendingChanged = false;
    for (const record of records) {
      const provider = this.#byUuid.get(record.uuid);
      if (!provider) added.set(record.uuid, record);
      else {
        const was = { ...provider };
        if (provider.become(record)) lendingChanged = true;
        this.columns.put(provider.ordinal, was, provider);
      }
    }
    for (const uuid of added.keys()) {
      const { traits, aggregates } = this.#add(uuid, added, new Set());
      if (traits.has(sharingTrait) || aggregates.size > 0) lendingChanged = true;
    }
    if (lendingChanged) this.#joinLenders();
  }

  get(uuid: string): Provider | undefined {
    return this.#byUuid.get(uuid);
  }

  /** How many providers there are. */
  get size(): number {
    return this.#providers.length;
  }

  /** By ordinal. */
  get providers(): readonly Provider[] {
    return this.#providers;
  }

  /** Ordinals of the roots of trees. */
  get roots(): Bitset {
    return this.#roots;
  }

  /** Ordinals of providers that are a whole tree and neither lend nor borrow: what most hosts are. */
  get loners(): Bitset {
    if (this.#loners) return this.#loners;
    const loners = new Bitset();
    for (const [root, { length }] of this.#trees)
      if (length === 1 && !this.#lenders.has(root) && !root.traits.has(sharingTrait))
        loners.add(root.ordinal);
    this.#loners = loners;
    return loners;
  }

  /** The whole tree under a root, the root first. */
  tree(root: Provider): readonly Provider[] {
    return this.#trees.get(root) ?? [];
  }

  /** Sharing providers outside the tree whose inventory may be used with it. */
  lenders(root: Provider): readonly Provider[] {
    return this.#lenders.get(root) ?? [];
  }

  #add(uuid: string, waiting: Map<string, ProviderRecord>, above: Set<string>): IndexedProvider {
    const done = this.#byUuid.get(uuid);
    if (done) return done;
    const record = waiting.get(uuid);
    if (!record || above.has(uuid)) throw new RangeError(`Provider ${uuid} is missing or its own ancestor`);
    above.add(uuid);
    const parent = record.parentUuid === null ? undefined : this.#add(record.parentUuid, waiting, above);
    const provider = new IndexedProvider(record, parent, this.#providers.length);
    this.#byUuid.set(uuid, provider);
    this.#providers.push(provider);
    this.columns.put(provider.ordinal, undefined, provider);
    this.#loners = undefined;
    const tree = this.#trees.get(provider.root);
    if (tree) tree.push(provider);
    else {
      this.#trees.set(provider.root, [provider]);
      this.#roots.add(provider.ordinal);
    }
    return provider;
  }

  #joinLenders(): void {
    this.#lenders.clear();
    this.#loners = undefined;
    const lendersByAggregate = new Map<string, Provider[]>();
    for (const provider of this.#byUuid.values()) {
      if (!provider.traits.has(sharingTrait)) continue;
      for (const aggregate of provider.aggregates) {
        const lenders = lendersByAggregate.get(aggregate);
        if (lenders) lenders.push(provider);
        else lendersByAggregate.set(aggregate, [provider]);
      }
    }
    if (lendersByAggregate.size === 0) return;
    for (const [root, tree] of this.#trees) {
      const lenders = new Set<Provider>();
      for (const provider of tree) {
        for (const aggregate of provider.aggregates) {
          for (const lender of lendersByAggregate.get(aggregate) ?? []) {
            if (lender.root !== root) lenders.add(lender);
          }
        }
      }
      if (lenders.size > 0) this.#lenders.set(root, [...lenders]);
    }
  }
}

class IndexedProvider implements Provider {
  readonly uuid: string;
  readonly ordinal: number;
  readonly parent: Provider | undefined;
  readonly root: Provider;
  inventories: ReadonlyMap<string, Inventory> = new Map();
  usages: ReadonlyMap<string, number> = new Map();
  traits: ReadonlySet<string> = new Set();
  aggregates: ReadonlySet<string> = new Set();

  constructor(record: ProviderRecord, parent: Provider | undefined, ordinal: number) {
    this.uuid = record.uuid;
    this.ordinal = ordinal;
    this.parent = parent;
    this.root = parent?.root ?? this;
    this.become(record);
  }

  /** @returns whether that may change who shares with whom */
  become(record: ProviderRecord): boolean {
    const { traits, aggregates } = this;
    this.inventories = new Map(Object.entries(record.inventories));
    this.usages = new Map(Object.entries(record.usages));
    this.traits = new Set(record.traits);
    this.aggregates = new Set(record.aggregates);
    return (
      traits.has(sharingTrait) !== this.traits.has(sharingTrait) ||
      aggregates.size !== this.aggregates.size ||
      record.aggregates.some((aggregate) => !aggregates.has(aggregate))
    );
  }
}
