import { repository } from '../../../platform/store/repository.ts';
import { addressGroupNotFound } from '../model/errors.ts';
import type { Network } from './network.ts';
import { addressGroups, type NetworkStore } from './tables.ts';

/** Sees that a group exists and that the project may use it. @throws NotFound */
export async function checkAddressGroup(
  store: NetworkStore,
  id: string,
  projectId: string | undefined,
): Promise<void> {
  const row = await repository(store, addressGroups).get(id);
  const usable =
    row &&
    (projectId === undefined ||
      row.project_id === projectId ||
      row.shared_with.includes('*') ||
      row.shared_with.includes(projectId));
  if (!usable) throw addressGroupNotFound(id);
}

/** The security groups that have a rule about an address group. */
export async function securityGroupsNaming({ store }: Network, addressGroupId: string): Promise<string[]> {
  const rows = await store.db
    .selectFrom('security_group_rules')
    .select('security_group_id')
    .distinct()
    .where('remote_address_group_id', '=', addressGroupId)
    .execute();
  return rows.map(({ security_group_id }) => security_group_id);
}
