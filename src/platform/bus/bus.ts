import type { Contract, Told } from './contract.ts';

export { MessagingTimeout, NoSuchServer } from '../errors/errors.ts';
export { type Contract, contract } from './contract.ts';

/**
 * How the parts of a cloud speak to each other, in one process or over many hosts; nobody can tell which.
 * Arguments, results and payloads are plain data (JSON's types) and arrive as copies. What is thrown in a handler
 * is thrown again in the caller, as the same kind of error. A handler runs in its caller's request context and in
 * nothing else of the caller: not in its transaction. It may be run twice for one message, so it is idempotent.
 */
export interface Bus {
  /**
   * Methods that are carried out by one server of the contract, and that answer.
   * They throw `NoSuchServer` at once when there is none, `MessagingTimeout` after the deadline (the work may still
   * be done then), `TypeError` for what is not plain data, and whatever the handler throws.
   */
  client<Service>(contract: Contract<Service>, to?: Address & { deadline?: number }): Service;
  /**
   * Methods that are carried out by one server, later; the promise says that the message is on its way.
   * They throw `NoSuchServer` when there is none to take it.
   */
  cast<Service>(contract: Contract<Service>, to?: Address): Told<Service>;
  /** Methods that are carried out by every server of the contract that there is now, be it none. */
  fanout<Service>(contract: Contract<Service>): Told<Service>;
  /**
   * Carries out a contract's methods. Servers of the same contract share the work; with a host it also gets what is
   * addressed to that host. A method without a handler answers `NotImplemented`.
   */
  serve<Service>(contract: Contract<Service>, handlers: Partial<Service>, at?: Address): Promise<Listener>;
  /**
   * Says what has happened, to whoever subscribes; nobody need to.
   * @param event words joined by dots, as in `compute.instance.create.end`
   */
  notify(event: string, payload: object): Promise<void>;
  /**
   * Hears of what happens.
   * @param pattern an event where `*` stands for one word and `#` for any number of them
   * @param options.group subscribers of one group and pattern share the notifications: each goes to one of them.
   *   Without a group every subscriber gets each.
   */
  subscribe(pattern: string, handler: Subscriber, options?: { group?: string }): Promise<Listener>;
  /** Takes nothing more, waits for the handlers that are running, and lets go of everything. */
  close(): Promise<void>;
}

export interface Address {
  /** The name of a host of the cloud; without it any server of the contract will do. */
  host?: string;
}

export interface Listener {
  /** Takes nothing more and waits for the handlers that are running. */
  close(): Promise<void>;
}

export interface Notification {
  /** The same when the same notification comes twice. */
  readonly id: string;
  readonly event: string;
  /** When it was sent: ISO 8601, UTC. */
  readonly time: string;
  readonly payload: unknown;
}

export type Subscriber = (notification: Notification) => void | Promise<void>;

/** Where a handler failed that nobody waits for, or in a way that was not foreseen (no `ApiError`). */
export type Failure = (error: unknown, where: { contract: string; method: string }) => void;

/**
 * Opens the bus that a transport URL names: `memory:` (within this process) or `amqp://…`, `amqps://…` (RabbitMQ).
 * @throws TypeError for any other URL
 */
export async function openBus(url: string, options: { onFailure?: Failure } = {}): Promise<Bus> {
  const { protocol } = new URL(url);
  if (protocol === 'memory:') return (await import('./in-process.ts')).inProcessBus(options);
  if (protocol === 'amqp:' || protocol === 'amqps:')
    return (await import('./rabbitmq.ts')).rabbitmqBus(url, options);
  throw new TypeError(`transport_url: '${protocol}' is neither memory:, amqp: nor amqps:`);
}
