import { type Channel, type ChannelModel, type ConfirmChannel, connect, type Message } from 'amqplib';
import { ServiceUnavailable } from '../errors/errors.ts';

/** What is published through, as long as one connection lasts. */
export interface Link {
  readonly model: ChannelModel;
  /** For calls, and where their answers arrive. */
  readonly calls: Channel;
  /** For messages without an answer: the broker confirms that it has taken them. */
  readonly tells: ConfirmChannel;
}

export interface ConnectionEvents {
  /** Declares what every bus needs, on each new connection. */
  declare(channel: Channel): Promise<void>;
  /** An answer to a call, or a call that could not be routed. */
  onAnswer(message: Message): void;
  onReturn(message: Message): void;
  /** The connection is gone; answers to what was sent will not come. */
  onLost(): void;
}

/** Something that is set up on every new connection: a server's or a subscription's queues. */
export interface Declaration {
  open(model: ChannelModel): Promise<void>;
}

/** A quiet broker that is gone is noticed after two of these. Seconds. */
const heartbeat = 10;
const attemptsToDeclare = 3;

/**
 * One connection to a broker that comes back: after a loss it connects again with a growing delay (0.1 to 5 s) and
 * declares everything anew before anybody publishes.
 */
export class Connection {
  readonly #events: ConnectionEvents;
  readonly #declarations = new Set<Declaration>();
  #link = Promise.withResolvers<Link>();
  #stop: () => Promise<void> = async () => {};
  #closed = false;

  private constructor(events: ConnectionEvents) {
    this.#events = events;
    this.#link.promise.catch(() => {});
  }

  /** @throws ServiceUnavailable naming the broker (not the password) when that many attempts have failed */
  static async open(url: string, attempts: number, events: ConnectionEvents): Promise<Connection> {
    const connection = new Connection(events);
    const address = new URL(url);
    if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(heartbeat));
    try {
      const recovering = await connect(address.href, {
        noDelay: true,
        keepAlive: true,
        timeout: 10_000,
        recovery: {
          initialDelay: 100,
          maxDelay: 5_000,
          initialMaxRetries: attempts - 1,
          setup: (model: ChannelModel) => connection.#setUp(model),
        },
      });
      recovering.on('error', () => {});
      connection.#stop = () => recovering.close();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ServiceUnavailable(`The message broker at ${address.host} can't be used: ${reason}`, {
        cause,
      });
    }
    return connection;
  }

  /** The present link; waits for the next one while there is none. */
  link(): Promise<Link> {
    this.assertOpen();
    return this.#link.promise;
  }

  assertOpen(): void {
    if (this.#closed) throw closedError();
  }

  /** Sets up a declaration now and on every later connection. */
  async add(declaration: Declaration): Promise<void> {
    this.assertOpen();
    this.#declarations.add(declaration);
    for (let attempt = 1; ; attempt++) {
      const { model } = await this.link();
      try {
        return await declaration.open(model);
      } catch (error) {
        if (attempt === attemptsToDeclare) {
          this.remove(declaration);
          throw error;
        }
        await this.restart(model);
      }
    }
  }

  remove(declaration: Declaration): void {
    this.#declarations.delete(declaration);
  }

  /** Gives up a connection on which something went wrong that nobody asked for, so that all begins anew. */
  async restart(model: ChannelModel): Promise<void> {
    if (this.#closed) return;
    await model.close().catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#link.reject(closedError());
    this.#events.onLost();
    await this.#stop();
  }

  async #setUp(model: ChannelModel): Promise<void> {
    model.on('error', () => {});
    const lost = () => {
      this.#linkIsGone();
      this.#events.onLost();
    };
    model.on('close', lost);
    const calls = await model.createChannel();
    calls.on('error', () => {});
    const tells = await model.createConfirmChannel();
    tells.on('error', () => {});
    for (const channel of [calls, tells]) {
      channel.on('return', (message) => this.#events.onReturn(message));
      channel.on('close', () => void this.restart(model));
    }
    await this.#events.declare(calls);
    const answers = (message: Message | null) => {
      if (message) this.#events.onAnswer(message);
    };
    await calls.consume('amq.rabbitmq.reply-to', answers, { noAck: true });
    for (const declaration of this.#declarations) await declaration.open(model);
    this.#link.resolve({ model, calls, tells });
  }

  #linkIsGone(): void {
    if (this.#closed) return;
    // Whoever waits already goes on waiting: only a link that was handed out is replaced.
    const gone = this.#link;
    this.#link = Promise.withResolvers<Link>();
    this.#link.promise.catch(() => {});
    gone.resolve(this.#link.promise);
  }
}

const closedError = () => new ServiceUnavailable('The message bus is closed.');
