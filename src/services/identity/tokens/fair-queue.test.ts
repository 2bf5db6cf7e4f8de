import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceUnavailable } from '../../../platform/errors/errors.ts';
import { FairQueue } from './fair-queue.ts';

/** Works that end when they are told to, and the order in which they began. */
function works(queue: FairQueue) {
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    began,
    ask: (lane: string, name = lane) =>
      queue.run(lane, () => {
        began.push(name);
        return new Promise<void>((resolve) => ends.set(name, resolve));
      }),
    async end(name: string) {
      ends.get(name)?.();
      await new Promise(setImmediate);
    },
  };
}

test('no more run at once than may, and who asks often waits for himself', async () => {
  const { began, ask, end } = works(new FairQueue({ concurrency: 1, limit: 10 }));
  const all = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1'].map((name) => ask(name[0] as string, name));
  for (const name of ['a1', 'a2', 'b1', 'c1', 'a3', 'a4']) {
    assert.equal(began.at(-1), name);
    await end(name);
  }
  await Promise.all(all);
  assert.equal(began.length, 6);
});

test('where too many wait, the longest lane loses its last', async () => {
  const queue = new FairQueue({ concurrency: 1, limit: 2 });
  const { began, ask, end } = works(queue);
  const first = ask('a', 'a1');
  const second = ask('a', 'a2');
  const third = ask('a', 'a3');
  const refused = assert.rejects(third, ServiceUnavailable);
  const other = ask('b', 'b1');
  await refused;
  await assert.rejects(ask('a', 'a4'), ServiceUnavailable);
  assert.equal(queue.waiting, 2);
  for (const name of ['a1', 'a2', 'b1']) await end(name);
  await Promise.all([first, second, other]);
  assert.deepEqual(began, ['a1', 'a2', 'b1']);
});

test('a work that fails leaves its place to the next', async () => {
  const queue = new FairQueue({ concurrency: 1, limit: 1 });
  const failed = queue.run('a', () => Promise.reject(new Error('no')));
  const next = queue.run('b', async () => 'done');
  await assert.rejects(failed, /no/);
  assert.equal(await next, 'done');
  assert.equal(await queue.run('c', async () => 'idle again'), 'idle again');
});
