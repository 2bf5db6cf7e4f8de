import { BadRequest } from '../../../platform/errors/errors.ts';
import { conflict } from '../model/errors.ts';
import type { Network } from '../store/network.ts';
import { defaultSecurityGroup } from '../store/security-groups.ts';

/**
 * Ids of groups that are named by id or name; each must be one of the project's, or shared with it.
 * @throws BadRequest, Conflict in the words that compute's clients know
 */
export async function securityGroupIds(
  network: Network,
  projectId: string,
  given: readonly string[],
): Promise<string[]> {
  if (given.length === 0) return [];
  if (given.includes('default')) await defaultSecurityGroup(network, projectId);
  const rows = await network.store.db
    .selectFrom('security_groups')
    .select(['id', 'name', 'project_id', 'shared_with'])
    .where((where) =>
      where.or([
        where('id', 'in', given),
        where.and([where('name', 'in', given), where('project_id', '=', projectId)]),
      ]),
    )
    .execute();
  const usable = rows.filter(
    (row) =>
      row.project_id === projectId || row.shared_with.includes('*') || row.shared_with.includes(projectId),
  );
  const ids = given.map((name) => {
    const byId = usable.find((row) => row.id === name);
    if (byId) return byId.id;
    const byName = usable.filter((row) => row.name === name);
    if (byName.length > 1) {
      throw conflict(
        'NoUniqueMatch',
        `Multiple security groups found matching '${name}'. Use an ID to be more specific.`,
      );
    }
    const [one] = byName;
    if (!one)
      throw new BadRequest(`Security group ${name} not found for project ${projectId}.`, {
        code: 'SecurityGroupNotFound',
      });
    return one.id;
  });
  return [...new Set(ids)];
}
