import { randomUUID } from 'node:crypto';
import { copyPlain } from '../bus/plain.ts';
import { type Clock, systemClock } from '../clock/clock.ts';
import { currentContext, type RequestContext } from '../context/context.ts';
import { NotFound } from '../errors/errors.ts';
import { outsideTransactions } from '../store/transaction.ts';
import type { FlowEvent, FlowListener, FlowLog } from './events.ts';
import type { FlowDefinition, Startable } from './flow.ts';
import { begin, misfit } from './progress.ts';
import { at, type FlowFilter, FlowRows, type FlowStore } from './rows.ts';
import { type Around, FlowLost, pauseOn, type RunnerParts, runFlow } from './runner.ts';
import { Slots } from './slots.ts';
import type { FlowRow, StoredFailure } from './tables.ts';

export interface FlowEngineOptions {
  store: FlowStore;
  /** Stable over restarts, and of one process at a time: what it left behind is taken up at once at its start. */
  runnerId: string;
  log?: FlowLog;
  onStep?: FlowListener;
  clock?: Clock;
  /** Milliseconds after which another process may take a flow whose runner is silent. Default 30,000. */
  leaseMs?: number;
  /** Milliseconds before what must succeed is tried again; doubled each time, up to a minute. Default 500. */
  backoffMs?: number;
  /** Milliseconds before a stuck flow is tried again. Default ten minutes. */
  stuckMs?: number;
  /** For tests: waits between retries. */
  pause?: RunnerParts['pause'];
  /** For tests: stands around every `do`, `undo` and hook. */
  around?: Around;
}

export interface StartOptions {
  /** What the flow works on, as the API calls it: `{ type: 'server', id }`. */
  resource?: { type: string; id: string };
  /** Default: the caller's project. */
  projectId?: string;
}

/** A flow as `wait` gives it back. */
export interface FlowEnd {
  state: 'done' | 'failed' | 'stuck';
  /** Of a failed flow: why. */
  failure: StoredFailure | null;
  /** Of a stuck one: why. */
  problem: StoredFailure | null;
}

interface Running {
  stop: AbortController;
  ended: Promise<void>;
  /** Until when the flow is ours by the store's word. */
  leaseUntil: number;
}

const silent: FlowLog = { info() {}, warn() {}, error() {} };

/** Runs a service's flows: those started here, and those that a dead process left in the store. */
export class FlowEngine {
  readonly #options: FlowEngineOptions;
  readonly #rows: FlowRows;
  readonly #clock: Clock;
  readonly #log: FlowLog;
  readonly #life: string;
  readonly #leaseMs: number;
  readonly #definitions = new Map<string, { definition: FlowDefinition; slots: Slots }>();
  readonly #running = new Map<string, Running>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #closing = new AbortController();
  #started = false;
  #dead = false;
  #cancelTimer: (() => void) | undefined;
  #scanning: Promise<void> = Promise.resolve();

  constructor(options: FlowEngineOptions) {
    this.#options = options;
    this.#rows = new FlowRows(options.store);
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silent;
    this.#leaseMs = options.leaseMs ?? 30_000;
    // The life part keeps a process that was taken for dead from writing over its successor of the same name.
    this.#life = `${options.runnerId}/${randomUUID().slice(0, 8)}`;
  }

  /** Makes flows known; before `start`, so that all that is unfinished can be resumed. */
  register(...flows: readonly { definition: FlowDefinition }[]): this {
    for (const { definition } of flows) {
      if (this.#definitions.has(definition.name))
        throw new Error(`flow ${definition.name} is registered twice`);
      this.#definitions.set(definition.name, { definition, slots: new Slots(definition.concurrency) });
    }
    return this;
  }

  /** Resumes what earlier lives of this runner and dead processes left unfinished, and goes on watching for it. */
  async start(): Promise<void> {
    this.#started = true;
    const { runnerId: runner } = this.#options;
    await this.#adopt({ runner, life: this.#life });
    this.#watch();
  }

  /**
   * Writes a flow into the store, within the caller's transaction, and runs it as soon as that has committed.
   *
   * @param input plain data, stored: no secrets
   * @returns the flow's id
   * @throws TypeError when the input is not plain; Error when the flow is not registered
   */
  async startFlow<Input extends object>(
    flow: Startable<Input>,
    input: NoInfer<Input>,
    options: StartOptions = {},
  ): Promise<string> {
    const { name } = flow.definition;
    const known = this.#definitions.get(name);
    if (!known) throw new Error(`flow ${name} is not registered`);
    const now = this.#clock.now();
    const context = storable(currentContext());
    const mine = this.#started && !this.#closing.signal.aborted;
    const row: FlowRow = {
      ...begin(known.definition, copyPlain<object>(input), at(now)),
      id: randomUUID(),
      name,
      resource_type: options.resource?.type ?? null,
      resource_id: options.resource?.id ?? null,
      project_id: options.projectId ?? context.credentials?.projectId ?? null,
      request_context: context,
      runner_id: mine ? this.#life : null,
      lease_expires_at: mine ? at(now + this.#leaseMs) : null,
      created_at: at(now),
      updated_at: at(now),
    };
    await this.#rows.insert(row);
    if (mine) this.#options.store.afterCommit(() => this.#launch(row, 'started'));
    return row.id;
  }

  /**
   * Waits until a flow has ended or is stuck. Of a flow that another process runs, the end is seen at the next look
   * at the store.
   * @throws NotFound; Error when the engine closes first
   */
  async wait(id: string): Promise<FlowEnd> {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        const waiting = this.#waiting.get(id) ?? new Set();
        this.#waiting.set(id, waiting.add(resolve));
      });
      const { state, failure, problem } = await this.show(id);
      if (state === 'done' || state === 'failed' || state === 'stuck') {
        this.#waiting.delete(id);
        return { state, failure, problem };
      }
      if (this.#dead) throw new Error(`flow ${id} is ${state}, and the engine has closed`);
      await changed;
    }
  }

