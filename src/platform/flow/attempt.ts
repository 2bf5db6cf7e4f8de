import { copyPlain } from '../bus/plain.ts';
import type { Clock } from '../clock/clock.ts';
import { ApiError } from '../errors/errors.ts';
import type { Retry } from './flow.ts';

/** A step that took longer than its deadline. */
export class DeadlinePassed extends Error {
  constructor(what: string, ms: number) {
    super(`${what} took more than ${ms} ms`);
    this.name = 'DeadlinePassed';
  }
}

/** How long work that was told to stop may take to stop before it is left behind. */
const grace = 5_000;

/**
 * Runs `work` with a signal that is aborted at the deadline or with `outer`. Work that heeds its signal has ended
 * when this returns, so that what undoes it does not run beside it.
 * @throws what `work` throws; DeadlinePassed
 */
export async function withDeadline<T>(
  clock: Clock,
  what: string,
  ms: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const cancels: (() => void)[] = [];
  const passed = new Promise<never>((_, reject) => {
    cancels.push(
      clock.after(ms, () => {
        const error = new DeadlinePassed(what, ms);
        late.abort(error);
        cancels.push(clock.after(grace, () => reject(error)));
      }),
    );
  });
  try {
    const result = await Promise.race([work(AbortSignal.any([outer, late.signal])), passed]);
    // Done is done, even late: to fail it now would only make work.
    return result;
  } catch (error) {
    throw late.signal.aborted ? late.signal.reason : error;
  } finally {
    for (const cancel of cancels) cancel();
  }
}

/** Errors that may pass: all but what an API answers to a request that was wrong. */
export const mayPass = (error: unknown): boolean => !(error instanceof ApiError) || error.status >= 500;

/** Milliseconds before the retry after so many failures; undefined: no retry. */
export function retryDelay(retry: Retry | undefined, failures: number, error: unknown): number | undefined {
  if (!retry || failures > retry.times || !(retry.when ?? mayPass)(error)) return undefined;
  return doubling(retry.delay, failures);
}

/** `first` milliseconds, doubled for each failure after the first, up to a minute. */
export const doubling = (first: number, failures: number): number =>
  Math.min(first * 2 ** Math.min(failures - 1, 20), 60_000);

/** A step's output as it will be read again: plain data. @throws TypeError which names what is not plain */
export function plainOutput(output: unknown): object {
  if (output === undefined || output === null) return {};
  if (typeof output !== 'object' || Array.isArray(output))
    throw new TypeError('a step returns a plain object or nothing');
  return copyPlain(output);
}
