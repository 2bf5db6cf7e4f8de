import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ApiError, BadRequest, PayloadTooLarge } from '../../../../platform/errors/errors.ts';
import { run } from '../../../../platform/exec/run.ts';
import { type ToldCommand, tellCommand } from '../../../../platform/exec/testing/told-command.ts';
import { type ConversionFormat, convert } from './convert.ts';

const MiB = 2 ** 20;

describe('converting an image', () => {
  let folder: string;
  let content: Buffer;
  let qemuImg: ToldCommand;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulet-convert-'));
    qemuImg = await tellCommand('qemu-img', folder);
    content = Buffer.alloc(2 * MiB);
    content.fill('content', 0, 300_000);
    await writeFile(join(folder, 'content'), content);
  });
  after(async () => {
    qemuImg.restore();
    await rm(folder, { recursive: true, force: true });
  });

  const converted = (bytes: Uint8Array, diskFormat: string, to: ConversionFormat, most = 8 * MiB) =>
    writeFile(join(folder, 'in'), bytes).then(() =>
      convert(join(folder, 'in'), join(folder, 'out'), {
        diskFormat,
        to,
        most,
        rules: { gpt_safety_checks_nonfatal: [] },
        signal: new AbortController().signal,
      }),
    );
  const made = async (format: string, options: string[] = []): Promise<Buffer> => {
    const to = join(folder, 'made');
    await run(['qemu-img', 'convert', '-f', 'raw', '-O', format, ...options, join(folder, 'content'), to]);
    await qemuImg.calls();
    return readFile(to);
  };
  async function refused(bytes: Uint8Array, format: string, most?: number): Promise<ApiError> {
    const error: unknown = await converted(bytes, format, 'raw', most).then(
      () => assert.fail('it was converted'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ApiError, String(error));
    assert.ok(!error.message.includes(folder), error.message);
    assert.ok(!(await readdir(folder)).includes('out'));
    return error;
  }

  for (const [format, qemu, options] of [
    ['qcow2', 'qcow2', []],
    ['vmdk', 'vmdk', []],
    ['vmdk', 'vmdk', ['-o', 'subformat=streamOptimized']],
    ['vdi', 'vdi', []],
    ['vhd', 'vpc', ['-o', 'force_size=on']],
    ['vhdx', 'vhdx', []],
    ['ploop', 'parallels', []],
    ['raw', 'raw', []],
  ] as const)
    it(`keeps what is on it, and names its format to qemu-img: ${qemu} ${options.join(' ')}`, async () => {
      const bytes = await made(qemu, [...options]);
      for (const to of ['raw', 'qcow2', 'vmdk'] as const) {
        assert.equal(await converted(bytes, format, to), to !== format);
        for (const call of await qemuImg.calls())
          assert.match(call, new RegExp(`^(info|measure|convert) .*-f ${qemu} `));
        if (to === format) continue;
        const back = join(folder, 'back');
        await run(['qemu-img', 'convert', '-f', to, '-O', 'raw', join(folder, 'out'), back]);
        assert.ok((await readFile(back)).subarray(0, content.length).equals(content), to);
        await rm(join(folder, 'out'));
        await qemuImg.calls();
      }
    });

  it('shows qemu-img nothing that is not what it says, or that leads elsewhere', async () => {
    const qcow2 = await made('qcow2');
    const backed = Buffer.from(qcow2);
    backed.writeBigUInt64BE(512n, 8);
    const vmdk = await made('vmdk');
    const at = vmdk.indexOf('# Disk');
    const text = vmdk.toString('latin1', at, 512 + 10_240).split('\0')[0] ?? '';
    const described = (change: (text: string) => string): Buffer => {
      const bytes = Buffer.from(vmdk);
      bytes.write(change(text), at);
      return bytes;
    };
    // Another image of the same folder, as an extent: QEMU takes it where the header says no size.
    const sibling = described(() => `# createType="twoGbMaxExtentSparse"\n${text.replace('"made"', '"x"')}`);
    sibling.writeBigUInt64LE(0n, 12);
    const iso = Buffer.alloc(65_536);
    iso.write('\x01CD001\x01', 32_768, 'latin1');
    for (const [bytes, format, said] of [
      [qcow2, 'raw', 'Image format mismatch'],
      [content, 'qcow2', 'Image format mismatch'],
      [content, 'vmdk', 'Image format mismatch'],
      [backed, 'qcow2', 'Image has disallowed configuration'],
      [sibling, 'vmdk', 'Image has disallowed configuration'],
      [
        described((old) => `${old}\n# parentFileNameHint="/etc/passwd"\n`),
        'vmdk',
        'Image has disallowed configuration',
      ],
      [
        Buffer.from('createType="vmfs"\nRW 1 FLAT "/etc/passwd" 0\n'),
        'vmdk',
        'Image has disallowed configuration',
      ],
      [iso, 'raw', 'Image has disallowed configuration'],
    ] as const) {
      assert.equal((await refused(bytes, format)).message, said);
      assert.deepEqual(await qemuImg.calls(), []);
    }
    assert.equal(await converted(iso, 'iso', 'raw'), false);
    assert.deepEqual(await qemuImg.calls(), []);
  });

  it('refuses what is damaged, in words that name nothing of this host', async () => {
    const damaged = await made('qcow2');
    // Its L1 table is nowhere that one may be.
    damaged.writeBigUInt64BE(7n, 40);
    const error = await refused(damaged, 'qcow2');
    assert.ok(error instanceof BadRequest);
    assert.match(error.message, /damaged, or takes too much/);
  });

  it('refuses what is too large to a guest', async () => {
    const error = await refused(await made('qcow2'), 'qcow2', MiB);
    assert.ok(error instanceof PayloadTooLarge);
  });

  it('refuses what would fill the disk, before it writes any of it', async (context) => {
    const { bavail, bsize } = await statfs(folder);
    const GiB = Math.ceil((bavail * bsize) / 2 ** 30) + 1;
    if (GiB > 1024) return context.skip('the disk is too large to be filled');
    const bomb = repeating(GiB);
    assert.ok(bomb.length < MiB);
    const error = await refused(bomb, 'qcow2', 2 ** 50);
    assert.match(error.message, /no room/);
    assert.ok(!(await qemuImg.calls()).some((call) => call.startsWith('convert')));
  });
});

