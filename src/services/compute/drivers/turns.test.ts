import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('work for one guest takes turns, in order, also after a failure', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const first = turns.take('a', async () => {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push('first');
    throw new Error('no');
  });
  const second = turns.take('a', async () => seen.push('second'));
  const other = turns.take('b', async () => seen.push('other'));
  await assert.rejects(first, /no/);
  await Promise.all([second, other]);
  assert.deepEqual(seen, ['other', 'first', 'second']);
});

const waits = (hurry: AbortSignal) =>
  new Promise<string>((resolve) => hurry.addEventListener('abort', () => resolve('cut short')));

test('who is in a hurry cuts short the waits of those before, not of those after', async () => {
  const turns = new Turns();
  const patient = turns.take('a', waits);
  await new Promise((resolve) => setImmediate(resolve));
  const hasty = turns.take('a', async (hurry) => hurry.aborted, { hurry: true });
  assert.equal(await patient, 'cut short');
  assert.equal(await hasty, false);
});
