import type { ComputeStore } from './schema.ts';
import type { ServerGroup } from './server-groups.ts';

/** Server groups with the ids of their servers that are not deleted, oldest first. One query for all groups. */
export async function withMembers(
  { db }: ComputeStore,
  groups: readonly ServerGroup[],
): Promise<(ServerGroup & { members: string[] })[]> {
  if (groups.length === 0) return [];
  const rows = await db
    .selectFrom('server_group_members')
    .innerJoin('servers', 'servers.id', 'server_group_members.server_id')
    .select(['server_group_members.group_id', 'server_group_members.server_id'])
    .where(
      'server_group_members.group_id',
      'in',
      groups.map(({ id }) => id),
    )
    .where('servers.deleted', '=', false)
    .orderBy('server_group_members.position')
    .execute();
  const byGroup = Map.groupBy(rows, ({ group_id }) => group_id);
  return groups.map((group) => ({
    ...group,
    members: (byGroup.get(group.id) ?? []).map(({ server_id }) => server_id),
  }));
}
