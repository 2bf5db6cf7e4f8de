/** What may cross the bus: JSON's types. Functions, and so instances of classes with methods, have no place. */
type Plain<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined | void
    ? T
    : T extends bigint | symbol | ((...args: never[]) => unknown)
      ? never
      : { [K in keyof T]: Plain<T[K]> };

type Method<F> = F extends (...args: infer Args) => Promise<infer Result>
  ? Args extends [args?: infer Argument]
    ? [Argument, Result] extends [Plain<Argument>, Plain<Result>]
      ? F
      : 'the argument and the result must be plain data'
    : 'a method takes one object'
  : 'a method returns a Promise';

/** Holds for an interface whose methods take at most one plain object and promise plain data. */
export type Methods<Service> = { [K in keyof Service]: Method<Service[K]> };

/** The same methods where nobody waits for what they return. */
export type Told<Service> = {
  [K in keyof Service]: Service[K] extends (...args: infer Args) => unknown
    ? (...args: Args) => Promise<void>
    : never;
};

declare const service: unique symbol;

/** A name on the bus that stands for a TypeScript interface. */
export interface Contract<Service> {
  readonly name: string;
  /** Milliseconds that a caller waits for an answer unless its client says otherwise. */
  readonly deadline: number;
  /** Only there for the types. */
  readonly [service]?: Service;
}

/** Long enough for an agent to do something on its host, short enough to notice that it is gone. */
const defaultDeadline = 60_000;

/**
 * Names an interface so that it can be served and called over the bus:
 * `export const networkService = contract<NetworkService>('network')`.
 * @param name lower-case words joined by hyphens, unique in the cloud
 * @param options.deadline milliseconds; 60,000 unless given
 */
export function contract<Service extends Methods<Service>>(
  name: string,
  options: { deadline?: number } = {},
): Contract<Service> {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new TypeError(`'${name}' cannot name a contract`);
  return { name, deadline: options.deadline ?? defaultDeadline };
}
