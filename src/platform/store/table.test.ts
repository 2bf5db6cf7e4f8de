import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repository } from './repository.ts';
import { defineSchema } from './schema.ts';
import { openStore } from './store.ts';
import { boolean, type Insertable, integer, json, type Row, table, text, timestamp } from './table.ts';

const images = table(
  'images',
  {
    id: text({ length: 36 }),
    status: text({ length: 16, values: ['queued', 'active'], default: 'queued' }),
    size: integer({ nullable: true }),
    is_protected: boolean(),
    properties: json<Record<string, string>>(),
  },
  { primaryKey: ['id'] },
);
const schema = defineSchema('image', {
  tables: { images },
  migrations: [{ name: 'images', up: (m) => m.createTable(images) }],
});

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
interface Wanted {
  id: string;
  status: 'queued' | 'active';
  size: number | null;
  is_protected: boolean;
  properties: Record<string, string>;
}

test("a table's description says what its rows are", async () => {
  const same: Same<
    { [K in keyof Row<typeof images>]: Row<typeof images>[K] },
    { [K in keyof Wanted]: Wanted[K] }
  > = true;
  assert.ok(same);
  const image: Insertable<typeof images> = { id: 'i', is_protected: true, properties: {} };
  // @ts-expect-error a column without default may not be left out
  const incomplete: Insertable<typeof images> = { id: 'j', is_protected: true };
  // @ts-expect-error only what the column's values say
  const unknown: Insertable<typeof images> = { ...image, status: 'deleted' };

  const store = await openStore(schema, { url: 'sqlite::memory:' });
  const repo = repository(store, images);
  await repo.insert(image);
  await assert.rejects(repo.insert(incomplete));
  await repo.insert({ ...unknown, id: 'k' });
  // @ts-expect-error there is no such column
  await assert.rejects(repo.find({ colour: 'red' }));
  // @ts-expect-error a number is not text
  await repo.find({ id: 7 });
  const [row] = await store.db.selectFrom('images').selectAll().where('is_protected', '=', true).execute();
  const read: Wanted | undefined = row;
  assert.deepEqual(read, { ...image, status: 'queued', size: null });
  await store.close();
});

test('timestamps sort as text and have six digits', () => {
  const times = [0, 1, 999, 1000, Date.UTC(2026, 0, 31, 12, 34, 56, 123)].map((ms) =>
    timestamp(new Date(ms)),
  );
  assert.deepEqual(times.toSorted(), times);
  assert.equal(times.at(-1), '2026-01-31T12:34:56.123000Z');
});
