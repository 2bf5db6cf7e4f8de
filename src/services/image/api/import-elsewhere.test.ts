import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Bus, openBus } from '../../../platform/bus/bus.ts';
import { member, startWorld, type World } from '../../../platform/service/testing/world.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';

describe('an image that is staged on one host of the image service', () => {
  let folder: string;
  let bus: Bus;
  /** Some pieces and a rest. */
  const bytes = randomBytes(9_000_001);
  const worlds: World[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulet-hosts-'));
    bus = await openBus('memory:');
  });
  after(async () => {
    for (const world of worlds) await world[Symbol.asyncDispose]();
    await bus.close();
    await rm(folder, { recursive: true });
  });

  /** A host of the cloud: a folder of its own, and the database, the bus and the store of all. */
  async function started(host: string) {
    const stateDir = join(folder, host);
    const world = await startWorld([image], {
      host,
      bus,
      stateDir,
      // The 504 is asked for.
      log: { debug() {}, info() {}, warn() {}, error() {} },
      databaseUrl: () => `sqlite:${join(folder, 'image.db')}`,
      settings: { stores: { file: { filesystem_store_datadir: join(folder, 'images') } } },
    });
    worlds.push(world);
    const images = imagesIn(world);
    return {
      ...images,
      end: () => world[Symbol.asyncDispose](),
      staged: () => readdir(join(stateDir, 'image', 'staging')),
      stage: (id: string, content = bytes) => images.upload(member, id, content, {}, 'stage'),
      import: (id: string) =>
        images.request('POST', `/v2/images/${id}/import`, {
          as: member,
          body: { method: { name: 'glance-direct' } },
        }),
      status: async (id: string) =>
        (await images.request('GET', `/v2/images/${id}`, { as: member })).body.status,
      async over(id: string) {
        for (let tries = 0; tries < 2000; tries++) {
          const { body } = await images.request('GET', `/v2/images/${id}/tasks`, { as: member });
          if (['success', 'failure'].includes(body.tasks[0]?.status)) return body.tasks[0].status;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return assert.fail('the task was never over');
      },
    };
  }

  it('is imported, refused and deleted by another, while that host answers', async () => {
    const [one, two] = [await started('one'), await started('two')];
    const { id } = await one.create(member);
    assert.equal((await one.stage(id)).status, 204);
    assert.equal((await two.import(id)).status, 202);
    assert.equal(await two.over(id), 'success');
    for (const host of [one, two]) {
      assert.deepEqual((await host.download(member, id)).bytes, bytes);
      assert.deepEqual(await host.staged(), []);
    }

    const { id: unfit } = await one.create(member, { disk_format: 'qcow2' });
    await one.stage(unfit);
    await two.import(unfit);
    assert.equal(await two.over(unfit), 'failure');
    assert.equal(await one.status(unfit), 'queued');
    for (const host of [one, two]) assert.deepEqual(await host.staged(), []);

    const { id: deleted } = await one.create(member);
    await one.stage(deleted);
    assert.deepEqual(await one.staged(), [deleted]);
    assert.equal((await two.request('DELETE', `/v2/images/${deleted}`, { as: member })).status, 204);
    assert.deepEqual(await one.staged(), []);

    const { id: waiting } = await one.create(member);
    await one.stage(waiting);
    await one.end();
    const refused = await two.import(waiting);
    assert.equal(refused.status, 504, String(refused.body));
    assert.equal(await two.status(waiting), 'uploading', 'it waits until that host is back');
    const again = await started('one');
    assert.equal((await two.import(waiting)).status, 202);
    assert.equal(await two.over(waiting), 'success');
    assert.deepEqual((await again.download(member, waiting)).bytes, bytes);
    assert.deepEqual(await again.staged(), []);
  });
});
