import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Listener } from './bus.ts';
import { Running } from './handlers.ts';
import type { Connection, Declaration } from './rabbitmq-connection.ts';

export interface ConsumerOptions {
  /** Declares queues and bindings; the names of those to consume from. */
  declare(channel: Channel): Promise<string[]>;
  /** Queues that are deleted with their last consumer, unless messages wait in them. */
  shared: readonly string[];
  /** How many messages are handled at a time. */
  prefetch: number;
  /** Does the work. What it returns is published as the answer; it never throws. */
  handle(message: ConsumeMessage): Promise<Buffer | undefined>;
}

/**
 * Consumes from queues over whatever connection there is. A message is acknowledged after its handler is done, so that
 * another consumer gets it when this process or its connection dies meanwhile.
 */
export class Consumer implements Declaration, Listener {
  readonly #connection: Connection;
  readonly #options: ConsumerOptions;
  readonly #running = new Running();
  #model: ChannelModel | undefined;
  #opened: Promise<Channel> | undefined;
  #tags: string[] = [];
  #closing = false;

  constructor(connection: Connection, options: ConsumerOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  async open(model: ChannelModel): Promise<void> {
    if (this.#model !== model) {
      this.#model = model;
      this.#opened = this.#consume(model);
    }
    await this.#opened;
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#connection.remove(this);
    const channel = await this.#opened?.catch(() => undefined);
    // Where the connection is gone the broker has already taken everything back.
    for (const tag of this.#tags) await channel?.cancel(tag).catch(() => {});
    await this.#running.end();
    await channel?.close().catch(() => {});
    for (const queue of this.#options.shared) await this.#deleteUnused(queue);
  }

  async #consume(model: ChannelModel): Promise<Channel> {
    const channel = await model.createChannel();
    channel.on('error', () => {});
    const restart = () => {
      if (!this.#closing) void this.#connection.restart(model);
    };
    channel.on('close', restart);
    await channel.prefetch(this.#options.prefetch);
    const tags: string[] = [];
    for (const queue of await this.#options.declare(channel)) {
      const deliver = (message: ConsumeMessage | null) => {
        // The broker cancels a consumer whose queue was deleted from under it.
        if (message === null) restart();
        else this.#running.add(this.#deliver(channel, message));
      };
      tags.push((await channel.consume(queue, deliver)).consumerTag);
    }
    this.#tags = tags;
    return channel;
  }

  async #deliver(channel: Channel, message: ConsumeMessage): Promise<void> {
    const answer = await this.#options.handle(message);
    const { replyTo, correlationId } = message.properties as { replyTo?: string; correlationId?: string };
    try {
      if (answer && replyTo !== undefined) channel.publish('', replyTo, answer, { correlationId });
      channel.ack(message);
    } catch {
      // The channel closed while the handler ran: the broker delivers the message again, to this or another server.
    }
  }

  /** On a channel of its own, since the broker closes the channel to say that the queue is in use. */
  async #deleteUnused(queue: string): Promise<void> {
    const channel = await this.#model?.createChannel().catch(() => undefined);
    if (!channel) return;
    channel.on('error', () => {});
    await channel.deleteQueue(queue, { ifUnused: true, ifEmpty: true }).then(
      () => channel.close(),
      () => {},
    );
  }
}
