import { overQuota } from '../model/errors.ts';
import { defaultQuotas, type QuotaResource } from '../model/quotas.ts';
import type { Network } from './network.ts';
import type { NetworkStore } from './tables.ts';

const tableOf = {
  floatingip: 'floatingips',
  network: 'networks',
  port: 'ports',
  rbac_policy: 'rbac_policies',
  router: 'routers',
  security_group: 'security_groups',
  security_group_rule: 'security_group_rules',
  subnet: 'subnets',
  subnetpool: 'subnetpools',
} as const satisfies Record<QuotaResource, string>;

/** How many of a resource a project has. */
export async function countOf(
  store: NetworkStore,
  resource: QuotaResource,
  projectId: string,
): Promise<number> {
  const row = await store.db
    .selectFrom(tableOf[resource])
    .select((count) => count.fn.countAll().as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

/** All limits of a project: its own where it has some, the defaults for the rest. */
export async function limitsOf(network: Network, projectId: string): Promise<Record<QuotaResource, number>> {
  const rows = await network.store.db
    .selectFrom('quotas')
    .select(['resource', 'quota'])
    .where('project_id', '=', projectId)
    .execute();
  const limits: Record<string, number> = defaultQuotas(network.settings);
  for (const { resource, quota } of rows) if (resource in limits) limits[resource] = quota;
  return limits as Record<QuotaResource, number>;
}

/**
 * Sees that a project may have `more` of a resource. Asked inside the transaction that adds them, so that two at
 * once can't both take the last one.
 *
 * @throws OverQuota
 */
export async function claimQuota(
  network: Network,
  resource: QuotaResource,
  projectId: string,
  more = 1,
): Promise<void> {
  // What belongs to no project is the cloud's own: gateways' ports and the like.
  if (projectId === '') return;
  const own = await network.store.db
    .selectFrom('quotas')
    .select('quota')
    .where('project_id', '=', projectId)
    .where('resource', '=', resource)
    .executeTakeFirst();
  const limit = own?.quota ?? defaultQuotas(network.settings)[resource];
  if (limit < 0) return;
  if ((await countOf(network.store, resource, projectId)) + more > limit) throw overQuota(resource);
}
