import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BadRequest } from '../../../../platform/errors/errors.ts';
import { run } from '../../../../platform/exec/run.ts';
import { type ToldCommand, tellCommand } from '../../../../platform/exec/testing/told-command.ts';
import { BaseImages } from './base-images.ts';
import type { ImageFormat } from './image-safety.ts';

const skip = await run(['qemu-img', '--version']).then(
  () => false,
  () => 'needs qemu-img',
);

describe("a stranger's image on a host", { skip }, () => {
  let folder: string;
  let content: Buffer;
  let qemuImg: ToldCommand;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulet-image-safety-'));
    qemuImg = await tellCommand('qemu-img', folder);
    content = Buffer.alloc(2 ** 20);
    content.fill('content', 0, 300_000);
    await writeFile(join(folder, 'content'), content);
  });
  after(async () => {
    qemuImg.restore();
    await rm(folder, { recursive: true, force: true });
  });

  async function obtained(bytes: Uint8Array, format: ImageFormat): Promise<Buffer> {
    const source = join(folder, 'in');
    await writeFile(source, bytes);
    const base = await new BaseImages(join(folder, 'base')).obtain({
      imageId: randomUUID(),
      format,
      hash: { algorithm: 'sha512', value: createHash('sha512').update(bytes).digest('hex') },
      open: async () => createReadStream(source),
    });
    return readFile(base.path);
  }
  const made = async (
    format: string,
    options: readonly string[] = [],
    source = 'content',
  ): Promise<Buffer> => {
    const to = join(folder, 'made');
    await run(['qemu-img', 'convert', '-f', 'raw', '-O', format, ...options, join(folder, source), to]);
    await qemuImg.calls();
    return readFile(to);
  };

  for (const [format, qemu, options] of [
    ['qcow2', 'qcow2', []],
    ['qcow2', 'qcow2', ['-c']],
    ['vmdk', 'vmdk', []],
    ['vmdk', 'vmdk', ['-o', 'subformat=streamOptimized']],
    ['vdi', 'vdi', []],
    ['vhd', 'vpc', ['-o', 'force_size=on']],
    ['vhd', 'vpc', ['-o', 'subformat=fixed,force_size=on']],
    ['vhdx', 'vhdx', []],
    ['raw', 'raw', []],
  ] as const)
    it(`becomes a base, its format named to qemu-img: ${qemu} ${options.join(' ')}`, async () => {
      const base = await obtained(await made(qemu, options), format);
      assert.ok(base.subarray(0, content.length).equals(content));
      const said = await qemuImg.calls();
      assert.ok(said.length > 0);
      for (const call of said) assert.match(call, new RegExp(`^(info|measure|convert) .*-f ${qemu} `));
    });

  it('is not shown to qemu-img when it leads elsewhere, or is not what it says, and leaves nothing', async () => {
    const qcow2 = await made('qcow2');
    const backed = Buffer.from(qcow2);
    backed.writeBigUInt64BE(512n, 8);
    const split = Buffer.from(qcow2);
    split.writeBigUInt64BE(4n, 72);
    const vmdk = await made('vmdk');
    const hinted = Buffer.from(vmdk);
    const at = vmdk.indexOf('# Disk');
    hinted.write('# parentFileNameHint="/etc/passwd"\n', at);
    const iso = Buffer.alloc(65_536);
    iso.write('\x01CD001\x01', 32_768, 'latin1');
    const before_ = await readdir(join(folder, 'base'));
    for (const [bytes, format, said] of [
      [backed, 'qcow2', /safety check: it has a backing file/],
      [split, 'qcow2', /safety check: it has an external data file/],
      [hinted, 'vmdk', /safety check: it has a parent/],
      [Buffer.from('createType="vmfs"\nRW 1 FLAT "/etc/passwd" 0\n'), 'vmdk', /safety check/],
      [content, 'vmdk', /it is raw, not vmdk/],
      [qcow2, 'raw', /it is qcow2, not raw/],
      [qcow2, 'iso', /it is qcow2, not iso/],
      [content, 'iso', /it is raw, not iso/],
    ] as const) {
      await assert.rejects(
        obtained(bytes, format),
        (error: Error) => error instanceof BadRequest && said.test(error.message),
      );
      assert.deepEqual(await qemuImg.calls(), []);
    }
    assert.deepEqual(await readdir(join(folder, 'base')), before_);
    assert.ok((await obtained(iso, 'iso')).equals(iso));
    assert.ok((await obtained(iso, 'raw')).equals(iso));
  });

  it('is refused when another one comes out of it, or when it is encrypted', async () => {
    await writeFile(join(folder, 'inner'), await made('qcow2'));
    const nested = await made('qcow2', [], 'inner');
    await assert.rejects(obtained(nested, 'qcow2'), /Converted to raw, but format is now qcow2/);
    const secret = ['--object', 'secret,id=s,data=abc', '-o', 'encrypt.format=aes,encrypt.key-secret=s'];
    const sealed = join(folder, 'sealed');
    await run(['qemu-img', 'create', '-q', '-f', 'qcow2', ...secret, sealed, '1M']);
    await assert.rejects(obtained(await readFile(sealed), 'qcow2'), /is encrypted/);
  });

  it('may be a raw disk with an odd partition table: it is bytes to QEMU', async () => {
    const odd = Buffer.from(content);
    odd.writeUInt16LE(0xaa55, 510);
    assert.ok((await obtained(odd, 'raw')).equals(odd));
  });
});
