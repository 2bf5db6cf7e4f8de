import { AsyncLocalStorage } from 'node:async_hooks';
import { currentContext, type RequestContext, withContext } from '../context/context.ts';
import {
  ApiError,
  type ErrorRecord,
  fromErrorRecord,
  NotImplemented,
  toErrorRecord,
} from '../errors/errors.ts';
import type { Failure } from './bus.ts';
import { copyPlain } from './plain.ts';

/** Runs a handler as if its caller were elsewhere: with the caller's request context, and nothing else of it. */
export type Runner = <T>(context: RequestContext, handler: () => T) => T;

/**
 * Keeps the surroundings in which a bus is opened (none, in the program) for its handlers. Without this a handler in
 * the caller's process would find itself in the caller's transaction, which over the network it never does.
 */
export function runnerOfHere(): Runner {
  const here = AsyncLocalStorage.snapshot();
  return (context, handler) => here(() => withContext(context, handler));
}

/** What travels with every message. */
export const contextToSend = (): RequestContext => ({ ...currentContext() });

/**
 * Finds the handler of a method and runs it.
 * @throws NotImplemented where the server has none
 */
export async function handle(
  handlers: object,
  contract: string,
  method: string,
  args: unknown,
): Promise<unknown> {
  // The method's name comes from outside: what every object inherits is no handler.
  const handler: unknown =
    method in Object.prototype ? undefined : (handlers as Record<string, unknown>)[method];
  if (typeof handler !== 'function')
    throw new NotImplemented(`The server of ${contract} has no method ${method}.`);
  return Reflect.apply(handler, handlers, [args]);
}

/** An error as it may cross the bus. Details that are not plain data stay behind. */
export function errorToSend(error: unknown): ErrorRecord {
  const record = toErrorRecord(error);
  try {
    return copyPlain(record);
  } catch {
    return { ...record, details: undefined };
  }
}

/** An error as it arrives on the other side. */
export const errorAfterCrossing = (error: unknown): Error => fromErrorRecord(errorToSend(error));

/** Whether the program, and not the request, is at fault. */
export const isUnforeseen = (error: unknown): boolean => !(error instanceof ApiError);

/** Where no log is connected, a failure is at least on standard error. */
export const warn: Failure = (error, { contract, method }) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`${contract}.${method} failed: ${text}`, 'BusWarning');
};

/** Work that is under way, so that closing can wait for it. */
export class Running {
  readonly #work = new Set<Promise<unknown>>();

  add(work: Promise<unknown>): void {
    this.#work.add(work);
    work.catch(() => {}).then(() => this.#work.delete(work));
  }

  async end(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
  }
}
