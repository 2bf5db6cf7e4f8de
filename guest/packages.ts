import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../src/platform/exec/run.ts';

/** A Debian package as a file in the cache. */
export interface PackageFile {
  /** As Debian spells it, e.g. `dropbear-bin`. */
  name: string;
  /** The file's name, which carries version and architecture. */
  file: string;
  sha256: string;
}

const index = 'packages.json';

/**
 * Gives the named Debian packages as `.deb` files in `cache`, downloading them only when one is missing or
 * damaged. Apt checks their signatures; nothing is installed.
 *
 * @param names packages, without their dependencies; `{ follow }` stands for the one real package that a meta
 *   package depends on whose name begins so (the kernel)
 * @throws CommandFailed when apt cannot download
 */
export async function fetchPackages(
  cache: string,
  names: readonly (string | { meta: string; follow: string })[],
): Promise<PackageFile[]> {
  await mkdir(cache, { recursive: true });
  const wanted = JSON.stringify(names);
  const known = await readIndex(cache);
  if (known?.wanted === wanted && (await allIntact(cache, known.packages))) return known.packages;

  const fresh = join(cache, `fresh-${process.pid}`);
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh);
  try {
    const real: string[] = [];
    for (const name of names)
      real.push(typeof name === 'string' ? name : await followMeta(name.meta, name.follow));
    // The cache may lie where apt's own unprivileged user cannot write.
    await run(['apt-get', '-q', '-o', 'APT::Sandbox::User=root', 'download', ...real], {
      cwd: fresh,
      deadline: 300_000,
    });
    const files = await readdir(fresh);
    const packages: PackageFile[] = [];
    for (const name of real) {
      const file = files.find((candidate) => candidate.startsWith(`${name}_`));
      if (!file) throw new Error(`apt-get said it downloaded ${name}, but there is no such file`);
      packages.push({ name, file, sha256: await sha256(join(fresh, file)) });
      await rename(join(fresh, file), join(cache, file));
    }
    await writeFile(join(fresh, index), `${JSON.stringify({ wanted, packages }, null, 2)}\n`);
    await rename(join(fresh, index), join(cache, index));
    return packages;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Unpacks packages over each other into `directory`; no maintainer script runs. */
export async function unpackPackages(cache: string, packages: readonly PackageFile[], directory: string) {
  await mkdir(directory, { recursive: true });
  for (const { file } of packages)
    await run(['dpkg-deb', '-x', join(cache, file), directory], { deadline: 120_000 });
}

async function followMeta(meta: string, prefix: string): Promise<string> {
  const { stdout } = await run(['apt-cache', 'depends', '--no-recommends', meta]);
  const name = stdout
    .split('\n')
    .map((line) => /^\s*Depends: (\S+)$/.exec(line)?.[1])
    .find((candidate) => candidate?.startsWith(prefix));
  if (!name)
    throw new Error(
      `apt knows no ${meta}: run apt-get update (the guest's kernel comes from Debian 12 or newer)`,
    );
  return name;
}

async function readIndex(cache: string): Promise<{ wanted: string; packages: PackageFile[] } | undefined> {
  try {
    return JSON.parse(await readFile(join(cache, index), 'utf8')) as {
      wanted: string;
      packages: PackageFile[];
    };
  } catch {
    return undefined;
  }
}

async function allIntact(cache: string, packages: readonly PackageFile[]): Promise<boolean> {
  for (const { file, sha256: expected } of packages) {
    const actual = await sha256(join(cache, file)).catch(() => undefined);
    if (actual !== expected) return false;
  }
  return true;
}

/** The SHA-256 of a file (small enough to be read at once), in hex. */
export async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
