import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Engine, OpenTransaction, Query, Result } from './engine.ts';
import { StoreError, TransactionConflict } from './errors.ts';
import { Fifo } from './fifo.ts';

/** A transaction as the code inside it sees it; frames of several stores may enclose each other. */
interface Frame {
  readonly owner: Transactions;
  readonly outer: Frame | undefined;
  readonly transaction: OpenTransaction;
  readonly hooks: (() => unknown)[];
  /** The first error of the database; after it nothing may go on, whatever the code inside caught. */
  failure: { error: unknown } | undefined;
  ended: boolean;
}

const frames = new AsyncLocalStorage<Frame | undefined>();

/** Runs `work` as if no transaction of any store were open: what is handed to others must not join ours. */
export function outsideTransactions<T>(work: () => T): T {
  return frames.run(undefined, work);
}

const attempts = 50;

/** Runs queries inside the transaction that the caller stands in, or on their own. */
export class Transactions {
  readonly #engine: Engine;
  readonly #onHookError: (error: unknown) => void;
  /** Who lost twice waits here for the others who did, so that contention ends instead of going round. */
  readonly #losers = new Fifo('the transactions that lost before', 120_000);

  constructor(engine: Engine, onHookError: (error: unknown) => void) {
    this.#engine = engine;
    this.#onHookError = onHookError;
  }

  #frame(): Frame | undefined {
    let frame = frames.getStore();
    while (frame && frame.owner !== this) frame = frame.outer;
    if (frame?.ended)
      throw new StoreError(
        'this work began inside a transaction that has ended: await it there, or start it with afterCommit() or outsideTransactions()',
      );
    return frame;
  }

  run(query: Query): Promise<Result> {
    const frame = this.#frame();
    if (!frame) return this.#engine.dialect === 'sqlite' ? this.#engine.run(query) : this.#alone(query);
    return this.#within(frame, query);
  }

  async #within(frame: Frame, query: Query): Promise<Result> {
    if (frame.failure)
      throw new StoreError('the transaction has failed: nothing more can be done in it', frame.failure.error);
    try {
      return await frame.transaction.run(query);
    } catch (error) {
      // PostgreSQL ends a transaction at its first error; so do we everywhere, or code proven on SQLite breaks.
      frame.failure ??= { error };
      throw error;
    }
  }

  /** A statement of its own is a transaction too: it may lose to another, and then runs again. */
  async #alone(query: Query): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#engine.run(query);
      } catch (error) {
        if (!(error instanceof TransactionConflict) || attempt >= attempts) throw error;
        await backOff(attempt);
      }
    }
  }

  async transaction<T>(work: () => Promise<T> | T): Promise<T> {
    if (this.#frame()) return work();
    let queued = false;
    try {
      for (let attempt = 1; ; attempt++) {
        const outcome = await this.#attempt(work);
        if ('value' in outcome) return outcome.value;
        if (!(outcome.error instanceof TransactionConflict) || attempt >= attempts) throw outcome.error;
        if (attempt >= 2 && !queued) {
          await this.#losers.acquire();
          queued = true;
        }
        await backOff(attempt);
      }
    } finally {
      if (queued) this.#losers.release();
    }
  }

  async #attempt<T>(work: () => Promise<T> | T): Promise<{ value: T } | { error: unknown }> {
    let transaction: OpenTransaction;
    try {
      transaction = await this.#engine.begin();
    } catch (error) {
      return { error };
    }
    const frame: Frame = {
      owner: this,
      outer: frames.getStore(),
      transaction,
      hooks: [],
      failure: undefined,
      ended: false,
    };
    let value: T;
    try {
      value = await frames.run(frame, async () => work());
      frame.ended = true;
      if (frame.failure) throw frame.failure.error;
      await transaction.commit();
    } catch (error) {
      frame.ended = true;
      await transaction.rollback().catch(() => {});
      // What the database said first decides, even when the code inside made another error of it.
      const failure = frame.failure?.error;
      return { error: failure instanceof TransactionConflict ? failure : error };
    }
    for (const hook of frame.hooks) this.#runHook(hook);
    return { value };
  }

  /** Runs `hook` when the outermost transaction has committed; at once when there is none. */
  afterCommit(hook: () => unknown): void {
    const frame = this.#frame();
    if (frame) frame.hooks.push(hook);
    else this.#runHook(hook);
  }

  #runHook(hook: () => unknown): void {
    // The work is committed: a hook that fails must not tell the caller that it is not.
    try {
      const result = hook();
      if (result instanceof Promise) result.catch(this.#onHookError);
    } catch (error) {
      this.#onHookError(error);
    }
  }

  /** True inside a transaction of this store. */
  get open(): boolean {
    return this.#frame() !== undefined;
  }
}

function backOff(attempt: number): Promise<void> {
  return delay(Math.random() * Math.min(2 ** attempt, 100));
}
