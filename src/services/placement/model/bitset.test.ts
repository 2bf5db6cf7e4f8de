import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bitset } from './bitset.ts';

const numbers = fc.uniqueArray(fc.nat(300));
const bits = (members: readonly number[]): Bitset => {
  const set = new Bitset();
  for (const member of members) set.add(member);
  return set;
};
const ascending = (members: Iterable<number>) => [...members].toSorted((a, b) => a - b);

test('does what a Set does, whatever the sizes', () => {
  fc.assert(
    fc.property(numbers, numbers, (some, others) => {
      const right = new Set(others);
      assert.deepEqual(bits(some).members(), ascending(some));
      assert.deepEqual(
        bits(some).keep(bits(others)).members(),
        ascending(some.filter((one) => right.has(one))),
      );
      assert.deepEqual(
        bits(some).remove(bits(others)).members(),
        ascending(some.filter((one) => !right.has(one))),
      );
      assert.deepEqual(bits(some).join(bits(others)).members(), ascending(new Set([...some, ...others])));
      const less = bits(some);
      for (const other of others) less.delete(other);
      assert.deepEqual(less.members(), ascending(some.filter((one) => !right.has(one))));
      for (const other of others) assert.equal(bits(some).has(other), some.includes(other));
    }),
  );
});

test('has all numbers up to a count, and no more', () => {
  for (const count of [0, 1, 31, 32, 33, 64, 100]) {
    assert.deepEqual(
      Bitset.upTo(count).members(),
      Array.from({ length: count }, (_, member) => member),
    );
  }
});

test('a copy is its own', () => {
  const set = bits([1, 40]);
  const copy = set.copy();
  copy.delete(40);
  assert.deepEqual([set.members(), copy.members()], [[1, 40], [1]]);
});