  /** Newest first. */
  list(filter: FlowFilter = {}): Promise<FlowRow[]> {
    return this.#rows.list(filter);
  }

  /** @throws NotFound */
  async show(id: string): Promise<FlowRow> {
    const row = await this.#rows.find(id);
    if (!row) throw new NotFound('flow', id);
    return row;
  }

  /** Tries a stuck flow again now. @throws NotFound */
  async retry(id: string): Promise<void> {
    const row = await this.show(id);
    if (row.state === 'stuck') await this.#take(row);
  }

  /** Forgets flows that ended more than `olderThanMs` ago. @returns how many */
  prune(olderThanMs: number): Promise<number> {
    return this.#rows.prune(this.#clock.now() - olderThanMs);
  }

  /**
   * Begins no further step, waits for those under way and writes what they did; the next start goes on from there.
   * @param deadline milliseconds; what takes longer is told to stop, and is left as if the process had died
   */
  async close({ deadline = 10_000 }: { deadline?: number } = {}): Promise<void> {
    this.#closing.abort();
    this.#cancelTimer?.();
    await this.#scanning;
    const all = Promise.all([...this.#running.values()].map(({ ended }) => ended));
    const late = Promise.withResolvers<void>();
    const cancel = this.#clock.after(deadline, late.resolve);
    await Promise.race([all, late.promise]);
    cancel();
    this.abandon();
  }

  /** Ends as a killed process does: nothing more is written, whatever is under way. */
  abandon(): void {
    this.#dead = true;
    this.#closing.abort();
    this.#cancelTimer?.();
    for (const { stop } of this.#running.values()) stop.abort(new FlowLost('the program is ending'));
    for (const [id, waiting] of this.#waiting) this.#wake(id, waiting);
  }

  #watch(): void {
    if (this.#closing.signal.aborted) return;
    // A third of the lease: two looks may fail before another process takes our flows. The jitter keeps processes
    // that started together from looking together.
    const wait = (this.#leaseMs / 3) * (0.8 + 0.4 * Math.random());
    this.#cancelTimer = this.#clock.after(wait, () => {
      this.#scanning = outsideTransactions(() => this.#look()).then(() => this.#watch());
    });
  }

  async #look(): Promise<void> {
    try {
      await this.#renew();
      await this.#adopt();
      for (const [id, waiting] of this.#waiting) if (!this.#running.has(id)) this.#wake(id, waiting);
    } catch (error) {
      this.#log.warn({ err: error }, 'flows: the store could not be asked; asking again');
    }
  }

  async #renew(): Promise<void> {
    const now = this.#clock.now();
    for (const [id, running] of this.#running)
      if (running.leaseUntil <= now) {
        this.#log.warn({ flow_id: id }, 'a flow could not be held on to: it is left to others');
        running.stop.abort(new FlowLost('the lease is over'));
      }
    const ids = [...this.#running.keys()];
    if (ids.length === 0) return;
    await this.#rows.renew(ids, this.#life, now + this.#leaseMs);
    for (const id of ids) {
      const running = this.#running.get(id);
      if (running) running.leaseUntil = now + this.#leaseMs;
    }
  }

  async #adopt(mine?: { runner: string; life: string }): Promise<void> {
    for (const row of await this.#rows.orphans(this.#clock.now(), mine)) {
      if (this.#closing.signal.aborted) return;
      if (!this.#running.has(row.id)) await this.#take(row);
    }
  }

  async #take(row: FlowRow): Promise<void> {
    const definition = this.#definitions.get(row.name)?.definition;
    const problem = definition ? misfit(definition, row) : `there is no flow ${row.name} any more`;
    const state = row.state !== 'stuck' ? row.state : row.failure ? 'unwinding' : 'running';
    const leaseUntil = this.#clock.now() + this.#leaseMs;
    if (!(await this.#rows.claim(row, this.#life, problem === undefined ? state : row.state, leaseUntil)))
      return;
    if (definition && problem === undefined) {
      const step_names = definition.steps.map(({ name }) => name);
      this.#launch({ ...row, step_names, state }, 'resumed');
      return;
    }
    const record = { step: row.step_name, error: { kind: 'FlowMisfit', message: problem ?? '' } };
    const now = this.#clock.now();
    const again = { runnerId: null, leaseUntil: now + (this.#options.stuckMs ?? 600_000) };
    await this.#rows.save(row.id, this.#life, { ...row, state: 'stuck', problem: record }, again, now);
    this.#emit(row, { kind: 'stuck', state: 'stuck', error: record.error });
    this.#log.error({ flow_id: row.id, flow: row.name }, `a flow is stuck: ${problem}`);
  }

  #launch(row: FlowRow, kind: 'started' | 'resumed'): void {
    const known = this.#definitions.get(row.name);
    if (!known || this.#dead) return;
    const stop = new AbortController();
    const leaseUntil = this.#clock.now() + this.#leaseMs;
    // What the flow does is its own work: it joins no transaction that happens to be open where it was started.
    const ended = outsideTransactions(() => this.#run(row, kind, known, stop.signal));
    this.#running.set(row.id, { stop, ended, leaseUntil });
    void ended.finally(() => {
      this.#running.delete(row.id);
      const waiting = this.#waiting.get(row.id);
      if (waiting) this.#wake(row.id, waiting);
    });
  }

  async #run(
    row: FlowRow,
    kind: 'started' | 'resumed',
    { definition, slots }: { definition: FlowDefinition; slots: Slots },
    stop: AbortSignal,
  ): Promise<void> {
    const options = this.#options;
    const emit: RunnerParts['emit'] = (event) => this.#emit(row, event);
    const about = { flow_id: row.id, flow: row.name, request_id: row.request_context.requestId };
    await slots.take();
    try {
      emit({ kind, state: row.state });
      const state = await runFlow(row, definition, {
        rows: this.#rows,
        clock: this.#clock,
        life: this.#life,
        leaseMs: this.#leaseMs,
        backoffMs: options.backoffMs ?? 500,
        stuckMs: options.stuckMs ?? 600_000,
        pause: options.pause ?? pauseOn(this.#clock),
        around: options.around,
        emit,
        slots,
        closing: this.#closing.signal,
        stop,
      });
      if (state === 'stuck') {
        emit({ kind: 'stuck', state });
        this.#log.error(about, 'a flow is stuck: what must succeed keeps failing');
      } else if (state === 'done' || state === 'failed') {
        emit({ kind: 'ended', state });
        this.#log.info(about, `a flow is ${state}`);
      }
    } catch (error) {
      // Its row says what was done; the lease runs out, and whoever comes first goes on from there.
      if (!this.#dead) this.#log.warn({ ...about, err: error }, 'a flow was left');
    } finally {
      slots.give();
    }
  }

  #wake(id: string, waiting: Set<() => void>): void {
    this.#waiting.delete(id);
    for (const resolve of waiting) resolve();
  }

  #emit(row: FlowRow, event: Pick<FlowEvent, 'kind' | 'state'> & Partial<FlowEvent>): void {
    const { onStep } = this.#options;
    if (!onStep || this.#dead) return;
    const complain = (error: unknown) =>
      this.#log.warn({ err: error, flow_id: row.id }, 'a listener to flows failed');
    try {
      const result = onStep({
        flowId: row.id,
        flow: row.name,
        context: row.request_context,
        ...(row.project_id === null ? {} : { projectId: row.project_id }),
        ...(row.resource_type === null || row.resource_id === null
          ? {}
          : { resource: { type: row.resource_type, id: row.resource_id } }),
        ...event,
      });
      if (result instanceof Promise) result.catch(complain);
    } catch (error) {
      complain(error);
    }
  }
}

/** What of a request's context a flow keeps: named one by one, so that nothing secret gets in by being added. */
function storable({ requestId, globalRequestId, credentials }: RequestContext): RequestContext {
  return copyPlain({
    requestId,
    globalRequestId,
    // Audit ids name the token; after it has expired they would only mislead.
    credentials: credentials && { ...credentials, auditIds: [] },
  });
}
