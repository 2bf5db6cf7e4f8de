import type { RequestContext } from '../context/context.ts';
import type { ErrorRecord } from '../errors/errors.ts';
import type { FlowAction, FlowState } from './tables.ts';

/** What happened in a flow: server actions, metrics and live pages are made of it. */
export interface FlowEvent {
  flowId: string;
  flow: string;
  resource?: { type: string; id: string };
  projectId?: string;
  context: RequestContext;
  /** `action` events are of one step or hook; the others of the whole flow. */
  kind: 'started' | 'resumed' | 'action' | 'ended' | 'stuck';
  action?: FlowAction;
  /** The step's name; absent for the hooks. */
  step?: string;
  /** Of an action: `failed` may be followed by another try; it is stored only when progress is. */
  outcome?: 'begun' | 'succeeded' | 'failed';
  /** How often this action was tried in this process, this time included. */
  attempt?: number;
  durationMs?: number;
  error?: ErrorRecord;
  /** The state after the event. */
  state: FlowState;
}

/** May return a promise; an error of a listener is logged and changes nothing. */
export type FlowListener = (event: FlowEvent) => unknown;

/** The part of a pino logger that flows use. */
export interface FlowLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
