import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../src/platform/exec/run.ts';
import { makeBootDisk } from './boot-disk.ts';
import { fetchPackages, type PackageFile, sha256, unpackPackages } from './packages.ts';
import { assembleRoot } from './root-file-system.ts';

/** How the guest image is built. */
export interface GuestBuildOptions {
  /** The qcow2 file to write; `<output>.json` beside it says what it is. */
  output: string;
  /** Packages are kept here, in `packages/`, so that a second build needs no network. */
  workDir: string;
  /** Told one short sentence before each step. */
  progress?: (step: string) => void;
  /** What the guest is for, in Debian's words. Default: this machine's. */
  architecture?: string;
}

/** A built guest image. */
export interface GuestImage {
  path: string;
  /** Changes when the packages or the guest's own files do. */
  version: string;
  sha256: string;
}

/** MiB that a guest sees of the disk; what is empty costs nothing in the file. */
const sizeMib = 112;

/** What the guest is made of. */
const guestPackages = [
  { meta: 'linux-image-cloud-amd64', follow: 'linux-image-' },
  'busybox-static',
  'dropbear-bin',
  // What dropbear needs, and what those need.
  'libc6',
  'libcrypt1',
  'libgmp10',
  'libtomcrypt1',
  'libtommath1',
  'zlib1g',
];

/** What only the builder runs: the boot loader's own program, with its libraries. */
const builderPackages = [
  'grub-common',
  'grub-pc-bin',
  'libdevmapper1.02.1',
  'liblzma5',
  'libpcre2-8-0',
  'libselinux1',
  'libudev1',
];

/** Commands of the host that the build runs, and the Debian package of each. */
export const hostTools: Readonly<Record<string, string>> = {
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  mke2fs: 'e2fsprogs',
  'qemu-img': 'qemu-utils',
};

/**
 * Builds the tiny guest image: Linux, busybox and dropbear on a disk that boots in any cloud (login user
 * `cumulet`, by key only). Needs neither root nor a loop device, installs nothing on this machine, and does
 * nothing when `output` is already this version.
 *
 * @throws Error when the architecture has no image yet, or a host tool is missing; CommandFailed
 */
export async function buildGuestImage(options: GuestBuildOptions): Promise<GuestImage> {
  const { progress = () => {}, architecture = process.arch === 'x64' ? 'amd64' : process.arch } = options;
  if (architecture !== 'amd64')
    throw new Error(
      `There is no guest image for ${architecture} yet: amd64 is the only architecture so far.`,
    );
  await assertHostTools();
  const output = resolve(options.output);
  const cache = join(resolve(options.workDir), 'packages');

  progress('Finding the guest packages (Debian: kernel, busybox, dropbear, GRUB)');
  const packages = await fetchPackages(cache, [...guestPackages, ...builderPackages]);
  const version = await versionOf(packages);
  const present = await readBuilt(output);
  if (present?.version === version) return present;

  const scratch = join(resolve(options.workDir), `build-${process.pid}`);
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  await mkdir(dirname(output), { recursive: true });
  try {
    progress('Unpacking them');
    const unpacked = join(scratch, 'packages');
    await unpackPackages(cache, packages, unpacked);
    progress('Laying out the root file system');
    const root = join(scratch, 'root');
    await mkdir(root);
    await assembleRoot(unpacked, root);
    progress('Making the disk');
    const image = join(scratch, 'guest.qcow2');
    await makeBootDisk({ root, packages: unpacked, scratch, sizeMib, output: image });
    const built: GuestImage = { path: output, version, sha256: await sha256(image) };
    // By copy and rename: the work directory may be on another file system.
    const fresh = `${output}.${process.pid}.new`;
    await run(['cp', image, fresh]);
    await rename(fresh, output);
    await writeFile(`${output}.json`, `${JSON.stringify({ version, sha256: built.sha256 }, null, 2)}\n`);
    return built;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function assertHostTools() {
  const missing: string[] = [];
  for (const [tool, debianPackage] of Object.entries(hostTools))
    await run([tool, tool === 'mke2fs' ? '-V' : '--version']).catch(() => missing.push(debianPackage));
  if (missing.length > 0)
    throw new Error(`Building the guest image takes more: apt-get install ${missing.join(' ')}`);
}

/** From every package and every file of the guest, so that an image that would be the same has the same version. */
async function versionOf(packages: readonly PackageFile[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { file, sha256: sum } of packages) hash.update(`${file} ${sum}\n`);
  const sources = await readdir(import.meta.dirname, { recursive: true, withFileTypes: true });
  const paths = sources
    .filter((entry) => entry.isFile() && !/\.(test\.ts|md)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  for (const path of paths) {
    hash.update(`${path.slice(import.meta.dirname.length)}\n`);
    hash.update(await readFile(path));
  }
  const kernel = packages[0]?.name.replace('linux-image-', '') ?? 'unknown';
  return `${kernel}-${hash.digest('hex').slice(0, 12)}`;
}

async function readBuilt(output: string): Promise<GuestImage | undefined> {
  try {
    const { version, sha256: expected } = JSON.parse(await readFile(`${output}.json`, 'utf8')) as GuestImage;
    return (await sha256(output)) === expected ? { path: output, version, sha256: expected } : undefined;
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', default: 'cumulet-guest.qcow2' },
      'work-dir': {
        type: 'string',
        default: join(process.env['XDG_CACHE_HOME'] ?? '/var/cache', 'cumulet-guest'),
      },
    },
  });
  const image = await buildGuestImage({
    output: values.output,
    workDir: values['work-dir'],
    progress: (step) => console.error(step),
  });
  console.log(JSON.stringify(image, null, 2));
}
