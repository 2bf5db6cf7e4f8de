import { randomUUID } from 'node:crypto';
import { setTimeout as setTimer } from 'node:timers';
import { setTimeout } from 'node:timers/promises';
import type { Channel, ConsumeMessage, Message, Options } from 'amqplib';
import type { RequestContext } from '../context/context.ts';
import {
  type ErrorRecord,
  fromErrorRecord,
  MessagingTimeout,
  NoSuchServer,
  ServiceUnavailable,
} from '../errors/errors.ts';
import type { Address, Bus, Failure, Listener, Notification, Subscriber } from './bus.ts';
import type { Contract } from './contract.ts';
import { contextToSend, errorToSend, handle, isUnforeseen, runnerOfHere, warn } from './handlers.ts';
import { copyPlain } from './plain.ts';
import { methodsOf } from './proxy.ts';
import { Connection } from './rabbitmq-connection.ts';
import { Consumer, type ConsumerOptions } from './rabbitmq-consumer.ts';

export interface RabbitmqOptions {
  /** Told where a handler failed that nobody waits for; writes a warning unless given. */
  onFailure?: Failure;
  /** Begins the names of all queues and exchanges, so that clouds can share a broker. Default `cumulet`. */
  prefix?: string;
  /** How many messages each server handles at a time. Default 64. */
  prefetch?: number;
  /** How often to try to reach the broker before opening fails; waits grow from 0.1 to 5 s. Default 10. */
  attempts?: number;
}

/** What crosses the network, as JSON. */
interface Envelope {
  context: RequestContext;
  body: unknown;
}
type Answer = { result?: unknown } | { error: ErrorRecord };

interface Pending {
  contract: string;
  method: string;
  host: string | undefined;
  sent: boolean;
  timer: NodeJS.Timeout;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** How long a queue of a contract outlives servers that died: what was cast meanwhile is done when they are back. */
const queueOutlives = 60_000;
/** The same for a group's queue of notifications, and the most that wait in it: then the oldest are dropped. */
const groupOutlives = 3_600_000;
const groupLimit = 100_000;
/** How long to try to hand a notification to the broker. */
const notifyDeadline = 30_000;
/** Before a message that the broker did not take is sent again. */
const pause = 50;

const encode = (value: Envelope | Answer) => Buffer.from(JSON.stringify(value));
const decode = <T>(content: Buffer) => JSON.parse(content.toString('utf8')) as T;

/**
 * A bus over RabbitMQ, for a cloud of several processes or hosts.
 *
 * A call goes to the contract's queue (`<prefix>.<contract>`, or `<prefix>.<contract>@<host>`) and is answered by direct
 * reply-to; its time in the queue is bounded by its deadline. A fanout goes through a direct exchange with the contract
 * as its key, a notification through a topic exchange. After a lost connection calls under way fail with
 * `ServiceUnavailable`; casts and notifications that were not confirmed are sent again.
 */
export async function rabbitmqBus(url: string, options: RabbitmqOptions = {}): Promise<Bus> {
  const { onFailure = warn, prefix = 'cumulet', prefetch = 64, attempts = 10 } = options;
  const fanouts = `${prefix}.fanout`;
  const notifications = `${prefix}.notifications`;
  const within = runnerOfHere();
  const pending = new Map<string, Pending>();
  const unrouted = new Set<string>();
  const listeners = new Set<Listener>();
  let lastCall = 0;

  const queueOf = (contract: string, host?: string) =>
    host === undefined ? `${prefix}.${contract}` : `${prefix}.${contract}@${host}`;

  /** Takes a call off the books, so that it is settled once. */
  const settle = (id: unknown): Pending | undefined => {
    const call = pending.get(String(id));
    if (call) {
      pending.delete(String(id));
      clearTimeout(call.timer);
    }
    return call;
  };

  const connection = await Connection.open(url, attempts, {
    async declare(channel) {
      await channel.assertExchange(fanouts, 'direct', { durable: true });
      await channel.assertExchange(notifications, 'topic', { durable: true });
    },
    onAnswer(message: Message) {
      const call = settle(message.properties.correlationId);
      if (!call) return;
      const answer = decode<Answer>(message.content);
      if ('error' in answer) call.reject(fromErrorRecord(answer.error));
      else call.resolve(answer.result);
    },
    onReturn(message: Message) {
      const call = settle(message.properties.correlationId);
      if (call) call.reject(new NoSuchServer(call.contract, call.method, { host: call.host }));
      else unrouted.add(String(message.properties.messageId));
    },
    onLost() {
      for (const [id, { contract, method, sent }] of pending)
        if (sent)
          settle(id)?.reject(
            new ServiceUnavailable(`The connection was lost before ${contract} answered ${method}.`),
          );
    },
  });

  const call = (
    contract: Contract<unknown>,
    method: string,
    args: unknown,
    to: Address & { deadline?: number },
  ) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const { host, deadline = contract.deadline } = to;
    const content = encode({ context: contextToSend(), body: copyPlain(args) });
    const id = String(++lastCall);
    const until = Date.now() + deadline;
    const timer = setTimer(
      () => settle(id)?.reject(new MessagingTimeout(contract.name, method, { host, deadline })),
      deadline,
    );
    const entry: Pending = { contract: contract.name, method, host, sent: false, timer, resolve, reject };
    pending.set(id, entry);
    const send = async () => {
      while (pending.has(id)) {
        const { calls } = await connection.link();
        if (!pending.has(id)) return;
        try {
          entry.sent = true;
          calls.publish('', queueOf(contract.name, host), content, {
            mandatory: true,
            expiration: Math.max(1, until - Date.now()),
            replyTo: 'amq.rabbitmq.reply-to',
            correlationId: id,
            type: method,
            contentType: 'application/json',
          });
          return;
        } catch {
          // The channel has just closed and nothing has left: the next link will do.
          entry.sent = false;
          await setTimeout(pause);
        }
      }
    };
    send().catch((error: Error) => settle(id)?.reject(error));
    return promise;
  };

