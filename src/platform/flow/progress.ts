import type { FlowDefinition } from './flow.ts';
import type { FlowAction, FlowRow, HistoryEntry, StoredFailure } from './tables.ts';

/** What a flow does next. `step` is absent for the hooks. */
export interface NextAction {
  action: FlowAction | 'end';
  index: number;
  step: string | null;
}

/** The part of a flow's row that its progress changes. */
export type Progress = Pick<
  FlowRow,
  | 'flow_input'
  | 'outputs'
  | 'step_names'
  | 'step_index'
  | 'step_name'
  | 'state'
  | 'failure'
  | 'problem'
  | 'history'
  | 'attempts'
>;

/** The beginning of a flow. */
export function begin(definition: FlowDefinition, input: object, at: string): Progress {
  const names = definition.steps.map(({ name }) => name);
  return settle(
    definition,
    {
      flow_input: input,
      outputs: {},
      step_names: names,
      step_index: 0,
      step_name: null,
      state: 'running',
      failure: null,
      problem: null,
      history: [],
      attempts: 0,
    },
    at,
  );
}

/** What comes next, as the row says it. */
export function nextAction(progress: Pick<Progress, 'state' | 'step_index' | 'step_names'>): NextAction {
  const { state, step_index: index, step_names: names } = progress;
  const step = names[index] ?? null;
  if (state === 'running') return { action: step === null ? 'onDone' : 'do', index, step };
  if (state === 'unwinding') return { action: step === null ? 'onFailure' : 'undo', index, step };
  return { action: 'end', index, step: null };
}

/** The state that a step's `do` and `undo`, and the hooks, see. */
export function stateFor(
  progress: Pick<Progress, 'flow_input' | 'outputs' | 'step_names'>,
  upTo: number,
): object {
  const { flow_input: input, outputs, step_names: names } = progress;
  return Object.assign({}, input, ...names.slice(0, upTo).map((name) => outputs[name] ?? {}));
}

/** The current action has succeeded. @param output what `do` returned */
export function succeed(definition: FlowDefinition, before: Progress, output: object, at: string): Progress {
  const { action, index, step } = nextAction(before);
  const progress = { ...before, history: finish(before.history, at), problem: null, attempts: 0 };
  switch (action) {
    case 'do':
      return settle(
        definition,
        { ...progress, outputs: { ...before.outputs, [step as string]: output }, step_index: index + 1 },
        at,
      );
    case 'undo':
      return settle(definition, { ...progress, step_index: index - 1 }, at);
    case 'onDone':
      return { ...progress, state: 'done' };
    case 'onFailure':
      return { ...progress, state: 'failed' };
    default:
      throw new Error('a flow that has ended goes no further');
  }
}

/** The current `do` has failed for good: back, beginning with this step itself. */
export function unwind(
  definition: FlowDefinition,
  before: Progress,
  failure: StoredFailure,
  at: string,
): Progress {
  return settle(
    definition,
    {
      ...before,
      state: 'unwinding',
      failure,
      problem: null,
      attempts: 0,
      history: finish(fail(before.history, failure.error.message), at),
    },
    at,
  );
}

/** The current action has failed and will be tried again. */
export function postpone(before: Progress, problem: StoredFailure): Progress {
  return {
    ...before,
    problem,
    attempts: before.attempts + 1,
    history: fail(before.history, problem.error.message),
  };
}

/**
 * Passes over what has nothing to do (steps without undo, hooks that are not there), so that it costs no write, and
 * notes the action that begins.
 */
function settle(definition: FlowDefinition, from: Progress, at: string): Progress {
  const progress = { ...from };
  if (progress.state === 'unwinding')
    while (progress.step_index >= 0 && !definition.steps[progress.step_index]?.undo) progress.step_index--;
  const { action, step } = nextAction(progress);
  progress.step_name = step;
  if (action === 'onDone' && !definition.onDone) return { ...progress, state: 'done' };
  if (action === 'onFailure' && !definition.onFailure) return { ...progress, state: 'failed' };
  if (action !== 'end')
    progress.history = [
      ...progress.history,
      { step, action, started_at: at, finished_at: null, failures: 0, error: null },
    ];
  return progress;
}

function finish(history: readonly HistoryEntry[], at: string): HistoryEntry[] {
  return history.map((entry, i) => (i === history.length - 1 ? { ...entry, finished_at: at } : entry));
}

function fail(history: readonly HistoryEntry[], error: string): HistoryEntry[] {
  return history.map((entry, i) =>
    i === history.length - 1 ? { ...entry, failures: entry.failures + 1, error } : entry,
  );
}

/**
 * Fits a stored flow to the definition of the running program, which may be newer than the one it began under.
 * Steps up to the current one must be as they were: what was done under another name could be done again, or never
 * be undone. Later steps may have changed.
 *
 * @returns why it does not fit; undefined when it does
 */
export function misfit(
  definition: FlowDefinition,
  progress: Pick<Progress, 'step_names' | 'step_index'>,
): string | undefined {
  const past = progress.step_names.slice(0, progress.step_index + 1);
  for (const [index, name] of past.entries()) {
    const now = definition.steps[index]?.name;
    if (now === name) continue;
    const moved = definition.steps.some((each) => each.name === name);
    return `the definition of ${definition.name} has ${moved ? 'moved' : 'lost'} step ${index + 1}, "${name}"`;
  }
  return undefined;
}
