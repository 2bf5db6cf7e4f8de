import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { currentContext, withContext } from '../context/context.ts';
import { Conflict, NotFound, NotImplemented, ServiceUnavailable } from '../errors/errors.ts';
import { contract, MessagingTimeout, NoSuchServer, type Notification } from './bus.ts';
import { Collector } from './testing/collector.ts';
import { forEachBus } from './testing/for-each-bus.ts';

interface Port {
  id: string;
  host?: string;
  tags: string[];
}
interface NetworkService {
  bindPort(args: { id: string; host?: string }): Promise<Port>;
  deletePort(args: { id: string }): Promise<void>;
}
const network = contract<NetworkService>('network', { deadline: 5_000 });

const bound = async ({ id, host }: { id: string; host?: string }): Promise<Port> => ({
  id,
  ...(host === undefined ? {} : { host }),
  tags: [],
});

const on = (host: string) => ({ bindPort: async ({ id }: { id: string }) => ({ id, host, tags: [] }) });

forEachBus({
  'a call': {
    'answers what the handler returns': async (open) => {
      const bus = await open();
      await bus.serve(network, { bindPort: bound });
      assert.deepEqual(await bus.client(network).bindPort({ id: 'p1', host: 'a' }), {
        id: 'p1',
        host: 'a',
        tags: [],
      });
    },

    'can answer nothing': async (open) => {
      const bus = await open();
      await bus.serve(network, { deletePort: async () => {} });
      assert.equal(await bus.client(network).deletePort({ id: 'p1' }), undefined);
    },

    'hands over copies, of the arguments and of the result': async (open) => {
      const bus = await open();
      const kept: Port = { id: 'kept', tags: [] };
      const echo = contract<{ echo(args: Port): Promise<Port> }>('echo');
      await bus.serve(echo, {
        echo: async (args) => {
          args.tags.push('changed by the handler');
          return kept;
        },
      });
      const sent: Port = { id: 'sent', tags: [] };
      const answer = await bus.client(echo).echo(sent);
      answer.tags.push('changed by the caller');
      assert.deepEqual([sent.tags, kept.tags], [[], []]);
    },

    'sees its arguments as they were when it was made': async (open) => {
      const bus = await open();
      await bus.serve(network, { bindPort: bound });
      const args = { id: 'before' };
      const answer = bus.client(network).bindPort(args);
      args.id = 'after';
      assert.equal((await answer).id, 'before');
    },

    'refuses arguments and results that are not plain data': async (open) => {
      const bus = await open({ onFailure: () => {} });
      const loose = contract<{ echo(args: unknown): Promise<unknown> }>('loose');
      await bus.serve(loose, { echo: async () => new Date() });
      await assert.rejects(bus.client(loose).echo({ at: [new Map()] }), {
        name: 'TypeError',
        message: 'only plain data can be sent, but .at[0] is an instance of Map',
      });
      await assert.rejects(bus.client(loose).echo({}), { name: 'TypeError', message: /instance of Date/ });
    },

    'throws the kind of error that the handler threw': async (open) => {
      const bus = await open();
      await bus.serve(network, {
        bindPort: async ({ id }) => {
          throw new NotFound('port', id, { code: 'PortNotFound', details: { id } });
        },
        deletePort: async () => {
          throw new Conflict('in use');
        },
      });
      await assert.rejects(bus.client(network).bindPort({ id: 'p9' }), (error) => {
        assert(error instanceof NotFound);
        assert.equal(error.message, 'Port p9 could not be found.');
        assert.deepEqual([error.status, error.code, error.details], [404, 'PortNotFound', { id: 'p9' }]);
        return true;
      });
      await assert.rejects(bus.client(network).deletePort({ id: 'p9' }), Conflict);
    },

    'runs in the request context of its caller': async (open) => {
      const bus = await open();
      const who = contract<{ ask(): Promise<string> }>('who');
      await bus.serve(who, { ask: async () => currentContext().requestId });
      const ask = (requestId: string) => withContext({ requestId }, () => bus.client(who).ask());
      assert.deepEqual(await Promise.all([ask('req-1'), ask('req-2')]), ['req-1', 'req-2']);
    },

    'sees nothing else of its caller, such as a transaction': async (open) => {
      const bus = await open();
      const transaction = new AsyncLocalStorage<string>();
      const inside = contract<{ ask(): Promise<boolean> }>('inside');
      await bus.serve(inside, { ask: async () => transaction.getStore() !== undefined });
      assert.equal(await transaction.run('open', () => bus.client(inside).ask()), false);
    },

    'ends at its deadline, naming what did not answer': async (open) => {
      const bus = await open();
      const { promise, resolve } = Promise.withResolvers<void>();
      await bus.serve(network, { deletePort: () => promise }, { host: 'node1' });
      await assert.rejects(
        bus.client(network, { host: 'node1', deadline: 50 }).deletePort({ id: 'p1' }),
        (error) => {
          assert(error instanceof MessagingTimeout && error instanceof ServiceUnavailable);
          assert.equal(error.message, 'network on host node1 did not answer deletePort within 50 ms.');
          return true;
        },
      );
      resolve();
    },

    'fails at once where nobody serves the contract, or nobody on that host': async (open) => {
      const bus = await open();
      await assert.rejects(bus.client(network).deletePort({ id: 'p1' }), NoSuchServer);
      await bus.serve(network, { deletePort: async () => {} }, { host: 'node1' });
      await assert.rejects(bus.client(network, { host: 'node2' }).deletePort({ id: 'p1' }), (error) => {
        assert(error instanceof NoSuchServer && error instanceof ServiceUnavailable);
        assert.equal(error.message, 'No server of network on host node2 is there to carry out deletePort.');
        return true;
      });
    },

    'fails at once after the only server has closed': async (open) => {
      const bus = await open();
      const server = await bus.serve(network, { bindPort: bound });
      await bus.client(network).bindPort({ id: 'p1' });
      await server.close();
      await assert.rejects(bus.client(network).bindPort({ id: 'p1' }), NoSuchServer);
    },

    'to a method that the server lacks, or that every object has, is not implemented': async (open) => {
      const bus = await open();
      await bus.serve(network, {});
      await assert.rejects(bus.client(network).bindPort({ id: 'p1' }), NotImplemented);
      const odd = contract<{ toString(): Promise<string> }>('network');
      await assert.rejects(Promise.resolve(bus.client(odd).toString()), NotImplemented);
    },

    'reports to the serving side what failed unforeseen': async (open) => {
      const failures = new Collector<string>();
      const bus = await open({
        onFailure: (error, { contract: name, method }) =>
          failures.add(`${name}.${method}: ${error instanceof Error ? error.message : ''}`),
      });
      await bus.serve(network, {
        deletePort: async () => {
          throw new RangeError('a bug');
        },
      });
      await assert.rejects(bus.client(network).deletePort({ id: 'p1' }), {
        name: 'RangeError',
        message: 'a bug',
      });
      assert.deepEqual(await failures.reached(1), ['network.deletePort: a bug']);
    },
  },

  servers: {
    'of one contract share the calls, each going to one of them': async (open) => {
      const [bus, other] = [await open(), await open()];
      const counts = [0, 0];
      for (const [index, each] of [bus, other].entries())
        await each.serve(network, {
          deletePort: async () => {
            counts[index]! += 1;
          },
        });
      await Promise.all(Array.from({ length: 20 }, () => bus.client(network).deletePort({ id: 'p' })));
      assert.equal(counts[0]! + counts[1]!, 20);
      assert(counts[0]! > 0 && counts[1]! > 0, `${counts}`);
    },

    'with a host get what is addressed to it, and their share of the rest': async (open) => {
      const [bus, other] = [await open(), await open()];
      await bus.serve(network, on('node1'), { host: 'node1' });
      await other.serve(network, on('node2'), { host: 'node2' });
      for (const host of ['node1', 'node2', 'node2', 'node1'])
        assert.equal((await bus.client(network, { host }).bindPort({ id: 'p' })).host, host);
      const anybody = await Promise.all(
        Array.from({ length: 10 }, () => bus.client(network).bindPort({ id: 'p' })),
      );
      assert.deepEqual(new Set(anybody.map(({ host }) => host)), new Set(['node1', 'node2']));
    },

    'finish what they have begun before they are closed': async (open) => {
      const [bus, caller] = [await open(), await open()];
      const began = new Collector<string>();
      const { promise, resolve } = Promise.withResolvers<void>();
      const server = await bus.serve(network, {
        bindPort: async (args) => {
          began.add(args.id);
          await promise;
          return bound(args);
        },
      });
      const answer = caller.client(network).bindPort({ id: 'p1' });
      await began.reached(1);
      const closing = server.close();
      resolve();
      await closing;
      assert.equal((await answer).id, 'p1');
    },
  },

  'a cast': {
    'is carried out by one server, in the context of its sender': async (open) => {
      const [bus, other] = [await open(), await open()];
      const done = new Collector<string>();
      for (const each of [bus, other])
        await each.serve(network, {
          deletePort: async ({ id }) => done.add(`${currentContext().requestId} ${id}`),
        });
      await withContext({ requestId: 'req-7' }, () => bus.cast(network).deletePort({ id: 'p1' }));
      await bus.cast(network).deletePort({ id: 'last' });
      const seen = await done.reached(2);
      assert.equal(seen.filter((item) => item === 'req-7 p1').length, 1);
    },

    'goes to the host that it is addressed to': async (open) => {
      const bus = await open();
      const done = new Collector<string>();
      for (const host of ['node1', 'node2'])
        await bus.serve(network, { deletePort: async () => done.add(host) }, { host });
      for (const host of ['node2', 'node2', 'node1'])
        await bus.cast(network, { host }).deletePort({ id: 'p1' });
      assert.deepEqual((await done.reached(3)).toSorted(), ['node1', 'node2', 'node2']);
    },

    'fails at once where nobody is there to take it': async (open) => {
      const bus = await open();
      await assert.rejects(bus.cast(network).deletePort({ id: 'p1' }), NoSuchServer);
    },

    'that fails is reported to the serving side, not to the sender': async (open) => {
      const failures = new Collector<unknown>();
      const bus = await open({ onFailure: (error) => failures.add(error) });
      await bus.serve(network, {
        deletePort: async ({ id }) => {
          throw new NotFound('port', id);
        },
      });
      await bus.cast(network).deletePort({ id: 'p1' });
      assert((await failures.reached(1))[0] instanceof NotFound);
    },
  },

  'a fanout': {
    'reaches every server of the contract': async (open) => {
      const [bus, other] = [await open(), await open()];
      const done = new Collector<string>();
      await bus.serve(network, { deletePort: async ({ id }) => done.add(`1 ${id}`) });
      await bus.serve(network, { deletePort: async ({ id }) => done.add(`2 ${id}`) }, { host: 'node2' });
      await other.serve(network, { deletePort: async ({ id }) => done.add(`3 ${id}`) });
      await bus.fanout(network).deletePort({ id: 'p1' });
      assert.deepEqual((await done.reached(3)).toSorted(), ['1 p1', '2 p1', '3 p1']);
    },

    'to nobody is no error': async (open) => {
      const bus = await open();
      await bus.fanout(network).deletePort({ id: 'p1' });
    },
  },

  'a notification': {
    'goes to every subscriber whose pattern matches': async (open) => {
      const [bus, other] = [await open(), await open()];
      const heard = new Collector<string>();
      const hear = (who: string) => (one: Notification) => heard.add(`${who} ${one.event}`);
      await bus.subscribe('compute.instance.*', hear('star'));
      await other.subscribe('compute.#', hear('hash'));
      await other.subscribe('network.#', hear('network'));
      await bus.notify('compute.instance.create', { id: 's1' });
      await bus.notify('compute.instance.create.end', {});
      await bus.notify('network.create', {});
      assert.deepEqual((await heard.reached(4)).toSorted(), [
        'hash compute.instance.create',
        'hash compute.instance.create.end',
        'network network.create',
        'star compute.instance.create',
      ]);
    },

    'comes with its payload, a time, an id and the context of its sender': async (open) => {
      const bus = await open();
      const heard = new Collector<Notification & { requestId: string }>();
      await bus.subscribe('#', (one) => heard.add({ ...one, requestId: currentContext().requestId }));
      await withContext({ requestId: 'req-3' }, () => bus.notify('image.create', { id: 'i1' }));
      const [one] = await heard.reached(1);
      assert.deepEqual([one?.event, one?.payload, one?.requestId], ['image.create', { id: 'i1' }, 'req-3']);
      assert.match(one?.id ?? '', /^[0-9a-f-]{36}$/);
      assert(Math.abs(Date.parse(one?.time ?? '') - Date.now()) < 60_000);
    },

    'goes to one subscriber of each group': async (open) => {
      const [bus, other] = [await open(), await open()];
      const heard = new Collector<string>();
      for (const group of ['telemetry', 'hooks'])
        for (const each of [bus, other])
          await each.subscribe('image.#', ({ event }) => heard.add(`${group} ${event}`), { group });
      for (let n = 0; n < 10; n++) await bus.notify(`image.${n}`, {});
      const seen = await heard.reached(20);
      assert.equal(new Set(seen).size, 20);
    },

    'is heard no more after the subscription has closed': async (open) => {
      const bus = await open();
      const heard = new Collector<string>();
      const first = await bus.subscribe('image.#', () => heard.add('closed'));
      await bus.subscribe('image.#', () => heard.add('open'));
      await first.close();
      await bus.notify('image.create', {});
      assert.deepEqual(await heard.reached(1), ['open']);
    },
  },

  'a closed bus': {
    'takes nothing more': async (open) => {
      const bus = await open();
      await bus.close();
      await assert.rejects(bus.client(network).deletePort({ id: 'p1' }), ServiceUnavailable);
      await assert.rejects(bus.notify('image.create', {}), ServiceUnavailable);
      await assert.rejects(bus.serve(network, {}), ServiceUnavailable);
    },
  },
});
