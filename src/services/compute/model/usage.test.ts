import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hoursWithin, parseReportTime } from './usage.ts';

const hour = 3_600_000;

describe('the usage of a server', () => {
  const period = { start: 10 * hour, end: 20 * hour };

  it('is the part of its life that lies within the period', () => {
    const hours = (launched: number | null, terminated: number | null) =>
      hoursWithin(
        {
          launched: launched === null ? null : launched * hour,
          terminated: terminated === null ? null : terminated * hour,
        },
        period,
      );
    assert.equal(hours(5, null), 10);
    assert.equal(hours(12, null), 8);
    assert.equal(hours(12, 15), 3);
    assert.equal(hours(5, 12), 2);
    assert.equal(hours(1, 5), 0);
    assert.equal(hours(25, null), 0);
    assert.equal(hours(null, null), 0);
  });

  it('is asked for with times in UTC', () => {
    const at = Date.UTC(2026, 0, 31, 12, 34, 56);
    assert.equal(parseReportTime('2026-01-31T12:34:56', 0), at);
    assert.equal(parseReportTime('2026-01-31 12:34:56.500000', 0), at + 500);
    assert.equal(parseReportTime(undefined, 7), 7);
    assert.throws(() => parseReportTime('2026-01-31', 0));
    assert.throws(() => parseReportTime('2026-13-31T12:34:56', 0));
  });
});
