import { timestamp } from '../../../platform/store/table.ts';
import type { ServerFlows } from '../flows/flows.ts';
import { offloadTask } from '../flows/offload-server.ts';
import type { FlowParts } from '../flows/parts.ts';

/** The most servers that are begun with at once; the others come next time. */
const most = 500;

/**
 * Begins to take those servers off their hosts that have been shelved for longer than this. Several processes may do
 * so at the same time: each server is begun with once.
 *
 * @returns how many
 */
export async function offloadShelved(
  { store, servers, engine }: Pick<FlowParts, 'store' | 'servers' | 'engine'>,
  { offloadServer }: Pick<ServerFlows, 'offloadServer'>,
  seconds: number,
): Promise<{ servers: number }> {
  const due = await store.db
    .selectFrom('servers')
    .select(['id', 'project_id'])
    .where('vm_state', '=', 'shelved')
    .where('task_state', 'is', null)
    .where('deleted', '=', false)
    .where('shelved_at', '<=', timestamp(new Date(Date.now() - seconds * 1000)))
    .limit(most)
    .execute();
  let count = 0;
  for (const { id, project_id: projectId } of due)
    await store.transaction(async () => {
      const begun = await servers.change(
        { id, vm_state: 'shelved', task_state: null },
        { task_state: offloadTask },
      );
      if (!begun) return;
      count++;
      await engine.startFlow(
        offloadServer,
        { serverId: id },
        { resource: { type: 'server', id }, projectId },
      );
    });
  return { servers: count };
}
