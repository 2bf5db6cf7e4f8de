import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { validator } from './validation.ts';

const complaint = (schema: Parameters<typeof validator>[0], value: unknown): string | undefined =>
  validator(schema)(value)?.message;

test('what may be null is complained of in the words of its other type', () => {
  const name = Type.Union([Type.Null(), Type.String({ maxLength: 3 })]);
  assert.equal(complaint(name, 12), "12 is not of type 'string', 'null'");
  assert.equal(complaint(name, 'long'), "'long' is too long");
  assert.equal(complaint(name, null), undefined);
});

test('where there are two schemas to fit, both are said not to', () => {
  const either = Type.Union([Type.String({ maxLength: 3 }), Type.Integer()]);
  assert.equal(complaint(either, true), 'True is not valid under any of the given schemas');
});
