import type { AnyStore, Store } from '../store/store.ts';
import { timestamp } from '../store/table.ts';
import type { Progress } from './progress.ts';
import type { FlowRow, FlowState, FlowTables } from './tables.ts';

/** Any service's store whose schema includes `flowTables`. */
export interface FlowStore extends AnyStore {
  readonly tables: FlowTables;
}

/** What `list` may ask for. */
export interface FlowFilter {
  state?: FlowState | readonly FlowState[];
  name?: string;
  resource?: { type: string; id: string };
  projectId?: string;
  /** Default 100. */
  limit?: number;
  /** The id of the last flow of the page before; newest come first. */
  after?: string;
}

const unfinished = ['running', 'unwinding', 'stuck'] as const;

/** The queries on the table of flows. Whoever runs a flow writes only while the row says that it is the runner. */
export class FlowRows {
  readonly #store: Store<FlowTables>;
  readonly #save;

  constructor(store: FlowStore) {
    // A store with more tables has these too; Kysely's types cannot say so.
    this.#store = store as unknown as Store<FlowTables>;
    type Save = Omit<Progress, 'flow_input'> & {
      id: string;
      by: string;
      runner_id: string | null;
      lease_expires_at: string | null;
      updated_at: string;
    };
    this.#save = this.#store.prepared((db, args: Save) =>
      db
        .updateTable('flows')
        .set({
          outputs: args.outputs,
          step_names: args.step_names,
          step_index: args.step_index,
          step_name: args.step_name,
          state: args.state,
          failure: args.failure,
          problem: args.problem,
          history: args.history,
          attempts: args.attempts,
          runner_id: args.runner_id,
          lease_expires_at: args.lease_expires_at,
          updated_at: args.updated_at,
        })
        .where('id', '=', args.id)
        .where('runner_id', '=', args.by),
    );
  }

  async insert(row: FlowRow): Promise<void> {
    await this.#store.db.insertInto('flows').values(row).execute();
  }

  find(id: string): Promise<FlowRow | undefined> {
    return this.#store.db.selectFrom('flows').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** Writes what `by` has achieved. @returns false when the flow is no longer its */
  async save(
    id: string,
    by: string,
    progress: Progress,
    hold: { runnerId: string | null; leaseUntil: number | null },
    now: number,
  ): Promise<boolean> {
    const matched = await this.#save.run({
      ...progress,
      id,
      by,
      runner_id: hold.runnerId,
      lease_expires_at: hold.leaseUntil === null ? null : at(hold.leaseUntil),
      updated_at: at(now),
    });
    return matched > 0;
  }

  /** Unfinished flows that nobody holds any more: the lease is over; or earlier lives of `mine` held them. */
  async orphans(now: number, mine?: { runner: string; life: string }): Promise<FlowRow[]> {
    let query = this.#store.db
      .selectFrom('flows')
      .selectAll()
      .where('state', 'in', unfinished)
      .orderBy('created_at')
      .limit(500);
    if (!mine)
      query = query.where((eb) =>
        eb.or([eb('lease_expires_at', 'is', null), eb('lease_expires_at', '<', at(now))]),
      );
    const rows = await query.execute();
    if (!mine) return rows;
    return rows.filter(
      ({ runner_id: runner, lease_expires_at: lease }) =>
        lease === null || lease < at(now) || (runner?.startsWith(`${mine.runner}/`) && runner !== mine.life),
    );
  }

  /** Takes a flow over from whoever `row` says holds it. @returns false when somebody else was quicker */
  async claim(row: FlowRow, by: string, state: FlowState, leaseUntil: number): Promise<boolean> {
    let query = this.#store.db
      .updateTable('flows')
      .set({ runner_id: by, lease_expires_at: at(leaseUntil), state })
      .where('id', '=', row.id)
      .where('state', 'in', unfinished);
    query =
      row.runner_id === null
        ? query.where('runner_id', 'is', null)
        : query.where('runner_id', '=', row.runner_id);
    query =
      row.lease_expires_at === null
        ? query.where('lease_expires_at', 'is', null)
        : query.where('lease_expires_at', '=', row.lease_expires_at);
    const { numUpdatedRows } = await query.executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Holds on to flows that are being run. Of those the runner has lost, nothing changes. */
  async renew(ids: readonly string[], by: string, leaseUntil: number): Promise<void> {
    for (let from = 0; from < ids.length; from += 500)
      await this.#store.db
        .updateTable('flows')
        .set({ lease_expires_at: at(leaseUntil) })
        .where('id', 'in', ids.slice(from, from + 500))
        .where('runner_id', '=', by)
        .execute();
  }

  async list(filter: FlowFilter): Promise<FlowRow[]> {
    const { state, name, resource, projectId, limit = 100, after } = filter;
    let query = this.#store.db
      .selectFrom('flows')
      .selectAll()
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit);
    if (state) query = query.where('state', 'in', typeof state === 'string' ? [state] : state);
    if (name) query = query.where('name', '=', name);
    if (projectId) query = query.where('project_id', '=', projectId);
    if (resource)
      query = query.where('resource_type', '=', resource.type).where('resource_id', '=', resource.id);
    if (after) {
      const last = await this.find(after);
      if (!last) return [];
      query = query.where((eb) =>
        eb.or([
          eb('created_at', '<', last.created_at),
          eb.and([eb('created_at', '=', last.created_at), eb('id', '<', last.id)]),
        ]),
      );
    }
    return query.execute();
  }

  /** Forgets flows that ended before `before`. @returns how many */
  async prune(before: number): Promise<number> {
    const { numDeletedRows } = await this.#store.db
      .deleteFrom('flows')
      .where('state', 'in', ['done', 'failed'])
      .where('updated_at', '<', at(before))
      .executeTakeFirst();
    return Number(numDeletedRows);
  }
}

/** Milliseconds since 1970 as the store keeps times. */
export const at = (ms: number): string => timestamp(new Date(ms));
