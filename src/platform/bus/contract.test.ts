import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contract } from './contract.ts';

test('a contract waits a minute for answers unless it says otherwise', () => {
  assert.equal(contract<object>('network').deadline, 60_000);
  assert.equal(contract<object>('network', { deadline: 5 }).deadline, 5);
});

test('a name that could not be part of a queue name is refused', () => {
  for (const name of ['', 'Network', 'a b', 'a.b', 'a@b'])
    assert.throws(() => contract<object>(name), TypeError);
});

// What must not compile; an error that stops being one is an error itself.
interface Refused {
  date: { at(args: { when: Date }): Promise<void> };
  callback: { on(args: { done: () => void }): Promise<void> };
  result: { map(): Promise<Map<string, string>> };
  sync: { now(): string };
  two: { both(a: string, b: string): Promise<void> };
}
export const notContracts = [
  // @ts-expect-error a Date is no plain data
  () => contract<Refused['date']>('refused'),
  // @ts-expect-error neither is a function
  () => contract<Refused['callback']>('refused'),
  // @ts-expect-error nor a Map as a result
  () => contract<Refused['result']>('refused'),
  // @ts-expect-error a method promises
  () => contract<Refused['sync']>('refused'),
  // @ts-expect-error a method takes one object
  () => contract<Refused['two']>('refused'),
];
