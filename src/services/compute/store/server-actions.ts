import { randomUUID } from 'node:crypto';
import { currentContext } from '../../../platform/context/context.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { ComputeStore } from './schema.ts';
import { serverActionEvents, serverActions } from './servers.ts';

/** How long a fault's words may be: as upstream's column. */
const mostWords = 255;

/** What was asked of servers, and how it went: found again by the request's id, which flows carry. */
export function serverActionLog(store: ComputeStore) {
  const actions = repository(store, serverActions);
  const events = repository(store, serverActionEvents);

  /** Writes that the request that is running asks something of a server; once, however often it is told. */
  async function record(
    serverId: string,
    action: string,
    {
      event,
      host = null,
      finished = false,
    }: { event?: string; host?: string | null; finished?: boolean } = {},
  ): Promise<void> {
    const { requestId, credentials } = currentContext();
    const key = { server_id: serverId, request_id: requestId };
    if (await actions.find(key)) return;
    const now = timestamp();
    const id = randomUUID();
    await actions.insert({
      ...key,
      id,
      action,
      user_id: credentials?.userId ?? null,
      project_id: credentials?.projectId ?? null,
      start_time: now,
      updated_at: now,
    });
    if (event === undefined) return;
    await events.insert({
      action_id: id,
      event,
      host,
      start_time: now,
      ...(finished ? { finish_time: now, result: 'Success' } : {}),
    });
  }

  /** Writes how what the running request (or flow) asked of a server ended. */
  async function finish(serverId: string, { host, error }: { host?: string | null; error?: Error } = {}) {
    const { requestId } = currentContext();
    const action = await actions.find({ server_id: serverId, request_id: requestId });
    if (!action) return;
    const now = timestamp();
    await actions.update({ id: action.id }, { updated_at: now, ...(error ? { message: 'Error' } : {}) });
    await events.update([{ column: 'action_id', op: 'eq', value: action.id }], {
      finish_time: now,
      result: error ? 'Error' : 'Success',
      ...(host === undefined ? {} : { host }),
      ...(error ? { details: error.message.slice(0, mostWords), traceback: error.message } : {}),
    });
  }

  return { record, finish, actions, events };
}

export type ServerActionLog = ReturnType<typeof serverActionLog>;
