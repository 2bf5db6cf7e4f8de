import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { PayloadTooLarge } from '../../../platform/errors/errors.ts';
import { member, startWorld } from '../../../platform/service/testing/world.ts';
import { openStore } from '../../../platform/store/store.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { newImage } from '../model/new-image.ts';
import { importingToStores } from '../model/reserved.ts';
import { image } from '../service.ts';
import { type ImageQueries, type ImageStoreDb, imageQueries } from '../store/images.ts';
import { imageSchema } from '../store/tables.ts';
import { type CountedResource, usageQueries } from '../store/usage.ts';
import { quotasOf } from './quotas.ts';

const mib = 2 ** 20;

describe("a project's limits", () => {
  let db: ImageStoreDb;
  let images: ImageQueries;
  before(async () => {
    db = await openStore(imageSchema, { url: 'sqlite::memory:' });
    images = imageQueries(db);
  });
  after(() => db.close());

  async function add(owner: string, status: string, size: number | null, stores: string[] = []) {
    const made = newImage({ id: randomUUID(), owner }, {}, []);
    await images.insert(made);
    await images.swap({ id: made.row.id }, { status, size });
    for (const store of stores)
      await images.addLocation({ image_id: made.row.id, store, url: 'x', created_at: timestamp() });
    return made.row.id;
  }
  const quotas = (limits: Partial<Record<CountedResource, number>>) =>
    quotasOf(usageQueries(db), { limitOf: async (_, resource) => limits[resource] ?? null }, true);

  it('count images, their bytes in each store, and what is on its way', async () => {
    await add('p', 'active', 10 * mib, ['one', 'two']);
    const copied = await add('p', 'active', 3 * mib, ['one']);
    await images.setReserved(copied, { [importingToStores]: 'two' });
    await add('p', 'queued', null);
    await add('p', 'saving', null);
    await add('p', 'uploading', 5 * mib);
    await add('p', 'importing', 7 * mib);
    const deleted = await add('p', 'active', 100 * mib, ['one']);
    await images.bury(deleted);
    await add('other', 'active', 100 * mib, ['one']);
    assert.deepEqual(await quotas({ image_size_total: 23 }).usageOf('p'), {
      image_size_total: { usage: 23, limit: 23 },
      image_stage_total: { usage: 15, limit: -1 },
      image_count_total: { usage: 6, limit: -1 },
      image_count_uploading: { usage: 4, limit: -1 },
    });
    const enforced = quotas({ image_size_total: 23, image_count_total: 6, image_count_uploading: -1 });
    await enforced.enforce('p', 'image_size_total');
    await enforced.enforce('p', 'image_count_uploading', 1000);
    await enforced.enforce('other', 'image_count_total', 5);
    await enforced.enforce(null, 'image_count_total', 1000);
    await assert.rejects(enforced.enforce('p', 'image_size_total', 1), PayloadTooLarge);
    await assert.rejects(enforced.enforce('p', 'image_count_total', 1), {
      message:
        'Project p is over a limit for [Resource image_count_total is over limit of 6 due to current usage 6 and delta 1]',
    });
  });

  it('are none unless they are switched on', async () => {
    const world = await startWorld([image]);
    const { status, body } = await world.request('image', 'GET', '/v2/info/usage', { as: member });
    assert.deepEqual([status, body], [200, { usage: {} }]);
    await world[Symbol.asyncDispose]();
  });
});
