import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('those of one key go on in the order in which they came, and others do not wait', async () => {
  const turns = new Turns();
  const went: string[] = [];
  const [a1, a2, a3, b1] = [turns.take('a'), turns.take('a'), turns.take('a'), turns.take('b')];
  const all = [a2, a3, a1, b1].map(async (turn, n) => {
    await turn.come;
    went.push(['a2', 'a3', 'a1', 'b1'][n] as string);
  });
  await Promise.all([all[2], all[3]]);
  assert.deepEqual(went.toSorted(), ['a1', 'b1']);
  // An end before one's time lets nobody pass who came before.
  a2.end();
  await new Promise(setImmediate);
  assert.equal(went.length, 2);
  a1.end();
  await Promise.all(all);
  assert.deepEqual(went.slice(2), ['a2', 'a3']);
  a3.end();
  b1.end();
  await new Promise(setImmediate);
  assert.equal(turns.size, 0);
});
