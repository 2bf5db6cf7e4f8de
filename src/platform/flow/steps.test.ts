import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, settle } from '../clock/testing/manual-clock.ts';
import { currentContext, withContext } from '../context/context.ts';
import { Conflict } from '../errors/errors.ts';
import { openStore } from '../store/store.ts';
import { FlowEngine, type FlowEngineOptions } from './engine.ts';
import type { FlowEvent } from './events.ts';
import { type FlowDefinition, flow } from './flow.ts';
import { errandSchema } from './testing/errands.ts';

async function engineFor(
  flows: readonly { definition: FlowDefinition }[],
  options: Partial<FlowEngineOptions> = {},
) {
  const store = await openStore(errandSchema, { url: 'sqlite::memory:' });
  const waits: number[] = [];
  const pause = async (ms: number) => void waits.push(ms);
  const engine = new FlowEngine({ store, runnerId: 'one', pause, ...options }).register(...flows);
  await engine.start();
  const close = async () => {
    await engine.close();
    await store.close();
  };
  return { engine, waits, close };
}

test('an error that may pass is retried as often as the step says, ever later', async () => {
  let tries = 0;
  const flaky = flow('errands.flaky').step('try', {
    retry: { times: 3, delay: 100 },
    do: async () => {
      if (++tries < 4) throw new Error('not yet');
    },
  });
  const { engine, waits, close } = await engineFor([flaky]);
  assert.equal((await engine.wait(await engine.startFlow(flaky, {}))).state, 'done');
  assert.deepEqual(waits, [100, 200, 400]);
  await close();
});

test('an error that would only come again is not retried', async () => {
  let tries = 0;
  const wrong = flow('errands.wrong').step('try', {
    retry: { times: 3, delay: 100 },
    do: async () => {
      tries++;
      throw new Conflict('in use');
    },
  });
  const { engine, close } = await engineFor([wrong]);
  const { state, failure } = await engine.wait(await engine.startFlow(wrong, {}));
  assert.deepEqual([state, failure?.error.kind, tries], ['failed', 'Conflict', 1]);
  await close();
});

test('a step that takes too long is told to stop, and is undone when it has', async () => {
  const clock = new ManualClock();
  const happened: string[] = [];
  const slow = flow('errands.slow').step('wait', {
    deadline: 1_000,
    do: (_, { signal }) =>
      new Promise<void>((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          happened.push('stopped');
          reject(new Error('stopped'));
        }),
      ),
    undo: async () => void happened.push('undone'),
  });
  const { engine, close } = await engineFor([slow], { clock });
  const id = await engine.startFlow(slow, {});
  await settle();
  await clock.advance(1_000);
  const { failure } = await engine.wait(id);
  assert.match(failure?.error.message ?? '', /do of "wait" took more than 1000 ms/);
  assert.deepEqual(happened, ['stopped', 'undone']);
  await close();
});

test('an undo that keeps failing makes the flow stuck, and it is tried again later', async () => {
  const clock = new ManualClock();
  let broken = true;
  const jammed = flow('errands.jammed').step('make', {
    do: async () => Promise.reject(new Error('no room')),
    undo: async () => {
      if (broken) throw new Error('jammed');
    },
  });
  const { engine, close } = await engineFor([jammed], { clock, stuckMs: 600_000 });
  const id = await engine.startFlow(jammed, {});
  const stuck = await engine.wait(id);
  assert.equal(stuck.state, 'stuck');
  assert.equal(stuck.problem?.error.message, 'jammed');
  broken = false;
  await clock.advance(700_000);
  const end = await engine.wait(id);
  assert.deepEqual([end.state, end.failure?.error.message], ['failed', 'no room']);
  await close();
});

test('no more than its limit of one flow run at once, and all run', async () => {
  let now = 0;
  let most = 0;
  const narrow = flow('errands.narrow', { concurrency: 2 }).step('pass', {
    do: async () => {
      most = Math.max(most, ++now);
      await settle();
      now--;
    },
  });
  const { engine, close } = await engineFor([narrow]);
  const ids = await Promise.all(Array.from({ length: 7 }, () => engine.startFlow(narrow, {})));
  for (const id of ids) assert.equal((await engine.wait(id)).state, 'done');
  assert.equal(most, 2);
  await close();
});

test('steps run in the context of the request, which is stored without what names its token', async () => {
  let seen = '';
  const who = flow('errands.who').step('look', { do: async () => void (seen = currentContext().requestId) });
  const { engine, close } = await engineFor([who]);
  const context = { requestId: 'req-1', token: 'gAAAA-secret' };
  const id = await withContext(context, () => engine.startFlow(who, {}));
  await engine.wait(id);
  assert.equal(seen, 'req-1');
  assert.ok(!JSON.stringify(await engine.show(id)).includes('gAAAA-secret'));
  await close();
});

test('what is not plain data is refused: of the input at once, of an output as a failure of its step', async () => {
  const dates = flow<{ at?: unknown }>('errands.dates').step('when', {
    do: async () => ({ at: new Date() }),
  });
  const { engine, close } = await engineFor([dates]);
  await assert.rejects(engine.startFlow(dates, { at: new Date() }), TypeError);
  const { state, failure } = await engine.wait(await engine.startFlow(dates, {}));
  assert.deepEqual([state, failure?.error.kind], ['failed', 'TypeError']);
  await close();
});

test('listeners hear of each action, and a listener that fails changes nothing', async () => {
  const heard: string[] = [];
  const onStep = ({ kind, action, step, outcome, state, resource }: FlowEvent) => {
    heard.push([kind, action, step, outcome, state, resource?.id].filter(Boolean).join(' '));
    throw new Error('deaf');
  };
  const short = flow('errands.short').step('go', { do: async () => {} });
  const { engine, close } = await engineFor([short], { onStep });
  await engine.wait(await engine.startFlow(short, {}, { resource: { type: 'server', id: 's1' } }));
  assert.deepEqual(heard, [
    'started running s1',
    'action do go begun running s1',
    'action do go succeeded running s1',
    'ended done s1',
  ]);
  await close();
});

test('six steps take far less than the 50 milliseconds that a server may', async () => {
  let six = flow('errands.six');
  for (let i = 1; i <= 6; i++)
    six = six.step(`step ${i}`, { do: async () => ({ [`output${i}`]: 'x'.repeat(200) }) });
  const { engine, close } = await engineFor([six]);
  await engine.wait(await engine.startFlow(six, {}));
  const began = performance.now();
  for (let i = 0; i < 20; i++) await engine.wait(await engine.startFlow(six, {}));
  const each = (performance.now() - began) / 20;
  assert.ok(each < 25, `${each} ms`);
  await close();
});

test('types: a step sees input and earlier outputs only, and its undo may miss its own', () => {
  flow<{ serverId: string }>('errands.types')
    .step('one', {
      do: async ({ serverId }) => ({ host: serverId.length }),
      undo: async ({ host }) => {
        // @ts-expect-error it may be absent
        host.toFixed();
      },
    })
    .step('two', {
      do: async (state) => {
        state.host.toFixed();
        // @ts-expect-error nobody returned it
        assert.equal(state.port, undefined);
      },
    });
  assert.throws(
    () =>
      flow('errands.twice')
        .step('a', { do: async () => {} })
        .step('a', { do: async () => {} }),
    /two steps/,
  );
  assert.throws(
    () => flow('errands.on', { unwind: false }).step('a', { do: async () => {}, undo: async () => {} }),
    /only goes forward/,
  );
});
