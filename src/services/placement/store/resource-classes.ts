import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { UnknownResourceClass } from '../model/refusals.ts';
import { standardResourceClasses } from '../model/standard-resource-classes.ts';
import { nextChange } from './changes.ts';
import { type PlacementStore, resourceClasses } from './tables.ts';

/** A resource class; the standard ones have no times. */
export interface ResourceClass {
  name: string;
  updatedAt: string | undefined;
}

const isStandard = (name: string) => standardResourceClasses.includes(name);

/** Of these names, those that there are. Asks the store only about custom ones. */
export async function knownResourceClasses(
  store: PlacementStore,
  names: Iterable<string>,
): Promise<Set<string>> {
  const known = new Set<string>();
  const custom: string[] = [];
  for (const name of names) {
    if (isStandard(name)) known.add(name);
    else custom.push(name);
  }
  if (custom.length > 0) {
    const rows = await repository(store, resourceClasses).list({
      where: [{ column: 'name', op: 'in', value: custom }],
    });
    for (const row of rows) known.add(row.name);
  }
  return known;
}

/** Standard ones first, then custom ones as they were made. */
export async function listResourceClasses(store: PlacementStore): Promise<ResourceClass[]> {
  const rows = await repository(store, resourceClasses).list({
    sort: [{ column: 'created_at', direction: 'asc' }],
  });
  return [
    ...standardResourceClasses.map((name) => ({ name, updatedAt: undefined })),
    ...rows.map((row) => ({ name: row.name, updatedAt: row.updated_at })),
  ];
}

/** @throws UnknownResourceClass */
export async function getResourceClass(store: PlacementStore, name: string): Promise<ResourceClass> {
  if (isStandard(name)) return { name, updatedAt: undefined };
  const row = await repository(store, resourceClasses).get(name);
  if (!row) throw new UnknownResourceClass(name);
  return { name, updatedAt: row.updated_at };
}

/** @returns whether it is new */
export function ensureResourceClass(store: PlacementStore, name: string): Promise<boolean> {
  return store.transaction(async () => {
    const rows = repository(store, resourceClasses);
    if (isStandard(name) || (await rows.get(name))) return false;
    await nextChange(store, 'names');
    const now = timestamp();
    await rows.insert({ name, created_at: now, updated_at: now });
    return true;
  });
}

/** Microversions below 1.7 can rename a class: the inventories and allocations of it follow. */
export function renameResourceClass(store: PlacementStore, name: string, to: string): Promise<void> {
  return store.transaction(async () => {
    await nextChange(store, 'names');
    await nextChange(store, 'structure');
    await getResourceClass(store, name);
    if (isStandard(name)) throw new BadRequest(`Cannot update standard resource class ${name}`);
    const rows = repository(store, resourceClasses);
    if (to !== name && (isStandard(to) || (await rows.get(to))))
      throw new Conflict(`Resource class already exists: ${to}`);
    await rows.update({ name }, { name: to, updated_at: timestamp() });
    for (const table of ['inventories', 'allocations'] as const) {
      await store.db
        .updateTable(table)
        .set({ resource_class: to })
        .where('resource_class', '=', name)
        .execute();
    }
  });
}

/** @throws UnknownResourceClass; BadRequest for a standard one; Conflict while an inventory is of it */
export function deleteResourceClass(store: PlacementStore, name: string): Promise<void> {
  return store.transaction(async () => {
    await nextChange(store, 'names');
    await getResourceClass(store, name);
    if (isStandard(name)) {
      throw new BadRequest(`Error in delete resource class: Cannot delete standard resource class ${name}.`);
    }
    for (const table of ['inventories', 'allocations'] as const) {
      const used = await store.db
        .selectFrom(table)
        .select('resource_class')
        .where('resource_class', '=', name)
        .limit(1)
        .executeTakeFirst();
      if (!used) continue;
      throw new Conflict(
        `Error in delete resource class: Cannot delete resource class ${name}. Class is in use in inventory.`,
      );
    }
    await repository(store, resourceClasses).delete({ name });
  });
}
