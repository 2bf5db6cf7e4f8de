import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskedText } from './masks.ts';

const mask = (
  body: unknown,
  known: Record<string, string> = {},
  headers: Record<string, string> = {},
): string =>
  maskedText(
    { status: 200, headers: new Map(Object.entries(headers)), text: JSON.stringify(body) },
    new Map(Object.entries(known)),
    new Map([['http://127.0.0.1:5000', '<identity>']]),
  );

const one = '0123456789abcdef0123456789abcdef';
const other = 'fedcba9876543210fedcba9876543210';

test('what two clouds cannot have alike is masked, and what they must have alike is not', () => {
  const body = (id: string, second: string, day: string) => ({
    user: {
      id,
      links: { self: `http://127.0.0.1:5000/v3/users/${id}` },
      twin: second,
      at: `${day}T01:02:03.000004Z`,
    },
  });
  const answer = mask(body(one, other, '2026-01-02'), { [one]: '{user}' });
  assert.equal(answer, mask(body(other, one, '2031-11-12'), { [other]: '{user}' }));
  assert.match(answer, /"self": "<identity>\/v3\/users\/\{user\}"/);
  assert.match(answer, /"at": "0000-00-00T00:00:00\.000000Z"/);
  assert.notEqual(answer, mask({ user: { id: one } }, { [one]: '{user}' }));
});

test('the form of a time is compared', () => {
  assert.notEqual(mask({ at: '2026-01-02T03:04:05Z' }), mask({ at: '2026-01-02T03:04:05.000000Z' }));
});

test('of a list only what the run has made is compared, in an order of its own', () => {
  const item = (id: string) => ({ id, links: {} });
  const known = { [one]: '{a}', [other]: '{b}' };
  assert.equal(
    mask({ users: [item(one), item('9'.repeat(32)), item(other)] }, known),
    mask({ users: [item(other), item(one)] }, known),
  );
});

test('the validator’s echo of its schema is left out, and what follows it is not', () => {
  const said = (message: string) => mask({ error: { message, code: 400 } });
  assert.equal(said("1 is bad\n\nFailed validating 'x' in schema:\n    {'a': \"b\"}"), said('1 is bad'));
  assert.equal(said('1 is bad  Failed validating …<br />'), said('1 is bad<br />'));
});
