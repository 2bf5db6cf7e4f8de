import { ApiError } from '../../../platform/errors/errors.ts';
import { claimFor } from '../flows/claim-resize.ts';
import type { FlowParts } from '../flows/parts.ts';
import { resourcesAsked } from '../model/scheduler/resources.ts';
import type { Server, ServerFlavor } from '../store/servers.ts';
import { unsettled } from './placement-reads.ts';

export interface Healed {
  server: string;
  host: string;
  resources: Record<string, number>;
  /** `healed`, `would heal`, or why it could not be. */
  result: string;
}

interface HealOptions {
  /** This server alone. */
  server?: string;
  /** At most so many are healed in one run. */
  most: number;
  /** Those too that hold something else than their flavor says. */
  force: boolean;
  dryRun: boolean;
}

/**
 * Makes the allocations of servers that are on a host and hold nothing of it; those with work under way are left to
 * that. Where the host has not enough left, it stays as it is and is said.
 */
export async function healAllocations(
  parts: Pick<FlowParts, 'placement' | 'store'>,
  { server: only, most, force, dryRun }: HealOptions,
): Promise<{ servers: number; healed: Healed[]; failed: number; more: boolean }> {
  const { placement, store } = parts;
  const all = store.db
    .selectFrom('servers')
    .selectAll()
    .where('deleted', '=', false)
    .where('host', 'is not', null)
    .where('task_state', 'is', null)
    .$if(only !== undefined, (query) => query.where('id', '=', only ?? ''))
    .orderBy('id')
    .limit(page);
  const found = { servers: 0, healed: [] as Healed[], failed: 0, more: false };
  let after = '';
  for (;;) {
    const servers = (await all.where('id', '>', after).execute()) as Server[];
    const last = servers.at(-1);
    if (!last) return found;
    after = last.id;
    for (const server of servers) {
      found.servers += 1;
      const flavors = await flavorsOf(parts, server);
      if (!flavors) continue;
      const wanted = largest(flavors);
      const node = await store.db
        .selectFrom('compute_nodes')
        .select('id')
        .where('host', '=', server.host)
        .executeTakeFirst();
      const held = await placement.allocations({ consumer: server.id });
      if (Object.keys(held).length > 0 && !(force && !isSame(held, node?.id, wanted))) continue;
      if (found.healed.length >= most) return { ...found, more: true };
      const result = dryRun ? 'would heal' : await heal(parts, server, flavors);
      if (result !== 'healed' && result !== 'would heal') found.failed += 1;
      found.healed.push({ server: server.id, host: server.host ?? '', resources: wanted, result });
    }
  }
}

const page = 500;

async function heal(
  parts: Pick<FlowParts, 'placement' | 'store'>,
  server: Server,
  flavors: readonly ServerFlavor[],
): Promise<string> {
  try {
    await claimFor(parts, server, ...flavors);
    return 'healed';
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}

/** What the server needs room for; undefined while a resize is being done, which sees to that itself. */
async function flavorsOf(
  { store }: Pick<FlowParts, 'store'>,
  server: Server,
): Promise<ServerFlavor[] | undefined> {
  const migrations = await store.db
    .selectFrom('migrations')
    .select(['status', 'old_flavor', 'new_flavor'])
    .where('server_id', '=', server.id)
    .where('status', 'in', unsettled)
    .execute();
  if (migrations.some(({ status }) => status !== 'finished')) return undefined;
  return [server.flavor, ...migrations.flatMap((each) => [each.old_flavor, each.new_flavor])];
}

function largest(flavors: readonly ServerFlavor[]): Record<string, number> {
  const wanted: Record<string, number> = {};
  for (const flavor of flavors)
    for (const [name, amount] of Object.entries(resourcesAsked(flavor)))
      wanted[name] = Math.max(wanted[name] ?? 0, amount);
  return wanted;
}

function isSame(
  held: Record<string, Record<string, number>>,
  node: string | undefined,
  wanted: Record<string, number>,
): boolean {
  const [[provider, resources] = [], ...others] = Object.entries(held);
  if (others.length > 0 || provider !== node || !resources) return false;
  const names = new Set([...Object.keys(resources), ...Object.keys(wanted)]);
  return [...names].every((name) => resources[name] === wanted[name]);
}
