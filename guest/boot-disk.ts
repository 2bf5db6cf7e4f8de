import { open, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../src/platform/exec/run.ts';

const sector = 512;
/** The partition begins at 1 MiB, as every partitioner does; GRUB's core lies in the gap before it. */
const firstSector = 2048;
const grubModules = ['biosdisk', 'part_msdos', 'ext2', 'linux', 'normal', 'configfile'];

/** What a boot disk is made of. */
export interface BootDisk {
  /** The root file system's tree; everything in it will belong to root. */
  root: string;
  /** Unpacked packages, grub-common and grub-pc-bin among them. */
  packages: string;
  /** A directory for what lies between. */
  scratch: string;
  /** MiB that a guest sees, boot sectors included. */
  sizeMib: number;
  /** The qcow2 file to write. */
  output: string;
}

/**
 * Makes a compressed qcow2 disk that a BIOS boots by GRUB: one ext4 partition, filled without mounting it and
 * without a loop device. The file system has a journal: a guest that is killed must come up again.
 */
export async function makeBootDisk({ root, packages, scratch, sizeMib, output }: BootDisk): Promise<void> {
  const fileSystem = join(scratch, 'root.ext4');
  const disk = join(scratch, 'disk.raw');
  await rm(fileSystem, { force: true });
  await rm(disk, { force: true });
  const mke2fs: [string, ...string[]] = [
    'mke2fs',
    '-q',
    '-b',
    '4096',
    '-t',
    'ext4',
    '-J',
    'size=4',
    // GRUB 2.06's ext2 reader and the oldest kernels read all but these.
    '-O',
    '^metadata_csum,^64bit,^orphan_file',
    '-E',
    'root_owner=0:0',
    '-L',
    'cumulet-root',
    '-d',
    root,
    fileSystem,
    `${sizeMib - 1}M`,
  ];
  const older = mke2fs.map((word) => word.replace(',^orphan_file', '')) as [string, ...string[]];
  // Within a user namespace the builder's files are root's, whoever builds.
  const asRoot: [string, ...string[]] | [] = process.getuid?.() === 0 ? [] : ['unshare', '--map-root-user'];
  const make = (command: readonly [string, ...string[]]) =>
    run([...asRoot, ...command] as [string, ...string[]], { deadline: 120_000 });
  // e2fsprogs before 1.47 has no orphan_file to switch off.
  await make(mke2fs).catch(() => make(older));

  const grub = join(packages, 'usr/lib/grub/i386-pc');
  const core = join(scratch, 'core.img');
  await run(
    [
      join(packages, 'usr/bin/grub-mkimage'),
      '-O',
      'i386-pc',
      '-d',
      grub,
      '-p',
      '(hd0,msdos1)/boot/grub',
      '-o',
      core,
      ...grubModules,
    ],
    {
      env: {
        LD_LIBRARY_PATH: ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu']
          .map((path) => join(packages, path))
          .join(':'),
      },
    },
  );
  await writeDisk(disk, {
    boot: await readFile(join(grub, 'boot.img')),
    core: await readFile(core),
    fileSystem,
    sectors: (sizeMib * 1024 * 1024) / sector,
  });
  await run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', '-c', disk, output], { deadline: 120_000 });
}

interface DiskParts {
  boot: Buffer;
  core: Buffer;
  fileSystem: string;
  sectors: number;
}

async function writeDisk(path: string, { boot, core, fileSystem, sectors }: DiskParts): Promise<void> {
  if (core.length > (firstSector - 1) * sector)
    throw new Error('GRUB does not fit before the first partition');
  const master = Buffer.alloc(sector);
  // The first 440 bytes are code; disk signature and partition table follow.
  boot.copy(master, 0, 0, 440);
  master.set(partitionEntry(firstSector, sectors - firstSector), 446);
  master.writeUInt16LE(0xaa55, 510);
  const disk = await open(path, 'w');
  try {
    await disk.write(master, 0, sector, 0);
    await disk.write(core, 0, core.length, sector);
    const source = await open(fileSystem, 'r');
    try {
      const block = Buffer.alloc(1 << 20);
      let at = 0;
      for (;;) {
        const { bytesRead } = await source.read(block, 0, block.length, at);
        if (bytesRead === 0) break;
        const bytes = block.subarray(0, bytesRead);
        if (bytes.some((byte) => byte !== 0))
          await disk.write(bytes, 0, bytesRead, firstSector * sector + at);
        at += bytesRead;
      }
    } finally {
      await source.close();
    }
  } finally {
    await disk.close();
  }
  await truncate(path, sectors * sector);
}

/** A bootable Linux partition in a PC partition table; addresses by cylinder are out of use and say so. */
function partitionEntry(first: number, count: number): Buffer {
  const entry = Buffer.alloc(16);
  entry[0] = 0x80;
  entry.set([0xfe, 0xff, 0xff], 1);
  entry[4] = 0x83;
  entry.set([0xfe, 0xff, 0xff], 5);
  entry.writeUInt32LE(first, 8);
  entry.writeUInt32LE(count, 12);
  return entry;
}
