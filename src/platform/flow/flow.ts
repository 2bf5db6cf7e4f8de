/** What a step may know besides its state. */
export interface StepRun {
  readonly flowId: string;
  /** Aborted at the step's deadline, when this runner lost the flow to another, and when the program ends. */
  readonly signal: AbortSignal;
}

/** The state after a step: what was there, and what the step returned. */
export type After<State, Own> = [Own] extends [void]
  ? State
  : undefined extends Own
    ? State & Partial<Exclude<Own, undefined>>
    : State & Own;

/** What a step's `undo` sees: its own output is absent when the step failed midway or the process died in it. */
export type Undoing<State, Own> = [Own] extends [void] ? State : State & Partial<Exclude<Own, undefined>>;

/** Again after an error that may pass. */
export interface Retry {
  /** How often again, after the first time. */
  times: number;
  /** Milliseconds before the first retry; doubled for each further one, up to a minute. */
  delay: number;
  /** Default: every error but an `ApiError` below 500, which would only come again. */
  when?: (error: unknown) => boolean;
}

export interface StepOptions {
  retry?: Retry;
  /** Milliseconds that one run of `do` or of `undo` may take. Default ten minutes. */
  deadline?: number;
}

export interface StepDefinition<State, Own> extends StepOptions {
  /**
   * Does the step. May run twice (the process may die after it and before its progress is stored), so it looks
   * first at what is there. What it returns, a plain object or nothing, is stored before the next step begins.
   */
  do: (state: State, run: StepRun) => Promise<Own>;
  /**
   * Takes the step back, whole or half done or never begun; may run twice. Errors are retried. Leave it out where
   * nothing needs taking back, with a comment why.
   */
  undo?: (state: Undoing<State, Own>, run: StepRun) => Promise<unknown>;
}

/** Why a flow unwound: the first error, kept whatever goes wrong later. */
export interface Failure {
  /** The step that failed. */
  step: string;
  /** As thrown: `instanceof NotFound` holds even after a restart. */
  error: Error;
}

export interface FlowOptions {
  /**
   * False: a flow that only goes forward. A step that fails is tried again, later and later, until it succeeds, and
   * nothing is ever undone: what deletes must not stop half way.
   */
  unwind?: boolean;
  /** How many of this name run at once in this process; the others wait in line. Default 100. */
  concurrency?: number;
}

/** A step without its types, as the engine runs it. */
export interface AnyStep extends StepOptions {
  readonly name: string;
  readonly do: (state: object, run: StepRun) => Promise<unknown>;
  readonly undo?: (state: object, run: StepRun) => Promise<unknown>;
}

/** A flow without its types, as the engine runs it. */
export interface FlowDefinition {
  readonly name: string;
  readonly unwind: boolean;
  readonly concurrency: number;
  readonly steps: readonly AnyStep[];
  readonly onDone?: (state: object, run: StepRun) => Promise<unknown>;
  readonly onFailure?: (state: object, failure: Failure, run: StepRun) => Promise<unknown>;
}

/** What `startFlow` needs of a flow. */
export interface Startable<Input> {
  readonly definition: FlowDefinition;
  /** Never there: carries the type. */
  readonly accepts?: (input: Input) => void;
}

/** A list of named steps; each method returns a new flow, so a flow may be the beginning of several. */
export interface Flow<Input extends object, State extends Input = Input> extends Startable<Input> {
  /** Adds a step. Its `do` sees the input and all that earlier steps returned, and nothing else. */
  step<const Name extends string, Own extends object | void>(
    name: Name,
    step: StepDefinition<State, Own>,
  ): Flow<Input, After<State, Own> & Input>;
  /** Runs when all steps are done, again until it succeeds; then the flow is done. */
  onDone(work: (state: State, run: StepRun) => Promise<unknown>): Flow<Input, State>;
  /**
   * Runs when all is undone, again until it succeeds; then the flow is failed. Of what steps returned, that is
   * there which was returned before the failure.
   */
  onFailure(
    work: (state: Input & Partial<State>, failure: Failure, run: StepRun) => Promise<unknown>,
  ): Flow<Input, State>;
}

/**
 * Begins the description of a flow. Flows are made by functions that close over what their steps need:
 *
 *     export const createServer = ({ placement, network }: Clients) =>
 *       flow<{ serverId: string }>('compute.create-server')
 *         .step('claim a host', { do: …, undo: … })
 *
 * @param name `service.verb-noun`; stored with each flow, so it stays
 */
export function flow<Input extends object>(name: string, options: FlowOptions = {}): Flow<Input> {
  const { unwind = true, concurrency = 100 } = options;
  return build<Input, Input>({ name, unwind, concurrency, steps: [] });
}

function build<Input extends object, State extends Input>(definition: FlowDefinition): Flow<Input, State> {
  return {
    definition,
    step<const Name extends string, Own extends object | void>(
      name: Name,
      step: StepDefinition<State, Own>,
    ): Flow<Input, After<State, Own> & Input> {
      if (definition.steps.some((each) => each.name === name))
        throw new Error(`flow ${definition.name} has two steps called "${name}"`);
      if (step.undo && !definition.unwind)
        throw new Error(`flow ${definition.name} only goes forward: "${name}" cannot have an undo`);
      // The engine gives each step the state that its types promise: it stored every part of it.
      const erased = { ...step, name } as unknown as AnyStep;
      return build({ ...definition, steps: [...definition.steps, erased] });
    },
    onDone: (work) => build({ ...definition, onDone: work as unknown as FlowDefinition['onDone'] }),
    onFailure: (work) => {
      if (!definition.unwind) throw new Error(`flow ${definition.name} only goes forward: it never fails`);
      return build({ ...definition, onFailure: work as unknown as FlowDefinition['onFailure'] });
    },
  };
}
