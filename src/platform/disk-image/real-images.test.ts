import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { run } from '../exec/run.ts';
import { inspectFile } from './inspect-file.ts';
import { imageInfo } from './qemu-img.ts';
import { type ImageFolder, imageFolder, inspect } from './testing/made.ts';

describe('a real image', () => {
  let folder: ImageFolder;
  before(async () => {
    folder = await imageFolder();
  });
  after(() => folder[Symbol.asyncDispose]());

  for (const [format, qemu, options] of [
    ['qcow2', 'qcow2', []],
    ['qcow2', 'qcow2', ['-o', 'compat=0.10']],
    ['qcow2', 'qcow2', ['-o', 'compression_type=zstd,lazy_refcounts=on']],
    ['qcow2', 'qcow2', ['-o', 'extended_l2=on,cluster_size=128k']],
    ['qcow2', 'qcow2', ['-o', 'cluster_size=512']],
    ['qcow2', 'qcow2', ['--object', 'secret,id=s,data=abc', '-o', 'encrypt.format=aes,encrypt.key-secret=s']],
    ['vmdk', 'vmdk', []],
    ['vmdk', 'vmdk', ['-o', 'compat6=on']],
    ['vmdk', 'vmdk', ['-o', 'subformat=streamOptimized']],
    ['vdi', 'vdi', []],
    ['vdi', 'vdi', ['-o', 'static=on']],
    ['vhd', 'vpc', []],
    ['vhd', 'vpc', ['-o', 'force_size=on']],
    ['vhd', 'vpc', ['-o', 'subformat=fixed']],
    ['vhd', 'vpc', ['-o', 'subformat=fixed,force_size=on']],
    ['vhdx', 'vhdx', []],
    ['vhdx', 'vhdx', ['-o', 'subformat=fixed']],
    ['ploop', 'parallels', []],
    ['raw', 'raw', []],
  ] as const) {
    it(`is known: ${qemu} ${options.join(' ')}`, async () => {
      // No round number of cylinders.
      const bytes = await folder.made(qemu, options, '9M');
      const virtualSize = await folder.virtualSize(qemu, `made.${qemu}`);
      const expected = { format, virtualSize, danger: null, size: bytes.length };
      for (const piece of [1000, 100_001, 4 * 2 ** 20, bytes.length])
        assert.deepEqual(inspect(bytes, piece), expected);
      assert.deepEqual(await inspectFile(folder.path(`made.${qemu}`)), expected);
    });
  }

  it('is known: iso, with a partition table before it too', async () => {
    await writeFile(folder.path('content'), 'content');
    await run(['genisoimage', '-quiet', '-udf', '-o', folder.path('made.iso'), folder.path('content')]);
    const bytes = await readFile(folder.path('made.iso'));
    assert.deepEqual([inspect(bytes).format, inspect(bytes).danger], ['iso', null]);
    assert.ok((inspect(bytes).virtualSize ?? 0) <= bytes.length);
    partitioned(bytes);
    assert.deepEqual([inspect(bytes).format, inspect(bytes).danger], ['iso', null]);
  });

  it('is known: a raw disk with partitions, MBR or GPT', () => {
    const mbr = Buffer.alloc(2 ** 20);
    partitioned(mbr);
    const gpt = Buffer.from(mbr);
    gpt.writeUInt8(0xee, 446 + 4);
    gpt.writeUIntBE(0x000200, 446 + 1, 3);
    for (const bytes of [mbr, gpt])
      assert.deepEqual(inspect(bytes), { format: 'gpt', virtualSize: 2 ** 20, danger: null, size: 2 ** 20 });
  });

  it('that is found safe is one file to QEMU too, and as large, however its header was changed', async () => {
    const formats = { qcow2: 'qcow2', vmdk: 'vmdk', vdi: 'vdi', vpc: 'vhd', parallels: 'ploop' } as const;
    const names = Object.keys(formats) as (keyof typeof formats)[];
    const seeds = new Map<string, Buffer>();
    for (const name of names) seeds.set(name, await folder.made(name, [], '1M'));
    const words = ['parentFileNameHint="x"', 'createType="vmfs"', 'RW 8 FLAT "/etc/passwd" 0\n', '\n', '"'];
    const change = fc.tuple(
      fc.nat({ max: 700 }),
      fc.oneof(
        fc.nat({ max: 255 }).map((byte) => String.fromCharCode(byte)),
        fc.constantFrom(...words),
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        async (name, changes) => {
          const bytes = Buffer.from(seeds.get(name) ?? '');
          for (const [at, word] of changes) bytes.write(word, at, 'latin1');
          const found = inspect(bytes);
          if (found.danger !== null || found.format !== formats[name]) return;
          await writeFile(folder.path('changed'), bytes);
          const info = await imageInfo(folder.path('changed'), name).catch(() => undefined);
          // Damaged, that is: nothing is opened.
          if (!info) return;
          const data = info['format-specific']?.data;
          assert.deepEqual([info['backing-filename'], data?.['data-file']], [undefined, undefined]);
          for (const extent of data?.extents ?? []) assert.equal(extent.filename, folder.path('changed'));
          assert.equal(found.virtualSize, info['virtual-size']);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is a fixed VHD, whatever partitions it has', async () => {
    const bytes = await folder.made('vpc', ['-o', 'subformat=fixed,force_size=on']);
    partitioned(bytes);
    assert.deepEqual([inspect(bytes).format, inspect(bytes).danger], ['vhd', null]);
  });

  it('is a VHDX wherever its metadata is', async () => {
    const bytes = await folder.made('vhdx');
    const old = bytes.indexOf('metadata', 0, 'latin1');
    const entry = bytes.indexOf('06a27c8b90479a4bb8fe575f050f886e', 192 * 1024, 'hex') + 16;
    for (const at of [3.5 * 2 ** 20, 4 * 2 ** 20 - 100_000, 4 * 2 ** 20, 9 * 2 ** 20]) {
      const moved = Buffer.alloc(12 * 2 ** 20);
      bytes.copy(moved, 0, 0, old);
      bytes.copy(moved, at, old, old + 2 ** 20);
      moved.writeBigUInt64LE(BigInt(at), entry);
      const expected = { format: 'vhdx', virtualSize: 8 * 2 ** 20, danger: null, size: moved.length };
      for (const piece of [70_001, 2 ** 20, moved.length]) assert.deepEqual(inspect(moved, piece), expected);
      await writeFile(folder.path('moved'), moved);
      assert.deepEqual(await inspectFile(folder.path('moved')), expected);
    }
  });
});

/** Gives bytes a table with one partition. */
function partitioned(bytes: Buffer): void {
  bytes.fill(0, 446, 510);
  bytes.writeUInt8(0x83, 446 + 4);
  bytes.writeUInt32LE(1, 446 + 8);
  bytes.writeUInt32LE(100, 446 + 12);
  bytes.writeUInt16LE(0xaa55, 510);
}
