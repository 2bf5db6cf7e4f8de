import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import { connect } from 'amqplib';
import { ServiceUnavailable } from '../errors/errors.ts';
import { type Bus, contract, NoSuchServer } from './bus.ts';
import { rabbitmqBus } from './rabbitmq.ts';
import { Collector } from './testing/collector.ts';
import { type RabbitmqServer, rabbitmqMissing, startRabbitmq } from './testing/rabbitmq-server.ts';
import { startRelay } from './testing/relay.ts';

const agent = contract<{
  build(args: { id: string }): Promise<string>;
  ping(): Promise<string>;
}>('compute-agent', { deadline: 20_000 });

/** Calls until the service is available: what a caller does that lost its connection, or whose server did. */
async function persistently<T>(call: () => Promise<T>): Promise<T> {
  const until = Date.now() + 20_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ServiceUnavailable) || Date.now() > until) throw error;
    }
  }
}

describe('a bus over RabbitMQ', { skip: rabbitmqMissing }, () => {
  let broker: RabbitmqServer;
  before(async () => {
    broker = await startRabbitmq();
  });
  after(() => broker?.stop());

  /** Two processes of one cloud; the network of the second can be cut. */
  async function cloud(
    t: TestContext,
  ): Promise<{ bus: Bus; far: Bus; network: Awaited<ReturnType<typeof startRelay>> }> {
    const prefix = `test-${randomUUID()}`;
    const network = await startRelay(broker.port);
    const bus = await rabbitmqBus(broker.url, { prefix });
    const far = await rabbitmqBus(`amqp://guest:guest@127.0.0.1:${network.port}`, { prefix });
    t.after(async () => {
      network.mend();
      await Promise.all([bus.close(), far.close()]);
      await network.stop();
    });
    return { bus, far, network };
  }

  test('delivers a message again when the server lost its connection before it was done', async (t) => {
    const { bus, far, network } = await cloud(t);
    const begun = new Collector<string>();
    const gate = Promise.withResolvers<void>();
    await far.serve(agent, {
      build: async ({ id }) => {
        begun.add(id);
        await gate.promise;
        return `built ${id}`;
      },
    });
    const answer = bus.client(agent).build({ id: 's1' });
    await begun.reached(1);
    network.cut();
    network.mend();
    assert.deepEqual(await begun.reached(2), ['s1', 's1']);
    gate.resolve();
    assert.equal(await answer, 'built s1');
  });

  test('serves, subscribes and calls again after its connection was lost', async (t) => {
    const { bus, far, network } = await cloud(t);
    const heard = new Collector<string>();
    await far.serve(agent, { ping: async () => 'far' }, { host: 'far' });
    await bus.serve(agent, { ping: async () => 'near' }, { host: 'near' });
    await far.subscribe('#', ({ event }) => heard.add(event));
    network.cut();
    network.mend();
    assert.equal(await persistently(() => far.client(agent, { host: 'near' }).ping()), 'near');
    assert.equal(await bus.client(agent, { host: 'far' }).ping(), 'far');
    await bus.notify('after.the.loss', {});
    assert.deepEqual(await heard.reached(1), ['after.the.loss']);
  });

  test('a cast and a notification made while the connection is lost are sent when it is back', async (t) => {
    const { bus, far, network } = await cloud(t);
    const done = new Collector<string>();
    await bus.serve(agent, {
      build: async ({ id }) => {
        done.add(id);
        return id;
      },
    });
    await bus.subscribe('#', ({ event }) => done.add(event));
    network.cut();
    const told = Promise.all([far.cast(agent).build({ id: 's1' }), far.notify('server.create', {})]);
    network.mend();
    await told;
    assert.deepEqual((await done.reached(2)).toSorted(), ['s1', 'server.create']);
  });

  test('a call whose answer was lost with the connection fails as unavailable, without waiting for its deadline', async (t) => {
    const { bus, far, network } = await cloud(t);
    const begun = new Collector<string>();
    const gate = Promise.withResolvers<void>();
    t.after(() => gate.resolve());
    await bus.serve(agent, {
      build: async ({ id }) => {
        begun.add(id);
        await gate.promise;
        return id;
      },
    });
    const calling = far.client(agent).build({ id: 's1' });
    await begun.reached(1);
    network.cut();
    await assert.rejects(
      calling,
      (error) => error instanceof ServiceUnavailable && /connection was lost/.test(error.message),
    );
    gate.resolve();
  });

  test('what was cast to a host whose process died is done when it is back', async (t) => {
    const { bus, far, network } = await cloud(t);
    const done = new Collector<string>();
    await far.serve(
      agent,
      {
        build: async ({ id }) => {
          done.add(id);
          return id;
        },
      },
      { host: 'far' },
    );
    network.cut();
    await bus.cast(agent, { host: 'far' }).build({ id: 's1' });
    network.mend();
    assert.deepEqual(await done.reached(1), ['s1']);
  });

  test('a queue deleted by an operator is there again', async (t) => {
    const prefix = `test-${randomUUID()}`;
    const server = await rabbitmqBus(broker.url, { prefix });
    t.after(() => server.close());
    await server.serve(agent, { ping: async () => 'pong' });
    const operator = await connect(broker.url);
    const channel = await operator.createChannel();
    await channel.deleteQueue(`${prefix}.compute-agent`);
    await operator.close();
    assert.equal(await persistently(() => server.client(agent).ping()), 'pong');
  });

  test('two clouds on one broker do not hear each other', async (t) => {
    const [one, other] = [await cloud(t), await cloud(t)];
    await one.bus.serve(agent, { ping: async () => 'one' });
    await assert.rejects(other.bus.client(agent).ping(), NoSuchServer);
  });

  test('a small call takes little time', async (t) => {
    const { bus } = await cloud(t);
    await bus.serve(agent, { ping: async () => 'pong' });
    const client = bus.client(agent);
    const calls = 500;
    const start = performance.now();
    for (let n = 0; n < calls; n++) await client.ping();
    const each = (performance.now() - start) / calls;
    t.diagnostic(`${each.toFixed(2)} ms a call`);
    // Without noDelay the system holds small packets back for 40 ms.
    assert(each < 20);
  });
});

test('a broker that is not there is named without its password', async () => {
  const relay = await startRelay(9);
  relay.cut();
  await assert.rejects(
    rabbitmqBus(`amqp://guest:secret@127.0.0.1:${relay.port}`, { attempts: 2 }),
    (error) =>
      error instanceof ServiceUnavailable &&
      error.message.startsWith(`The message broker at 127.0.0.1:${relay.port} can't be used`) &&
      !error.message.includes('secret'),
  );
  await relay.stop();
});
