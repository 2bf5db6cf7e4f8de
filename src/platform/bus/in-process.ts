import { randomUUID } from 'node:crypto';
import { MessagingTimeout, NoSuchServer, ServiceUnavailable } from '../errors/errors.ts';
import type { Bus, Failure, Listener, Notification, Subscriber } from './bus.ts';
import type { Contract } from './contract.ts';
import {
  contextToSend,
  errorAfterCrossing,
  handle,
  isUnforeseen,
  Running,
  runnerOfHere,
  warn,
} from './handlers.ts';
import { copyPlain } from './plain.ts';
import { methodsOf } from './proxy.ts';
import { topicMatcher } from './topic.ts';

export interface InProcessOptions {
  /** Told where a handler failed that nobody waits for; writes a warning unless given. */
  onFailure?: Failure;
  /** For tests: every message is delivered twice, the second after the first, and the second one's answer counts. */
  duplicate?: boolean;
}

interface Server {
  handlers: object;
  running: Running;
}

/** Those who take turns at the messages to one address. */
class Turns<T> {
  readonly members: T[] = [];
  #next = 0;

  take(): T | undefined {
    if (this.members.length === 0) return undefined;
    this.#next = (this.#next + 1) % this.members.length;
    return this.members[this.#next];
  }

  remove(member: T): void {
    const index = this.members.indexOf(member);
    if (index >= 0) this.members.splice(index, 1);
  }
}

interface Group {
  matches: (event: string) => boolean;
  subscribers: Turns<{ subscriber: Subscriber; running: Running }>;
}

const addressOf = (contract: string, host: string | undefined) =>
  host === undefined ? contract : `${contract}@${host}`;

/** A bus within this process: function calls that behave as the network would make them. */
export function inProcessBus(options: InProcessOptions = {}): Bus {
  const onFailure = options.onFailure ?? warn;
  const within = runnerOfHere();
  const addresses = new Map<string, Turns<Server>>();
  const groups = new Map<string, Group>();
  const listeners = new Set<Listener>();
  let closed = false;

  const assertOpen = () => {
    if (closed) throw new ServiceUnavailable('The message bus is closed.');
  };

  const turnsAt = (address: string): Turns<Server> => {
    let turns = addresses.get(address);
    if (!turns) addresses.set(address, (turns = new Turns()));
    return turns;
  };

  /** Runs the handler a turn later, on a message that is already a copy. */
  const deliver = async (server: Server, contract: string, method: string, message: unknown) => {
    const context = contextToSend();
    const run = async (args: unknown) => {
      await undefined;
      return copyPlain(await within(context, () => handle(server.handlers, contract, method, args)));
    };
    const again = options.duplicate === true ? copyPlain(message) : undefined;
    const first = run(message);
    const work = options.duplicate === true ? first.catch(() => {}).then(() => run(again)) : first;
    server.running.add(work);
    return work;
  };

  const tell = (server: Server, contract: string, method: string, message: unknown) => {
    deliver(server, contract, method, message).catch((error) => onFailure(error, { contract, method }));
  };

  const call = (
    server: Server,
    contract: Contract<unknown>,
    method: string,
    message: unknown,
    to: { host?: string; deadline?: number },
  ) =>
    new Promise((resolve, reject) => {
      const deadline = to.deadline ?? contract.deadline;
      const late = () => reject(new MessagingTimeout(contract.name, method, { host: to.host, deadline }));
      const timer = setTimeout(late, deadline);
      deliver(server, contract.name, method, message).then(
        (result) => {
          clearTimeout(timer);
          return resolve(result);
        },
        (error) => {
          clearTimeout(timer);
          if (isUnforeseen(error)) onFailure(error, { contract: contract.name, method });
          reject(errorAfterCrossing(error));
        },
      );
    });

  const takeServer = (contract: string, method: string, host: string | undefined): Server => {
    assertOpen();
    const server = addresses.get(addressOf(contract, host))?.take();
    if (!server) throw new NoSuchServer(contract, method, { host });
    return server;
  };

  const listen = (close: () => Promise<void>): Listener => {
    const listener: Listener = {
      async close() {
        listeners.delete(listener);
        await close();
      },
    };
    listeners.add(listener);
    return listener;
  };

  return {
    client: (contract, to = {}) =>
      methodsOf(
        (method) => async (args) =>
          call(takeServer(contract.name, method, to.host), contract, method, copyPlain(args), to),
      ),

    cast: (contract, to = {}) =>
      methodsOf((method) => async (args) => {
        tell(takeServer(contract.name, method, to.host), contract.name, method, copyPlain(args));
      }),

    fanout: (contract) =>
      methodsOf((method) => async (args) => {
        assertOpen();
        for (const server of addresses.get(contract.name)?.members ?? [])
          tell(server, contract.name, method, copyPlain(args));
      }),

    async serve(contract, handlers, at = {}) {
      assertOpen();
      const server: Server = { handlers: handlers as object, running: new Running() };
      const places = [turnsAt(contract.name)];
      if (at.host !== undefined) places.push(turnsAt(addressOf(contract.name, at.host)));
      for (const place of places) place.members.push(server);
      return listen(async () => {
        for (const place of places) place.remove(server);
        await server.running.end();
      });
    },

    async notify(event, payload) {
      assertOpen();
      const context = contextToSend();
      const sent: Notification = {
        id: randomUUID(),
        event,
        time: new Date().toISOString(),
        payload: copyPlain(payload),
      };
      for (const group of groups.values()) {
        if (!group.matches(event)) continue;
        const member = group.subscribers.take();
        if (!member) continue;
        const run = async () => {
          await undefined;
          const received = copyPlain(sent);
          await within(context, () => member.subscriber(received));
        };
        const runs =
          options.duplicate === true
            ? run()
                .catch(() => {})
                .then(run)
            : run();
        member.running.add(runs.catch((error) => onFailure(error, { contract: 'notify', method: event })));
      }
    },

    async subscribe(pattern, subscriber, { group = randomUUID() } = {}) {
      assertOpen();
      const name = `${group} ${pattern}`;
      let joined = groups.get(name);
      if (!joined) groups.set(name, (joined = { matches: topicMatcher(pattern), subscribers: new Turns() }));
      const { subscribers } = joined;
      const member = { subscriber, running: new Running() };
      subscribers.members.push(member);
      return listen(async () => {
        subscribers.remove(member);
        if (subscribers.members.length === 0 && groups.get(name)?.subscribers === subscribers)
          groups.delete(name);
        await member.running.end();
      });
    },

    async close() {
      closed = true;
      await Promise.all([...listeners].map((listener) => listener.close()));
    },
  };
}
