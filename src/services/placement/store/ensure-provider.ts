import { repository } from '../../../platform/store/repository.ts';
import type { InventoryReport, ProviderReport } from '../contract.ts';
import { type Inventory, inventoryDefaults } from '../model/capacity.ts';
import { isCustomName } from '../model/names.ts';
import { aggregatesOf, replaceAggregates } from './aggregates.ts';
import { nextChange } from './changes.ts';
import { assertClasses, inventoriesOf, replaceInventories, sameInventory } from './inventories.ts';
import { ensureResourceClass } from './resource-classes.ts';
import { createProvider, touch, updateProvider } from './resource-providers.ts';
import { type PlacementStore, type ProviderRow, resourceProviders } from './tables.ts';
import { ensureTrait, replaceTraits, traitsOf } from './traits.ts';

/**
 * Makes a provider what the report says. Custom resource classes and traits in it come into being. Custom traits that
 * it does not name stay: an operator may have set them. Where nothing is to be changed, nothing is written and no
 * transaction is opened: every host reports every minute.
 *
 * @throws InventoryInUse when a resource class that is allocated from is no longer reported; ImpossibleTree
 */
export async function ensureProvider(store: PlacementStore, report: ProviderReport): Promise<void> {
  if (await isAsReported(store, report)) return;
  await store.transaction(async () => {
    for (const name of Object.keys(report.inventories))
      if (isCustomName(name)) await ensureResourceClass(store, name);
    for (const name of report.traits) if (isCustomName(name)) await ensureTrait(store, name);
    await assertClasses(store, Object.keys(report.inventories));
    let row = await placed(store, report);
    const change = await nextChange(store);
    const differs = await differences(store, row, report);
    if (differs.inventories) row = await replaceInventories(store, row, inventoriesIn(report), change);
    row = await replaceTraits(store, row, await traitsWanted(store, report), change);
    if (report.aggregates && (await replaceAggregates(store, row, report.aggregates)))
      await touch(store, [row.uuid], change);
  });
}

/** The provider under its name and parent, made where there is none. */
async function placed(store: PlacementStore, report: ProviderReport): Promise<ProviderRow> {
  const { uuid, name, parent = null } = report;
  const row = await repository(store, resourceProviders).get(uuid);
  if (!row) return createProvider(store, { uuid, name, parentUuid: parent });
  if (row.name === name && row.parent_uuid === parent) return row;
  return updateProvider(store, uuid, { name, parentUuid: parent }, true);
}

async function isAsReported(store: PlacementStore, report: ProviderReport): Promise<boolean> {
  const row = await repository(store, resourceProviders).get(report.uuid);
  if (!row || row.name !== report.name || row.parent_uuid !== (report.parent ?? null)) return false;
  const differs = await differences(store, row, report);
  return !differs.inventories && !differs.traits && !differs.aggregates;
}

async function differences(
  store: PlacementStore,
  { uuid }: ProviderRow,
  report: ProviderReport,
): Promise<{ inventories: boolean; traits: boolean; aggregates: boolean }> {
  const wanted = inventoriesIn(report);
  const rows = await inventoriesOf(store, uuid);
  const inventories =
    rows.length !== Object.keys(wanted).length ||
    rows.some((row) => {
      const inventory = wanted[row.resource_class];
      return !inventory || !sameInventory(row, inventory);
    });
  const traits = !sameNames(await traitsOf(store, uuid), await traitsWanted(store, report));
  const aggregates =
    report.aggregates !== undefined && !sameNames(await aggregatesOf(store, uuid), report.aggregates);
  return { inventories, traits, aggregates };
}

async function traitsWanted(store: PlacementStore, { uuid, traits }: ProviderReport): Promise<string[]> {
  return [...new Set([...traits, ...(await traitsOf(store, uuid)).filter(isCustomName)])];
}

function inventoriesIn({ inventories }: ProviderReport): Record<string, Inventory> {
  return Object.fromEntries(Object.entries(inventories).map(([name, report]) => [name, inventoryIn(report)]));
}

function inventoryIn(report: InventoryReport): Inventory {
  return {
    total: report.total,
    reserved: report.reserved ?? inventoryDefaults.reserved,
    allocation_ratio: report.allocationRatio ?? inventoryDefaults.allocation_ratio,
    min_unit: report.minUnit ?? inventoryDefaults.min_unit,
    max_unit: report.maxUnit ?? inventoryDefaults.max_unit,
    step_size: report.stepSize ?? inventoryDefaults.step_size,
  };
}

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  const set = new Set(others);
  return new Set(some).size === set.size && some.every((name) => set.has(name));
}
