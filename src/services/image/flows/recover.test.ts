import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { openStore } from '../../../platform/store/store.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { fileStore } from '../drivers/file.ts';
import { s3Store } from '../drivers/s3.ts';
import { openStaging } from '../drivers/staging.ts';
import type { ImageStore } from '../drivers/store.ts';
import { storesOf } from '../drivers/stores.ts';
import { newImage } from '../model/new-image.ts';
import { imageSettingsOf } from '../settings.ts';
import { imageQueries } from '../store/images.ts';
import { imageSchema } from '../store/tables.ts';
import { startS3 } from '../testing/s3-server.ts';
import { recover } from './recover.ts';
import { removeData } from './remove-data.ts';
import { bytesTaker } from './take-bytes.ts';
import { uploadsOf } from './upload-image.ts';

/** What a killed process does next: nothing, ever. */
const never = (): Promise<never> => new Promise(() => {});
/** What it had open stays open until this process ends: a handle must not be collected before. */
const open: unknown[] = [];

describe('an image service that was killed', () => {
  let folder: string;
  let runs = 0;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulet-image-'));
  });
  after(() => rm(folder, { recursive: true }));

  /** The service's parts over a database and a folder that outlive them. */
  async function started(name: string, host = 'host-1') {
    const db = await openStore(imageSchema, { url: `sqlite:${join(folder, name)}.db` });
    const files: ImageStore = await fileStore(join(folder, name));
    const images = imageQueries(db);
    const staging = await openStaging(join(folder, `${name}-staging`));
    return {
      db,
      files,
      images,
      staging,
      host,
      inFolder: () => readdir(join(folder, name)),
      uploadsTo(store: ImageStore) {
        const settings = imageSettingsOf({});
        return uploadsOf({
          db,
          images,
          stores: storesOf([store]),
          staging,
          taker: bytesTaker(),
          settings,
          host,
        });
      },
      async image() {
        const made = newImage(
          { id: crypto.randomUUID(), owner: 'p', disk_format: 'raw', container_format: 'bare' },
          {},
          [],
        );
        await images.insert(made);
        return made.row.id;
      },
    };
  }

  const restarted = async (name: string, host?: string) => {
    const again = await started(name, host);
    await recover({ ...again, stores: storesOf([again.files]) });
    return again;
  };

  // Each is the store with one step that never comes back: the process is gone there.
  const deaths: Record<string, (store: ImageStore) => ImageStore> = {
    'before the first byte': (store) => ({ ...store, begin: never }),
    'while bytes are written': (store) => ({
      ...store,
      async begin(id) {
        const writer = await store.begin(id);
        open.push(writer);
        return {
          ...writer,
          async write(bytes) {
            await writer.write(bytes);
            await never();
          },
        };
      },
    }),
    'before the file has its name': (store) => ({
      ...store,
      async begin(id) {
        const writer = await store.begin(id);
        open.push(writer);
        return { ...writer, commit: never };
      },
    }),
    'after the file has its name': (store) => ({
      ...store,
      async begin(id) {
        const writer = await store.begin(id);
        open.push(writer);
        return {
          ...writer,
          async commit() {
            await writer.commit();
            return never();
          },
        };
      },
    }),
  };
  for (const [when, dying] of Object.entries(deaths)) {
    it(`${when} of an upload has a queued image and no file afterwards`, async () => {
      const name = `upload-${runs++}`;
      const first = await started(name);
      const id = await first.image();
      const reached = Promise.withResolvers<void>();
      const watched = dying(first.files);
      const uploads = first.uploadsTo({
        ...watched,
        begin: async (image) => {
          const begun = watched.begin(image);
          // Give the step time to reach the point of death: what it did is on the disk then.
          void (when === 'before the first byte' ? Promise.resolve() : begun).then(() => reached.resolve());
          return begun;
        },
      });
      open.push(uploads.fill(id, Readable.from([randomBytes(100)])));
      await reached.promise;
      await settled(async () => {
        const names = await first.inFolder();
        if (when === 'before the first byte') return (await first.images.row(id))?.status === 'saving';
        return when === 'after the file has its name' ? names.includes(id) : names.length > 0;
      });
      assert.equal((await first.images.row(id))?.status, 'saving');

      const present = await first.inFolder();
      const elsewhere = await restarted(name, 'host-2');
      assert.deepEqual(await elsewhere.inFolder(), present, "another host's bytes are its own");
      assert.equal((await elsewhere.images.row(id))?.status, 'saving', "another host's uploads are its own");
      await elsewhere.db.close();

      const second = await restarted(name);
      assert.equal((await second.images.row(id))?.status, 'queued');
      assert.deepEqual(await second.inFolder(), []);
      const bytes = randomBytes(100);
      await second.uploadsTo(second.files).fill(id, Readable.from([bytes]));
      const row = await second.images.row(id);
      assert.equal(row?.status, 'active');
      const [location] = await second.images.locations(id);
      assert.deepEqual(await second.files.readAt(location?.url as string, 0, 200), bytes);
      await second.db.close();
      await first.db.close();
    });
  }

  for (const [when, steps] of [
    ['before the file of a deleted image was removed', 1],
    ['after the file of a deleted image was removed', 2],
  ] as const) {
    it(`${when} has nothing of it afterwards`, async () => {
      const name = `delete-${runs++}`;
      const first = await started(name);
      const id = await first.image();
      const kept = await first.image();
      const uploads = first.uploadsTo(first.files);
      await uploads.fill(id, Readable.from([randomBytes(100)]));
      await uploads.fill(kept, Readable.from([randomBytes(100)]));
      assert.equal(await first.images.bury(id), true);
      const [location] = await first.images.locations(id);
      if (steps === 2) await first.files.remove(location?.url as string);
      await first.db.close();

      const second = await restarted(name);
      assert.deepEqual(await second.inFolder(), [kept]);
      assert.deepEqual(await second.images.locations(id), []);
      assert.equal(await second.images.row(id), undefined);
      assert.equal((await second.images.row(kept))?.status, 'active');
      await removeData(second.images, storesOf([second.files]), id);
      await second.db.close();
    });
  }

  it('gives up the parts of an object at a later start, where its store cannot list them at this one', async () => {
    await using s3 = await startS3();
    const first = await started(`parts-${runs++}`);
    const stores = storesOf([s3Store({ name: 's3' }, s3.options)]);
    const id = await first.image();
    const mine = { status: 'saving', upload_id: 'mine', upload_host: first.host };
    await first.images.swap({ id, status: 'queued' }, mine);
    // The second part never comes: the process is gone there.
    const second = s3.hold('before', ({ url }) => url.includes('partNumber=2'));
    const writer = await stores.default().begin(id);
    await writer.write(randomBytes(11 * 2 ** 20));
    await second;
    assert.equal((await s3.uploads()).length, 1);

    const allow = s3.refuse(
      500,
      'InternalError',
      ({ method, url }) => method === 'GET' && /uploads/.test(url),
    );
    const { requeued, left } = await recover({ ...first, stores });
    assert.deepEqual([requeued, left.length, (await s3.uploads()).length], [1, 1, 1]);
    assert.equal((await first.images.row(id))?.status, 'queued');
    allow();
    assert.deepEqual((await recover({ ...first, stores })).left, []);
    assert.deepEqual(await s3.uploads(), []);
    assert.equal((await first.images.row(id))?.upload_host, null);
    await first.db.close();
  });

  it('after a location was taken away has its file no more, and has the others', async () => {
    const name = `location-${runs++}`;
    const first = await started(name);
    const id = await first.image();
    await first.uploadsTo(first.files).fill(id, Readable.from([randomBytes(100)]));
    const elsewhere = { image_id: id, store: 'web', url: 'http://example.org/', created_at: timestamp() };
    await first.images.addLocation(elsewhere);
    const [file] = await first.images.locations(id);
    assert.ok(file);
    await first.images.abandonLocation(file);
    await first.db.close();

    const second = await restarted(name);
    assert.deepEqual(await second.inFolder(), []);
    assert.deepEqual(
      (await second.images.allLocations(id)).map(({ url, status }) => [url, status]),
      [[elsewhere.url, 'active']],
    );
    await second.db.close();
  });

  it('keeps the file of an image where an earlier one had still to go', async () => {
    const name = `again-${runs++}`;
    const first = await started(name);
    const id = await first.image();
    const uploads = first.uploadsTo(first.files);
    await uploads.fill(id, Readable.from([randomBytes(100)]));
    const [failed] = await first.images.locations(id);
    assert.ok(failed);
    // An import failed, and its store did not answer when its bytes were to be removed.
    await first.images.abandonLocation(failed);
    await first.images.swap({ id }, { status: 'queued' });
    const bytes = randomBytes(100);
    await uploads.fill(id, Readable.from([bytes]));
    await first.db.close();

    const second = await restarted(name);
    const [kept, ...others] = await second.images.allLocations(id);
    assert.deepEqual([kept?.status, others], ['active', []]);
    assert.deepEqual(await second.files.readAt(kept?.url as string, 0, 200), bytes);
    await second.db.close();
  });

  it('finds its files again where its folder was moved', async () => {
    const name = `moved-${runs++}`;
    const first = await started(name);
    const id = await first.image();
    await first.uploadsTo(first.files).fill(id, Readable.from([Buffer.from('kept')]));
    await rename(join(folder, name), join(folder, `${name}-elsewhere`));
    const files = await fileStore(join(folder, `${name}-elsewhere`));
    await recover({ ...first, stores: storesOf([files]) });
    const [location] = await first.images.locations(id);
    assert.equal(String(await files.readAt(location?.url as string, 0, 10)), 'kept');
    await first.db.close();
  });

  it('removes files that no image has, and none that one has', async () => {
    const name = `stray-${runs++}`;
    const first = await started(name);
    const id = await first.image();
    await first.uploadsTo(first.files).fill(id, Readable.from([Buffer.from('kept')]));
    await writeFile(join(folder, name, `${id}.x.part`), 'half');
    await writeFile(join(folder, name, crypto.randomUUID()), 'nobody');
    await first.db.close();
    const second = await restarted(name);
    assert.deepEqual(await second.inFolder(), [id]);
    assert.equal(await readFile(join(folder, name, id), 'utf8'), 'kept');
    await second.db.close();
  });
});

/** Asks until it is so. */
async function settled(so: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 10_000; tries++) {
    if (await so()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail('it never came to that');
}
