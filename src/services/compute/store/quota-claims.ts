import { OverQuota } from '../../../platform/errors/errors.ts';
import {
  assertWithinQuota,
  type QuotaLimits,
  type QuotaResource,
  quotaDefaults,
  type ServerQuota,
} from '../model/quotas.ts';
import type { ComputeStore } from './schema.ts';

/** The project under which the limits of all that have none of their own are kept. */
export const defaultProject = 'default';

/** The limits that somebody has set for a project, or (with `userId`) for a user within it. */
export async function ownLimits(
  { db }: ComputeStore,
  projectId: string,
  userId = '',
): Promise<Partial<QuotaLimits>> {
  const rows = await db
    .selectFrom('quotas')
    .select(['resource', 'hard_limit'])
    .where('project_id', '=', projectId)
    .where('user_id', '=', userId)
    .execute();
  return Object.fromEntries(rows.map(({ resource, hard_limit }) => [resource, hard_limit]));
}

/** What projects have that have no limits of their own. */
export const defaultLimits = async (store: ComputeStore): Promise<QuotaLimits> => ({
  ...quotaDefaults,
  ...(await ownLimits(store, defaultProject)),
});

/** What holds for a project, or for a user within it: the user's own limit before the project's before the default. */
export async function quotaLimits(
  store: ComputeStore,
  projectId: string,
  userId?: string,
): Promise<QuotaLimits> {
  return {
    ...(await defaultLimits(store)),
    ...(await ownLimits(store, projectId)),
    ...(userId ? await ownLimits(store, projectId, userId) : {}),
  };
}

/** What the servers of a project, or of a user within it, take. */
export async function quotaUsage(
  { db }: ComputeStore,
  projectId: string,
  userId?: string,
): Promise<ServerQuota> {
  let query = db
    .selectFrom('servers')
    .select(({ fn }) => [
      fn.countAll().as('instances'),
      fn.sum('vcpus').as('cores'),
      fn.sum('memory_mib').as('ram'),
    ])
    .where('project_id', '=', projectId)
    .where('deleted', '=', false);
  if (userId) query = query.where('user_id', '=', userId);
  const { instances, cores, ram } = await query.executeTakeFirstOrThrow();
  return { instances: Number(instances), cores: Number(cores ?? 0), ram: Number(ram ?? 0) };
}

/** How many server groups a project has, or a user within it. */
export async function serverGroupCount(
  { db }: ComputeStore,
  projectId: string,
  userId?: string,
): Promise<number> {
  let query = db
    .selectFrom('server_groups')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('project_id', '=', projectId);
  if (userId) query = query.where('user_id', '=', userId);
  return Number((await query.executeTakeFirstOrThrow()).count);
}

/**
 * Makes sure that new servers fit into what is left of their project's quota and of their user's. Called in the
 * transaction that adds them, so that two requests cannot both have the last of it; a resize claims what it adds.
 *
 * @throws OverQuota 403
 */
export async function claimQuota(
  store: ComputeStore,
  { projectId, userId, ...wanted }: { projectId: string; userId: string } & ServerQuota,
): Promise<void> {
  if (!store.inTransaction) throw new Error('quota is claimed in the transaction that uses it');
  assertWithinQuota(wanted, await quotaUsage(store, projectId), await quotaLimits(store, projectId));
  const own = await ownLimits(store, projectId, userId);
  if (Object.keys(own).length === 0) return;
  const limits = { ...(await quotaLimits(store, projectId)), ...own };
  assertWithinQuota(wanted, await quotaUsage(store, projectId, userId), limits);
}

/** @throws OverQuota 403 when there is more metadata than a project's servers and images may have */
export async function assertMetadataItems(
  store: ComputeStore,
  metadata: Record<string, string>,
  projectId: string,
): Promise<void> {
  const most = await quotaLimit(store, 'metadata_items', projectId);
  if (most >= 0 && Object.keys(metadata).length > most)
    throw new OverQuota(403, `Maximum number of metadata items exceeds ${most}`);
}

/** The limit of one resource for the caller of a request. */
export const quotaLimit = async (
  store: ComputeStore,
  resource: QuotaResource,
  projectId: string,
  userId?: string,
): Promise<number> => (await quotaLimits(store, projectId, userId))[resource];
