import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isWellFormed } from './well-formed.ts';

const wellFormed = (document: string): boolean => isWellFormed(document, JSON.parse(document));

test('text of any script is well-formed, however it is escaped', () => {
  const escaped = (value: unknown) =>
    JSON.stringify(value).replaceAll(
      /[^\x20-\x7e]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
      assert.ok(wellFormed(JSON.stringify(value)));
      assert.ok(wellFormed(escaped(value)));
    }),
  );
  assert.ok(wellFormed('"\\\\u0000"'));
});

test('NUL and halves of surrogate pairs are not, wherever they stand', () => {
  for (const bad of ['\\u0000', '\\ud800', 'a\\uDFFFb', '\\ude00\\ud83d']) {
    for (const document of [`"${bad}"`, `{"a":[{"b":"${bad}"}]}`, `{"${bad}":1}`]) {
      assert.ok(!wellFormed(document), document);
    }
  }
});
