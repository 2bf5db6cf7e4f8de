import { repository } from '../../../platform/store/repository.ts';
import { securityGroupNotFound } from '../model/errors.ts';
import type { Network } from './network.ts';
import { stamped } from './standard.ts';
import {
  defaultSecurityGroups,
  type NetworkStore,
  type SecurityGroupRow,
  securityGroupRules,
  securityGroups,
} from './tables.ts';

/**
 * The default group of a project, made when it is first needed: out goes everything, in comes what its own members
 * send, for both families.
 */
export function defaultSecurityGroup(network: Network, projectId: string): Promise<string> {
  const { store } = network;
  const find = async () =>
    (
      await store.db
        .selectFrom('default_security_groups')
        .select('security_group_id')
        .where('project_id', '=', projectId)
        .executeTakeFirst()
    )?.security_group_id;
  return store.transaction(async () => {
    const present = await find();
    if (present) return present;
    const row = await insertSecurityGroup(store, projectId, {
      name: 'default',
      description: 'Default security group',
    });
    await repository(store, defaultSecurityGroups).insert({
      project_id: projectId,
      security_group_id: row.id,
    });
    await repository(store, securityGroupRules).insert(
      (['IPv4', 'IPv6'] as const).map((ethertype) => ({
        ...stamped(projectId),
        security_group_id: row.id,
        direction: 'ingress' as const,
        ethertype,
        remote_group_id: row.id,
      })),
    );
    return row.id;
  });
}

/** A group with the two rules that every new one has: out goes everything. */
export async function insertSecurityGroup(
  store: NetworkStore,
  projectId: string,
  given: { name: string; description?: string; stateful?: boolean },
): Promise<SecurityGroupRow> {
  const row: SecurityGroupRow = {
    ...stamped(projectId),
    description: '',
    stateful: true,
    tags: [],
    shared_with: [],
    ...given,
  };
  await repository(store, securityGroups).insert(row);
  await repository(store, securityGroupRules).insert(
    (['IPv4', 'IPv6'] as const).map((ethertype) => ({
      ...stamped(projectId),
      security_group_id: row.id,
      direction: 'egress' as const,
      ethertype,
    })),
  );
  return row;
}

/** Sees that groups exist and that the project may use them. @throws NotFound */
export async function checkSecurityGroups(
  store: NetworkStore,
  ids: readonly string[],
  projectId: string | undefined,
): Promise<string[]> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return [];
  const rows = await repository(store, securityGroups).list({ where: { id: wanted } });
  const usable = new Set(
    rows
      .filter(
        (row) =>
          projectId === undefined ||
          row.project_id === projectId ||
          row.shared_with.includes('*') ||
          row.shared_with.includes(projectId),
      )
      .map(({ id }) => id),
  );
  const missing = wanted.find((id) => !usable.has(id));
  if (missing !== undefined) throw securityGroupNotFound(missing);
  return wanted;
}
