import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { FlowEngine } from '../../../platform/flow/engine.ts';
import { failEveryStep, type Seam } from '../../../platform/flow/testing/fail-every-step.ts';
import { openStore } from '../../../platform/store/store.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { fileStore } from '../drivers/file.ts';
import { openStaging } from '../drivers/staging.ts';
import type { ImageStore } from '../drivers/store.ts';
import { storesOf } from '../drivers/stores.ts';
import type { ImportMethod } from '../model/import-request.ts';
import { newImage } from '../model/new-image.ts';
import { importTask } from '../model/reserved.ts';
import { imageSettingsOf } from '../settings.ts';
import { type ImageStoreDb, imageQueries } from '../store/images.ts';
import { imageSchema } from '../store/tables.ts';
import { taskQueries } from '../store/tasks.ts';
import { type RunningWeb, startWeb } from '../testing/web-server.ts';
import { stagedElsewhere, stagedHandlers } from './import/staged-elsewhere.ts';
import { type ImportInput, type ImportParts, importImage } from './import-image.ts';
import { removeData } from './remove-data.ts';
import { type BytesTaker, bytesTaker } from './take-bytes.ts';
import { uploadsOf } from './upload-image.ts';

const bytes = randomBytes(1_500_000);

/** What killed processes had open stays open until this one ends: a handle must not be collected before. */
const open: unknown[] = [];
const keep = async <T>(opening: Promise<T>): Promise<T> => {
  const opened = await opening;
  open.push(opened);
  return opened;
};
const holding = (store: ImageStore): ImageStore => ({
  ...store,
  begin: (id) => keep(store.begin(id)),
  read: (url, range) => keep(store.read(url, range)),
});

/** What one case has of its own: an image in a folder of its own, and an import that is to be done to it. */
interface Case {
  store: ImageStoreDb;
  parts: ImportParts;
  input: ImportInput;
  folder: string;
  close(): Promise<unknown>;
}