/** A qcow2 of so many GiB, all of them one and the same cluster of its file. */
function repeating(GiB: number): Buffer {
  const cluster = 65_536;
  const entries = GiB * 2;
  const l1 = 3 * cluster;
  const l2 = l1 + Math.ceil((entries * 8) / cluster) * cluster;
  const data = l2 + cluster;
  const bytes = Buffer.alloc(data + cluster);
  bytes.write('QFI\xfb', 'latin1');
  bytes.writeUInt32BE(2, 4);
  bytes.writeUInt32BE(16, 20);
  bytes.writeBigUInt64BE(BigInt(GiB) * 2n ** 30n, 24);
  bytes.writeUInt32BE(entries, 36);
  bytes.writeBigUInt64BE(BigInt(l1), 40);
  bytes.writeBigUInt64BE(BigInt(cluster), 48);
  bytes.writeUInt32BE(1, 56);
  bytes.writeBigUInt64BE(BigInt(2 * cluster), cluster);
  for (let number = 0; number < bytes.length / cluster; number++)
    bytes.writeUInt16BE(1, 2 * cluster + number * 2);
  const own = 2n ** 63n;
  for (let entry = 0; entry < entries; entry++) bytes.writeBigUInt64BE(own | BigInt(l2), l1 + entry * 8);
  for (let entry = 0; entry < cluster / 8; entry++)
    bytes.writeBigUInt64BE(own | BigInt(data), l2 + entry * 8);
  bytes.fill('x', data);
  return bytes;
}
