import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { inspectFile } from './inspect-file.ts';
import { Inspection } from './inspection.ts';
import { type ImageFolder, imageFolder, inspect } from './testing/made.ts';

describe('an inspection', () => {
  let folder: ImageFolder;
  const seeds: Buffer[] = [];
  before(async () => {
    folder = await imageFolder();
    for (const [format, ...options] of [
      ['qcow2'],
      ['vmdk'],
      ['vmdk', '-o', 'subformat=streamOptimized'],
      ['vdi'],
      ['vpc'],
      ['vhdx'],
      ['parallels'],
    ] as [string, ...string[]][])
      seeds.push(await folder.made(format, options, '1M'));
    const iso = Buffer.alloc(40_000);
    iso.write('\x01CD001\x01', 32_768, 'latin1');
    const mbr = Buffer.alloc(2048);
    mbr.writeUInt16LE(0xaa55, 510);
    const luks = Buffer.alloc(2048);
    luks.write('LUKS\xba\xbe\0\x01', 'latin1');
    const end = seeds[4]?.subarray(0, 512) ?? Buffer.alloc(0);
    seeds.push(iso, mbr, luks, Buffer.from('QED\0'), Buffer.concat([Buffer.alloc(3000), end]));
    seeds.push(Buffer.from('# Disk DescriptorFile\nversion=1\ncreateType="vmfs"\n'), Buffer.alloc(0));
  });
  after(() => folder[Symbol.asyncDispose]());

  /** An image with some of its bytes changed, most of them where headers are, and perhaps cut off. */
  const mutated = () =>
    fc
      .tuple(
        fc.nat({ max: 13 }),
        fc.array(
          fc.tuple(
            fc.oneof(fc.nat(127), fc.nat(1535), fc.nat(4 * 2 ** 20)),
            fc.oneof(fc.constantFrom(0, 1, 2, 0xff), fc.nat(255)),
          ),
          { maxLength: 20 },
        ),
        fc.option(fc.oneof(fc.nat(2000), fc.nat(4 * 2 ** 20)), { nil: undefined }),
      )
      .map(([which, changes, length]) => {
        const bytes = Buffer.from(seeds[which] ?? Buffer.alloc(0)).subarray(0, length);
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        return bytes;
      });
  const anything = () =>
    fc.oneof(
      mutated(),
      fc.uint8Array({ maxLength: 4096 }).map((bytes) => Buffer.from(bytes)),
    );

  it('finds the same however the bytes are cut, and in the file; never throws, and never looks wrong', async () => {
    await fc.assert(
      fc.asyncProperty(
        anything(),
        fc.array(fc.integer({ min: 1, max: 300_000 }), { maxLength: 12 }),
        async (bytes, cuts) => {
          const whole = inspect(bytes, bytes.length || 1);
          assert.equal(whole.size, bytes.length);
          assert.ok(
            whole.virtualSize === null || (Number.isSafeInteger(whole.virtualSize) && whole.virtualSize >= 0),
          );
          const inspection = new Inspection();
          let at = 0;
          for (let turn = 0; at < bytes.length; turn++) {
            const length = cuts[turn % Math.max(1, cuts.length)] ?? bytes.length;
            inspection.add(bytes.subarray(at, at + length));
            at += length;
            inspection.early();
          }
          assert.deepEqual(inspection.finish(), whole);
          await writeFile(folder.path('any'), bytes);
          assert.deepEqual(await inspectFile(folder.path('any')), whole);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('finds the same when bytes come one by one', () => {
    for (const seed of seeds) {
      const bytes = Buffer.concat([seed.subarray(0, 70_000), seed.subarray(-600)]);
      assert.deepEqual(inspect(bytes, 1), inspect(bytes));
    }
  });

  it('refuses early only what it refuses at the end', () => {
    fc.assert(
      fc.property(mutated(), (start) => {
        const bytes = Buffer.concat([start, Buffer.alloc(Math.max(0, 5 * 2 ** 20 - start.length), 1)]);
        const inspection = new Inspection();
        inspection.add(bytes);
        const early = inspection.early();
        const late = inspection.finish();
        if (!early) return;
        assert.equal(early.format, late.format);
        if (early.danger !== null) assert.notEqual(late.danger, null);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps no more than the head, however much comes', () => {
    const piece = Buffer.alloc(4 * 2 ** 20, 7);
    seeds[5]?.copy(piece);
    const inspection = new Inspection();
    inspection.add(piece);
    const held = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 500; count++) inspection.add(piece);
    const grown = process.memoryUsage().arrayBuffers - held;
    assert.equal(inspection.finish().size, 501 * piece.length);
    assert.ok(grown < 2 ** 20, `${grown} bytes`);
  });
});
