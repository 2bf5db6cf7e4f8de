import { randomUUID } from 'node:crypto';
import type { NetworkStore } from './tables.ts';

/** What can be shared, by the names of the RBAC API, and where it is kept. */
export const sharedTables = {
  network: 'networks',
  security_group: 'security_groups',
  subnetpool: 'subnetpools',
  address_group: 'address_groups',
} as const;
export type SharedType = keyof typeof sharedTables;

/** Makes or takes away the sharing of an object with everybody. */
export async function shareWithAll(
  store: NetworkStore,
  type: SharedType,
  object: { id: string; project_id: string },
  action: 'access_as_shared' | 'access_as_external',
  shared: boolean,
): Promise<void> {
  const present = await store.db
    .selectFrom('rbac_policies')
    .select('id')
    .where('object_type', '=', type)
    .where('object_id', '=', object.id)
    .where('action', '=', action)
    .where('target_project', '=', '*')
    .executeTakeFirst();
  if (shared && !present) {
    await store.db
      .insertInto('rbac_policies')
      .values({
        id: randomUUID(),
        project_id: object.project_id,
        object_type: type,
        object_id: object.id,
        action,
        target_project: '*',
      })
      .execute();
  } else if (!shared && present) {
    await store.db.deleteFrom('rbac_policies').where('id', '=', present.id).execute();
  }
  await refreshSharing(store, type, object.id);
}

/** Writes into an object's row what the policies say of it. */
export async function refreshSharing(store: NetworkStore, type: SharedType, id: string): Promise<string[]> {
  const rows = await store.db
    .selectFrom('rbac_policies')
    .select(['action', 'target_project'])
    .where('object_type', '=', type)
    .where('object_id', '=', id)
    .execute();
  const shared = rows
    .filter(({ action }) => action === 'access_as_shared')
    .map(({ target_project }) => target_project);
  await store.db.updateTable(sharedTables[type]).set({ shared_with: shared }).where('id', '=', id).execute();
  if (type === 'network') {
    const external = rows.some(({ action }) => action === 'access_as_external');
    await store.db.updateTable('networks').set({ router_external: external }).where('id', '=', id).execute();
  }
  return shared;
}

/** Forgets to whom an object was shown; for objects that are deleted. */
export async function forgetSharing(store: NetworkStore, type: SharedType, id: string): Promise<void> {
  await store.db
    .deleteFrom('rbac_policies')
    .where('object_type', '=', type)
    .where('object_id', '=', id)
    .execute();
}
