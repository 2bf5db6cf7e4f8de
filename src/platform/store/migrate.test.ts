import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Migration, Migrator } from './migrate.ts';
import { repository } from './repository.ts';
import { defineSchema, type Tables } from './schema.ts';
import { openStore } from './store.ts';
import { boolean, integer, json, table, text } from './table.ts';
import { forEachDatabase } from './testing/databases.ts';

const volumes = table('volumes', { id: text({ length: 36 }), size: integer() }, { primaryKey: ['id'] });
const grown = table(
  'volumes',
  {
    id: text({ length: 36 }),
    size: integer(),
    name: text({ length: 255, default: `it's \\ "new"` }),
    multiattach: boolean({ default: false }),
    metadata: json<Record<string, string>>({ nullable: true }),
  },
  { primaryKey: ['id'], indexes: [['name', 'id']] },
);
const first = { name: 'volumes', up: (m: Migrator) => m.createTable(volumes) };
const grow = [
  { name: 'volumes', up: (m: Migrator) => m.createTable(grown) },
  {
    name: 'volumes have names',
    async up(m: Migrator) {
      await m.addColumn(grown, 'name');
      await m.addColumn(grown, 'multiattach');
      await m.addColumn(grown, 'metadata');
      await m.createIndex(grown, ['name', 'id']);
      await m.execute(`UPDATE "volumes" SET "name" = 'named ' || "id" WHERE "size" = ?`, [1]);
    },
  },
];
const row = { id: 'v', size: 1, name: `it's \\ "new"`, multiattach: false, metadata: null };

const schemaOf = <T extends Tables>(tables: T, migrations: readonly Migration[]) =>
  defineSchema('block_storage', { tables, migrations });
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

forEachDatabase((name, open) => {
  const lasting = { skip: name === 'SQLite in memory' };

  test('an old database becomes what a new one is', lasting, async () => {
    const url = open.freshUrl();
    const old = await open(schemaOf({ volumes }, [first]), { url });
    await repository(old, volumes).insert([
      { id: 'v', size: 1 },
      { id: 'w', size: 2 },
    ]);
    const migrated = await open(schemaOf({ volumes: grown }, grow), { url });
    assert.deepEqual(await repository(migrated, grown).list(), [
      { ...row, name: 'named v' },
      { ...row, id: 'w', size: 2 },
    ]);
    const fresh = await open(schemaOf({ volumes: grown }, grow));
    await repository(fresh, grown).insert({ id: 'v', size: 1 });
    assert.deepEqual(await repository(fresh, grown).list(), [row]);
  });

  test('a query that was prepared before a column came still works', lasting, async () => {
    const url = open.freshUrl();
    const old = await open(schemaOf({ volumes }, [first]), { url });
    await repository(old, volumes).insert({ id: 'v', size: 1 });
    const all = old.prepared((db) => db.selectFrom('volumes').selectAll());
    assert.deepEqual(await all.all({}), [{ id: 'v', size: 1 }]);
    await open(schemaOf({ volumes: grown }, grow), { url });
    assert.deepEqual(Object.keys((await all.first({})) ?? {}).toSorted(), Object.keys(row).toSorted());
  });

  test('ten that open a new database at once migrate it once', lasting, async () => {
    const url = open.freshUrl();
    let runs = 0;
    const counting = schemaOf({ volumes }, [
      {
        name: 'volumes',
        async up(m) {
          runs++;
          await m.createTable(volumes);
          await m.execute(`INSERT INTO "volumes" ("id", "size") VALUES ('v', 1)`);
        },
      },
    ]);
    const stores = await Promise.all(Array.from({ length: 10 }, () => open(counting, { url })));
    assert.equal(runs, 1);
    for (const store of stores) assert.equal(await repository(store, volumes).count(), 1);
  });

  test('a migration that fails is named, is not recorded, and can be mended', lasting, async () => {
    const url = open.freshUrl();
    const broken = {
      name: 'nonsense',
      up: (m: Migrator) => m.execute('CREATE NONSENSE'),
    };
    await assert.rejects(
      open(schemaOf({ volumes }, [first, broken]), { url }),
      /migration "nonsense" of block_storage failed/,
    );
    const store = await open(schemaOf({ volumes }, [first, { ...broken, up: async () => {} }]), { url });
    assert.equal(await repository(store, volumes).count(), 0);
  });

  test('a database that is newer than the program is left alone', lasting, async () => {
    const url = open.freshUrl();
    await open(schemaOf({ volumes: grown }, grow), { url });
    await assert.rejects(
      open(schemaOf({ volumes }, [first]), { url }),
      /does not know \(volumes have names\)/,
    );
  });

  test('tables and columns can go', async () => {
    const store = await open(
      schemaOf({ volumes }, [
        { name: 'volumes', up: (m) => m.createTable(grown) },
        {
          name: 'smaller',
          async up(m) {
            await m.dropColumn('volumes', 'metadata');
            await m.dropColumn('volumes', 'metadata');
            await m.dropTable('volumes');
            await m.dropTable('volumes');
          },
        },
      ]),
    );
    await assert.rejects(repository(store, volumes).count());
  });
});

describe('a description that cannot be built is refused at once', () => {
  const id = { id: text({ length: 64 }) };
  const cases: [string, RegExp, () => unknown][] = [
    [
      'a key of text without a length',
      /needs a length/,
      () => table('t', { id: text() }, { primaryKey: ['id'] }),
    ],
    [
      'a key longer than MariaDB can index',
      /3072/,
      () =>
        table(
          't',
          { ...id, a: text({ length: 500 }), b: text({ length: 500 }) },
          { primaryKey: ['id'], indexes: [['a', 'b']] },
        ),
    ],
    [
      'a nullable primary key',
      /nullable/,
      () => table('t', { id: integer({ nullable: true }) }, { primaryKey: ['id'] }),
    ],
    [
      'a key of json',
      /json/,
      () => table('t', { ...id, a: json() }, { primaryKey: ['id'], unique: [['a']] }),
    ],
    [
      'a name that needs quoting',
      /is no name/,
      () => table('t', { 'a"b': integer() }, { primaryKey: ['a"b'] }),
    ],
    [
      'one column name with two meanings',
      /b is json in u but boolean in t/,
      () => {
        const t = table('t', { ...id, b: boolean() }, { primaryKey: ['id'] });
        const u = table('u', { ...id, b: json() }, { primaryKey: ['id'] });
        return defineSchema('s', { tables: { t, u }, migrations: [] });
      },
    ],
    [
      'two migrations of one name',
      /two migrations/,
      () => defineSchema('s', { tables: {}, migrations: [first, first] }),
    ],
  ];
  for (const [what, message, define] of cases) test(what, () => assert.throws(define, message));
});

test('an SQLite file is readable by its owner only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulet-modes-'));
  const path = join(folder, 'state', 'x.db');
  const store = await openStore(defineSchema('s', { tables: { volumes }, migrations: [first] }), {
    url: `sqlite:${path}`,
  });
  try {
    assert.deepEqual([join(folder, 'state'), path, `${path}-wal`, `${path}-shm`].map(modeOf), [
      '700',
      '600',
      '600',
      '600',
    ]);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
});
