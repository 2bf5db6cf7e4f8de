import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { ForeignKeyViolation, StoreError, UniqueViolation, ValueRefused } from './errors.ts';
import { repository } from './repository.ts';
import { defineSchema } from './schema.ts';
import {
  bigint,
  boolean,
  type Insertable,
  integer,
  json,
  type Row,
  real,
  table,
  text,
  time,
  timestamp,
  uuid,
} from './table.ts';
import { forEachDatabase } from './testing/databases.ts';
import { outsideTransactions } from './transaction.ts';

const flavors = table(
  'flavors',
  {
    id: text({ length: 64 }),
    name: text({ length: 255 }),
    ram: integer(),
    bytes: bigint({ default: 0 }),
    rxtx_factor: real({ default: 1.5 }),
    is_public: boolean({ default: true }),
    disabled: boolean({ nullable: true }),
    extra_specs: json<Record<string, string>>({ default: {} }),
    description: text({ nullable: true, length: 65535 }),
    created_at: time(),
  },
  { primaryKey: ['id'], unique: [['name']], indexes: [['created_at', 'id']] },
);
const servers = table(
  'servers',
  {
    id: uuid(),
    flavor_id: text({ length: 64 }),
    tags: json<string[]>({ nullable: true }),
    generation: integer(),
  },
  { primaryKey: ['id'], references: [{ columns: ['flavor_id'], table: flavors, onDelete: 'cascade' }] },
);
const claims = table(
  'claims',
  { server_id: uuid(), flavor_id: text({ length: 64, nullable: true }), used: integer({ default: 0 }) },
  { primaryKey: ['server_id'], references: [{ columns: ['flavor_id'], table: flavors }] },
);
const schema = defineSchema('compute', {
  tables: { flavors, servers, claims },
  migrations: [
    {
      name: 'flavors, servers and claims',
      async up(m) {
        await m.createTable(flavors);
        await m.createTable(servers);
        await m.createTable(claims);
      },
    },
  ],
});

const flavor = (id: string, more: Partial<Insertable<typeof flavors>> = {}): Insertable<typeof flavors> => ({
  id,
  name: `name of ${id}`,
  ram: 512,
  created_at: timestamp(),
  ...more,
});

const notUnique = (columns: string[]) => (error: unknown) => {
  assert.ok(error instanceof UniqueViolation);
  assert.deepEqual([error.table, error.columns], ['flavors', columns]);
  return true;
};
const refers = (from: string) => (error: unknown) => {
  assert.ok(error instanceof ForeignKeyViolation);
  assert.equal(error.table, from);
  return true;
};

