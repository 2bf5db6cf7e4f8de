import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Migrator } from '../../../platform/store/migrate.ts';
import { repository } from '../../../platform/store/repository.ts';
import { defineSchema } from '../../../platform/store/schema.ts';
import { forEachDatabase, type OpenTestStore } from '../../../platform/store/testing/databases.ts';
import { newImage } from '../model/new-image.ts';
import { imageQueries } from './images.ts';
import { locationsByStore, moveLocations } from './locations-by-store.ts';
import { imageLocations, imageSchema } from './tables.ts';

const ordered = '0013-ordered-locations';
/** The schema before locations had ids; `up` is what an unlucky process came to do after that. */
const before = (up?: (m: Migrator) => Promise<void>) =>
  defineSchema('image', {
    tables: { ...imageSchema.tables, locationsByStore },
    migrations: [
      ...imageSchema.migrations.filter(({ name }) => name !== ordered),
      ...(up ? [{ name: ordered, up }] : []),
    ],
  });

forEachDatabase((database, open) => {
  const lasting = { skip: database === 'SQLite in memory' };

  async function oldDatabase(opening: OpenTestStore): Promise<{ url: string; ids: string[] }> {
    const url = opening.freshUrl();
    const old = await opening(before(), { url });
    const ids = [randomUUID(), randomUUID()];
    for (const id of ids) await imageQueries(old).insert(newImage({ id, owner: 'p' }, {}, []));
    const created_at = '2026-01-01T00:00:00.000000Z';
    await repository(old, locationsByStore).insert([
      { image_id: ids[0] as string, store: 'b', url: '1', location_metadata: { x: ['ü'] }, created_at },
      { image_id: ids[0] as string, store: 'a', url: '2', created_at: '2026-01-02T00:00:00.000000Z' },
      { image_id: ids[1] as string, store: 'a', url: '3', status: 'pending_delete', created_at },
    ]);
    return { url, ids };
  }

  async function assertMoved({ url, ids }: { url: string; ids: string[] }): Promise<void> {
    const images = imageQueries(await open(imageSchema, { url }));
    const found = (await images.locations(ids[0] as string)).map(
      ({ store, url: at, position, location_metadata }) => [store, at, position, location_metadata],
    );
    assert.deepEqual(found, [
      ['b', '1', 0, { x: ['ü'] }],
      ['a', '2', 1, null],
    ]);
    const [abandoned, ...others] = await images.abandonedLocations();
    assert.deepEqual([abandoned?.url, abandoned?.image_id, others], ['3', ids[1], []]);
  }

  describe(`locations of the first versions in ${database}`, () => {
    it('are kept, in the order in which they were made', lasting, async () => {
      await assertMoved(await oldDatabase(open));
    });

    for (const [when, up] of [
      [
        'all were moved',
        async (m: Migrator) => {
          await m.createTable(imageLocations);
          await moveLocations({
            ...m,
            dropTable: async () => {
              throw new Error('killed');
            },
          });
        },
      ],
      [
        'the old table was dropped',
        async (m: Migrator) => {
          await m.createTable(imageLocations);
          await moveLocations(m);
          throw new Error('killed');
        },
      ],
    ] as const)
      it(`are kept where a process was killed after ${when}`, lasting, async () => {
        const old = await oldDatabase(open);
        await assert.rejects(open(before(up), { url: old.url }), /killed/);
        await assertMoved(old);
      });
  });
});
