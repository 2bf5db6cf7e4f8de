import { copyPlain } from '../bus/plain.ts';
import { type Clock, pause } from '../clock/clock.ts';
import { withContext } from '../context/context.ts';
import { type ErrorRecord, fromErrorRecord, toErrorRecord } from '../errors/errors.ts';
import { doubling, plainOutput, retryDelay, withDeadline } from './attempt.ts';
import type { FlowEvent } from './events.ts';
import type { FlowDefinition } from './flow.ts';
import {
  type NextAction,
  nextAction,
  type Progress,
  postpone,
  stateFor,
  succeed,
  unwind,
} from './progress.ts';
import { at, type FlowRows } from './rows.ts';
import type { Slots } from './slots.ts';
import type { FlowRow, FlowState } from './tables.ts';

/** Where a test may stand: around every `do`, `undo` and hook. */
export type Around = (
  point: { flowId: string; flow: string; action: NextAction['action']; step: string | null },
  work: () => Promise<unknown>,
) => Promise<unknown>;

/** What one run of one flow needs of its engine. */
export interface RunnerParts {
  rows: FlowRows;
  clock: Clock;
  /** This life of this process, as `runner_id` says it. */
  life: string;
  leaseMs: number;
  /** First wait before what must succeed is tried again; doubled each time up to a minute. */
  backoffMs: number;
  /** When a stuck flow is tried again. */
  stuckMs: number;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  around?: Around;
  emit: (event: Pick<FlowEvent, 'kind' | 'state'> & Partial<FlowEvent>) => void;
  slots: Slots;
  /** Aborted: begin nothing more, and leave the flow to others. */
  closing: AbortSignal;
  /** Aborted: the flow is not ours any more, or the program ends now; steps should stop. */
  stop: AbortSignal;
}

/** How often an undo or a hook is tried before the flow is stuck. */
const patience = 8;
const defaultDeadline = 600_000;

/** The flow belongs to somebody else now; nothing may be written. */
export class FlowLost extends Error {}

/**
 * Runs one flow until it ends, is stuck, or the engine closes. Each change is in the store before the next begins.
 * @returns the state it is left in
 * @throws FlowLost; errors of the store
 */
export async function runFlow(
  row: FlowRow,
  definition: FlowDefinition,
  parts: RunnerParts,
): Promise<FlowState> {
  const { clock, slots, closing } = parts;
  let progress: Progress = row;
  const write = async (next: Progress, leave?: number | null): Promise<void> => {
    const now = clock.now();
    const ended = next.state === 'done' || next.state === 'failed';
    const hold =
      leave !== undefined || ended
        ? { runnerId: null, leaseUntil: leave ?? null }
        : { runnerId: parts.life, leaseUntil: now + parts.leaseMs };
    if (parts.stop.aborted || !(await parts.rows.save(row.id, parts.life, next, hold, now)))
      throw new FlowLost();
    progress = next;
  };
  /** Gives its slot to others while it waits. */
  const rest = async (ms: number): Promise<void> => {
    slots.give();
    await parts.pause(ms, closing);
    await slots.take();
  };

  if (nextAction(progress).action === 'end') await write(progress);
  let attempt = 0;
  for (;;) {
    const next = nextAction(progress);
    if (next.action === 'end') return progress.state;
    if (closing.aborted) {
      await write(progress, null);
      return progress.state;
    }
    attempt++;
    const outcome = await act(row, progress, definition, next, attempt, parts);
    if ('output' in outcome) {
      await write(succeed(definition, progress, outcome.output, at(clock.now())));
      attempt = 0;
      continue;
    }
    const problem = { step: next.step, error: outcome.record };
    const step = definition.steps[next.index];
    const delay = next.action === 'do' ? retryDelay(step?.retry, attempt, outcome.error) : undefined;
    if (delay !== undefined) {
      progress = postpone(progress, problem);
      await rest(delay);
    } else if (next.action === 'do' && definition.unwind) {
      await write(unwind(definition, progress, problem, at(clock.now())));
      attempt = 0;
    } else if (next.action === 'do' || attempt < patience) {
      await write(postpone(progress, problem));
      await rest(doubling(parts.backoffMs, attempt));
    } else {
      await write({ ...postpone(progress, problem), state: 'stuck' }, clock.now() + parts.stuckMs);
      return 'stuck';
    }
  }
}

type Outcome = { output: object } | { error: unknown; record: ErrorRecord };

async function act(
  row: FlowRow,
  progress: Progress,
  definition: FlowDefinition,
  next: NextAction,
  attempt: number,
  parts: RunnerParts,
): Promise<Outcome> {
  const { clock, emit } = parts;
  const { action, step } = next;
  if (action === 'end') throw new Error('nothing is left to do');
  const about = { kind: 'action', action, step: step ?? undefined, attempt, state: progress.state } as const;
  const began = clock.now();
  emit({ ...about, outcome: 'begun' });
  const deadline = definition.steps[next.index]?.deadline ?? defaultDeadline;
  const what = `${definition.name}: ${step === null ? action : `${action} of "${step}"`}`;
  try {
    const result = await withContext(row.request_context, () =>
      withDeadline(clock, what, deadline, parts.stop, (signal) => {
        const work = () => perform(definition, progress, next, { flowId: row.id, signal });
        return parts.around ? parts.around({ flowId: row.id, flow: row.name, action, step }, work) : work();
      }),
    );
    const output = action === 'do' ? plainOutput(result) : {};
    emit({ ...about, outcome: 'succeeded', durationMs: clock.now() - began });
    return { output };
  } catch (error) {
    const record = atRest(error);
    emit({ ...about, outcome: 'failed', durationMs: clock.now() - began, error: record });
    return { error, record };
  }
}

async function perform(
  definition: FlowDefinition,
  progress: Progress,
  { action, index, step }: NextAction,
  run: { flowId: string; signal: AbortSignal },
): Promise<unknown> {
  // Copied each time: what one step does to its state must not reach the next, as it does not after a restart.
  const see = (upTo: number) => copyPlain(stateFor(progress, upTo));
  const current = definition.steps[index];
  switch (action) {
    case 'do':
      return current?.do(see(index), run);
    case 'undo':
      return current?.undo?.(see(index + 1), run);
    case 'onDone':
      return definition.onDone?.(see(index), run);
    case 'onFailure': {
      const { failure } = progress;
      if (!failure) throw new Error('a flow unwound without a failure');
      const error = fromErrorRecord(failure.error);
      return definition.onFailure?.(
        see(progress.step_names.length),
        { step: failure.step ?? '', error },
        run,
      );
    }
    default:
      throw new Error(`no action ${action} (${step})`);
  }
}

/** An error as the row keeps it: an error must never be what stops its own record. */
function atRest(error: unknown): ErrorRecord {
  const record = toErrorRecord(error);
  const message = record.message.slice(0, 4_000);
  try {
    return { ...(JSON.parse(JSON.stringify(record)) as ErrorRecord), message };
  } catch {
    return { kind: record.kind, message };
  }
}

/** Waits on the clock, as `pause` of a runner. */
export const pauseOn =
  (clock: Clock): RunnerParts['pause'] =>
  (ms, signal) =>
    pause(clock, ms, signal);
