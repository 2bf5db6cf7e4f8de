import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../platform/clock/testing/manual-clock.ts';
import { eachDay } from './each-day.ts';

test('the work is done when each day begins, until it is stopped', async () => {
  const clock = new ManualClock();
  await clock.advance(6 * 3_600_000);
  let days = 0;
  const stop = eachDay(clock, () => {
    days += 1;
  });
  await clock.advance(18 * 3_600_000 - 1);
  assert.equal(days, 0);
  await clock.advance(1);
  assert.equal(days, 1);
  await clock.advance(2 * 86_400_000);
  assert.equal(days, 3);
  stop();
  await clock.advance(86_400_000);
  assert.equal(days, 3);
});
