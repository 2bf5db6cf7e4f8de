import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as holds, jsonValue, property } from 'fast-check';
import { copyPlain } from './plain.ts';

test('a copy is what JSON would make of it, and shares nothing with it', () => {
  holds(
    property(jsonValue(), (value) => {
      const before = JSON.stringify(value);
      const copy = copyPlain(value);
      assert.equal(JSON.stringify(copy), before);
      if (typeof copy === 'object' && copy !== null) assert.notEqual(copy, value);
    }),
  );
});

test('properties that are undefined are left out', () => {
  assert.deepEqual(Object.keys(copyPlain({ a: undefined, b: 1 })), ['b']);
});

test('a key named __proto__ stays a key', () => {
  const copy = copyPlain(JSON.parse('{"__proto__": {"admin": true}}') as { admin?: boolean });
  assert.equal(copy.admin, undefined);
  assert.equal(JSON.stringify(copy), '{"__proto__":{"admin":true}}');
});

test('what JSON would bend or drop is refused, with its place', () => {
  const cycle: { in?: unknown } = {};
  cycle.in = cycle;
  const refused: [unknown, RegExp][] = [
    [new Date(), /this is an instance of Date/],
    [{ a: [1, { b: () => 1 }] }, /\.a\[1\]\.b is a function/],
    [{ n: Number.NaN }, /\.n is NaN/],
    [[1n], /\[0\] is a bigint/],
    [[undefined], /\[0\] is undefined/],
    [{ bytes: new Uint8Array(1) }, /\.bytes is an instance of Uint8Array/],
    [cycle, /more than 100 levels/],
  ];
  for (const [value, message] of refused)
    assert.throws(() => copyPlain(value), { name: 'TypeError', message });
});
