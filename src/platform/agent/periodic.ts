import { type Clock, systemClock } from '../clock/clock.ts';

/** What can be said of work that comes back: shown by the lists of agents and services, and by metrics. */
export interface PeriodicReport<Result = unknown> {
  name: string;
  running: boolean;
  /** Runs that finished, well or badly. */
  runs: number;
  /** Failed runs since the last good one. */
  failures: number;
  /** Milliseconds since 1970. */
  lastStartedAt?: number;
  lastFinishedAt?: number;
  lastSucceededAt?: number;
  lastDurationMs?: number;
  /** Of the last good run. */
  lastResult?: Result;
  /** The last run's error; absent when it went well. */
  lastError?: string;
  nextAt?: number;
}

export interface PeriodicOptions<Result> {
  clock?: Clock;
  /** By what part of `every` a wait is made longer or shorter at random, so that hosts do not act in step. Default 0.1. */
  jitter?: number;
  /** Milliseconds until the run after a failed one; doubled for each further failure, up to `every`. Default 1,000. */
  backoff?: number;
  /** Told of every failed run. Work that fails silently is found out too late. */
  onError?: (error: unknown, report: PeriodicReport<Result>) => void;
  /** Told of every good run. */
  onRun?: (result: Result, report: PeriodicReport<Result>) => void;
}

/** Work that is done at start, when woken, and every so often; never twice at once. */
export interface Periodic<Result> {
  /** Begins: the first run is now. */
  start(): void;
  /** Runs soon. Calls during a run become one more run after it. */
  wake(): void;
  /** Wakes, and waits for a run that began after this call. @throws its error; Error when it was closed before */
  sync(): Promise<Result>;
  report(): PeriodicReport<Result>;
  /** Tells a run that is under way to stop, waits for its end, and runs no more. */
  close(): Promise<void>;
}

/**
 * Makes work come back.
 *
 * @param every milliseconds from the end of a run to the beginning of the next
 * @param work heeds its signal, which is aborted at close
 */
export function periodic<Result>(
  name: string,
  every: number,
  work: (signal: AbortSignal) => Promise<Result>,
  options: PeriodicOptions<Result> = {},
): Periodic<Result> {
  const { clock = systemClock, jitter = 0.1, backoff = 1_000 } = options;
  const closing = new AbortController();
  const report: PeriodicReport<Result> = { name, running: false, runs: 0, failures: 0 };
  let next: PromiseWithResolvers<Result> | undefined;
  let current: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  const wait = (): void => {
    const delay =
      report.failures > 0 ? Math.min(backoff * 2 ** Math.min(report.failures - 1, 30), every) : every;
    const spread = Math.max(0, delay * (1 + jitter * (2 * Math.random() - 1)));
    report.nextAt = clock.now() + spread;
    cancel = clock.after(spread, () => void begin());
  };

  /** The run that begins next; those who ask before it has begun share it. */
  const begin = (): Promise<Result> => {
    if (closing.signal.aborted) return Promise.reject(new Error(`${name} is closed`));
    if (next) return next.promise;
    next = Promise.withResolvers<Result>();
    // Who only wakes does not wait; the report and onError have the error.
    next.promise.catch(() => {});
    cancel?.();
    if (!current) queueMicrotask(loop);
    return next.promise;
  };

  const loop = (): void => {
    current = (async () => {
      while (next && !closing.signal.aborted) {
        const asked = next;
        next = undefined;
        await once(asked);
      }
      current = undefined;
      if (closing.signal.aborted) next?.reject(new Error(`${name} is closed`));
      else wait();
    })();
  };

  const once = async ({ resolve, reject }: PromiseWithResolvers<Result>): Promise<void> => {
    const started = clock.now();
    Object.assign(report, { running: true, lastStartedAt: started, nextAt: undefined });
    const finish = (outcome: Partial<PeriodicReport<Result>>) => {
      const now = clock.now();
      const runs = report.runs + 1;
      Object.assign(
        report,
        { running: false, runs, lastFinishedAt: now, lastDurationMs: now - started },
        outcome,
      );
    };
    try {
      const result = await work(closing.signal);
      finish({ failures: 0, lastError: undefined, lastResult: result, lastSucceededAt: clock.now() });
      tell(() => options.onRun?.(result, { ...report }));
      resolve(result);
    } catch (error) {
      const lastError = error instanceof Error ? error.message : String(error);
      finish({ failures: report.failures + 1, lastError });
      if (!closing.signal.aborted) tell(() => options.onError?.(error, { ...report }));
      reject(error);
    }
  };

  return {
    start: () => void begin(),
    wake: () => {
      if (!closing.signal.aborted) void begin();
    },
    sync: begin,
    report: () => ({ ...report }),
    async close() {
      closing.abort();
      cancel?.();
      report.nextAt = undefined;
      await current;
      next?.reject(new Error(`${name} is closed`));
    },
  };
}

/** A listener must not end what it listens to. */
function tell(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}

/** Says "I live" every so often. @param every milliseconds */
export function heartbeat({
  every,
  beat,
  name = 'heartbeat',
  ...options
}: {
  every: number;
  beat: (signal: AbortSignal) => Promise<unknown>;
  name?: string;
} & PeriodicOptions<void>): Periodic<void> {
  return periodic<void>(name, every, async (signal) => void (await beat(signal)), options);
}