forEachDatabase((name, open) => {
  test('a row is read as it was written, whatever its columns hold', async () => {
    const store = await open(schema);
    const row: Row<typeof flavors> = {
      id: 'a',
      name: `quotes ' " \` back\\slash % _ 中文 🚀 trailing  `,
      ram: 2 ** 31 - 1,
      bytes: 2 ** 53 - 1,
      rxtx_factor: 0.1,
      is_public: false,
      disabled: null,
      extra_specs: { 'hw:cpu_policy': 'dedicated', "it's": '{}' },
      description: 'x'.repeat(65535),
      created_at: '2026-01-31T12:34:56.123456Z',
    };
    await store.db.insertInto('flavors').values(row).execute();
    assert.deepEqual(await store.db.selectFrom('flavors').selectAll().execute(), [row]);
    assert.deepEqual(await repository(store, flavors).get('a'), row);
    const named = store.prepared((db, args: { name: string; is_public: boolean }) =>
      db
        .selectFrom('flavors')
        .selectAll()
        .where('name', '=', args.name)
        .where('is_public', '=', args.is_public),
    );
    assert.deepEqual(await named.all({ name: row.name, is_public: false }), [row]);
    assert.equal(await named.first({ name: row.name, is_public: true }), undefined);
    assert.equal(await named.first({ name: row.name.trimEnd(), is_public: false }), undefined);
  });

  test('columns that are left out get their default, or null', async () => {
    const store = await open(schema);
    for (const insert of [
      (row: Insertable<typeof flavors>) => store.db.insertInto('flavors').values(row).execute(),
      (row: Insertable<typeof flavors>) => repository(store, flavors).insert([row]),
    ]) {
      const row = flavor('a');
      await insert(row);
      assert.deepEqual(await repository(store, flavors).get('a'), {
        ...row,
        bytes: 0,
        rxtx_factor: 1.5,
        is_public: true,
        disabled: null,
        extra_specs: {},
        description: null,
      });
      assert.equal(await repository(store, flavors).delete({ id: 'a' }), 1);
    }
  });

  test('sums, counts and truths are numbers', async () => {
    const store = await open(schema);
    await repository(store, flavors).insert([
      flavor('a', { bytes: 2 ** 40 }),
      flavor('b', { bytes: 2 ** 40 }),
    ]);
    const row = await store.db
      .selectFrom('flavors')
      .select(({ fn }) => [fn.sum('bytes').as('total'), fn.countAll().as('count'), fn.avg('ram').as('mean')])
      .select(sql`1 = 1`.as('truth'))
      .executeTakeFirstOrThrow();
    assert.deepEqual({ ...row, truth: Number(row.truth) }, { total: 2 ** 41, count: 2, mean: 512, truth: 1 });
  });

  test('the second row with a unique value is refused by table and columns', async () => {
    const store = await open(schema);
    const repo = repository(store, flavors);
    await repo.insert(flavor('a'));
    await assert.rejects(repo.insert(flavor('b', { name: 'name of a' })), notUnique(['name']));
    await assert.rejects(repo.insert(flavor('a', { name: 'other' })), notUnique(['id']));
    await assert.rejects(
      store.db
        .insertInto('flavors')
        .values(flavor('b', { name: 'name of a' }))
        .execute(),
      notUnique(['name']),
    );
    await repo.insert(flavor('b'));
    await assert.rejects(repo.update({ id: 'b' }, { name: 'name of a' }), notUnique(['name']));
    await repo.insert(flavor('A', { name: 'NAME OF A' }));
  });

  test('a row keeps those that it refers to, and takes along those that refer to it', async () => {
    const store = await open(schema);
    const server = { id: 's', flavor_id: 'a', generation: 1 };
    await assert.rejects(repository(store, servers).insert(server), refers('servers'));
    await repository(store, flavors).insert([flavor('a'), flavor('b')]);
    await repository(store, servers).insert(server);
    await repository(store, claims).insert({ server_id: 's', flavor_id: 'b' });
    await assert.rejects(repository(store, flavors).delete({ id: 'b' }), refers('flavors'));
    await repository(store, flavors).delete({ id: 'a' });
    assert.equal(await repository(store, servers).count(), 0);
  });

  test('text that is too long for its column is refused', async () => {
    const store = await open(schema);
    const repo = repository(store, flavors);
    await assert.rejects(repo.insert(flavor('a', { name: 'x'.repeat(256) })));
    await assert.rejects(repo.insert(flavor('a', { description: '中'.repeat(65536) })));
    await repo.insert(flavor('a', { description: '中'.repeat(65535), name: '🚀'.repeat(255) }));
  });

  test('values that databases treat differently are refused', async () => {
    const store = await open(schema);
    const db = store.db;
    const missing = undefined as unknown as string;
    await assert.rejects(
      db.selectFrom('flavors').selectAll().where('id', '=', missing).execute(),
      ValueRefused,
    );
    await assert.rejects(repository(store, flavors).find({ id: missing }), ValueRefused);
    await assert.rejects(repository(store, flavors).insert(flavor('nul\0')), ValueRefused);
    await assert.rejects(repository(store, flavors).insert(flavor('a', { ram: Number.NaN })), ValueRefused);
    await assert.rejects(repository(store, flavors).delete({}), ValueRefused);
  });

  test('a compare-and-swap says whether it won, also when it changes nothing', async () => {
    const store = await open(schema);
    const repo = repository(store, claims);
    await repo.insert({ server_id: 's', used: 1 });
    assert.equal(await repo.update({ server_id: 's', used: 1 }, { used: 2 }), 1);
    assert.equal(await repo.update({ server_id: 's', used: 1 }, { used: 2 }), 0);
    assert.equal(await repo.update({ server_id: 's', used: 2 }, { used: 2 }), 1);
    const { numUpdatedRows } = await store.db.updateTable('claims').set({ used: 2 }).executeTakeFirst();
    assert.equal(numUpdatedRows, 1n);
  });

  test('an error rolls the transaction back, with all that joined it', async () => {
    const store = await open(schema);
    const repo = repository(store, flavors);
    let committed = 0;
    await assert.rejects(
      store.transaction(async () => {
        store.afterCommit(() => committed++);
        await repo.insert(flavor('a'));
        await store.transaction(() => store.db.insertInto('flavors').values(flavor('b')).execute());
        assert.equal(await repo.count(), 2);
        throw new Error('no');
      }),
      /^Error: no$/,
    );
    assert.deepEqual([await repo.count(), committed], [0, 0]);
    await store.transaction(async () => {
      await store.transaction(() => store.afterCommit(() => committed++));
      await repo.insert(flavor('a'));
      assert.equal(committed, 0);
    });
    assert.deepEqual([await repo.count(), committed], [1, 1]);
    store.afterCommit(() => committed++);
    assert.equal(committed, 2);
  });

  test('after an error of the database a transaction cannot go on, nor commit', async () => {
    const store = await open(schema);
    const repo = repository(store, flavors);
    await repo.insert(flavor('a'));
    await assert.rejects(
      store.transaction(async () => {
        await repo.insert(flavor('b'));
        await repo.insert(flavor('a')).catch(() => {});
        await assert.rejects(repo.count(), StoreError);
      }),
      UniqueViolation,
    );
    assert.equal(await repo.count(), 1);
  });

  test('fifty check-then-act increments at once are fifty', async () => {
    const store = await open(schema);
    const repo = repository(store, claims);
    await repo.insert({ server_id: 's' });
    let runs = 0;
    let commits = 0;
    await Promise.all(
      Array.from({ length: 50 }, () =>
        store.transaction(async () => {
          runs++;
          const claim = await repo.get('s');
          await repo.update({ server_id: 's' }, { used: (claim?.used ?? 0) + 1 });
          store.afterCommit(() => commits++);
        }),
      ),
    );
    assert.equal((await repo.get('s'))?.used, 50);
    assert.equal(commits, 50);
    if (!name.startsWith('SQLite')) assert.ok(runs > 50, 'the databases had conflicts to solve');
  });

  test('of two that find a flavor unused at the same time, one takes it', async () => {
    const store = await open(schema);
    const repo = repository(store, servers);
    await repository(store, flavors).insert(flavor('a'));
    const bothLooked = Promise.withResolvers<void>();
    // SQLite lets the second begin when the first has ended: there is no such moment.
    let looking = store.dialect === 'sqlite' ? 0 : 2;
    const outcomes = await Promise.all(
      ['s', 't'].map((id) =>
        store.transaction(async () => {
          // Nothing unique here: only the isolation keeps the second from seeing none.
          const used = await repo.count({ flavor_id: 'a' });
          if (--looking <= 0) bothLooked.resolve();
          await bothLooked.promise;
          if (used) return false;
          await repo.insert({ id, flavor_id: 'a', generation: 1 });
          return true;
        }),
      ),
    );
    assert.deepEqual(outcomes.toSorted(), [false, true]);
  });

  test('queries asked for at once inside a transaction are all of it', async () => {
    const store = await open(schema);
    const repo = repository(store, flavors);
    await store.transaction(() => Promise.all(['a', 'b', 'c', 'd'].map((id) => repo.insert(flavor(id)))));
    assert.equal(await repo.count(), 4);
  });

  test('work that outlives its transaction is told so', async () => {
    const store = await open(schema);
    const repo = repository(store, flavors);
    let late: (() => Promise<number>) | undefined;
    let outside: (() => Promise<number>) | undefined;
    const done = Promise.withResolvers<void>();
    const lateResult = store.transaction(() => {
      late = async () => {
        await done.promise;
        return repo.count();
      };
      const result = late();
      outside = () => outsideTransactions(() => repo.count());
      return { result };
    });
    const { result } = await lateResult;
    done.resolve();
    await assert.rejects(result, StoreError);
    assert.equal(await outside?.(), 0);
  });

  test('a failing hook does not undo what is committed, and is reported', async () => {
    const errors: unknown[] = [];
    const store = await open(schema, { onError: (error) => errors.push(error) });
    await store.transaction(async () => {
      store.afterCommit(() => {
        throw new Error('first');
      });
      store.afterCommit(() => Promise.reject(new Error('second')));
      await repository(store, flavors).insert(flavor('a'));
    });
    await Promise.resolve();
    assert.equal(await repository(store, flavors).count(), 1);
    assert.deepEqual(errors.map(String), ['Error: first', 'Error: second']);
  });

  test('a read outside does not see, nor wait for, an open transaction', {
    skip: name === 'SQLite in memory',
  }, async () => {
    const store = await open(schema);
    const repo = repository(store, flavors);
    await store.transaction(async () => {
      await repo.insert(flavor('a'));
      assert.equal(await outsideTransactions(() => repo.count()), 0);
      assert.equal(await repo.count(), 1);
    });
    assert.equal(await repo.count(), 1);
  });
});

test('a read of a database in memory waits for the open transaction', async () => {
  const { openStore } = await import('./store.ts');
  const store = await openStore(schema, { url: 'sqlite::memory:' });
  const repo = repository(store, flavors);
  const order: string[] = [];
  let read: Promise<unknown> | undefined;
  await store.transaction(async () => {
    await repo.insert(flavor('a'));
    read = outsideTransactions(() => repo.count().then((count) => order.push(`read ${count}`)));
    await repo.insert(flavor('b'));
    order.push('wrote');
  });
  await read;
  assert.deepEqual(order, ['wrote', 'read 2']);
  await store.close();
});
