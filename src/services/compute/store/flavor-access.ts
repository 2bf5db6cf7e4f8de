import { type SqlBool, sql } from 'kysely';
import type { Condition } from '../../../platform/resource/rows.ts';
import type { ComputeStore } from './schema.ts';

/**
 * The flavors that a project may know of: public ones, and those that it was given access to.
 * The condition joins whatever else a query of flavors asks.
 */
export const visibleFlavors =
  ({ db }: ComputeStore) =>
  (projectId: string | undefined): Condition => {
    const open = { column: 'is_public', op: 'eq', value: true } as const;
    if (projectId === undefined) return open;
    const given = db
      .selectFrom('flavor_projects')
      .select('flavor_projects.flavor_id')
      .whereRef('flavor_projects.flavor_id', '=', 'flavors.id' as never)
      .where('flavor_projects.project_id', '=', projectId);
    return { any: [[open], [{ expression: sql<SqlBool>`exists ${given}` }]] };
  };
