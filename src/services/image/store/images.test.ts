import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { forEachDatabase } from '../../../platform/store/testing/databases.ts';
import { newImage } from '../model/new-image.ts';
import { imageQueries } from './images.ts';
import { memberQueries } from './members.ts';
import { imageSchema } from './tables.ts';

forEachDatabase((database, open) => {
  describe(`images in ${database}`, () => {
    it('are written, found, changed and buried', async () => {
      const store = await open(imageSchema);
      const images = imageQueries(store);
      const members = memberQueries(store);
      const id = randomUUID();
      const made = newImage({ id, owner: 'p', name: 'ünï' }, { os_distro: 'x', long: 'v'.repeat(65_535) }, [
        'b',
        'a',
      ]);
      await images.insert(made);
      await assert.rejects(images.insert(made), UniqueViolation);
      const found = await images.get(id);
      assert.ok(found);
      assert.deepEqual(found.row, made.row);
      assert.deepEqual(found.properties, made.properties);
      assert.deepEqual(found.tags.toSorted(), ['a', 'b']);

      const changed = {
        ...found,
        properties: { os_distro: 'y' },
        tags: ['c'],
        row: { ...found.row, protected: true },
      };
      await store.transaction(() => images.save(found, changed));
      const again = await images.get(id);
      assert.deepEqual(
        [again?.properties, again?.tags, again?.row.protected],
        [{ os_distro: 'y' }, ['c'], true],
      );

      const shared = await members.add(id, 'q');
      await assert.rejects(members.add(id, 'q'), UniqueViolation);
      assert.equal((await members.answer(shared, 'accepted')).status, 'accepted');
      assert.equal((await members.get(id, 'q'))?.status, 'accepted');
      assert.equal(await members.count(id), 1);

      assert.equal(await images.swap({ id, status: 'saving' }, { status: 'active' }), false);
      assert.equal(await images.swap({ id, status: 'queued' }, { status: 'active', size: 2 ** 45 }), true);
      await images.addLocation({ image_id: id, store: 'file', url: 'file:///x', created_at: timestamp() });
      assert.deepEqual((await images.get(id))?.stores, ['file']);
      assert.equal((await images.row(id))?.size, 2 ** 45);
      assert.deepEqual(await images.abandonedLocations(), []);
      assert.deepEqual(await images.knownUrls('file'), new Set(['file:///x']));

      assert.equal(await images.bury(id), true);
      assert.equal(await images.bury(id), false);
      assert.equal(await images.get(id), undefined);
      const [left] = await images.abandonedLocations();
      assert.equal(left?.url, 'file:///x');
    });

    it('are remembered no longer than until somebody changes them, in whatever process', async () => {
      const store = await open(imageSchema);
      const [here, there] = [imageQueries(store), imageQueries(store)];
      const { row } = newImage({ id: randomUUID(), owner: 'p' }, {}, []);
      const { id } = row;
      await here.insert({ row, properties: { a: '1' }, tags: ['t'], stores: [], locations: [] });
      const seen = async () => {
        const image = await here.get(id);
        assert.deepEqual(await there.get(id), image);
        return [image?.properties, image?.tags, image?.stores];
      };
      assert.deepEqual(await seen(), [{ a: '1' }, ['t'], []]);
      const before = await there.get(id);
      assert.ok(before);
      await store.transaction(() => there.save(before, { ...before, properties: {}, tags: ['u'] }));
      assert.deepEqual(await seen(), [{}, ['u'], []]);
      await there.setReserved(id, { os_glance_x: '1' });
      assert.deepEqual(await seen(), [{ os_glance_x: '1' }, ['u'], []]);
      const location = { image_id: id, store: 'file', url: 'x', created_at: timestamp() };
      await there.addLocation(location);
      assert.deepEqual((await seen())[2], ['file']);
      // What a transaction that failed has read is not remembered as if it were so.
      await assert.rejects(
        store.transaction(async () => {
          await here.setReserved(id, { os_glance_x: null });
          assert.deepEqual((await here.get(id))?.properties, {});
          throw new Error('not after all');
        }),
      );
      assert.deepEqual((await seen())[0], { os_glance_x: '1' });
      const [kept] = await there.locations(id);
      assert.ok(kept);
      await there.abandonLocation(kept);
      assert.deepEqual((await seen())[2], []);
    });

    it('have their locations in the order that was asked for', async () => {
      const store = await open(imageSchema);
      const images = imageQueries(store);
      const { row } = newImage({ id: randomUUID(), owner: 'p' }, {}, []);
      const { id } = row;
      await images.insert({ row, properties: {}, tags: [], stores: [], locations: [] });
      for (const url of ['x#1', 'x#2', 'x#3'])
        await images.addLocation({ image_id: id, store: 'web', url, created_at: timestamp() });
      const urls = async () => (await images.get(id))?.locations.map(({ url }) => url);
      assert.deepEqual(await urls(), ['x#1', 'x#2', 'x#3']);
      assert.deepEqual((await images.get(id))?.stores, ['web']);
      const [first, second, third] = await images.locations(id);
      assert.ok(first && second && third);
      await store.transaction(async () => {
        await images.abandonLocation(second);
        const fresh = { store: 'web', url: 'x#4', location_metadata: { a: 1 } };
        await images.arrangeLocations(id, [third, fresh, { ...first, location_metadata: { b: 2 } }]);
      });
      assert.deepEqual(await urls(), ['x#3', 'x#4', 'x#1']);
      assert.deepEqual(
        (await images.locations(id)).map(({ location_metadata }) => location_metadata),
        [null, { a: 1 }, { b: 2 }],
      );
      // Where something had still to go, something new is.
      assert.deepEqual(
        (await images.abandonedLocations()).map(({ url }) => url),
        ['x#2'],
      );
      await images.addLocation({ image_id: id, store: 'web', url: 'x#2', created_at: timestamp() });
      assert.deepEqual(await images.abandonedLocations(), []);
      assert.deepEqual(await urls(), ['x#3', 'x#4', 'x#1', 'x#2']);
    });

    it('are listed in pages, newest first', async () => {
      const store = await open(imageSchema);
      const images = imageQueries(store);
      for (const name of ['1', '2', '3'])
        await images.insert(
          newImage(
            { id: randomUUID(), owner: 'p', name, created_at: `2026-01-0${name}T00:00:00.000000Z` },
            { n: name },
            [name],
          ),
        );
      const sort = [{ column: 'created_at', direction: 'desc' }] as const;
      const first = await images.list({ where: [], sort, limit: 2 });
      assert.deepEqual(
        first.map(({ row, tags }) => [row.name, ...tags]),
        [
          ['3', '3'],
          ['2', '2'],
        ],
      );
      const after = first.at(-1)?.row;
      assert.ok(after);
      const rest = await images.list({ where: [], sort, limit: 2, after });
      assert.deepEqual(
        rest.map(({ properties }) => properties),
        [{ n: '1' }],
      );
    });
  });
});
