import { integer, table, text } from '../../../platform/store/table.ts';

/**
 * Limits that an operator has set: for a project, for a user within a project, or (project `default`) for all that
 * have none of their own. What is used is counted from the servers themselves.
 */
export const quotas = table(
  'quotas',
  {
    project_id: text({ length: 64 }),
    /** Empty: the whole project's. */
    user_id: text({ length: 64, default: '' }),
    resource: text({ length: 64 }),
    /** -1: as much as there is. */
    hard_limit: integer(),
  },
  { primaryKey: ['project_id', 'user_id', 'resource'] },
);

export const quotaTables = { quotas };
