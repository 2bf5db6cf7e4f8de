import type { Inventory } from '../model/capacity.ts';
import { ProviderIndex, type ProviderRecord } from '../model/providers.ts';
import type { KnownNames } from '../model/query.ts';
import { standardResourceClasses } from '../model/standard-resource-classes.ts';
import { standardTraits } from '../model/standard-traits.ts';
import { type Changes, changesQuery } from './changes.ts';
import type { PlacementStore, ProviderRow } from './tables.ts';

/** The cloud in memory, as of a change. It is altered by later ones: use it without waiting in between. */
export interface CloudView extends KnownNames {
  index: ProviderIndex;
  /** A provider as it is stored. */
  rowOf(uuid: string): ProviderRow | undefined;
  uuidNamed(name: string): string | undefined;
}

/** What was read of the store, as of one change. */
interface Reading {
  now: Changes;
  /** Absent: as they were. */
  names: { resourceClasses: Set<string>; traits: Set<string> } | undefined;
  /** All providers, in place of all that were known; otherwise those that were changed. */
  afresh: boolean;
  rows: ProviderRow[];
  records: ProviderRecord[];
}

/** So many providers are asked for by their uuids at once; all of them are read in one go. */
const asked = 200;

/**
 * Keeps the provider index as the store is. Every ask compares the number of the last change, with one cheap read,
 * and then reads only the providers that were changed since: whether here or in another process.
 */
