import { Conflict } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { ConcurrentUpdate, DuplicateProvider, ImpossibleTree, UnknownProvider } from '../model/refusals.ts';
import { nextChange } from './changes.ts';
import { type PlacementStore, type ProviderRow, resourceProviders } from './tables.ts';

export interface NewProvider {
  uuid: string;
  name: string;
  parentUuid: string | null;
}

/** @throws UnknownProvider */
export async function getProvider(store: PlacementStore, uuid: string): Promise<ProviderRow> {
  const row = await repository(store, resourceProviders).get(uuid);
  if (!row) throw new UnknownProvider(uuid);
  return row;
}

/** By uuid; those that are not there are left out. */
export async function findProviders(
  store: PlacementStore,
  uuids: readonly string[],
): Promise<Map<string, ProviderRow>> {
  if (uuids.length === 0) return new Map();
  const rows = await repository(store, resourceProviders).list({
    where: [{ column: 'uuid', op: 'in', value: uuids }],
  });
  return new Map(rows.map((row) => [row.uuid, row]));
}

/** @throws DuplicateProvider, ImpossibleTree */
export function createProvider(store: PlacementStore, given: NewProvider): Promise<ProviderRow> {
  return store.transaction(async () => {
    const rows = repository(store, resourceProviders);
    const change = await nextChange(store);
    if (given.name === '') throw new ImpossibleTree('create', 'name is required');
    const root = given.parentUuid === null ? given.uuid : await rootOf(store, given.uuid, given.parentUuid);
    const taken = [
      ...((await rows.get(given.uuid)) ? [`uuid: ${given.uuid}`] : []),
      ...((await rows.find({ name: given.name })) ? [`name: ${given.name}`] : []),
    ];
    if (taken.length > 0) throw new DuplicateProvider(taken.join(', '));
    const now = timestamp();
    const row = {
      uuid: given.uuid,
      name: given.name,
      generation: 0,
      parent_uuid: given.parentUuid,
      root_uuid: root,
      last_change: change,
      created_at: now,
      updated_at: now,
    };
    await rows.insert(row);
    return row;
  });
}

async function rootOf(store: PlacementStore, uuid: string, parentUuid: string): Promise<string> {
  if (uuid === parentUuid) {
    throw new ImpossibleTree(
      'create',
      'parent provider UUID cannot be same as UUID. Please set parent provider UUID to None if there is no parent.',
    );
  }
  const parent = await repository(store, resourceProviders).get(parentUuid);
  if (!parent) throw new ImpossibleTree('create', 'parent provider UUID does not exist.');
  return parent.root_uuid;
}

/**
 * Changes name and parent; the generation stays, as upstream.
 *
 * @param given.parentUuid absent: as it is. `null`: none.
 * @param mayMove whether a provider that has a parent may get another, or none (microversion 1.37)
 * @throws DuplicateProvider, ImpossibleTree
 */
export function updateProvider(
  store: PlacementStore,
  uuid: string,
  given: { name: string; parentUuid?: string | null },
  mayMove: boolean,
): Promise<ProviderRow> {
  return store.transaction(async () => {
    const rows = repository(store, resourceProviders);
    const change = await nextChange(store);
    const row = await getProvider(store, uuid);
    const parentUuid = given.parentUuid === undefined ? row.parent_uuid : given.parentUuid;
    const moves = parentUuid !== row.parent_uuid;
    const root = moves ? await newRoot(store, row, parentUuid, mayMove) : row.root_uuid;
    if (!moves && given.name === row.name) return row;
    const other = await rows.find({ name: given.name });
    if (other && other.uuid !== uuid) throw new DuplicateProvider(given.name);
    const now = timestamp();
    const changed = { name: given.name, last_change: change, updated_at: now };
    if (!moves) {
      await rows.update({ uuid }, changed);
      return { ...row, ...changed };
    }
    await nextChange(store, 'structure');
    for (const each of await subtree(store, row)) await rows.update({ uuid: each }, { root_uuid: root });
    await rows.update({ uuid }, { ...changed, parent_uuid: parentUuid });
    return { ...row, ...changed, parent_uuid: parentUuid, root_uuid: root };
  });
}

async function newRoot(
  store: PlacementStore,
  row: ProviderRow,
  parentUuid: string | null,
  mayMove: boolean,
): Promise<string> {
  if (parentUuid === null) {
    if (!mayMove) throw new ImpossibleTree('update', 'un-parenting a provider is not currently allowed.');
    return row.uuid;
  }
  const parent = await repository(store, resourceProviders).get(parentUuid);
  if (!parent) throw new ImpossibleTree('create', 'parent provider UUID does not exist.');
  if (row.parent_uuid !== null && !mayMove)
    throw new ImpossibleTree('update', 're-parenting a provider is not currently allowed.');
  if ((await subtree(store, row)).has(parentUuid))
    throw new ImpossibleTree('update', 'creating loop in the provider tree is not allowed.');
  return parent.root_uuid;
}

/** The provider and all below it. */
async function subtree(store: PlacementStore, top: ProviderRow): Promise<Set<string>> {
  const tree = await repository(store, resourceProviders).list({
    where: [{ column: 'root_uuid', op: 'eq', value: top.root_uuid }],
  });
  const found = new Set([top.uuid]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const each of tree) if (each.parent_uuid && found.has(each.parent_uuid)) found.add(each.uuid);
  }
  return found;
}

/** @throws UnknownProvider; Conflict while it has children or allocations */
export function deleteProvider(store: PlacementStore, uuid: string): Promise<void> {
  return store.transaction(async () => {
    await nextChange(store, 'structure');
    const rows = repository(store, resourceProviders);
    await getProvider(store, uuid);
    if (await rows.find({ parent_uuid: uuid })) {
      throw new Conflict(
        `Unable to delete parent resource provider ${uuid}: It has child resource providers.`,
        { code: 'placement.resource_provider.cannot_delete_parent' },
      );
    }
    const held = await store.db
      .selectFrom('allocations')
      .select('used')
      .where('provider_uuid', '=', uuid)
      .limit(1)
      .executeTakeFirst();
    if (held) {
      throw new Conflict(`Unable to delete resource provider ${uuid}: Resource provider has allocations.`, {
        code: 'placement.resource_provider.inuse',
      });
    }
    await rows.delete({ uuid });
  });
}

/**
 * Counts the generation up if it is still what the caller has seen; inside the transaction of the change it stands for.
 *
 * @throws ConcurrentUpdate
 */
export async function advance(store: PlacementStore, row: ProviderRow, change: number): Promise<ProviderRow> {
  const changed = { generation: row.generation + 1, last_change: change, updated_at: timestamp() };
  const { uuid, generation } = row;
  const count = await repository(store, resourceProviders).update({ uuid, generation }, changed);
  if (count !== 1) throw new ConcurrentUpdate();
  return { ...row, ...changed };
}

/** Says that what is known of the providers is no longer so, where the generation stays. */
export async function touch(store: PlacementStore, uuids: readonly string[], change: number): Promise<void> {
  if (uuids.length === 0) return;
  await repository(store, resourceProviders).update([{ column: 'uuid', op: 'in', value: uuids }], {
    last_change: change,
  });
}
