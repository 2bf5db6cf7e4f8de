import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { hostnameOf } from './server-names.ts';

it('makes hostnames of names', () => {
  assert.equal(hostnameOf('My Server_1.example', 'x'), 'my-server-1-example');
  assert.equal(hostnameOf('--a--', 'x'), 'a');
  assert.equal(hostnameOf('服务器', 'x'), 'server-x');
  fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: 'grapheme' }), (name) => {
      assert.match(hostnameOf(name, 'x'), /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    }),
  );
});
