import type { PlacementService } from '../../placement/contract.ts';
import type { ComputeStore } from '../store/schema.ts';

export interface AggregateChange {
  host: string;
  provider: string | null;
  add: string[];
  remove: string[];
  /** `changed`, `would change`, or why it could not be. */
  result: string;
}

/**
 * Puts the resource providers of hosts into the placement aggregates of the host aggregates that they are in, and out
 * of those that they have left. Aggregates of placement that are none of compute's stay as they are.
 */
export async function syncAggregates(
  store: ComputeStore,
  placement: PlacementService,
  { dryRun }: { dryRun: boolean },
): Promise<{ hosts: number; changes: AggregateChange[]; failed: number }> {
  const own = new Set((await store.db.selectFrom('aggregates').select('id').execute()).map(({ id }) => id));
  const members = await store.db.selectFrom('aggregate_hosts').select(['aggregate_id', 'host']).execute();
  const wanted = new Map<string, string[]>();
  for (const { aggregate_id, host } of members) wanted.set(host, [...(wanted.get(host) ?? []), aggregate_id]);
  const nodes = await store.db.selectFrom('compute_nodes').select(['id', 'host']).orderBy('host').execute();
  const changes: AggregateChange[] = [];
  const known = new Set(nodes.map(({ host }) => host));
  for (const [host, add] of wanted) {
    if (!known.has(host))
      changes.push({
        host,
        provider: null,
        add,
        remove: [],
        result: 'no compute node of this name is known',
      });
  }
  const present = await placement.aggregates({ providers: nodes.map(({ id }) => id) });
  for (const { id, host } of nodes) {
    const should = wanted.get(host) ?? [];
    const has = present[id];
    const add = should.filter((aggregate) => !has?.includes(aggregate));
    const remove = (has ?? []).filter((aggregate) => own.has(aggregate) && !should.includes(aggregate));
    if (add.length + remove.length === 0) continue;
    const change = { host, provider: id, add, remove };
    if (!has) changes.push({ ...change, result: 'placement has no resource provider for it' });
    else if (dryRun) changes.push({ ...change, result: 'would change' });
    else {
      await placement.changeAggregates({ provider: id, add, remove });
      changes.push({ ...change, result: 'changed' });
    }
  }
  const failed = changes.filter(({ result }) => result !== 'changed' && result !== 'would change').length;
  return { hosts: nodes.length, changes, failed };
}
