import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastLines } from './console-text.ts';

test('the last lines of a text, whether or not it ends in a line end', () => {
  assert.equal(lastLines('a\nb\nc\n', 2), 'b\nc\n');
  assert.equal(lastLines('a\nb\nc', 2), 'b\nc');
  assert.equal(lastLines('a\nb\n', 9), 'a\nb\n');
  assert.equal(lastLines('a\nb\n'), 'a\nb\n');
  assert.equal(lastLines('a\nb\n', 0), '');
});
