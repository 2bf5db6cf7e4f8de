import { Conflict, NotFound } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { assertActionAllowed, type RequiredAction } from '../model/server-actions.ts';
import type { ComputeStore } from './schema.ts';
import { type Server, servers } from './servers.ts';

/** What is done to servers' rows by flows and actions, each safe against others that act at the same time. */
export function serverChanges(store: ComputeStore) {
  const rows = repository(store, servers);
  const byId = store.prepared((db, { id }: { id: string }) =>
    db.selectFrom('servers').selectAll().where('id', '=', id),
  );

  /** @throws NotFound also for deleted servers */
  async function find(id: string): Promise<Server> {
    const found = (await byId.first({ id })) as Server | undefined;
    if (!found || found.deleted) throw new NotFound(`Instance ${id} could not be found.`);
    return found;
  }

  /** The row, deleted or not. */
  const look = async (id: string) => (await byId.first({ id })) as Server | undefined;

  /** Writes changes with the time. @returns whether the server (in the given state, where one is given) was there */
  async function change(
    where: { id: string; task_state?: string | null; vm_state?: string | string[] },
    changes: Partial<Server>,
  ): Promise<boolean> {
    const updated = await rows.update({ ...where, deleted: false }, { ...changes, updated_at: timestamp() });
    return updated > 0;
  }

  /**
   * Marks a server as busy with a task, if its state allows the action: of two actions at once, one is refused.
   * Within a transaction that also starts the flow.
   * @throws Conflict, NotFound
   */
  async function begin(
    id: string,
    action: RequiredAction,
    task: string,
    options: { named?: string; isAdmin?: boolean } = {},
  ): Promise<Server> {
    const server = await find(id);
    assertActionAllowed(server, action, options);
    if (!(await change({ id, task_state: server.task_state }, { task_state: task })))
      throw new Conflict(
        `Cannot '${options.named ?? action}' instance ${id} while it is in task_state ${server.task_state}`,
      );
    return { ...server, task_state: task };
  }

  return { find, look, change, begin, rows };
}

export type ServerChanges = ReturnType<typeof serverChanges>;
