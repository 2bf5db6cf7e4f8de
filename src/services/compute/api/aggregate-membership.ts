import { ApiError } from '../../../platform/errors/errors.ts';
import type { Compute } from '../compute.ts';

type Parts = Pick<Compute, 'store' | 'placement' | 'platform'>;

/**
 * Puts a host's resource provider into the placement aggregate of a host aggregate that it has joined. Who added the
 * host need not know of placement: where this fails, a warning says so, and `sync-aggregates` makes good for it.
 */
export async function joinInPlacement(parts: Parts, aggregate: string, host: string): Promise<void> {
  try {
    await changeMembership(parts, host, { add: [aggregate], remove: [] });
  } catch (err) {
    parts.platform.log.warn({ err, aggregate, host }, 'a host is not yet in its aggregate in placement');
  }
}

/**
 * Takes a host's resource provider out of the placement aggregate of a host aggregate, before it leaves that: if this
 * fails the host is still in it, and can be taken out again. A provider that is not there is in no aggregate.
 *
 * @throws what placement throws
 */
export async function leaveInPlacement(parts: Parts, aggregate: string, host: string): Promise<void> {
  try {
    await changeMembership(parts, host, { add: [], remove: [aggregate] });
  } catch (err) {
    if (!(err instanceof ApiError && err.status === 404)) throw err;
    parts.platform.log.warn({ err, aggregate, host }, 'a host that leaves its aggregate is not in placement');
  }
}

async function changeMembership(
  { store, placement }: Parts,
  host: string,
  change: { add: string[]; remove: string[] },
): Promise<void> {
  const nodes = await store.db.selectFrom('compute_nodes').select('id').where('host', '=', host).execute();
  for (const { id } of nodes) await placement.changeAggregates({ provider: id, ...change });
}
