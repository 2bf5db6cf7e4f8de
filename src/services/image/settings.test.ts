import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { imageSettings } from './settings.ts';

test('every setting stands in a README, and every one there is a setting', async () => {
  const pages = await Promise.all(
    ['api', 'flows', 'drivers'].map((room) =>
      readFile(new URL(`${room}/README.md`, import.meta.url), 'utf8'),
    ),
  );
  const named = pages.flatMap((page) => {
    const [, table = ''] = page.split(/^\| setting[^\n]*\n/m);
    const first = (table.split('\n\n')[0] ?? '').split('\n').map((row) => row.split('|')[1] ?? '');
    return first.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name as string));
  });
  assert.deepEqual(named.toSorted(), Object.keys(imageSettings).toSorted());
});
