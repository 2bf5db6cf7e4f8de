import type { Holder, PlacementService } from '../../placement/contract.ts';
import type { ComputeStore } from '../store/schema.ts';
import { allHolders, nodesByUuid, unsettled } from './placement-reads.ts';

export interface Orphan {
  consumer: string;
  provider: string;
  host: string | null;
  resources: Record<string, number>;
  why: string;
  deleted: boolean;
}

interface AuditOptions {
  /** Looks at this provider alone. */
  provider?: string;
  delete: boolean;
}

/** Whose allocations compute makes: what other services hold is not its to judge. */
const ownTypes = new Set<string | null>(['INSTANCE', 'MIGRATION', null]);

/**
 * Finds allocations on compute hosts that no server stands behind: its server or migration is gone, or it is settled
 * on another host. Deletes them if asked to, after a second look at each.
 *
 * Allocations are read before the servers: a server has its row before it claims anything, so that one that is made
 * meanwhile is never taken for gone.
 */
export async function auditAllocations(
  store: ComputeStore,
  placement: PlacementService,
  options: AuditOptions,
): Promise<{ consumers: number; orphans: Orphan[] }> {
  const orphans: Orphan[] = [];
  let consumers = 0;
  for await (const holders of allHolders(placement)) {
    const own = holders.filter(({ consumerType }) => ownTypes.has(consumerType));
    consumers += own.length;
    const judge = await judgeOf(store, own);
    for (const holder of own) {
      const wrong = judge(holder).filter(
        ({ provider }) => options.provider === undefined || options.provider === provider,
      );
      if (wrong.length > 0 && options.delete) {
        await takeBack(store, placement, holder, wrong);
      }
      orphans.push(...wrong);
    }
  }
  return { consumers, orphans };
}

/** What of a consumer's allocations is on compute hosts without reason. */
async function judgeOf(
  store: ComputeStore,
  holders: readonly Holder[],
): Promise<(holder: Holder) => Orphan[]> {
  const ids = holders.map(({ consumer }) => consumer);
  if (ids.length === 0) return () => [];
  const migrations = new Set(
    (
      await store.db
        .selectFrom('migrations')
        .select('id')
        .where('id', 'in', ids)
        .where('status', 'in', unsettled)
        .execute()
    ).map(({ id }) => id),
  );
  const servers = new Map(
    (
      await store.db
        .selectFrom('servers')
        .select(['id', 'host', 'task_state', 'deleted'])
        .where('id', 'in', ids)
        .execute()
    ).map((row) => [row.id, row]),
  );
  const moving = new Set(
    (
      await store.db
        .selectFrom('migrations')
        .select('server_id')
        .where('server_id', 'in', ids)
        .where('status', 'in', unsettled)
        .execute()
    ).map(({ server_id }) => server_id),
  );
  const nodes = await nodesByUuid(store);
  return ({ consumer, allocations }) => {
    const server = servers.get(consumer);
    const alive = server !== undefined && !server.deleted;
    if (migrations.has(consumer)) return [];
    const settled = alive && server.task_state === null && server.host !== null && !moving.has(consumer);
    return Object.entries(allocations).flatMap(([provider, resources]): Orphan[] => {
      const host = nodes.get(provider) ?? null;
      const orphan = { consumer, provider, host, resources, deleted: false };
      if (!alive) return [{ ...orphan, why: 'there is no such server or migration' }];
      if (!settled || host === null || host === server.host) return [];
      return [{ ...orphan, why: `the server is on ${server.host}` }];
    });
  };
}

async function takeBack(
  store: ComputeStore,
  placement: PlacementService,
  holder: Holder,
  wrong: readonly Orphan[],
): Promise<void> {
  const { consumer } = holder;
  const allocations = await placement.allocations({ consumer });
  const judge = await judgeOf(store, [{ ...holder, allocations }]);
  const still = new Set(judge({ ...holder, allocations }).map(({ provider }) => provider));
  const gone = wrong.filter(({ provider }) => still.has(provider));
  if (gone.length === 0) return;
  for (const orphan of gone) delete allocations[orphan.provider];
  if (Object.keys(allocations).length === 0) await placement.release({ consumer });
  else {
    const { projectId, userId, consumerType } = holder;
    await placement.claim({
      consumer,
      projectId,
      userId,
      consumerType: consumerType ?? 'INSTANCE',
      allocations,
    });
  }
  for (const orphan of gone) orphan.deleted = true;
}
