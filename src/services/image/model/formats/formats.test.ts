import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { UnsupportedMediaType } from '../../../../platform/errors/errors.ts';
import { run } from '../../../../platform/exec/run.ts';
import { assertFormat } from '../format-match.ts';
import { type Findings, Inspection } from '../inspection.ts';

const inspect = (bytes: Uint8Array, piece = 1024 * 1024): Findings => {
  const inspection = new Inspection();
  for (let at = 0; at < bytes.length; at += piece) inspection.add(bytes.subarray(at, at + piece));
  return inspection.finish();
};

describe('what a file is', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulet-formats-'));
  });
  after(() => rm(folder, { recursive: true }));

  /** An image as QEMU makes it. */
  async function made(format: string, options: readonly string[] = [], size = '8M'): Promise<Buffer> {
    const path = join(folder, `${format}.img`);
    await run(['qemu-img', 'create', '-q', '-f', format, ...options, path, ...(size ? [size] : [])]);
    return readFile(path);
  }

  for (const [format, qemu, options] of [
    ['qcow2', 'qcow2', []],
    ['qcow2', 'qcow2', ['-o', 'compat=0.10']],
    ['vmdk', 'vmdk', []],
    ['vmdk', 'vmdk', ['-o', 'subformat=streamOptimized']],
    ['vdi', 'vdi', []],
    ['vhd', 'vpc', ['-o', 'force_size=on']],
    ['vhd', 'vpc', ['-o', 'subformat=fixed,force_size=on']],
    ['vhdx', 'vhdx', []],
    ['raw', 'raw', []],
  ] as const) {
    it(`is seen: ${format} ${options.join(' ')}`, async () => {
      const bytes = await made(qemu, options);
      for (const piece of [100_001, 1024 * 1024, bytes.length]) {
        const found = inspect(bytes, piece);
        assert.equal(found.format, format);
        assert.equal(found.virtualSize, 8 * 1024 * 1024);
        assert.equal(found.danger, null);
        assert.equal(found.size, bytes.length);
      }
    });
  }

  it('is seen: iso', () => {
    const bytes = Buffer.alloc(40 * 1024);
    bytes.write('\x01CD001\x01', 32 * 1024, 'latin1');
    bytes.writeUInt32LE(20, 32 * 1024 + 80);
    bytes.writeUInt16LE(2048, 32 * 1024 + 128);
    assert.deepEqual(inspect(bytes), { format: 'iso', virtualSize: 40_960, danger: null, size: 40_960 });
  });

  it('is dangerous where it leads to other files of the host', async () => {
    await writeFile(join(folder, 'base'), Buffer.alloc(1024 * 1024));
    const backed = await made('qcow2', ['-b', join(folder, 'base'), '-F', 'raw'], '');
    assert.match(inspect(backed).danger ?? '', /backing file/);
    const external = await made('qcow2', ['-o', `data_file=${join(folder, 'data')}`]);
    assert.match(inspect(external).danger ?? '', /external data file/);
    const flat = await made('vmdk', ['-o', 'subformat=monolithicFlat']);
    assert.match(inspect(flat).danger ?? '', /descriptor/);
    const sparse = await made('vmdk');
    const descriptor = sparse.indexOf('SPARSE "');
    const leading = Buffer.from(sparse);
    leading.write('SPARSE "/etc/p', descriptor, 'latin1');
    assert.match(inspect(leading).danger ?? '', /another file/);
  });

  it('is dangerous where its features are unknown or its header lies', async () => {
    const good = await made('qcow2');
    const with_ = (change: (bytes: Buffer) => void): string | null => {
      const bytes = Buffer.from(good);
      change(bytes);
      return inspect(bytes).danger;
    };
    assert.match(with_((bytes) => bytes.writeBigUInt64BE(1n << 40n, 72)) ?? '', /unknown features/);
    assert.match(with_((bytes) => bytes.writeBigUInt64BE(2n ** 63n, 24)) ?? '', /impossible/);
    assert.match(with_((bytes) => bytes.writeUInt32BE(9, 4)) ?? '', /version/);
    assert.match(inspect(good.subarray(0, 80)).danger ?? '', /cut off/);
  });

  it('is found out of any bytes without failing', () => {
    const beginnings = ['QFI\xfb\0\0\0\x03', 'KDMV', 'vhdxfile', 'conectix', '# Disk DescriptorFile', ''];
    fc.assert(
      fc.property(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 2048 }), (beginning, rest) => {
        const bytes = Buffer.concat([Buffer.from(beginning, 'latin1'), rest]);
        const found = inspect(bytes, 700);
        assert.equal(found.size, bytes.length);
        assert.ok(found.virtualSize === null || found.virtualSize >= 0);
      }),
    );
  });
});

describe('what an image may be', () => {
  const found = (format: string, danger: string | null = null): Findings => ({
    format,
    danger,
    virtualSize: 7,
    size: 5,
  });
  const accepted = (disk_format: string, findings: Findings, strict = true, container_format = 'bare') =>
    assertFormat({ disk_format, container_format }, findings, { require_image_format_match: strict });

  it('is what its disk format says', () => {
    assert.equal(accepted('qcow2', found('qcow2')), 7);
    assert.equal(accepted('raw', found('raw')), 7);
    assert.equal(accepted('raw', found('iso')), 5);
    assert.equal(accepted('ami', found('raw')), null);
    for (const [claimed, is] of [
      ['qcow2', 'raw'],
      ['raw', 'qcow2'],
      ['raw', 'vmdk'],
      ['qcow2', 'vmdk'],
      ['iso', 'raw'],
      ['ami', 'qcow2'],
    ] as const) {
      assert.throws(
        () => accepted(claimed, found(is)),
        (error: Error) =>
          error instanceof UnsupportedMediaType &&
          error.message === `Image disk_format ${claimed} does not match stream data ${is}`,
      );
    }
  });

  it('need not be that where the operator says so, but never dangerous', () => {
    assert.equal(accepted('qcow2', found('raw'), false), null);
    assert.equal(accepted('raw', found('qcow2'), false), 5);
    for (const claimed of ['qcow2', 'raw'])
      assert.throws(
        () => accepted(claimed, found('qcow2', 'it has a backing file'), false),
        UnsupportedMediaType,
      );
  });

  it('is not looked into within a container', () => {
    assert.equal(accepted('vmdk', found('raw'), true, 'ova'), null);
  });
});
