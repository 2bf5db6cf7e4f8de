import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientCloud, whyNotTyped } from './client-cloud.ts';

const skip = (await whyNotTyped('openstack')) ?? false;

test('openstacksdk works with images, placement and servers', { skip }, async (t) => {
  const cloud = new ClientCloud();
  t.after(() => cloud.destroy());
  await cloud.up();
  const lines = (await cloud.python('sdk.py')).trim().split('\n');
  assert.ok(
    lines.some((line) => line === 'ok nothing is left'),
    lines.join('\n'),
  );
  for (const line of lines) await t.test(line, () => assert.match(line, /^ok /));
});
