import type { AllocationCandidate } from './pattern.ts';
import type { ProviderRecord } from './providers.ts';
import type { CandidateQuery } from './requests.ts';

/** A candidate as one line, the same for candidates that are the same. */
export function readable({ allocations, mappings }: AllocationCandidate): string {
  const amounts = [...allocations].flatMap(([{ uuid }, own]) =>
    [...own].map(([name, amount]) => [uuid, name, amount] as const),
  );
  return line(
    amounts,
    [...mappings].map(([suffix, some]) => [suffix, some.map(({ uuid }) => uuid)] as const),
  );
}

function line(
  amounts: readonly (readonly [string, string, number])[],
  mappings: readonly (readonly [string, readonly string[]])[],
): string {
  const left = amounts.map((amount) => amount.join(' ')).toSorted();
  const right = mappings.map(([suffix, some]) => `${suffix}=${[...new Set(some)].toSorted()}`).toSorted();
  return `${left.join(', ')} | ${right.join(' ')}`;
}

type Slot = { suffix: string; name: string | undefined; amount: number };

/**
 * The rules said as plainly as possible: for each tree try every provider of the cloud for every resource of
 * every group, and keep what breaks no rule. Slow on purpose; shares no code with the search.
 */
export function bruteForce(records: readonly ProviderRecord[], query: CandidateQuery): string[] {
  const byUuid = new Map(records.map((record) => [record.uuid, record]));
  const rootOf = (record: ProviderRecord): ProviderRecord => {
    const parent = record.parentUuid === null ? undefined : byUuid.get(record.parentUuid);
    return parent ? rootOf(parent) : record;
  };
  const ancestors = (record: ProviderRecord): ProviderRecord[] => {
    const parent = record.parentUuid === null ? undefined : byUuid.get(record.parentUuid);
    return [record, ...(parent ? ancestors(parent) : [])];
  };
  const lends = (lender: ProviderRecord, anchor: ProviderRecord) =>
    lender.traits.includes('MISC_SHARES_VIA_AGGREGATE') &&
    records.some(
      (record) =>
        rootOf(record) === anchor && record.aggregates.some((one) => lender.aggregates.includes(one)),
    );
  const slots: Slot[] = query.groups.flatMap(({ suffix, resources }): Slot[] =>
    resources.size === 0
      ? [{ suffix, name: undefined, amount: 0 }]
      : [...resources].map(([name, amount]) => ({ suffix, name, amount })),
  );

  const isRight = (anchor: ProviderRecord, picked: readonly ProviderRecord[]): boolean => {
    for (const trait of query.rootRequired) if (!anchor.traits.includes(trait)) return false;
    for (const trait of query.rootForbidden) if (anchor.traits.includes(trait)) return false;
    const sums = new Map<string, number>();
    for (const [place, { name, amount }] of slots.entries()) {
      const record = picked[place] as ProviderRecord;
      if (rootOf(record) !== anchor && !lends(record, anchor)) return false;
      if (name === undefined) continue;
      const inventory = record.inventories[name];
      if (!inventory) return false;
      if (amount < inventory.min_unit || amount % inventory.step_size !== 0) return false;
      const key = `${record.uuid} ${name}`;
      const sum = (sums.get(key) ?? 0) + amount;
      sums.set(key, sum);
      const capacity = (inventory.total - inventory.reserved) * inventory.allocation_ratio;
      if (sum > inventory.max_unit || sum + (record.usages[name] ?? 0) > capacity) return false;
    }
    const of = (suffix: string) => [...new Set(picked.filter((_, place) => slots[place]?.suffix === suffix))];
    for (const group of query.groups) {
      const providers = of(group.suffix);
      const granular = group.suffix !== '';
      if (granular && providers.length !== 1) return false;
      const traits = new Set(providers.flatMap((record) => record.traits));
      if (!group.required.every((any) => [...any].some((trait) => traits.has(trait)))) return false;
      if ([...group.forbidden].some((trait) => traits.has(trait))) return false;
      const wantedRoot = group.inTree === undefined ? undefined : byUuid.get(group.inTree);
      if (group.inTree !== undefined && !wantedRoot) return false;
      for (const record of providers) {
        if (wantedRoot && rootOf(record) !== rootOf(wantedRoot)) return false;
        const foreign = rootOf(record) !== anchor;
        if (!granular && wantedRoot && foreign) return false;
        const member = (one: ProviderRecord) =>
          group.memberOf.every((any) => [...any].some((aggregate) => one.aggregates.includes(aggregate)));
        if (!member(record) && (granular || foreign || !member(anchor))) return false;
        const bad = (one: ProviderRecord) =>
          one.aggregates.some((aggregate) => group.notMemberOf.has(aggregate));
        if (bad(record) || (!granular && bad(anchor))) return false;
      }
    }
    if (query.groupPolicy === 'isolate') {
      const granular = query.groups.filter(({ suffix }) => suffix !== '').map(({ suffix }) => of(suffix)[0]);
      if (new Set(granular).size !== granular.length) return false;
    }
    for (const suffixes of query.sameSubtrees) {
      const some = [...suffixes].flatMap(of);
      if (some.length > 0 && !some.some((top) => some.every((one) => ancestors(one).includes(top))))
        return false;
    }
    if (!query.nested) {
      const used = [...new Set(picked.filter((_, place) => slots[place]?.name !== undefined))];
      if (new Set(used.map(rootOf)).size !== used.length) return false;
    }
    return true;
  };

  const found = new Set<string>();
  const tryAll = (anchor: ProviderRecord, picked: ProviderRecord[]): void => {
    if (picked.length < slots.length) {
      for (const record of records) tryAll(anchor, [...picked, record]);
      return;
    }
    if (!isRight(anchor, picked)) return;
    const sums = new Map<string, [string, string, number]>();
    for (const [place, { name, amount }] of slots.entries()) {
      const uuid = picked[place]?.uuid ?? '';
      if (name === undefined) continue;
      const sum = sums.get(`${uuid} ${name}`)?.[2] ?? 0;
      sums.set(`${uuid} ${name}`, [uuid, name, sum + amount]);
    }
    const mappings = query.groups.map(
      ({ suffix }) =>
        [
          suffix,
          picked.filter((_, place) => slots[place]?.suffix === suffix).map(({ uuid }) => uuid),
        ] as const,
    );
    found.add(line([...sums.values()], mappings));
  };
  for (const anchor of records) if (rootOf(anchor) === anchor) tryAll(anchor, []);
  return [...found].toSorted();
}
