import { Conflict, NotFound } from '../../../platform/errors/errors.ts';
import type { Server } from '../store/servers.ts';
import type { FlowParts } from './parts.ts';

/** The row of a server, while it is wanted. @throws Conflict when somebody has asked for its deletion */
export async function wanted({ servers }: Pick<FlowParts, 'servers'>, serverId: string): Promise<Server> {
  const server = await servers.look(serverId);
  if (!server || server.deleted || server.task_state === 'deleting')
    throw new Conflict(`Instance ${serverId} is being deleted.`, { code: 'UnexpectedDeletingTaskState' });
  return server;
}

/** The same of a server that has a host. @throws Conflict also where it has none */
export async function placed(
  parts: Pick<FlowParts, 'servers'>,
  serverId: string,
): Promise<Server & { host: string }> {
  const server = await wanted(parts, serverId);
  const { host } = server;
  if (host === null) throw new Conflict(`Instance ${serverId} is not ready`);
  return { ...server, host };
}

/**
 * What an undo does to a guest: nothing where the server is gone, to be deleted or without a host, since then there is
 * none to put right.
 */
export async function putRight(
  { servers, agent }: Pick<FlowParts, 'servers' | 'agent'>,
  serverId: string,
  work: (agent: ReturnType<FlowParts['agent']>) => Promise<unknown>,
): Promise<void> {
  const server = await servers.look(serverId);
  if (!server?.host || server.deleted || server.task_state === 'deleting') return;
  await work(agent(server.host)).catch((error: unknown) => {
    if (!(error instanceof NotFound)) throw error;
  });
}
