import { BadRequest } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { refusal } from '../model/capacity.ts';
import { ConcurrentUpdate, InvalidInventory } from '../model/refusals.ts';
import { nextChange } from './changes.ts';
import { assertClasses } from './inventories.ts';
import { advance, findProviders, touch } from './resource-providers.ts';
import {
  type AllocationRow,
  allocations,
  type ConsumerRow,
  consumers,
  inventories,
  type PlacementStore,
  type ProviderRow,
} from './tables.ts';

/** What a consumer is to have, in place of all it has; with no allocations it is forgotten. */
export interface ConsumerClaim {
  consumer: string;
  projectId: string;
  userId: string;
  /** Absent: as it is, or unknown (microversions below 1.38). */
  consumerType?: string;
  /** What the caller has seen, `null` where it saw none; absent: not looked at (below 1.28). */
  generation?: number | null;
  /** By provider's uuid, then by resource class. */
  allocations: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Sums by provider and resource class. */
class Sums {
  readonly #sums = new Map<string, number>();

  get(provider: string, resourceClass: string): number {
    return this.#sums.get(`${provider} ${resourceClass}`) ?? 0;
  }

  add(provider: string, resourceClass: string, amount: number): number {
    const sum = this.get(provider, resourceClass) + amount;
    this.#sums.set(`${provider} ${resourceClass}`, sum);
    return sum;
  }
}

/**
 * Gives every consumer exactly what its claim says, all or none. Room is looked for with what these consumers have
 * held until now given back.
 *
 * @throws ConcurrentUpdate for another consumer generation, UnknownResourceClass, InvalidInventory where there is not
 *   enough, BadRequest for a provider that does not exist
 */
export function setAllocations(store: PlacementStore, claims: readonly ConsumerClaim[]): Promise<void> {
  return store.transaction(async () => {
    const change = await nextChange(store);
    await replaceAllocations(store, claims, change, new Map());
  });
}

/**
 * The same inside a transaction whose change is numbered already.
 *
 * @param advanced providers that the transaction has written before, as they are now; those written here are put into it
 */
export async function replaceAllocations(
  store: PlacementStore,
  claims: readonly ConsumerClaim[],
  change: number,
  advanced: Map<string, ProviderRow>,
): Promise<void> {
  const ids = claims.map(({ consumer }) => consumer);
  const present = await consumersOf(store, ids);
  for (const claim of claims) assertGeneration(claim, present.get(claim.consumer));

  const wanted = claims.flatMap((claim) =>
    Object.entries(claim.allocations).flatMap(([provider, resources]) =>
      Object.entries(resources).map(([resourceClass, amount]) => ({
        consumer: claim.consumer,
        provider,
        resourceClass,
        amount,
      })),
    ),
  );
  const held = await allocationsOf(store, ids);
  const wiped = new Set(ids.filter((id) => !wanted.some(({ consumer }) => consumer === id)));
  const targets = new Set(wanted.map(({ provider }) => provider));
  const providers = await findProviders(store, [...targets, ...held.map((row) => row.provider_uuid)]);
  for (const uuid of targets) {
    if (!providers.has(uuid))
      throw new BadRequest(`Allocation for resource provider '${uuid}' that does not exist.`);
  }
  const classes = new Set(wanted.map(({ resourceClass }) => resourceClass));
  await assertClasses(store, classes);
  await assertRoom(store, wanted, held);

  await writeConsumers(store, claims, present, wiped);
  if (held.length > 0) await repository(store, allocations).delete({ consumer_uuid: ids });
  const now = timestamp();
  if (wanted.length > 0) {
    await repository(store, allocations).insert(
      wanted.map(({ consumer, provider, resourceClass, amount }) => ({
        consumer_uuid: consumer,
        provider_uuid: provider,
        resource_class: resourceClass,
        used: amount,
        created_at: now,
      })),
    );
  }
  const gone = ids.filter((id) => wiped.has(id) && present.has(id));
  if (gone.length > 0) await repository(store, consumers).delete({ uuid: gone });

  // As upstream: a provider that loses an allocation to another one keeps its generation, one that is wiped does not.
  const written = new Set(targets);
  for (const row of held) if (wiped.has(row.consumer_uuid)) written.add(row.provider_uuid);
  for (const uuid of written) {
    const row = advanced.get(uuid) ?? providers.get(uuid);
    if (row) advanced.set(uuid, await advance(store, row, change));
  }
  await touch(
    store,
    [...providers.keys()].filter((uuid) => !written.has(uuid)),
    change,
  );
}

function assertGeneration(claim: ConsumerClaim, present: ConsumerRow | undefined): void {
  if (claim.generation === undefined) return;
  const actual = present?.generation ?? null;
  if (claim.generation === actual) return;
  throw new ConcurrentUpdate(
    `consumer generation conflict - expected ${actual ?? 'null'} but got ${claim.generation ?? 'None'}`,
  );
}

interface Wanted {
  provider: string;
  resourceClass: string;
  amount: number;
}

/** @throws InvalidInventory */
async function assertRoom(
  store: PlacementStore,
  wanted: readonly Wanted[],
  held: readonly AllocationRow[],
): Promise<void> {
  if (wanted.length === 0) return;
  const providers = [...new Set(wanted.map(({ provider }) => provider))];
  const before = await sumsOf(store, providers);
  const own = new Sums();
  for (const row of held) own.add(row.provider_uuid, row.resource_class, row.used);
  const rows = await repository(store, inventories).list({
    where: [{ column: 'provider_uuid', op: 'in', value: providers }],
  });
  const stock = new Map(rows.map((row) => [`${row.provider_uuid} ${row.resource_class}`, row]));
  const lacking = wanted.filter((each) => !stock.has(`${each.provider} ${each.resourceClass}`));
  if (lacking.length > 0) {
    throw InvalidInventory.missing(
      lacking.map(({ resourceClass }) => resourceClass),
      lacking.map(({ provider }) => provider),
    );
  }
  const added = new Sums();
  for (const { provider, resourceClass, amount } of wanted) {
    const inventory = stock.get(`${provider} ${resourceClass}`);
    if (!inventory) continue;
    const sum = added.add(provider, resourceClass, amount);
    const was = before.get(provider, resourceClass);
    const others = was - own.get(provider, resourceClass);
    const why = refusal(inventory, others + sum - amount, amount);
    if (why === undefined) continue;
    // A provider may be over its capacity, after its inventory shrank: what makes that better is let through.
    if (why === 'capacity' && was > 0 && others + sum <= was) continue;
    throw InvalidInventory.refusing(why, resourceClass, provider);
  }
}

async function sumsOf(store: PlacementStore, providers: readonly string[]): Promise<Sums> {
  const rows = await store.db
    .selectFrom('allocations')
    .select(({ fn }) => ['provider_uuid', 'resource_class', fn.sum('used').as('sum')])
    .where('provider_uuid', 'in', providers)
    .groupBy(['provider_uuid', 'resource_class'])
    .execute();
  const sums = new Sums();
  for (const row of rows) sums.add(row.provider_uuid, row.resource_class, Number(row.sum));
  return sums;
}

async function writeConsumers(
  store: PlacementStore,
  claims: readonly ConsumerClaim[],
  present: ReadonlyMap<string, ConsumerRow>,
  wiped: ReadonlySet<string>,
): Promise<void> {
  const rows = repository(store, consumers);
  const now = timestamp();
  const added: ConsumerRow[] = [];
  for (const claim of claims) {
    const row = present.get(claim.consumer);
    if (wiped.has(claim.consumer)) continue;
    const fields = {
      project_id: claim.projectId,
      user_id: claim.userId,
      consumer_type: claim.consumerType ?? row?.consumer_type ?? null,
      updated_at: now,
    };
    if (!row) added.push({ uuid: claim.consumer, generation: 1, created_at: now, ...fields });
    else {
      const { uuid, generation } = row;
      const count = await rows.update({ uuid, generation }, { ...fields, generation: generation + 1 });
      if (count !== 1) throw new ConcurrentUpdate();
    }
  }
  if (added.length > 0) await rows.insert(added);
}

async function consumersOf(store: PlacementStore, ids: readonly string[]): Promise<Map<string, ConsumerRow>> {
  if (ids.length === 0) return new Map();
  const rows = await repository(store, consumers).list({
    where: [{ column: 'uuid', op: 'in', value: ids }],
  });
  return new Map(rows.map((row) => [row.uuid, row]));
}

async function allocationsOf(store: PlacementStore, ids: readonly string[]): Promise<AllocationRow[]> {
  if (ids.length === 0) return [];
  return repository(store, allocations).list({
    where: [{ column: 'consumer_uuid', op: 'in', value: ids }],
  });
}

export interface ConsumerAllocations {
  consumer: ConsumerRow | undefined;
  rows: AllocationRow[];
  providers: Map<string, ProviderRow>;
}

/** What a consumer holds; a consumer that nobody knows holds nothing. */
export async function consumerAllocations(
  store: PlacementStore,
  consumer: string,
): Promise<ConsumerAllocations> {
  const { rows, consumers: held } = await heldWhere(store, 'consumer_uuid', consumer);
  const providers = await findProviders(store, [...new Set(rows.map((row) => row.provider_uuid))]);
  return { consumer: held.get(consumer), rows, providers };
}

/** Who holds what of a provider. */
export function providerAllocations(store: PlacementStore, uuid: string): Promise<HeldAllocations> {
  return heldWhere(store, 'provider_uuid', uuid);
}

interface HeldAllocations {
  rows: AllocationRow[];
  consumers: Map<string, ConsumerRow>;
}

/**
 * Allocations with who holds them, of one moment: who writes back what it has seen, with the consumer's generation,
 * must not have a newer generation than allocations.
 */
async function heldWhere(
  { db }: PlacementStore,
  column: 'consumer_uuid' | 'provider_uuid',
  value: string,
): Promise<HeldAllocations> {
  const found = await db
    .selectFrom('allocations')
    .innerJoin('consumers', 'consumers.uuid', 'allocations.consumer_uuid')
    .selectAll('allocations')
    .select(['generation', 'project_id', 'user_id', 'consumer_type', 'updated_at'])
    .select('consumers.created_at as consumer_created_at')
    .where(`allocations.${column}`, '=', value)
    .orderBy('consumer_uuid')
    .orderBy('provider_uuid')
    .orderBy('resource_class')
    .execute();
  const held: HeldAllocations = { rows: [], consumers: new Map() };
  for (const row of found) {
    const { generation, project_id, user_id, consumer_type, updated_at, consumer_created_at, ...allocation } =
      row;
    const uuid = row.consumer_uuid;
    held.rows.push(allocation);
    const created_at = consumer_created_at;
    held.consumers.set(uuid, {
      uuid,
      generation,
      project_id,
      user_id,
      consumer_type,
      created_at,
      updated_at,
    });
  }
  return held;
}

/** Takes back all that a consumer holds; generations stay, as upstream. @returns whether there was anything */
export function releaseAllocations(store: PlacementStore, consumer: string): Promise<boolean> {
  return store.transaction(async () => {
    const rows = await allocationsOf(store, [consumer]);
    if (rows.length === 0) return false;
    const change = await nextChange(store);
    await repository(store, allocations).delete({ consumer_uuid: consumer });
    await repository(store, consumers).delete({ uuid: consumer });
    await touch(store, [...new Set(rows.map((row) => row.provider_uuid))], change);
    return true;
  });
}
