import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { BadRequest, Conflict } from '../../../../platform/errors/errors.ts';
import { run } from '../../../../platform/exec/run.ts';
import { BaseImages } from './base-images.ts';
import type { ImageFormat } from './image-safety.ts';

const skip = await run(['qemu-img', '--version']).then(
  () => false,
  () => 'needs qemu-img',
);

async function request(path: string, format: ImageFormat) {
  const value = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  let opened = 0;
  return {
    imageId: randomUUID(),
    format,
    hash: { algorithm: 'sha256', value },
    open: async () => {
      opened++;
      return createReadStream(path);
    },
    times: () => opened,
  };
}
describe('base images', { skip }, async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'cumulet-base-images-'));
  const cache = join(scratch, 'cache');
  const images = new BaseImages(cache);
  after(() => rm(scratch, { recursive: true, force: true }));

  const qemuImg = (...words: string[]) => run(['qemu-img', ...words], { cwd: scratch });

  test('are fetched once, however many ask at the same time, and become raw', async () => {
    await writeFile(join(scratch, 'content.raw'), Buffer.alloc(1 << 20, 'x'));
    await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', 'content.raw', 'content.qcow2');
    const asked = await request(join(scratch, 'content.qcow2'), 'qcow2');
    const answers = await Promise.all([images.obtain(asked), images.obtain(asked), images.obtain(asked)]);
    const again = await new BaseImages(cache).obtain(asked);
    assert.equal(asked.times(), 1);
    for (const answer of [...answers, again]) assert.deepEqual(answer, again);
    assert.equal(again.virtualSize, 1 << 20);
    assert.ok((await readFile(again.path)).equals(await readFile(join(scratch, 'content.raw'))));
    assert.equal((await stat(again.path)).mode & 0o777, 0o400);
  });

  test('whose bytes are not what the hash says are refused, and nothing stays', async () => {
    const before = await readdir(cache);
    const asked = await request(join(scratch, 'content.qcow2'), 'qcow2');
    await assert.rejects(
      images.obtain({ ...asked, hash: { algorithm: 'sha256', value: '0'.repeat(64) } }),
      Conflict,
    );
    assert.deepEqual(await readdir(cache), before);
  });

  test('that name other files are refused: backing files, data files, VMDK extents', async () => {
    await qemuImg(
      'create',
      '-q',
      '-f',
      'qcow2',
      '-b',
      join(scratch, 'content.raw'),
      '-F',
      'raw',
      'backed.qcow2',
    );
    await qemuImg(
      'create',
      '-q',
      '-f',
      'qcow2',
      '-o',
      'data_file=outside.raw,data_file_raw=on',
      'split.qcow2',
      '1M',
    );
    await qemuImg('create', '-q', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', 'flat.vmdk', '1M');
    for (const [file, format] of [
      ['backed.qcow2', 'qcow2'],
      ['split.qcow2', 'qcow2'],
      ['flat.vmdk', 'vmdk'],
    ] as const)
      await assert.rejects(images.obtain(await request(join(scratch, file), format)), BadRequest, file);
  });

  test('are never anything but what they are said to be', async () => {
    await assert.rejects(images.obtain(await request(join(scratch, 'content.raw'), 'qcow2')), BadRequest);
    await assert.rejects(images.obtain(await request(join(scratch, 'content.qcow2'), 'raw')), BadRequest);
  });

  test('larger than the disk they are for are refused, fetched before or not', async () => {
    const asked = { ...(await request(join(scratch, 'content.qcow2'), 'qcow2')), maxVirtualSize: 1024 };
    await assert.rejects(images.obtain(asked), BadRequest);
    await images.obtain({ ...asked, maxVirtualSize: 1 << 20 });
    await assert.rejects(images.obtain(asked), BadRequest);
  });

  test('too large for who asked first are fetched for who has room', async () => {
    const asked = await request(join(scratch, 'content.qcow2'), 'qcow2');
    const [small, large, any] = await Promise.allSettled([
      images.obtain({ ...asked, maxVirtualSize: 1024 }),
      images.obtain({ ...asked, maxVirtualSize: 1 << 20 }),
      images.obtain(asked),
    ]);
    assert.deepEqual([small.status, large.status, any.status], ['rejected', 'fulfilled', 'fulfilled']);
    assert.equal(asked.times(), 2);
  });

  test('that nobody has hashed are taken as they are, and fetched once too', async () => {
    const asked = { ...(await request(join(scratch, 'content.qcow2'), 'qcow2')), hash: null };
    const { path } = await images.obtain(asked);
    assert.equal((await images.obtain(asked)).path, path);
    assert.equal(asked.times(), 1);
  });

  test('are removed once nobody has asked for them in a while, or when there is no room, but never under a guest', async () => {
    const directory = join(scratch, 'pruned');
    const pruned = new BaseImages(directory);
    const obtained: string[] = [];
    for (const name of ['used', 'old', 'older', 'fresh']) {
      await writeFile(join(scratch, `${name}.raw`), Buffer.alloc(1 << 20, name));
      obtained.push((await pruned.obtain(await request(join(scratch, `${name}.raw`), 'raw'))).path);
    }
    const [used, old, older, fresh] = obtained as [string, string, string, string];
    const day = 86_400;
    const ago = (path: string, seconds: number) => {
      const time = new Date(Date.now() - seconds * 1000);
      return utimes(path, time, time);
    };
    await ago(used, 10 * day);
    await ago(old, 2 * day);
    await ago(older, 3 * day);
    const inUse = new Set([used]);
    const there = async () => (await readdir(directory)).map((name) => join(directory, name)).toSorted();
    await pruned.prune({ inUse, unusedFor: 30 * day, most: 0 });
    assert.deepEqual(await there(), [...obtained].toSorted());
    // Another process: this one remembers that it asked for all of them just now.
    const later = new BaseImages(directory);
    const one = await later.prune({ inUse, unusedFor: 30 * day, most: 3.5 * 2 ** 20 });
    assert.equal(one.removed, 1);
    assert.deepEqual(await there(), [used, old, fresh].toSorted());
    await later.prune({ inUse, unusedFor: day, most: 0 });
    assert.deepEqual(await there(), [used, fresh].toSorted());
    // However little room there is: a guest may be made of it right now.
    await later.prune({ inUse, unusedFor: 0, most: 1 });
    assert.deepEqual(await there(), [used, fresh].toSorted());
    await ago(fresh, 2 * day);
    await pruned.obtain(await requestAgain(fresh, join(scratch, 'fresh.raw')));
    await new BaseImages(directory).prune({ inUse, unusedFor: day, most: 0 });
    assert.deepEqual(await there(), [used, fresh].toSorted(), 'asking for it makes it young');
    await ago(fresh, 2 * day);
    await pruned.prune({ inUse, unusedFor: day, most: 0 });
    assert.deepEqual(await there(), [used, fresh].toSorted(), 'it was asked for, whatever its file says');
  });

  /** The request that a base came of, once more. */
  async function requestAgain(path: string, source: string) {
    return { ...(await request(source, 'raw')), imageId: basename(path).slice(0, 36) };
  }
});
