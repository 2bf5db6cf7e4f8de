import type { RequestContext } from '../context/context.ts';
import type { ErrorRecord } from '../errors/errors.ts';
import type { Migration } from '../store/migrate.ts';
import { integer, json, type Row, table, text, time, uuid } from '../store/table.ts';

/**
 * `running` and `unwinding` go on; `stuck` waits: for a definition that fits, or for the next try of an undo that
 * failed many times; `done` and `failed` (and then wholly undone) are ends.
 */
export const flowStates = ['running', 'unwinding', 'stuck', 'done', 'failed'] as const;
export type FlowState = (typeof flowStates)[number];

export type FlowAction = 'do' | 'undo' | 'onDone' | 'onFailure';

/** One action of a flow that was begun; retries of it are counted, not listed. */
export interface HistoryEntry {
  /** The step's name; null for the flow's own `onDone` and `onFailure`. */
  step: string | null;
  action: FlowAction;
  /** Times as the store keeps them. */
  started_at: string;
  finished_at: string | null;
  /** How often it has failed so far. */
  failures: number;
  /** The last error's message. */
  error: string | null;
}

/** An error and the step it came from, at rest. */
export interface StoredFailure {
  step: string | null;
  error: ErrorRecord;
}

export const flows = table(
  'flows',
  {
    id: uuid(),
    name: text({ length: 128 }),
    resource_type: text({ length: 64, nullable: true }),
    resource_id: text({ length: 255, nullable: true }),
    project_id: text({ length: 64, nullable: true }),
    flow_input: json<object>(),
    /** By step name; a step that returned nothing has an empty object. */
    outputs: json<Record<string, object>>(),
    /** The names of all steps when the flow began: a changed definition is noticed. */
    step_names: json<string[]>(),
    /** Of the step that is done or undone next; -1: `onFailure`; the number of steps: `onDone`. */
    step_index: integer(),
    step_name: text({ length: 128, nullable: true }),
    state: text({ length: 16, values: flowStates }),
    /** The first error, of the step that made the flow unwind. */
    failure: json<StoredFailure>({ nullable: true }),
    /** The latest error that is being retried or that the flow is stuck with. */
    problem: json<StoredFailure>({ nullable: true }),
    history: json<HistoryEntry[]>(),
    request_context: json<RequestContext>(),
    /** Who runs it, one life of one process; null: nobody. */
    runner_id: text({ length: 128, nullable: true }),
    /** Until when nobody else may take it; of a stuck flow: when it is tried again. Null at an end. */
    lease_expires_at: time({ nullable: true }),
    /** Failures of the current action. */
    attempts: integer(),
    created_at: time(),
    updated_at: time(),
  },
  {
    primaryKey: ['id'],
    indexes: [
      ['state', 'lease_expires_at'],
      ['resource_type', 'resource_id', 'created_at'],
      ['runner_id'],
      ['created_at', 'id'],
    ],
  },
);

/** What a service adds to its schema's tables to have flows: `{ servers, …, ...flowTables }`. */
export const flowTables = { flows };
export type FlowTables = typeof flowTables;
export type FlowRow = Row<typeof flows>;

/** What a service adds to its schema's migrations: `[first, …, ...flowMigrations]`. */
export const flowMigrations: readonly Migration[] = [{ name: 'flows', up: (m) => m.createTable(flows) }];