  /**
   * Hands a message to the broker and waits for its confirmation; again after a lost connection, until the deadline.
   * @returns whether a queue took it
   */
  const tell = async (
    exchange: string,
    key: string,
    body: unknown,
    properties: Options.Publish & { messageId: string; type: string },
    deadline: number,
    late: () => Error,
  ): Promise<boolean> => {
    connection.assertOpen();
    const content = encode({ context: contextToSend(), body: copyPlain(body) });
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const over = new AbortController();
    const timer = setTimer(() => reject(late()), deadline);
    const send = async () => {
      while (!over.signal.aborted) {
        const { tells } = await connection.link();
        if (over.signal.aborted) return;
        unrouted.delete(properties.messageId);
        try {
          await new Promise<void>((confirmed, failed) => {
            tells.publish(
              exchange,
              key,
              content,
              { ...properties, contentType: 'application/json' },
              (error) => (error ? failed(error) : confirmed()),
            );
          });
          return resolve(!unrouted.delete(properties.messageId));
        } catch {
          await setTimeout(pause);
        }
      }
    };
    send().catch(reject);
    try {
      return await promise;
    } finally {
      over.abort();
      clearTimeout(timer);
    }
  };

  const consume = async (consumption: ConsumerOptions): Promise<Listener> => {
    const consumer = new Consumer(connection, consumption);
    await connection.add(consumer);
    const listener: Listener = {
      async close() {
        listeners.delete(listener);
        await consumer.close();
      },
    };
    listeners.add(listener);
    return listener;
  };

  /** Carries out one message of a contract; the answer, when somebody waits for it. */
  const carryOut = async (
    handlers: object,
    contract: string,
    message: ConsumeMessage,
  ): Promise<Buffer | undefined> => {
    const method = String(message.properties.type);
    const waitedFor = message.properties.replyTo !== undefined;
    try {
      const { context, body } = decode<Envelope>(message.content);
      const result = copyPlain(await within(context, () => handle(handlers, contract, method, body)));
      return waitedFor ? encode({ result }) : undefined;
    } catch (error) {
      if (!waitedFor || isUnforeseen(error)) onFailure(error, { contract, method });
      return waitedFor ? encode({ error: errorToSend(error) }) : undefined;
    }
  };

  return {
    client: (contract, to = {}) =>
      methodsOf((method) => async (args) => {
        connection.assertOpen();
        return call(contract, method, args, to);
      }),

    cast: (contract, { host } = {}) =>
      methodsOf((method) => async (args) => {
        const { name, deadline } = contract;
        const properties = { messageId: randomUUID(), type: method, mandatory: true };
        const late = () => new MessagingTimeout(name, method, { host, deadline });
        if (!(await tell('', queueOf(name, host), args, properties, deadline, late)))
          throw new NoSuchServer(name, method, { host });
      }),

    fanout: (contract) =>
      methodsOf((method) => async (args) => {
        const { name, deadline } = contract;
        const properties = { messageId: randomUUID(), type: method, expiration: deadline };
        await tell(
          fanouts,
          name,
          args,
          properties,
          deadline,
          () => new MessagingTimeout(name, method, { deadline }),
        );
      }),

    serve(contract, handlers, { host } = {}) {
      const { name } = contract;
      const shared = host === undefined ? [queueOf(name)] : [queueOf(name), queueOf(name, host)];
      return consume({
        shared,
        prefetch,
        async declare(channel) {
          for (const queue of shared)
            await channel.assertQueue(queue, { durable: true, expires: queueOutlives });
          const own = await privateQueue(channel);
          await channel.bindQueue(own, fanouts, name);
          return [...shared, own];
        },
        handle: (message) => carryOut(handlers as object, name, message),
      });
    },

    async notify(event, payload) {
      const messageId = randomUUID();
      const sent: Notification = { id: messageId, event, time: new Date().toISOString(), payload };
      const late = () => new MessagingTimeout('notify', event, { deadline: notifyDeadline });
      await tell(
        notifications,
        event,
        sent,
        { messageId, type: event, persistent: true },
        notifyDeadline,
        late,
      );
    },

    subscribe(pattern, subscriber: Subscriber, { group } = {}) {
      const queue = `${prefix}.notifications.${group} ${pattern}`;
      return consume({
        shared: group === undefined ? [] : [queue],
        prefetch,
        async declare(channel) {
          const name = group === undefined ? await privateQueue(channel) : await groupQueue(channel, queue);
          await channel.bindQueue(name, notifications, pattern);
          return [name];
        },
        async handle(message) {
          try {
            const { context, body } = decode<Envelope>(message.content);
            await within(context, () => subscriber(body as Notification));
          } catch (error) {
            onFailure(error, { contract: 'notify', method: String(message.properties.type) });
          }
          return undefined;
        },
      });
    },

    async close() {
      await Promise.all([...listeners].map((listener) => listener.close()));
      await connection.close();
      for (const id of pending.keys())
        settle(id)?.reject(new ServiceUnavailable('The message bus is closed.'));
    },
  };
}

/** A queue that this process alone reads and that goes with its connection. */
async function privateQueue(channel: Channel): Promise<string> {
  return (await channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false })).queue;
}

async function groupQueue(channel: Channel, name: string): Promise<string> {
  await channel.assertQueue(name, { durable: true, expires: groupOutlives, maxLength: groupLimit });
  return name;
}
