import { ApiError, Conflict } from '../../../platform/errors/errors.ts';
import { resourcesAsked, traitsAsked } from '../model/scheduler/resources.ts';
import type { Server, ServerFlavor } from '../store/servers.ts';
import type { FlowParts } from './parts.ts';

const noValidHost = (why: string) =>
  new ApiError(500, `No valid host was found. ${why}`, { code: 'NoValidHost' });

/**
 * Claims, on the host that a server has, what all of these flavors need at their largest: both while a resize can go
 * either way, one when it is settled.
 *
 * @throws ApiError `NoValidHost` (500) where the host has not enough left, or is not of the kind that is asked for
 */
export async function claimFor(
  { placement, store }: Pick<FlowParts, 'placement' | 'store'>,
  server: Server,
  ...flavors: ServerFlavor[]
): Promise<void> {
  const node = await store.db
    .selectFrom('compute_nodes')
    .select(['id', 'traits'])
    .where('host', '=', server.host)
    .executeTakeFirst();
  if (!node) throw noValidHost(`Host ${server.host} is not known any more.`);
  const wanted: Record<string, number> = {};
  for (const flavor of flavors) {
    const { required = [], forbidden = [] } = traitsAsked(flavor);
    const has = new Set(node.traits);
    if (required.some((trait) => !has.has(trait)) || forbidden.some((trait) => has.has(trait)))
      throw noValidHost("The server's host lacks what the flavor requires.");
    for (const [name, amount] of Object.entries(resourcesAsked(flavor)))
      wanted[name] = Math.max(wanted[name] ?? 0, amount);
  }
  try {
    await placement.claim({
      consumer: server.id,
      projectId: server.project_id,
      userId: server.user_id,
      consumerType: 'INSTANCE',
      allocations: { [node.id]: wanted },
    });
  } catch (error) {
    if (error instanceof Conflict) throw noValidHost('There is not enough left on the host of the server.');
    throw error;
  }
}