export class IndexFollower {
  readonly #store: PlacementStore;
  readonly #changes: () => Promise<Changes>;
  #seen: Changes = { latest: -1, structure: -1, names: -1 };
  #index = new ProviderIndex([]);
  readonly #rows = new Map<string, ProviderRow>();
  readonly #uuids = new Map<string, string>();
  #resourceClasses = new Set<string>();
  #traits = new Set<string>();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(store: PlacementStore) {
    this.#store = store;
    this.#changes = changesQuery(store);
  }

  /** With everything that was committed before the call. */
  async current(): Promise<CloudView> {
    await this.#follow();
    return {
      index: this.#index,
      rowOf: (uuid) => this.#rows.get(uuid),
      uuidNamed: (name) => this.#uuids.get(name),
      resourceClasses: this.#resourceClasses,
      traits: this.#traits,
    };
  }

  /** A look that has begun may have read too early for this caller; the one after it serves all who wait. */
  #follow(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#look().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#follow();
      });
    return this.#next;
  }

  /**
   * Everything that is read must be of one and the same moment: of a reshape in another process, say, the inventories
   * must not be seen without the allocations. Where something was written meanwhile it is read again; under writes that
   * do not end, in a transaction.
   */
  async #look(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const now = await this.#changes();
      if (now.latest === this.#seen.latest) return;
      if (attempt > (this.#isAfresh(now) ? 1 : 3)) break;
      const reading = await this.#read(now);
      if ((await this.#changes()).latest === now.latest) return this.#take(reading);
    }
    this.#take(await this.#store.transaction(async () => this.#read(await this.#changes())));
  }

  /** Whether single providers cannot be told from the rest: at first, and after a database was put back to what it was. */
  #isAfresh({ latest, structure }: Changes): boolean {
    const seen = this.#seen.latest;
    return seen < 0 || structure > seen || latest < seen;
  }

  async #read(now: Changes): Promise<Reading> {
    const names = now.names === this.#seen.names ? undefined : await this.#readNames();
    const afresh = this.#isAfresh(now);
    const rows = await this.#providers(afresh ? -1 : this.#seen.latest);
    const records = await (afresh ? this.#records(rows, undefined) : this.#recordsOf(rows));
    return { now, names, afresh, rows, records };
  }

  #take({ now, names, afresh, rows, records }: Reading): void {
    if (afresh) {
      this.#index = new ProviderIndex(records);
      this.#rows.clear();
      this.#uuids.clear();
    } else if (records.length > 0) this.#index.replace(records);
    this.#keep(rows);
    if (names) {
      this.#resourceClasses = names.resourceClasses;
      this.#traits = names.traits;
    }
    this.#seen = now;
  }

  async #readNames(): Promise<{ resourceClasses: Set<string>; traits: Set<string> }> {
    const classes = await this.#store.db.selectFrom('resource_classes').select('name').execute();
    const traits = await this.#store.db.selectFrom('traits').select('name').execute();
    return {
      resourceClasses: new Set([...standardResourceClasses, ...classes.map(({ name }) => name)]),
      traits: new Set([...standardTraits(), ...traits.map(({ name }) => name)]),
    };
  }

  /** Old names go before new ones come: two providers may have exchanged theirs. */
  #keep(rows: readonly ProviderRow[]): void {
    for (const { uuid } of rows) {
      const before = this.#rows.get(uuid);
      if (before) this.#uuids.delete(before.name);
    }
    for (const row of rows) {
      this.#rows.set(row.uuid, row);
      this.#uuids.set(row.name, row.uuid);
    }
  }

  #providers(since: number): Promise<ProviderRow[]> {
    return this.#store.db
      .selectFrom('resource_providers')
      .selectAll()
      .where('last_change', '>', since)
      .orderBy('created_at')
      .orderBy('uuid')
      .execute();
  }

  /** What is known of changed providers: piece by piece, or with everything else where they are most of the cloud. */
  async #recordsOf(rows: readonly ProviderRow[]): Promise<ProviderRecord[]> {
    if (rows.length > asked && rows.length * 4 > this.#index.size) return this.#records(rows, undefined);
    const records: ProviderRecord[] = [];
    for (let start = 0; start < rows.length; start += asked) {
      const some = rows.slice(start, start + asked);
      const uuids = some.map(({ uuid }) => uuid);
      records.push(...(await this.#records(some, uuids)));
    }
    return records;
  }

  /** @param only the providers to read for; absent: all */
  async #records(rows: readonly ProviderRow[], only: string[] | undefined): Promise<ProviderRecord[]> {
    const { db } = this.#store;
    const inventories = groupByProvider(
      await db
        .selectFrom('inventories')
        .selectAll()
        .$if(only !== undefined, (query) => query.where('provider_uuid', 'in', only ?? []))
        .execute(),
    );
    const usages = groupByProvider(
      await db
        .selectFrom('allocations')
        .select(({ fn }) => ['provider_uuid', 'resource_class', fn.sum('used').as('sum')])
        .$if(only !== undefined, (query) => query.where('provider_uuid', 'in', only ?? []))
        .groupBy(['provider_uuid', 'resource_class'])
        .execute(),
    );
    const traits = groupByProvider(
      await db
        .selectFrom('provider_traits')
        .selectAll()
        .$if(only !== undefined, (query) => query.where('provider_uuid', 'in', only ?? []))
        .execute(),
    );
    const aggregates = groupByProvider(
      await db
        .selectFrom('provider_aggregates')
        .selectAll()
        .$if(only !== undefined, (query) => query.where('provider_uuid', 'in', only ?? []))
        .execute(),
    );
    return rows.map(({ uuid, parent_uuid }) => ({
      uuid,
      parentUuid: parent_uuid,
      inventories: Object.fromEntries(
        (inventories.get(uuid) ?? []).map((row) => [row.resource_class, inventoryOf(row)]),
      ),
      usages: Object.fromEntries(
        (usages.get(uuid) ?? []).map((row) => [row.resource_class, Number(row.sum)]),
      ),
      traits: (traits.get(uuid) ?? []).map((row) => row.trait),
      aggregates: (aggregates.get(uuid) ?? []).map((row) => row.aggregate_uuid),
    }));
  }
}

function inventoryOf(row: Inventory): Inventory {
  const { total, reserved, min_unit, max_unit, step_size, allocation_ratio } = row;
  return { total, reserved, min_unit, max_unit, step_size, allocation_ratio };
}

function groupByProvider<R extends { provider_uuid: string }>(rows: readonly R[]): Map<string, R[]> {
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const group = groups.get(row.provider_uuid);
    if (group) group.push(row);
    else groups.set(row.provider_uuid, [row]);
  }
  return groups;
}
