import { repository } from '../../../platform/store/repository.ts';
import type { QuotaLimits, QuotaResource } from '../model/quotas.ts';
import { quotas } from './quotas.ts';
import type { ComputeStore } from './schema.ts';

/** Sets limits of a project, of a user within it, or (project `default`) of all that have none of their own. */
export async function setLimits(
  store: ComputeStore,
  project_id: string,
  limits: Partial<QuotaLimits>,
  user_id = '',
): Promise<void> {
  const rows = repository(store, quotas);
  await store.transaction(async () => {
    for (const [resource, hard_limit] of Object.entries(limits)) {
      const key = { project_id, user_id, resource };
      if ((await rows.update(key, { hard_limit })) === 0) await rows.insert({ ...key, hard_limit });
    }
  });
}

/** Forgets the limits of a user within a project; without one, all of the project's and of its users. */
export async function forgetLimits(store: ComputeStore, project_id: string, user_id?: string): Promise<void> {
  await repository(store, quotas).delete({ project_id, ...(user_id ? { user_id } : {}) });
}

/** What the users of a project have been given of one of its resources; -1 where one has no limit. */
export async function givenToUsers(
  { db }: ComputeStore,
  projectId: string,
  resource: QuotaResource,
): Promise<number> {
  const rows = await db
    .selectFrom('quotas')
    .select('hard_limit')
    .where('project_id', '=', projectId)
    .where('user_id', '<>', '')
    .where('resource', '=', resource)
    .execute();
  return rows.reduce((sum, { hard_limit }) => sum + Math.max(0, hard_limit), 0);
}
