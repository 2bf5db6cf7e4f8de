import { NotFound } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { type Inventory, limitOf } from '../model/capacity.ts';
import { ConcurrentUpdate, InventoryInUse, UnknownResourceClass } from '../model/refusals.ts';
import { standardResourceClasses } from '../model/standard-resource-classes.ts';
import { nextChange } from './changes.ts';
import { knownResourceClasses } from './resource-classes.ts';
import { advance, getProvider } from './resource-providers.ts';
import { type InventoryRow, inventories, type PlacementStore, type ProviderRow } from './tables.ts';

/** Inventories by resource class. */
export type Inventories = Readonly<Record<string, Inventory>>;

export function inventoriesOf(store: PlacementStore, uuid: string): Promise<InventoryRow[]> {
  return repository(store, inventories).list({
    where: [{ column: 'provider_uuid', op: 'eq', value: uuid }],
  });
}

/**
 * Gives a provider exactly these inventories.
 *
 * @param seen the generation that the caller knows; absent: whatever it is
 * @throws UnknownProvider, ConcurrentUpdate, UnknownResourceClass; InventoryInUse for one that is to go
 */
export function setInventories(
  store: PlacementStore,
  uuid: string,
  wanted: Inventories,
  seen?: number,
): Promise<ProviderRow> {
  return store.transaction(async () => {
    const change = await nextChange(store);
    const provider = await atGeneration(store, uuid, seen);
    await assertClasses(store, Object.keys(wanted));
    return replaceInventories(store, provider, wanted, change);
  });
}

/** The same inside a transaction whose change is numbered already. */
export async function replaceInventories(
  store: PlacementStore,
  provider: ProviderRow,
  wanted: Inventories,
  change: number,
): Promise<ProviderRow> {
  const rows = repository(store, inventories);
  const { uuid } = provider;
  const present = new Map((await inventoriesOf(store, uuid)).map((row) => [row.resource_class, row]));
  const gone = [...present.keys()].filter((name) => !Object.hasOwn(wanted, name));
  if (gone.length > 0) {
    await assertUnused(store, uuid, gone);
    await rows.delete({ provider_uuid: uuid, resource_class: gone });
  }
  const now = timestamp();
  const added: InventoryRow[] = [];
  for (const [name, inventory] of Object.entries(wanted)) {
    const row = present.get(name);
    if (!row) {
      added.push({
        provider_uuid: uuid,
        resource_class: name,
        ...inventory,
        created_at: now,
        updated_at: now,
      });
    } else if (!sameInventory(row, inventory)) {
      await rows.update({ provider_uuid: uuid, resource_class: name }, { ...inventory, updated_at: now });
    }
  }
  if (added.length > 0) await rows.insert(added);
  return advance(store, provider, change);
}

/** @throws ConcurrentUpdate when there is one of this class already */
export function addInventory(
  store: PlacementStore,
  uuid: string,
  resourceClass: string,
  inventory: Inventory,
): Promise<ProviderRow> {
  return store.transaction(async () => {
    const change = await nextChange(store);
    const provider = await getProvider(store, uuid);
    await assertClasses(store, [resourceClass]);
    const rows = repository(store, inventories);
    const key = { provider_uuid: uuid, resource_class: resourceClass };
    if (await rows.get(key))
      throw new ConcurrentUpdate(`Inventory of class ${resourceClass} is there already`);
    const now = timestamp();
    await rows.insert({ ...key, ...inventory, created_at: now, updated_at: now });
    return advance(store, provider, change);
  });
}

/** @throws ConcurrentUpdate, UnknownResourceClass; NotFound when there is none of this class */
export function updateInventory(
  store: PlacementStore,
  uuid: string,
  resourceClass: string,
  inventory: Inventory,
  seen: number,
): Promise<ProviderRow> {
  return store.transaction(async () => {
    const change = await nextChange(store);
    const provider = await atGeneration(store, uuid, seen);
    await assertClasses(store, [resourceClass]);
    const count = await repository(store, inventories).update(
      { provider_uuid: uuid, resource_class: resourceClass },
      { ...inventory, updated_at: timestamp() },
    );
    if (count === 0) throw new NotFound(`No inventory of class ${resourceClass} found.`);
    return advance(store, provider, change);
  });
}

/** @throws UnknownResourceClass, InventoryInUse; NotFound when there is none of this class */
export function deleteInventory(
  store: PlacementStore,
  uuid: string,
  resourceClass: string,
): Promise<ProviderRow> {
  return store.transaction(async () => {
    const change = await nextChange(store);
    const provider = await getProvider(store, uuid);
    await assertClasses(store, [resourceClass]);
    await assertUnused(store, uuid, [resourceClass]);
    const count = await repository(store, inventories).delete({
      provider_uuid: uuid,
      resource_class: resourceClass,
    });
    if (count === 0) throw new NotFound(`No inventory of class ${resourceClass} found for delete`);
    return advance(store, provider, change);
  });
}

/** Of some resource classes of a provider those of which more is used than there is now: that is allowed, but no more. */
export async function overused(store: PlacementStore, uuid: string, present: Inventories): Promise<string[]> {
  const rows = await store.db
    .selectFrom('allocations')
    .select(({ fn }) => ['resource_class', fn.sum('used').as('sum')])
    .where('provider_uuid', '=', uuid)
    .groupBy('resource_class')
    .execute();
  return rows.flatMap(({ resource_class: name, sum }) => {
    const inventory = present[name];
    return inventory && Number(sum) > limitOf(inventory) ? [name] : [];
  });
}

/** @throws ConcurrentUpdate unless the provider is at the generation that the caller has seen */
export async function atGeneration(
  store: PlacementStore,
  uuid: string,
  seen: number | undefined,
): Promise<ProviderRow> {
  const provider = await getProvider(store, uuid);
  if (seen !== undefined && provider.generation !== seen) throw new ConcurrentUpdate();
  return provider;
}

/** @throws UnknownResourceClass */
export async function assertClasses(store: PlacementStore, names: Iterable<string>): Promise<void> {
  const known = await knownResourceClasses(store, names);
  for (const name of names) if (!known.has(name)) throw new UnknownResourceClass(name);
}

async function assertUnused(store: PlacementStore, uuid: string, names: readonly string[]): Promise<void> {
  const used = await store.db
    .selectFrom('allocations')
    .select('resource_class')
    .distinct()
    .where('provider_uuid', '=', uuid)
    .where('resource_class', 'in', names)
    .execute();
  if (used.length > 0)
    throw new InventoryInUse(
      used.map((row) => row.resource_class).toSorted((a, b) => order(a) - order(b)),
      uuid,
    );
}

/** Standard classes come in their order, custom ones after them. */
const order = (name: string): number => standardResourceClasses.indexOf(name) + 1 || Number.MAX_SAFE_INTEGER;

/** Whether a row says just this. */
export function sameInventory(row: Inventory, inventory: Inventory): boolean {
  return (
    row.total === inventory.total &&
    row.reserved === inventory.reserved &&
    row.min_unit === inventory.min_unit &&
    row.max_unit === inventory.max_unit &&
    row.step_size === inventory.step_size &&
    row.allocation_ratio === inventory.allocation_ratio
  );
}
