import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ApiError, BadRequest, PayloadTooLarge } from '../../../../platform/errors/errors.ts';
import { zip } from '../../testing/zip.ts';
import { decompress } from './decompress.ts';
import { assertRoom } from './room.ts';

describe('unpacking an image', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulet-decompress-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
  });

  /** What comes out of a file, at most 1 MiB; `undefined` where it is not packed. */
  async function unpacked(packed: Uint8Array, signal = new AbortController().signal) {
    await writeFile(join(folder, 'in'), packed);
    const done = await decompress(join(folder, 'in'), join(folder, 'out'), { most: 2 ** 20, signal });
    return done ? await readFile(join(folder, 'out')) : undefined;
  }
  const nothingLeft = async () => assert.deepEqual(await readdir(folder), ['in']);
  const openFiles = async () => (await readdir('/proc/self/fd')).length;
  const content = Buffer.from('content '.repeat(1000));

  it('is done for gzip, of several members too, and for a zip of one file, whatever it is called', async () => {
    assert.deepEqual(await unpacked(gzipSync(content)), content);
    const members = Buffer.concat([gzipSync(content), gzipSync(content)]);
    assert.deepEqual(await unpacked(members), Buffer.concat([content, content]));
    for (const compressed of [true, false])
      for (const name of ['disk', '../../etc/passwd', '/etc/passwd', 'a\0b', '..\\x', ''])
        assert.deepEqual(await unpacked(zip([[name, content]], { compressed })), content);
    assert.deepEqual((await readdir(folder)).toSorted(), ['in', 'out']);
  });

  it('is done once: what was packed twice comes out packed', async () => {
    const once = gzipSync(content);
    assert.deepEqual(await unpacked(gzipSync(once)), once);
    assert.deepEqual(await unpacked(zip([['a', once]])), once);
  });

  it('leaves alone what is not packed', async () => {
    for (const bytes of [
      content,
      Buffer.alloc(0),
      Buffer.from([0x1f, 0x8b, 7, 0]),
      Buffer.from('PK\x05\x06'),
    ])
      assert.equal(await unpacked(bytes), undefined);
    await nothingLeft();
  });

  it('stops at bombs: of gzip, of its members together, of zip, and keeps neither file nor handle', async () => {
    const large = Buffer.alloc(2 ** 20 + 1);
    const half = gzipSync(Buffer.alloc(2 ** 19 + 1));
    const before_ = await openFiles();
    for (const bomb of [
      gzipSync(large),
      Buffer.concat([half, half]),
      zip([['a', large]], { compressed: true }),
    ]) {
      await assert.rejects(unpacked(bomb), PayloadTooLarge);
      await nothingLeft();
    }
    assert.deepEqual((await unpacked(gzipSync(large.subarray(1))))?.length, 2 ** 20);
    for (let tries = 0; (await openFiles()) > before_ && tries < 100; tries++)
      await new Promise((resolve) => setImmediate(resolve));
    assert.ok((await openFiles()) <= before_);
  });

  it('refuses archives of several files or none, encrypted ones, those that lie of their size, and LHA', async () => {
    const one = zip([['a', content]], { compressed: true });
    const lying = Buffer.from(one);
    lying.writeUInt32LE(10, lying.indexOf('PK\x01\x02', 'latin1') + 24);
    const encrypted = Buffer.from(one);
    encrypted[encrypted.indexOf('PK\x01\x02', 'latin1') + 8] = 1;
    for (const [bytes, said] of [
      [
        zip([
          ['a', content],
          ['b', content],
        ]),
        /more than one file/,
      ],
      [lying, /cannot be unpacked/],
      [encrypted, /cannot be unpacked/],
      [Buffer.concat([Buffer.from('PK\x03\x04'), content]), /cannot be unpacked/],
      [Buffer.from('xx-lh5-'), /LHA/],
      [gzipSync(content).subarray(0, 50), /cannot be unpacked/],
    ] as const) {
      await assert.rejects(
        unpacked(bytes),
        (error: Error) => error instanceof BadRequest && said.test(error.message),
      );
      await nothingLeft();
    }
  });

  it('ends when the import does', async () => {
    await assert.rejects(unpacked(gzipSync(content), AbortSignal.abort()), { name: 'AbortError' });
    await nothingLeft();
  });

  it('is done or refused in words, whatever is wrong with the archive', async () => {
    const archives = [gzipSync(content), zip([['a', content]]), zip([['a', content]], { compressed: true })];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...archives),
        fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { maxLength: 8 }),
        fc.option(fc.nat(10_000), { nil: undefined }),
        async (archive, changes, length) => {
          const bytes = Buffer.from(archive).subarray(0, length);
          for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
          try {
            await unpacked(bytes);
          } catch (error) {
            assert.ok(error instanceof ApiError, String(error));
          }
          await rm(join(folder, 'out'), { force: true });
          await nothingLeft();
        },
      ),
      { numRuns: 200 },
    );
  });

  it('never takes the whole disk', async () => {
    await assertRoom(folder, 0);
    await assert.rejects(assertRoom(folder, 2 ** 60), PayloadTooLarge);
  });
});
