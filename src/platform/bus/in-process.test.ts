import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contract } from './bus.ts';
import { inProcessBus } from './in-process.ts';

const counter = contract<{ add(args: { by: number }): Promise<number> }>('counter');

test('duplicate delivers every message twice, so that a handler which is not idempotent is found out', async (t) => {
  const bus = inProcessBus({ duplicate: true });
  t.after(() => bus.close());
  let count = 0;
  await bus.serve(counter, { add: async ({ by }) => (count += by) });
  assert.equal(await bus.client(counter).add({ by: 1 }), 2);
  await bus.subscribe('#', () => void (count += 10));
  await bus.cast(counter).add({ by: 1 });
  await bus.notify('counted', {});
  await bus.close();
  assert.equal(count, 24);
});

test('a handler runs after the caller has gone on', async (t) => {
  const bus = inProcessBus();
  t.after(() => bus.close());
  const order: string[] = [];
  await bus.serve(counter, {
    add: async () => {
      order.push('handler');
      return 0;
    },
  });
  const answer = bus.client(counter).add({ by: 1 });
  order.push('caller');
  await answer;
  assert.deepEqual(order, ['caller', 'handler']);
});

test('closing waits for casts that were taken', async () => {
  const bus = inProcessBus();
  const { promise, resolve } = Promise.withResolvers<void>();
  let done = false;
  await bus.serve(counter, {
    add: async () => {
      await promise;
      done = true;
      return 0;
    },
  });
  await bus.cast(counter).add({ by: 1 });
  const closed = bus.close();
  resolve();
  await closed;
  assert(done);
});

test('a call is quick enough that nobody has a reason to avoid the bus', async (t) => {
  const bus = inProcessBus();
  t.after(() => bus.close());
  await bus.serve(counter, { add: async ({ by }) => by });
  const client = bus.client(counter);
  const calls = 50_000;
  const start = performance.now();
  for (let n = 0; n < calls; n++) await client.add({ by: n });
  const perSecond = (calls / (performance.now() - start)) * 1000;
  t.diagnostic(`${Math.round(perSecond)} calls a second`);
  assert(perSecond > 15_000);
});
