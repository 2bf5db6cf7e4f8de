import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { PayloadTooLarge } from '../../../platform/errors/errors.ts';
import { member, startWorld } from '../../../platform/service/testing/world.ts';
import { openStore } from '../../../platform/store/store.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { identityService } from '../../identity/contract.ts';
import { newImage } from '../model/new-image.ts';
import { importingToStores } from '../model/reserved.ts';
import { image } from '../service.ts';
import { type ImageQueries, type ImageStoreDb, imageQueries } from '../store/images.ts';
import { imageSchema } from '../store/tables.ts';
import { type CountedResource, usageQueries } from '../store/usage.ts';
import { imagesIn } from '../testing/images.ts';
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
    quotasOf(usageQueries(db), { limitOf: async (_, resource) => ({ limit: limits[resource] ?? -1 }) }, true);

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

  it('hold for several projects together', async () => {
    await add('child', 'queued', null);
    await add('parent', 'queued', null);
    const tree = { limit: 3, projectIds: ['parent', 'child'] };
    const together = quotasOf(usageQueries(db), { limitOf: async () => ({ limit: -1, tree }) }, true);
    await together.enforce('child', 'image_count_total', 1);
    await assert.rejects(together.enforce('child', 'image_count_total', 2), PayloadTooLarge);
  });

  it('are asked of identity, and hold for every way in', async () => {
    const limits: Record<string, number> = {
      image_count_total: 2,
      image_size_total: 1,
      image_stage_total: 1,
    };
    const world = await startWorld([image], {
      settings: { use_keystone_limits: true },
      async prepare(bus) {
        await bus.serve(identityService, {
          validateToken: async () => null,
          project: async () => null,
          async limits({ names, ...rest }) {
            assert.deepEqual(rest, {
              serviceType: 'image',
              projectId: member.projectId,
              region: 'RegionOne',
            });
            const found = names.map((name) => [name, { limit: limits[name] ?? -1 }]);
            return { model: 'flat', limits: Object.fromEntries(found) };
          },
        });
      },
    });
    const api = imagesIn(world);
    const { id } = await api.create(member);
    const bytes = Buffer.alloc(2 * mib);
    assert.equal((await api.upload(member, id, bytes)).status, 413);
    assert.equal((await api.upload(member, id, bytes, {}, 'stage')).status, 413);
    limits['image_count_uploading'] = 0;
    assert.equal((await api.upload(member, id, Buffer.from('x'))).status, 413);
    assert.equal((await api.upload(member, id, Buffer.from('x'), {}, 'stage')).status, 413);
    const { body } = await api.request('GET', `/v2/images/${id}`, { as: member });
    assert.equal(body.status, 'queued');
    limits['image_count_uploading'] = 1;
    assert.equal((await api.upload(member, id, Buffer.from('x'))).status, 204);
    await api.create(member);
    const third = await api.request('POST', '/v2/images', { as: member, body: {} });
    assert.equal(third.status, 413);
    const usage = await api.request('GET', '/v2/info/usage', { as: member });
    assert.deepEqual(usage.body.usage.image_count_total, { usage: 2, limit: 2 });
    await world[Symbol.asyncDispose]();
  });

  it('are none unless they are switched on', async () => {
    const world = await startWorld([image]);
    const { status, body } = await world.request('image', 'GET', '/v2/info/usage', { as: member });
    assert.deepEqual([status, body], [200, { usage: {} }]);
    await world[Symbol.asyncDispose]();
  });
});
