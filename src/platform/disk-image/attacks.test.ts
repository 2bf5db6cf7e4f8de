import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { type ImageFolder, imageFolder, inspect } from './testing/made.ts';

describe('an image is refused', () => {
  let folder: ImageFolder;
  const good = {} as Record<'qcow2' | 'qcow2v2' | 'vmdk' | 'vdi' | 'vhd' | 'vhdx' | 'ploop', Buffer>;
  before(async () => {
    folder = await imageFolder();
    good.qcow2 = await folder.made('qcow2');
    good.qcow2v2 = await folder.made('qcow2', ['-o', 'compat=0.10']);
    good.vmdk = await folder.made('vmdk');
    good.vdi = Buffer.concat([await folder.made('vdi'), Buffer.alloc(64 * 1024)]);
    good.vhd = await folder.made('vpc', ['-o', 'force_size=on']);
    good.vhdx = await folder.made('vhdx');
    good.ploop = await folder.made('parallels');
  });
  after(() => folder[Symbol.asyncDispose]());

  /** What speaks against a good image that was changed. */
  const danger = (of: keyof typeof good, change: (bytes: Buffer) => void): string => {
    const bytes = Buffer.from(good[of]);
    change(bytes);
    return inspect(bytes).danger ?? 'nothing';
  };

  describe('as qcow2', () => {
    it('where it has a backing file (CVE-2015-5163), of either version', async () => {
      await writeFile(folder.path('base'), Buffer.alloc(2 ** 20));
      for (const compat of ['0.10', '1.1']) {
        const options = ['-o', `compat=${compat}`, '-b', folder.path('base'), '-F', 'raw'];
        assert.equal(inspect(await folder.made('qcow2', options, '')).danger, 'it has a backing file');
      }
      const named = (bytes: Buffer) => bytes.writeBigUInt64BE(2n ** 63n, 8);
      assert.equal(danger('qcow2', named), 'it has a backing file');
    });

    it('where its data is in another file (CVE-2024-32498)', async () => {
      const options = ['-o', `data_file=${folder.path('data')},data_file_raw=on`];
      assert.equal(inspect(await folder.made('qcow2', options)).danger, 'it has an external data file');
      const flagged = danger('qcow2', (bytes) => bytes.writeBigUInt64BE(4n, 72));
      assert.equal(flagged, 'it has an external data file');
      for (const [of, at] of [
        ['qcow2', 112],
        ['qcow2v2', 72],
      ] as const) {
        const named = danger(of, (bytes) => {
          bytes.writeUInt32BE(0x44415441, at);
          bytes.writeUInt32BE(11, at + 4);
          bytes.write('/etc/passwd', at + 8);
        });
        assert.equal(named, 'it names an external data file', of);
      }
      const behind = danger('qcow2', (bytes) => {
        bytes.writeUInt32BE(104, 100);
        bytes.writeUInt32BE(0x12345678, 104);
        bytes.writeUInt32BE(9, 108);
        bytes.writeUInt32BE(0x44415441, 128);
      });
      assert.equal(behind, 'it names an external data file');
    });

    it('where its features are unknown or its header lies', () => {
      for (const bit of [5n, 8n, 40n, 63n])
        assert.equal(
          danger('qcow2', (bytes) => bytes.writeBigUInt64BE(1n << bit, 72)),
          'it has unknown features',
        );
      for (const version of [0, 1, 4, 0x7fffffff])
        assert.equal(
          danger('qcow2', (bytes) => bytes.writeUInt32BE(version, 4)),
          `its version is ${version}`,
        );
      assert.match(
        danger('qcow2', (bytes) => bytes.writeBigUInt64BE(2n ** 63n, 24)),
        /size is impossible/,
      );
      for (const length of [0, 72, 103, 105, 65_544, 0xfffffff8])
        assert.match(
          danger('qcow2', (bytes) => bytes.writeUInt32BE(length, 100)),
          /impossible length/,
        );
      for (const bits of [0, 8, 22, 64])
        assert.match(
          danger('qcow2', (bytes) => bytes.writeUInt32BE(bits, 20)),
          /impossible size/,
        );
      assert.match(inspect(good.qcow2.subarray(0, 71)).danger ?? '', /cut off/);
      assert.match(inspect(good.qcow2.subarray(0, 80)).danger ?? '', /cut off/);
    });
  });

  describe('as VMDK', () => {
    /** The good one with its descriptor changed. */
    const described = (change: (text: string) => string, more: (bytes: Buffer) => void = () => {}) =>
      danger('vmdk', (bytes) => {
        const text = bytes.toString('latin1', 512, 512 + 20 * 512).split('\0')[0] ?? '';
        bytes.fill(0, 512, 512 + 20 * 512);
        bytes.write(change(text), 512, 'latin1');
        more(bytes);
      });

    it('where its kind is not whole in one file (CVE-2022-47951)', async () => {
      for (const kind of ['monolithicFlat', 'twoGbMaxExtentSparse', 'twoGbMaxExtentFlat'])
        assert.match(
          inspect(await folder.made('vmdk', ['-o', `subformat=${kind}`])).danger ?? '',
          /descriptor that names other files/,
          kind,
        );
      for (const kind of ['monolithicFlat', 'vmfs', 'fullDevice', 'custom', ''])
        assert.match(
          described((text) => text.replace('monolithicSparse', kind)),
          /its kind is/,
          kind,
        );
      assert.match(
        described((text) => text.replace(/createType.*/, '')),
        /said 0 times/,
      );
    });

    it('where its kind is said twice, in a comment too: QEMU takes the first', () => {
      for (const line of [
        '# createType="twoGbMaxExtentSparse"',
        'x=createType="vmfs"',
        'createtype = "vmfs"',
      ])
        assert.match(
          described((text) => `${line}\n${text}`),
          /said 2 times/,
          line,
        );
    });

    it('where its extent is another file, or it has several', () => {
      for (const name of ['/etc/passwd', '../other', 'nbd:127.0.0.1:10809', 'json:{}', 'a\\b'])
        assert.match(
          described((text) => text.replace('made.vmdk', name)),
          /names another file/,
          name,
        );
      assert.match(
        described((text) => text.replace(' SPARSE ', ' FLAT ')),
        /names another file/,
      );
      assert.match(
        described((text) => text.replace(/^RW/m, 'NOACCESS')),
        /names another file/,
      );
      assert.match(
        described((text) => text.replace(/^RW .*/m, '')),
        /0 extents/,
      );
      assert.match(
        described((text) => `${text}\nRW 8 FLAT "/etc/passwd" 0\n`),
        /2 extents/,
      );
      assert.match(
        described((text) => `${text}\n  rdonly\t8 SPARSE "other"\n`),
        /2 extents/,
      );
    });

    it('where it has a parent, wherever in the descriptor QEMU finds one', () => {
      for (const line of [
        'parentFileNameHint="/etc/passwd"',
        'ddb.comment = "parentFileNameHint="/etc/passwd"',
        '# parentFileNameHint="/etc/passwd"',
      ])
        assert.equal(
          described((text) => `${text}\n${line}\n`),
          'it has a parent',
          line,
        );
    });

    it('where its descriptor has lines that nobody understands', () => {
      assert.match(
        described((text) => `${text}\nRW8 FLAT\n`),
        /not understood/,
      );
      assert.match(
        described((text) => `${text}\n=x\n`),
        /not understood/,
      );
    });

    it('where the descriptor is elsewhere than QEMU looks for it', () => {
      const moved = (sector: bigint, sectors: bigint) =>
        danger('vmdk', (bytes) => {
          bytes.writeBigUInt64LE(sector, 28);
          bytes.writeBigUInt64LE(sectors, 36);
        });
      for (const [sector, sectors] of [
        [0n, 0n],
        [2n, 20n],
        [1n, 0n],
        [1n, 2048n],
        [2n ** 60n, 1n],
        [1n, 2n ** 63n],
      ] as const)
        assert.match(moved(sector, sectors), /not where it should be/);
    });

    it('where it says no size: QEMU opens then what the descriptor names', () => {
      assert.match(
        danger('vmdk', (bytes) => bytes.writeBigUInt64LE(0n, 12)),
        /size is impossible/,
      );
      assert.match(
        danger('vmdk', (bytes) => bytes.writeBigUInt64LE(2n ** 63n, 12)),
        /size is impossible/,
      );
    });

    it('where its footer says something else than its header', () => {
      const streamed = (change: (footer: Buffer) => void): string | null => {
        const bytes = Buffer.from(good.vmdk);
        bytes.writeBigUInt64LE(2n ** 64n - 1n, 56);
        const end = Buffer.alloc(1536);
        end.writeUInt32LE(3, 12);
        bytes.copy(end, 512, 0, 512);
        end.writeBigUInt64LE(26n, 512 + 56);
        change(end);
        const found = inspect(Buffer.concat([bytes, end]), 1000);
        return found.danger;
      };
      assert.equal(
        streamed(() => {}),
        null,
      );
      for (const change of [
        (end: Buffer) => end.write('KDMX', 512),
        (end: Buffer) => end.writeUInt32LE(2, 516),
        (end: Buffer) => end.writeBigUInt64LE(0n, 512 + 12),
        (end: Buffer) => end.writeBigUInt64LE(7n, 512 + 28),
        (end: Buffer) => end.writeBigUInt64LE(2n ** 64n - 1n, 512 + 56),
        (end: Buffer) => end.writeUInt32LE(1, 12),
        (end: Buffer) => end.writeUInt8(1, 1024),
        (end: Buffer) => end.writeUInt8(1, 1535),
        (end: Buffer) => end.writeUInt8(1, 100),
      ])
        assert.equal(
          streamed((end) => void change(end)),
          'its footer does not fit its header',
          String(change),
        );
    });

    it('where it is nothing but a descriptor, however that begins', () => {
      for (const text of [
        '# Disk DescriptorFile\nversion=1\n',
        '# disk descriptorfile\n',
        '# hello\n   \nversion=1\nCID=1\n',
        '\r\nversion=3\r\n',
        'CID=1\ncreateType="monolithicFlat"\nRW 1 FLAT "/etc/passwd" 0\n',
        `${'#\n'.repeat(5000)}createType="vmfs"`,
      ]) {
        const found = inspect(Buffer.from(text));
        assert.deepEqual([found.format, found.danger !== null], ['vmdk', true], text.slice(0, 30));
      }
      assert.deepEqual([inspect(Buffer.from('COWD')).danger], ['its kind is not allowed']);
    });
  });

  it('where it has a parent: VHD, VHDX, VDI', () => {
    for (const kind of [0, 4, 5])
      assert.equal(
        danger('vhd', (bytes) => bytes.writeUInt32BE(kind, 60)),
        'it has a parent',
      );
    const parameters = good.vhdx.indexOf('3767a1ca36fa434db3b633f0aa44e76b', 0, 'hex');
    const metadata = good.vhdx.indexOf('metadata', 0, 'latin1');
    const at = metadata + good.vhdx.readUInt32LE(parameters + 16) + 4;
    assert.equal(
      danger('vhdx', (bytes) => bytes.writeUInt32LE(2, at)),
      'it has a parent',
    );
    const locator = danger('vhdx', (bytes) => {
      const count = bytes.readUInt16LE(metadata + 10);
      bytes.writeUInt16LE(count + 1, metadata + 10);
      bytes.write('2d5fd3a80bb34d45abf7d3d84834ab0c', metadata + 32 + count * 32, 'hex');
    });
    assert.equal(locator, 'it has a parent');
    for (const kind of [0, 3, 4])
      assert.equal(
        danger('vdi', (bytes) => bytes.writeUInt32LE(kind, 0x4c)),
        'it has a parent',
      );
    for (const uuid of [0x1a8, 0x1b8])
      assert.equal(
        danger('vdi', (bytes) => bytes.writeUInt8(1, uuid + 15)),
        'it has a parent',
      );
  });

  it('where a VHDX does not say what must be known', () => {
    const table = 192 * 1024;
    const region = good.vhdx.indexOf('06a27c8b90479a4bb8fe575f050f886e', table, 'hex') + 16;
    for (const at of [2n ** 40n, 2n ** 64n - 1n])
      assert.match(
        danger('vhdx', (bytes) => bytes.writeBigUInt64LE(at, region)),
        /not where it should be/,
      );
    assert.match(
      danger('vhdx', (bytes) => bytes.write('x', table)),
      /not where it should be/,
    );
    assert.match(
      danger('vhdx', (bytes) => bytes.writeUInt16LE(0, table + 8)),
      /not where it should be/,
    );
    const metadata = good.vhdx.indexOf('metadata', 0, 'latin1');
    assert.match(
      danger('vhdx', (bytes) => bytes.writeUInt16LE(0, metadata + 10)),
      /does not say its size/,
    );
    const size = good.vhdx.indexOf('2442a52f1bcd7648b2115dbed83bf4b8', metadata, 'hex') + 16;
    assert.match(
      danger('vhdx', (bytes) => bytes.writeUInt32LE(2 ** 31, size)),
      /does not say its size/,
    );
  });

  it('where its format is never allowed, or of a version nobody knows', () => {
    assert.equal(inspect(Buffer.from('QED\0')).danger, 'this format is not allowed');
    const luks = Buffer.alloc(4096);
    luks.write('LUKS\xba\xbe', 'latin1');
    luks.writeUInt16BE(1, 6);
    luks.writeUInt32BE(4, 104);
    assert.deepEqual(inspect(luks), { format: 'luks', virtualSize: 2048, danger: null, size: 4096 });
    luks.writeUInt16BE(2, 6);
    assert.equal(inspect(luks).danger, 'its version is 2');
    assert.equal(
      danger('ploop', (bytes) => bytes.writeUInt32LE(3, 16)),
      'its version is 3',
    );
  });

  it('where it is several formats at once', () => {
    const iso = (bytes: Buffer) => void bytes.write('\x01CD001\x01', 32 * 1024, 'latin1');
    const mbr = (bytes: Buffer) => void bytes.writeUInt16LE(0xaa55, 510);
    for (const [of, also] of [
      ['qcow2', iso],
      ['qcow2', mbr],
      ['vmdk', iso],
      ['vmdk', mbr],
      ['vdi', iso],
      ['vdi', mbr],
      ['vhdx', iso],
    ] as const)
      assert.match(danger(of, also), /several formats at once/, of);
    const vdiInQcow2 = danger('vdi', (bytes) => good.qcow2.copy(bytes, 0, 0, 64));
    assert.match(vdiInQcow2, /qcow2, vdi/);
    const footed = inspect(Buffer.concat([good.qcow2, good.vhd.subarray(0, 512)])).danger ?? '';
    assert.match(footed, /qcow2, vhd/);
  });

  it('where its partition table is none: something else may be behind it', () => {
    const table = (change: (bytes: Buffer) => void): string => {
      const bytes = Buffer.alloc(1024);
      bytes.writeUInt16LE(0xaa55, 510);
      change(bytes);
      const { format, danger: found, check } = inspect(bytes);
      assert.deepEqual([format, check], ['gpt', 'mbr']);
      return found ?? '';
    };
    assert.match(
      table(() => {}),
      /table is empty/,
    );
    assert.match(
      table((bytes) => bytes.writeUInt8(7, 446 + 32)),
      /partition 2 has an invalid boot flag/,
    );
    assert.match(
      table((bytes) => bytes.writeUInt8(0xee, 446 + 4)),
      /not where it should be/,
    );
    const twice = table((bytes) => {
      bytes.writeUIntBE(0x000200, 447, 3);
      bytes.writeUInt8(0xee, 450);
      bytes.writeUInt32LE(1, 454);
      bytes.writeUInt8(0x83, 466);
    });
    assert.match(twice, /beside the protective one/);
    // The first sector of a FAT file system ends alike.
    const fat = Buffer.alloc(1024);
    fat.writeUInt16LE(0xaa55, 510);
    fat[0x10] = 2;
    fat[0x15] = 0xf8;
    assert.deepEqual(inspect(fat), { format: 'raw', virtualSize: 1024, danger: null, size: 1024 });
  });
});
