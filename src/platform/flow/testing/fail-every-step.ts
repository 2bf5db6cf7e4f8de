import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { FlowEngine } from '../engine.ts';
import type { FlowDefinition } from '../flow.ts';
import type { FlowStore } from '../rows.ts';
import type { Around } from '../runner.ts';
import type { FlowAction } from '../tables.ts';

/**
 * Wraps something that steps call (a client, a driver), so that the test can also fail, and die in, each single call
 * within a step. All methods become asynchronous. Calls from outside of steps pass untouched.
 */
export type Seam = <T extends object>(dependency: T) => T;

/** What outlives a killed process. */
export interface FlowWorld {
  store: FlowStore;
  /** Default: closes the store. */
  close?(): Promise<unknown>;
}

export interface FlowSubject<World extends FlowWorld> {
  /** Builds a world in which nothing has happened yet. Called for every case. */
  world(seam: Seam): Promise<World>;
  /**
   * The flow under test first, then those that it starts. Called anew for each life of the process.
   * @param engine what a flow starts others with
   */
  flows(
    world: World,
    engine: FlowEngine,
  ): readonly [{ definition: FlowDefinition }, ...{ definition: FlowDefinition }[]];
  /** Does what the API does to start the flow. @returns the flow's id */
  start(engine: FlowEngine, world: World): Promise<string>;
  /** Asserts that all is there. */
  done(world: World): Promise<unknown>;
  /** Asserts that nothing is left over. Not for flows that only go forward. */
  undone?(world: World): Promise<unknown>;
}

/** The part of a test's context that runs subtests. */
export interface Subtests {
  test(name: string, work: () => Promise<void>): Promise<unknown>;
}

type When = 'before' | 'after';
type Kind = 'fail' | 'kill';

/** Something that goes wrong in one case. */
type Trouble =
  | { at: 'action'; kind: Kind; action: FlowAction; step: string | null; when: When; once?: boolean }
  | { at: 'call'; kind: Kind; call: number; when: When };

interface Case {
  name: string;
  troubles: readonly Trouble[];
  twice?: boolean;
  /** What must come out; without it either end will do, as long as it is whole. */
  state?: 'done' | 'failed';
  failedStep?: string;
}

/** The error that the test makes a step fail with. */
export class InjectedFailure extends Error {
  constructor(where: string) {
    super(`the test failed ${where}`);
    this.name = 'InjectedFailure';
  }
}

/**
 * Proves that a flow leaves nothing half done: each step fails in turn before and after its work; every `do`, `undo`
 * and hook runs twice; the process is killed before and after each of them, forwards and while unwinding, and the
 * next one resumes; and the same at every call to what was wrapped in the seam. Every case is a subtest.
 *
 *     test('create server', (t) => failEveryStep(t, { world, flows, start, done, undone }));
 */
export async function failEveryStep<World extends FlowWorld>(
  t: Subtests,
  subject: FlowSubject<World>,
): Promise<void> {
  const forward = await play(subject, { name: 'it is done', troubles: [], state: 'done' });
  const { definition } = forward;
  assert.ok(definition.steps.length > 0, 'the flow has no steps');
  if (definition.unwind) assert.ok(subject.undone, 'a flow that unwinds needs `undone`');
  const last = definition.steps.at(-1)?.name as string;
  const failLast: Trouble = { at: 'action', kind: 'fail', action: 'do', step: last, when: 'after' };
  const backward = definition.unwind
    ? await play(subject, { name: 'it is undone', troubles: [failLast], state: 'failed', failedStep: last })
    : forward;
  const cases = [
    ...actionCases(definition, failLast),
    ...callCases(forward.calls, [], ''),
    ...(definition.unwind ? callCases(backward.calls, [failLast], ', unwinding', forward.calls) : []),
  ];
  for (const each of cases)
    await t.test(each.name, async () => {
      await play(subject, each);
    });
}

const sides = ['before', 'after'] as const;

