import { type SqlBool, sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Condition } from '../../../platform/resource/rows.ts';
import type { ComputeStore } from './schema.ts';

/**
 * The flavors that a project may know of: public ones, and those that it was given access to.
 * The condition joins whatever else a query of flavors asks.
 */
export function visibleFlavors({ db }: ComputeStore): (projectId: string | undefined) => Condition {
  // The store compiles a condition once, so that the same project is given the same one.
  const known = new LRUCache<string, Condition>({ max: 1000 });
  const open = { column: 'is_public', op: 'eq', value: true } as const;
  const make = (projectId: string): Condition => {
    const given = db
      .selectFrom('flavor_projects')
      .select('flavor_projects.flavor_id')
      .whereRef('flavor_projects.flavor_id', '=', 'flavors.id' as never)
      .where('flavor_projects.project_id', '=', projectId);
    return { any: [[open], [{ expression: sql<SqlBool>`exists ${given}` }]] };
  };
  return (projectId) => {
    if (projectId === undefined) return open;
    let condition = known.get(projectId);
    if (!condition) known.set(projectId, (condition = make(projectId)));
    return condition;
  };
}
