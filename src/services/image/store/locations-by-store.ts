import { randomUUID } from 'node:crypto';
import type { Migrator } from '../../../platform/store/migrate.ts';
import { json, table, text, time, uuid } from '../../../platform/store/table.ts';

/** Locations as the first versions kept them: of each image one for each store, in no order. */
export const locationsByStore = table(
  'image_locations',
  {
    image_id: uuid(),
    store: text({ length: 64 }),
    url: text({ length: 2048 }),
    status: text({ length: 16, values: ['active', 'pending_delete'], default: 'active' }),
    location_metadata: json<Record<string, unknown>>({ nullable: true }),
    created_at: time(),
  },
  { primaryKey: ['image_id', 'store'] },
);

/** Gives locations ids of their own and an order, so that an image may have several in one store. */
export async function moveLocations(m: Migrator): Promise<void> {
  // On MariaDB this may have broken off anywhere: what was moved stays, and what is gone was moved.
  await m.createTable(locationsByStore);
  const keyOf = ({ image_id: id, store }: Record<string, unknown>) => `${String(id)} ${String(store)}`;
  const moved = new Set((await m.query('SELECT "image_id", "store" FROM "locations"')).map(keyOf));
  const columns = Object.keys(locationsByStore.columns);
  const names = columns.map((name) => `"${name}"`).join(', ');
  const counts = new Map<unknown, number>();
  for (const row of await m.query(
    `SELECT ${names} FROM "image_locations" ORDER BY "image_id", "created_at", "store"`,
  )) {
    const position = counts.get(row['image_id']) ?? 0;
    counts.set(row['image_id'], position + 1);
    if (moved.has(keyOf(row))) continue;
    await m.execute(
      `INSERT INTO "locations" ("id", "position", ${names}) VALUES (?, ?${', ?'.repeat(columns.length)})`,
      [randomUUID(), position, ...columns.map((name) => row[name])],
    );
  }
  await m.dropTable(locationsByStore.name);
}
