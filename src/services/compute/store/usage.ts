import { timestamp } from '../../../platform/store/table.ts';
import type { Period } from '../model/usage.ts';
import type { ComputeStore } from './schema.ts';

/** The most servers of one report. */
const mostServers = 1000;

export interface UsageQuery {
  period: Period;
  projectId?: string;
  /** The server after which the page begins. */
  after?: { project_id: string; id: string };
  limit?: number;
}

/** Servers that ran at some time of a period, deleted ones too: project by project, so that pages keep together. */
export function serversWithin(
  { db }: ComputeStore,
  { period, projectId, after, limit = mostServers }: UsageQuery,
) {
  let query = db
    .selectFrom('servers')
    .select(['id', 'name', 'project_id', 'vm_state', 'flavor', 'launched_at', 'terminated_at'])
    .where('launched_at', '<', timestamp(new Date(period.end)))
    .where(({ eb, or }) =>
      or([eb('terminated_at', 'is', null), eb('terminated_at', '>', timestamp(new Date(period.start)))]),
    );
  if (projectId !== undefined) query = query.where('project_id', '=', projectId);
  if (after) {
    query = query.where(({ eb, or, and }) =>
      or([
        eb('project_id', '>', after.project_id),
        and([eb('project_id', '=', after.project_id), eb('id', '>', after.id)]),
      ]),
    );
  }
  return query.orderBy('project_id').orderBy('id').limit(limit).execute();
}
