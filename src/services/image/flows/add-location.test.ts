import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FlowEngine } from '../../../platform/flow/engine.ts';
import { failEveryStep, type Seam } from '../../../platform/flow/testing/fail-every-step.ts';
import { openStore } from '../../../platform/store/store.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { fileStore } from '../drivers/file.ts';
import { storesOf } from '../drivers/stores.ts';
import { newImage } from '../model/new-image.ts';
import { importTask } from '../model/reserved.ts';
import { imageSettingsOf } from '../settings.ts';
import { type ImageStoreDb, imageQueries } from '../store/images.ts';
import { imageSchema } from '../store/tables.ts';
import { taskQueries } from '../store/tasks.ts';
import { type AddLocationInput, type AddLocationParts, addLocation } from './add-location.ts';
import { type BytesTaker, bytesTaker } from './take-bytes.ts';

const bytes = randomBytes(1_200_000);
const hash = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex');

/** What killed processes had open stays open until this one ends: a handle must not be collected before. */
const open: unknown[] = [];

/** What one case has of its own: a queued image, and bytes in a store that nobody but their owner may remove. */
interface Case {
  store: ImageStoreDb;
  parts: AddLocationParts;
  input: AddLocationInput;
  folder: string;
  /** What could not be hashed, and was let be. */
  left: unknown[];
  close(): Promise<unknown>;
}

describe('a location that is added while something fails or is killed', () => {
  let root: string;
  let db: ImageStoreDb;
  let taker: BytesTaker;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cumulet-location-'));
    db = await openStore(imageSchema, { url: 'sqlite::memory:' });
    taker = bytesTaker();
  });
  after(async () => {
    await taker.close();
    await db.close();
    await rm(root, { recursive: true });
  });

  async function fresh(seam: Seam, validation: AddLocationInput['validation']): Promise<Case> {
    const folder = join(root, randomUUID());
    const plain = await fileStore(folder, { name: 'web' });
    const writer = await plain.begin('theirs');
    await writer.write(bytes);
    const url = await writer.commit();
    const { read, size } = seam({
      async read(location: string) {
        const opened = await plain.read(location);
        open.push(opened);
        return opened;
      },
      size: plain.size,
    });
    const images = imageQueries(db);
    const tasks = taskQueries(db, 48);
    const made = newImage(
      { id: randomUUID(), owner: 'p', disk_format: 'raw', container_format: 'bare' },
      { other: 'kept' },
      [],
    );
    await images.insert(made);
    const input = { taskId: randomUUID(), imageId: made.row.id, store: 'web', url, validation };
    const now = timestamp();
    await tasks.insert({
      id: input.taskId,
      type: 'location_import',
      status: 'pending',
      owner: 'p',
      user_id: 'u',
      request_id: 'r',
      image_id: input.imageId,
      input: {},
      result: null,
      message: '',
      expires_at: null,
      created_at: now,
      updated_at: now,
    });
    await images.setReserved(input.imageId, { [importTask]: input.taskId });
    const left: unknown[] = [];
    return {
      store: db,
      input,
      folder,
      left,
      parts: {
        db,
        images,
        tasks,
        stores: storesOf([{ ...plain, read, size }]),
        taker,
        settings: imageSettingsOf({ http_retries: 0 }),
        notify: () => {},
        left: (_, error) => void left.push(error),
      },
      close: async () => {},
    };
  }

  async function assertThere({ parts, input, folder, left }: Case): Promise<void> {
    const image = await parts.images.get(input.imageId);
    assert.equal(image?.row.status, 'active');
    assert.equal(image.row.size, bytes.length);
    const algorithm = input.validation?.algorithm ?? 'sha512';
    assert.equal(image.row.os_hash_algo, algorithm);
    // Nobody said what it must be, and the image is in use: what cannot be hashed stays unhashed.
    const hashed = left.length === 0;
    assert.ok(hashed || input.validation === null);
    assert.equal(image.row.os_hash_value, hashed ? hash(algorithm) : null);
    assert.equal(image.row.checksum, hashed ? hash('md5') : null);
    assert.deepEqual(
      (await parts.images.locations(input.imageId)).map(({ url }) => url),
      [input.url],
    );
    assert.deepEqual(image.properties, { other: 'kept' });
    assert.equal((await parts.tasks.get(input.taskId))?.status, 'success');
    assert.deepEqual(await readdir(folder), ['theirs']);
  }

  async function assertNothing({ parts, input, folder }: Case): Promise<void> {
    const image = await parts.images.get(input.imageId);
    assert.equal(image?.row.status, 'queued');
    const { size, checksum, os_hash_algo, os_hash_value } = image.row;
    assert.deepEqual([size, checksum, os_hash_algo, os_hash_value], [null, null, null, null]);
    assert.deepEqual(await parts.images.allLocations(input.imageId), []);
    assert.deepEqual(image.properties, { other: 'kept' }, 'another one may be added');
    assert.equal((await parts.tasks.get(input.taskId))?.status, 'failure');
    assert.deepEqual(await readdir(folder), ['theirs'], 'the bytes are another’s');
  }

  for (const [what, validation] of [
    ['nobody said its hash', null],
    ['is compared with a hash', { algorithm: 'sha256', value: hash('sha256') }],
  ] as const)
    it(`is there or is not: ${what}`, (t) =>
      failEveryStep<Case>(t, {
        world: (seam) => fresh(seam, validation),
        flows: ({ parts }) => [addLocation(parts)],
        start: (engine, world) => engine.startFlow(addLocation(world.parts), world.input),
        done: assertThere,
        undone: assertNothing,
      }));

  it('is read again where reading it failed, as often as the settings say', async () => {
    let tries = 0;
    const world = await fresh((each) => each, { algorithm: 'md5', value: hash('md5') });
    const plain = world.parts.stores.get('web');
    const read: typeof plain.read = (url) => {
      if (++tries < 3) throw new Error('the server is away for a moment');
      return plain.read(url);
    };
    const parts = {
      ...world.parts,
      stores: storesOf([{ ...plain, read }]),
      settings: imageSettingsOf({ http_retries: 2 }),
    };
    const flow = addLocation(parts);
    const engine = new FlowEngine({ store: db, runnerId: randomUUID() }).register(flow);
    await engine.start();
    const { state } = await engine.wait(await engine.startFlow(flow, world.input));
    await engine.close();
    assert.deepEqual([state, tries], ['done', 3]);
    await assertThere(world);
  });
});
