import { chmod, cp, lstat, mkdir, readdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '../src/platform/exec/run.ts';
import { type CpioEntry, cpioArchive } from './cpio.ts';
import { bootModules, copyModule, guestModules, installModules, withDependencies } from './kernel-modules.ts';

const here = import.meta.dirname;

/** Files of `guest/root` that run; the mode in a checkout is not to be trusted. */
const programs =
  /^(bin\/|etc\/rc$|etc\/rc\.shutdown$|etc\/acpi\/|etc\/udhcpc\/|usr\/lib\/cumulet\/(network|metadata|user-data|ready)$)/;

const directories = [
  'bin',
  'sbin',
  'boot',
  'dev',
  'etc/dropbear',
  'home/cumulet',
  'lib',
  'lib64',
  'mnt',
  'proc',
  'root',
  'run',
  'sys',
  'tmp',
  'usr',
  'var/lib',
  'var/log',
];

/**
 * Lays out the guest's root tree in `target`: busybox and dropbear from unpacked packages, the kernel, its
 * modules, an initial RAM file system, and the files of `guest/root`.
 *
 * @param packages a directory with the packages unpacked
 * @returns the kernel's version
 */
export async function assembleRoot(packages: string, target: string): Promise<{ kernel: string }> {
  for (const directory of directories) await mkdir(join(target, directory), { recursive: true });
  await symlink('../bin', join(target, 'usr/bin'));
  await symlink('../sbin', join(target, 'usr/sbin'));
  await symlink('../run', join(target, 'var/run'));
  await installBusybox(packages, target);
  await installDropbear(packages, target);
  await copyOwnFiles(target);

  const [kernel] = await readdir(join(packages, 'lib/modules'));
  if (!kernel) throw new Error('the kernel package has no modules');
  const modules = join(packages, 'lib/modules', kernel);
  await installModules(await withDependencies(modules, guestModules), join(target, 'lib/modules', kernel));
  await cp(join(packages, 'boot', `vmlinuz-${kernel}`), join(target, 'boot/vmlinuz'));
  await writeFile(join(target, 'boot/initrd'), await initialRamFileSystem(packages, modules));
  await mkdir(join(target, 'boot/grub'), { recursive: true });
  await cp(join(here, 'boot/grub.cfg'), join(target, 'boot/grub/grub.cfg'));
  return { kernel };
}

async function installBusybox(packages: string, target: string) {
  const busybox = join(target, 'bin/busybox');
  await cp(join(packages, 'bin/busybox'), busybox);
  const { stdout } = await run([busybox, '--list']);
  for (const applet of stdout.split('\n'))
    if (applet !== '' && applet !== 'busybox' && applet !== 'su')
      await symlink('busybox', join(target, 'bin', applet));
  // A copy of its own, because the boot makes it set-user-id for the cumulet group (see etc/rc).
  await cp(join(packages, 'bin/busybox'), join(target, 'bin/su'));
  await chmod(join(target, 'bin/su'), 0o700);
  await symlink('../bin/busybox', join(target, 'sbin/init'));
}

async function installDropbear(packages: string, target: string) {
  await cp(join(packages, 'usr/sbin/dropbear'), join(target, 'sbin/dropbear'));
  await cp(join(packages, 'usr/bin/dropbearkey'), join(target, 'bin/dropbearkey'));
  // The loader's name is part of the machine's ABI; the libraries are those that dropbear's package needs.
  await cp(
    await realpath(join(packages, 'lib/x86_64-linux-gnu/ld-linux-x86-64.so.2')),
    join(target, 'lib64/ld-linux-x86-64.so.2'),
  );
  for (const library of [
    'libc.so.6',
    'libcrypt.so.1',
    'libgmp.so.10',
    'libnss_files.so.2',
    'libtomcrypt.so.1',
    'libtommath.so.1',
    'libz.so.1',
  ])
    await cp(await findLibrary(packages, library), join(target, 'lib', library));
}

async function findLibrary(packages: string, name: string): Promise<string> {
  for (const directory of ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu']) {
    const path = join(packages, directory, name);
    if (await lstat(path).catch(() => undefined)) return realpath(path);
  }
  throw new Error(`no package brought ${name}`);
}

async function copyOwnFiles(target: string) {
  const source = join(here, 'root');
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const relative = path.slice(source.length + 1);
    await mkdir(dirname(join(target, relative)), { recursive: true });
    await cp(path, join(target, relative));
    const mode = relative === 'etc/shadow' ? 0o600 : programs.test(relative) ? 0o755 : 0o644;
    await chmod(join(target, relative), mode);
  }
}

async function initialRamFileSystem(packages: string, modulesDirectory: string): Promise<Buffer> {
  const directory = 0o040755;
  const program = 0o100755;
  const entries: CpioEntry[] = ['bin', 'dev', 'modules', 'proc', 'root'].map((path) => ({
    path,
    mode: directory,
  }));
  entries.push(
    { path: 'init', mode: program, content: await readFile(join(here, 'boot/initramfs-init')) },
    { path: 'bin/busybox', mode: program, content: await readFile(join(packages, 'bin/busybox')) },
  );
  const modules = await withDependencies(modulesDirectory, bootModules);
  for (const [name, { file }] of modules) {
    if (file.endsWith('.xz')) await copyModule(file, join(packages, `${name}.ko`));
    const plain = file.endsWith('.xz') ? join(packages, `${name}.ko`) : file;
    entries.push({ path: `modules/${basename(plain)}`, mode: 0o100644, content: await readFile(plain) });
  }
  const list = [...modules].map(([name, { file }]) => (file.endsWith('.xz') ? `${name}.ko` : basename(file)));
  entries.push({
    path: 'modules/modules.list',
    mode: 0o100644,
    content: Buffer.from(`${list.join('\n')}\n`),
  });
  return gzipSync(cpioArchive(entries), { level: 9 });
}