function* actionCases(definition: FlowDefinition, failLast: Trouble): Generator<Case> {
  const { steps, unwind } = definition;
  const failure = (step: string, when: When): Trouble => ({
    at: 'action',
    kind: 'fail',
    action: 'do',
    step,
    when,
    // A flow that only goes forward would otherwise never end.
    once: !unwind,
  });
  const outcome = (step: string) =>
    unwind ? ({ state: 'failed', failedStep: step } as const) : ({ state: 'done' } as const);
  yield { name: 'everything runs twice', troubles: [], twice: true, state: 'done' };
  for (const { name: step } of steps) {
    for (const when of sides)
      yield { name: `"${step}" fails ${when} its work`, troubles: [failure(step, when)], ...outcome(step) };
    yield {
      name: `"${step}" fails, and everything runs twice`,
      troubles: [failure(step, 'after')],
      twice: true,
      ...outcome(step),
    };
  }
  const forwards: [FlowAction, string | null][] = steps.map(({ name }) => ['do', name]);
  if (definition.onDone) forwards.push(['onDone', null]);
  for (const [action, step] of forwards)
    for (const when of sides)
      yield {
        name: `killed ${when} ${label(action, step)}`,
        troubles: [{ at: 'action', kind: 'kill', action, step, when }],
        state: 'done',
      };
  if (!unwind) return;
  const backwards: [FlowAction, string | null][] = steps
    .filter(({ undo }) => undo)
    .map(({ name }) => ['undo', name]);
  if (definition.onFailure) backwards.push(['onFailure', null]);
  for (const [action, step] of backwards)
    for (const when of sides)
      for (const kind of ['kill', 'fail'] as const)
        yield {
          name: `${kind === 'kill' ? 'killed' : 'failed once'} ${when} ${label(action, step)}`,
          troubles: [failLast, { at: 'action', kind, action, step, when, once: true }],
          state: 'failed',
        };
  // The next life meets what the dead one left of a step, and fails in it.
  for (const { name: step } of steps)
    yield {
      name: `killed after "${step}", which then fails`,
      troubles: [{ at: 'action', kind: 'kill', action: 'do', step, when: 'after' }, failure(step, 'before')],
      ...outcome(step),
    };
}

function* callCases(
  calls: readonly string[],
  also: readonly Trouble[],
  suffix: string,
  known: readonly string[] = [],
) {
  for (const [call, what] of calls.entries()) {
    // The way forward was gone through already.
    if (call < known.length) continue;
    for (const when of sides)
      for (const kind of ['fail', 'kill'] as const)
        yield {
          name: `${kind === 'kill' ? 'killed' : 'failed'} ${when} call ${call + 1}, ${what}${suffix}`,
          troubles: [...also, { at: 'call', kind, call, when } as const],
        };
  }
}

const label = (action: FlowAction, step: string | null): string =>
  step === null ? action : `${action} of "${step}"`;

/** Goes through one case, over as many lives of the process as it takes. */
async function play<World extends FlowWorld>(
  subject: FlowSubject<World>,
  given: Case,
): Promise<{ definition: FlowDefinition; calls: readonly string[] }> {
  const stage = new Stage(given);
  const world = await subject.world(stage.seam);
  stage.store = world.store;
  const made = () =>
    new FlowEngine({
      store: world.store,
      runnerId: 'test',
      backoffMs: 1,
      pause: () => new Promise((resolve) => setImmediate(resolve)),
      around: stage.around,
    });
  let engine = made();
  const flows = subject.flows(world, engine);
  const [{ definition }] = flows;
  stage.flow = definition.name;
  engine.register(...flows);
  try {
    await engine.start();
    const id = await subject.start(engine, world);
    for (;;) {
      const ended = engine.wait(id);
      const killed = await Promise.race([ended.then(() => false), stage.killed.then(() => true)]);
      if (!killed) break;
      ended.catch(() => {});
      engine.abandon();
      stage.revive();
      engine = made();
      engine.register(...subject.flows(world, engine));
      await engine.start();
    }
    for (const { id: other } of await engine.list({ state: ['running', 'unwinding'] }))
      await engine.wait(other);
    stage.assertHappened();
    const { state, failure, problem } = await engine.show(id);
    assert.notEqual(state, 'stuck', `the flow is stuck: ${JSON.stringify(problem)}`);
    if (given.state) assert.equal(state, given.state, JSON.stringify(failure ?? problem));
    if (given.failedStep) assert.equal(failure?.step, given.failedStep);
    if (given.state === 'failed')
      assert.equal(failure?.error.kind, 'InjectedFailure', failure?.error.message ?? 'no failure was kept');
    if (state === 'done') await subject.done(world);
    else await subject.undone?.(world);
    return { definition, calls: stage.calls };
  } finally {
    await engine.close();
    await (world.close ?? (() => world.store.close()))();
  }
}

