import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { repository } from './repository.ts';
import { defineSchema } from './schema.ts';
import { openStore } from './store.ts';
import { integer, table, text } from './table.ts';

const counters = table('counters', { id: text({ length: 9 }), used: integer() }, { primaryKey: ['id'] });
const schema = defineSchema('counting', {
  tables: { counters },
  migrations: [{ name: 'counters', up: (m) => m.createTable(counters) }],
});

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'cumulet-sqlite-'));
});
after(() => rmSync(folder, { recursive: true }));

test('several processes count in one file and lose nothing', async () => {
  const url = `sqlite:${join(folder, 'shared.db')}`;
  const store = await openStore(schema, { url });
  const repo = repository(store, counters);
  await repo.insert({ id: 'c', used: 0 });
  const program = `
    const from = (name) => import(new URL(name, ${JSON.stringify(import.meta.url)}));
    const { openStore } = await from('./store.ts');
    const { defineSchema } = await from('./schema.ts');
    const { table, text, integer } = await from('./table.ts');
    const { repository } = await from('./repository.ts');
    const counters = table('counters', { id: text({ length: 9 }), used: integer() }, { primaryKey: ['id'] });
    const schema = defineSchema('counting', { tables: { counters }, migrations: [{ name: 'counters', up: async () => {} }] });
    const store = await openStore(schema, { url: ${JSON.stringify(url)} });
    const repo = repository(store, counters);
    await Promise.all(Array.from({ length: 100 }, () => store.transaction(async () => {
      const { used } = await repo.get('c');
      await new Promise(setImmediate);
      await repo.update({ id: 'c' }, { used: used + 1 });
    })));
    await store.close();
  `;
  const children = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' }),
  );
  const statuses = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number));
  assert.deepEqual(statuses, [0, 0, 0]);
  assert.equal((await repo.get('c'))?.used, 300);
  await store.close();
});

test('waiting for the lock of another process does not stop the event loop', async () => {
  const path = join(folder, 'locked.db');
  const store = await openStore(schema, { url: `sqlite:${path}` });
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  const written = repository(store, counters).insert({ id: 'c', used: 0 });
  assert.equal(await repository(store, counters).count(), 0);
  let turns = 0;
  const turning = setInterval(() => {
    // Only the event loop can end the lock that is waited for.
    if (++turns === 10) other.exec('COMMIT');
  }, 1);
  await written;
  clearInterval(turning);
  assert.ok(turns >= 10);
  other.close();
  await store.close();
});

test('what is committed is there when the file is opened again', async () => {
  const url = `sqlite:${join(folder, 'again.db')}`;
  const first = await openStore(schema, { url });
  await repository(first, counters).insert({ id: 'c', used: 7 });
  await first.close();
  await first.close();
  const second = await openStore(schema, { url });
  assert.deepEqual(await repository(second, counters).list(), [{ id: 'c', used: 7 }]);
  await second.close();
});
