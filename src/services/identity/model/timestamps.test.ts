import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAuditIds } from './audit-ids.ts';
import { fromSeconds, parseIsoTime, toIsoTime, toSeconds } from './timestamps.ts';
import { isTokenAlive, tokenExpiry } from './token-expiry.ts';

test('times are written with six digits and read back, through text and through a float', () => {
  assert.equal(toIsoTime(parseIsoTime('2026-01-31T12:34:56.000001Z')), '2026-01-31T12:34:56.000001Z');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8e15 }), (micros) => {
      assert.equal(parseIsoTime(toIsoTime(micros)), micros);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e15 }), (micros) => {
      assert.equal(fromSeconds(toSeconds(micros)), micros);
    }),
  );
});

test('zones and short fractions are understood, nonsense is not', () => {
  assert.equal(toIsoTime(parseIsoTime('2026-01-31T12:34:56+02:00')), '2026-01-31T10:34:56.000000Z');
  assert.equal(toIsoTime(parseIsoTime('2026-01-31T12:34:56.5')), '2026-01-31T12:34:56.500000Z');
  for (const bad of ['', 'now', '2026-02-30T00:00:00Z', '2026-01-31', '2026-01-31T25:00:00Z']) {
    assert.throws(() => parseIsoTime(bad), RangeError);
  }
});

test('a token never outlives the token or the credential it was made from', () => {
  assert.equal(tokenExpiry({ now: 0 }), 3600e6);
  assert.equal(tokenExpiry({ now: 0, parentExpiresAt: 5e6 }), 5e6);
  assert.equal(tokenExpiry({ now: 0, delegationExpiresAt: 7e6 }), 7e6);
  assert.equal(tokenExpiry({ now: 0, delegationExpiresAt: null, expiration: 60 }), 60e6);
});

test('an expired token lives on only for those who ask, and only for the window', () => {
  assert.equal(isTokenAlive(10e6, 10e6 - 1), true);
  assert.equal(isTokenAlive(10e6, 10e6), false);
  assert.equal(isTokenAlive(10e6, 11e6, { allowExpired: true }), true);
  assert.equal(isTokenAlive(10e6, 13e6, { allowExpired: true, window: 2 }), false);
});

test('a chain of tokens keeps the first one’s audit id', () => {
  const first = createAuditIds();
  const second = createAuditIds(first);
  const third = createAuditIds(second);
  assert.equal(first.length, 1);
  assert.equal(second[1], first[0]);
  assert.equal(third[1], first[0]);
  assert.notEqual(third[0], second[0]);
});