describe('an import that fails or is killed anywhere', () => {
  let root: string;
  let db: ImageStoreDb;
  let web: RunningWeb;
  let taker: BytesTaker;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cumulet-import-'));
    db = await openStore(imageSchema, { url: 'sqlite::memory:' });
    web = await startWeb();
    web.answers.set('/disk', (_, response) => response.end(bytes));
    taker = bytesTaker();
  });
  after(async () => {
    await taker.close();
    await web[Symbol.asyncDispose]();
    await db.close();
    await rm(root, { recursive: true });
  });

  /** Only what changes something is worth failing at. */
  const breakable = (store: ImageStore, seam: Seam): ImageStore => {
    const { begin, remove, discard } = seam({
      begin: holding(store).begin,
      remove: store.remove,
      discard: store.discard,
    });
    return { ...holding(store), begin, remove, discard };
  };

  async function fresh(
    seam: Seam,
    method: ImportMethod,
    settled: object = {},
    stagedOn: string | null = null,
  ): Promise<Case> {
    const folder = join(root, randomUUID());
    const settings = imageSettingsOf({ allowed_ports: [String(web.port)], ...settled });
    const plain = [
      await fileStore(join(folder, 'one'), { name: 'one' }),
      await fileStore(join(folder, 'two'), { name: 'two' }),
      await fileStore(join(folder, 'source'), { name: 'source' }),
    ] as const;
    const stores = storesOf([breakable(plain[0], seam), breakable(plain[1], seam), holding(plain[2])]);
    const staging = await openStaging(join(folder, 'staging'));
    const images = imageQueries(db);
    const tasks = taskQueries(db, 48);
    const made = newImage(
      { id: randomUUID(), owner: 'p', disk_format: 'raw', container_format: 'bare' },
      { os_distro: 'mine', other: 'kept' },
      [],
    );
    const imageId = made.row.id;
    await images.insert(made);
    const uploads = uploadsOf({ db, images, stores, staging, taker, settings, host: 'h' });
    if (method === 'glance-direct') await uploads.stage(imageId, Readable.from([bytes]));
    if (method === 'copy-image') await uploads.fill(imageId, Readable.from([bytes]), { store: 'source' });
    const input: ImportInput = {
      taskId: randomUUID(),
      imageId,
      method,
      stagedOn,
      uri: method === 'web-download' ? `${web.origin}/disk` : null,
      source: method === 'glance-download' ? { imageId: 'x', region: 'r', interface: 'public' } : null,
      stores: ['one', 'two'],
      mustSucceed: true,
      plugins: [...settings.image_import_plugins],
      roles: [],
      before: { diskFormat: 'raw', containerFormat: 'bare', properties: { os_distro: 'mine' } },
    };
    const now = timestamp();
    await tasks.insert({
      id: input.taskId,
      type: 'api_image_import',
      status: 'pending',
      owner: 'p',
      user_id: 'u',
      request_id: 'r',
      image_id: imageId,
      input: {},
      result: null,
      message: '',
      expires_at: null,
      created_at: now,
      updated_at: now,
    });
    if (method !== 'copy-image') await images.swap({ id: imageId }, { status: 'importing' });
    await images.setReserved(imageId, {
      [importTask]: input.taskId,
      os_glance_importing_to_stores: 'one,two',
      os_glance_stage_host: null,
    });
    const remote = {
      describe: async () => ({
        diskFormat: 'raw',
        containerFormat: 'bare',
        size: bytes.length,
        properties: { os_distro: 'theirs', hw_cpu_cores: '2' },
      }),
      open: async () => Readable.from([bytes]),
    };
    const away = await openStaging(join(folder, 'away'));
    if (stagedOn) await rename(staging.pathOf(imageId), away.pathOf(imageId));
    const elsewhere = stagedElsewhere({ client: () => stagedHandlers(away) as never });
    return {
      store: db,
      input,
      folder,
      parts: {
        db,
        images,
        tasks,
        stores,
        staging,
        taker,
        remote: seam(remote),
        elsewhere: seam(elsewhere),
        settings,
        tokens: new Map([[input.taskId, 'token']]),
        notify: () => {},
        left: () => {},
      },
      close: async () => {},
    };
  }

  const contents = async ({ folder }: Case, name: string) => readdir(join(folder, name));

  async function whole(world: Case): Promise<void> {
    const { images, tasks, stores } = world.parts;
    const { imageId, method } = world.input;
    const image = await images.get(imageId);
    assert.equal(image?.row.status, 'active');
    assert.deepEqual(
      image.stores.filter((name) => name !== 'source'),
      ['one', 'two'],
    );
    for (const { store, url } of await images.locations(imageId))
      assert.deepEqual(await stores.get(store).readAt(url, 0, bytes.length), bytes);
    assert.equal(image.properties[importTask], undefined);
    assert.equal(image.properties['os_glance_importing_to_stores'], '');
    assert.equal(image.properties['os_distro'], method === 'glance-download' ? 'theirs' : 'mine');
    assert.equal((await tasks.get(world.input.taskId))?.status, 'success');
    for (const name of ['staging', 'away']) assert.deepEqual(await contents(world, name), []);
    for (const name of ['one', 'two']) assert.deepEqual(await contents(world, name), [imageId]);
  }

  async function nothing(world: Case): Promise<void> {
    const { images, tasks } = world.parts;
    const { imageId, method } = world.input;
    const image = await images.get(imageId);
    const copying = method === 'copy-image';
    assert.equal(image?.row.status, copying ? 'active' : 'queued');
    assert.equal(image.row.size, copying ? bytes.length : null);
    assert.deepEqual(image.stores, copying ? ['source'] : []);
    assert.deepEqual(image.properties, {
      os_distro: 'mine',
      other: 'kept',
      os_glance_importing_to_stores: '',
      os_glance_failed_import: 'one,two',
    });
    assert.equal((await tasks.get(world.input.taskId))?.status, 'failure');
    for (const name of ['staging', 'away', 'one', 'two']) assert.deepEqual(await contents(world, name), []);
    assert.deepEqual((await images.allLocations(imageId)).length, copying ? 1 : 0);
  }

  for (const [method, settings, stagedOn] of [
    ['glance-direct', {}],
    ['glance-direct', {}, 'another host'],
    ['web-download', { image_import_plugins: 'image_decompression, inject_image_metadata' }],
    ['glance-download', {}],
    ['copy-image', {}],
  ] as const)
    it(`is whole or leaves nothing: ${method}${stagedOn ? ` of ${stagedOn}` : ''}`, (t) =>
      failEveryStep<Case>(t, {
        world: (seam) => fresh(seam, method, settings, stagedOn),
        flows: ({ parts }) => [importImage(parts)],
        start: (engine, world) => engine.startFlow(importImage(world.parts), world.input),
        done: whole,
        undone: nothing,
      }));

  for (const method of ['glance-direct', 'web-download', 'glance-download', 'copy-image'] as const)
    it(`leaves nothing of an image that is deleted while it is imported, at any step: ${method}`, async () => {
      const places = importImage((await fresh((each) => each, method)).parts).definition.steps.length + 1;
      for (let place = 0; place < 2 * places; place++) {
        const world = await fresh((each) => each, method);
        const { parts, input } = world;
        const flow = importImage(parts);
        let passed = 0;
        const deleting = async () => {
          if (passed++ !== place) return;
          assert.equal(await parts.images.bury(input.imageId), true);
          await removeData(parts.images, parts.stores, input.imageId);
          await parts.staging.remove(input.imageId);
        };
        const engine = new FlowEngine({
          store: db,
          runnerId: randomUUID(),
          async around({ action }, work) {
            if (action !== 'do' && action !== 'onDone') return work();
            await deleting();
            const result = await work();
            await deleting();
            return result;
          },
        }).register(flow);
        await engine.start();
        await engine.wait(await engine.startFlow(flow, input));
        await engine.close();
        for (const name of ['staging', 'one', 'two', 'source'])
          assert.deepEqual(await contents(world, name), [], `${name}, deleted at ${place}`);
        assert.deepEqual(await parts.images.allLocations(input.imageId), []);
        const late = place === 2 * places - 1;
        assert.equal((await parts.tasks.get(input.taskId))?.status, late ? 'success' : 'failure');
      }
    });
});