const lives = new AsyncLocalStorage<number>();
const never = () => new Promise<never>(() => {});

/** Makes the troubles of one case happen. */
class Stage {
  readonly #case: Case;
  readonly #pending: Set<Trouble>;
  readonly #happened = new Set<Trouble>();
  /** The calls of steps to what is wrapped in the seam, as `step: method`. */
  readonly calls: string[] = [];
  store: FlowStore | undefined;
  flow = '';
  killed: Promise<void>;
  #kill: () => void;
  #life = 1;
  #step = '';

  constructor(given: Case) {
    this.#case = given;
    this.#pending = new Set(given.troubles);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.killed = promise;
    this.#kill = resolve;
  }

  revive(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.killed = promise;
    this.#kill = resolve;
  }

  /** A case in which nothing went wrong proves nothing. */
  assertHappened(): void {
    for (const trouble of this.#case.troubles)
      assert.ok(this.#happened.has(trouble), `this never happened: ${JSON.stringify(trouble)}`);
  }

  readonly around: Around = ({ flow, action, step }, work) => {
    // A flow that was started by the one under test is left alone, though it runs in its context.
    if (flow !== this.flow) return lives.exit(work);
    if (action === 'end') return work();
    const life = this.#life;
    const where = label(action, step);
    const run = async () => {
      this.#step = where;
      const trouble = (when: When) => this.#meet((each) => this.#isAction(each, action, step, when), where);
      try {
        await trouble('before');
        if (this.#case.twice) await work();
        const result = await work();
        await trouble('after');
        return result;
      } catch (error) {
        // What a dead process throws nobody sees.
        if (life !== this.#life) await never();
        throw error;
      }
    };
    return lives.run(life, run);
  };

  readonly seam: Seam = (dependency) =>
    new Proxy(dependency, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const life = lives.getStore();
          const work = (): unknown => Reflect.apply(value, target, args);
          return life === undefined ? work() : this.#call(life, String(property), work);
        };
      },
    });

  async #call(life: number, method: string, work: () => unknown): Promise<unknown> {
    if (life !== this.#life) await never();
    const call = this.calls.length;
    this.calls.push(`${this.#step}: ${method}`);
    const trouble = (when: When) =>
      this.#meet((each) => each.at === 'call' && each.call === call && each.when === when, method);
    await trouble('before');
    const result = await work();
    if (life !== this.#life) await never();
    await trouble('after');
    return result;
  }

  #isAction(each: Trouble, action: FlowAction, step: string | null, when: When): boolean {
    return each.at === 'action' && each.action === action && each.step === step && each.when === when;
  }

  async #meet(matches: (trouble: Trouble) => boolean, where: string): Promise<void> {
    for (const trouble of this.#pending) {
      const once = trouble.kind === 'kill' || trouble.at === 'call' || trouble.once;
      if (!matches(trouble)) {
        // One comes after the other: what waits for a kill must not happen before it.
        if (once) return;
        continue;
      }
      this.#happened.add(trouble);
      if (once) this.#pending.delete(trouble);
      if (trouble.kind === 'fail') throw new InjectedFailure(where);
      this.#life++;
      this.#kill();
      // A transaction of a killed process is rolled back; one that hung would hold up its successor.
      if (this.store?.inTransaction) throw new Error('killed');
      await never();
    }
  }
}
