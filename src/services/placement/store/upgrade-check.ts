import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { limitOf } from '../model/capacity.ts';
import type { PlacementStore } from './tables.ts';

export interface CheckResult {
  check: string;
  result: 'success' | 'warning' | 'failure';
  details: string;
}

const checked = (check: string, wrong: 'warning' | 'failure', details: string): CheckResult => ({
  check,
  result: details === '' ? 'success' : wrong,
  details,
});

/**
 * What `placement-status upgrade check` looks for, and whether more is allocated anywhere than there is.
 *
 * @param stateDir where an operator's policy lies
 * @param incompleteProject whose consumers are those that came without a project
 */
export async function upgradeCheck(
  store: PlacementStore,
  stateDir: string,
  incompleteProject: string,
): Promise<CheckResult[]> {
  const { db } = store;
  const rootless = await db
    .selectFrom('resource_providers as one')
    .leftJoin('resource_providers as root', 'root.uuid', 'one.root_uuid')
    .select('one.uuid')
    .where('root.uuid', 'is', null)
    .execute();
  const incomplete = await db
    .selectFrom('consumers')
    .select('uuid')
    .where('project_id', '=', incompleteProject)
    .execute();
  const full = await overallocated(store);
  const jsonPolicy = existsSync(join(stateDir, 'policy.json'));
  const some = (rows: readonly unknown[], words: string) =>
    rows.length === 0 ? '' : `${rows.length} ${words}`;
  return [
    checked(
      'Missing Root Provider IDs',
      'failure',
      some(rootless, 'resource providers have no root provider'),
    ),
    checked(
      'Incomplete Consumers',
      'warning',
      some(
        incomplete,
        'consumers have no project and user: they were made by clients older than microversion 1.8',
      ),
    ),
    checked(
      'Policy File JSON to YAML Migration',
      'failure',
      jsonPolicy ? 'policy.json is not read: write its rules into policy.yaml' : '',
    ),
    checked('Overallocated Inventories', 'warning', full.join('; ')),
  ];
}

/** Inventories of which more is allocated than there is: after they shrank. */
async function overallocated({ db }: PlacementStore): Promise<string[]> {
  const sums = await db
    .selectFrom('allocations')
    .innerJoin('inventories', (on) =>
      on
        .onRef('inventories.provider_uuid', '=', 'allocations.provider_uuid')
        .onRef('inventories.resource_class', '=', 'allocations.resource_class'),
    )
    .select(({ fn }) => [
      'inventories.provider_uuid',
      'inventories.resource_class',
      'inventories.total',
      'inventories.reserved',
      'inventories.allocation_ratio',
      fn.sum('allocations.used').as('sum'),
    ])
    .groupBy([
      'inventories.provider_uuid',
      'inventories.resource_class',
      'inventories.total',
      'inventories.reserved',
      'inventories.allocation_ratio',
    ])
    .execute();
  return sums.flatMap((row) => {
    const [used, limit] = [Number(row.sum), limitOf({ ...row, min_unit: 1, max_unit: 1, step_size: 1 })];
    return used <= limit
      ? []
      : [`${row.resource_class} of ${row.provider_uuid}: ${used} of ${Math.floor(limit)}`];
  });
}
