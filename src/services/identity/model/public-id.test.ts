import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publicIdOf } from './public-id.ts';

test("ids are keystone's own, so that what refers to them goes on doing so", () => {
  // Made by keystone.identity.id_generators.sha256 for the same entities.
  assert.equal(
    publicIdOf({ domainId: 'default', localId: 'alice', type: 'user' }),
    'c43e4dd25aba357630477a0f49fde7da8567b753ddd430c9555ad09aa2a76e9e',
  );
});
