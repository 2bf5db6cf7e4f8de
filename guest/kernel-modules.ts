import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '../src/platform/exec/run.ts';

/** What the guest needs of the kernel's modules beyond what is built in; their dependencies follow. */
export const guestModules = [
  'virtio_pci',
  'virtio_blk',
  'virtio_net',
  'virtio_balloon',
  'virtio-rng',
  'virtio_scsi',
  'sd_mod',
  'sr_mod',
  'ata_piix',
  'isofs',
  'vfat',
  'nls_cp437',
  'nls_ascii',
  'button',
  'evdev',
] as const;

/** What it takes to see the root disk. */
export const bootModules = ['virtio_pci', 'virtio_blk', 'virtio_scsi', 'sd_mod'] as const;

/** A module and what must be loaded before it. */
export interface KernelModule {
  file: string;
  needs: string[];
}

/** Kernel file names and module names differ in `-` and `_` only by habit: they are one name. */
const canonical = (name: string) => name.replaceAll('-', '_');

/**
 * The named modules and all that they depend on, in an order in which they can be loaded.
 *
 * @param directory an unpacked `lib/modules/<version>`
 */
export async function withDependencies(
  directory: string,
  names: readonly string[],
): Promise<Map<string, KernelModule>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true }))
    if (entry.endsWith('.ko') || entry.endsWith('.ko.xz'))
      files.set(canonical(basename(entry).replace(/\.ko(\.xz)?$/, '')), join(directory, entry));

  const ordered = new Map<string, KernelModule>();
  const visit = async (name: string) => {
    if (ordered.has(name)) return;
    const file = files.get(name);
    if (!file) throw new Error(`the kernel has no module ${name}`);
    const needs = (await dependencies(file)).filter((need) => files.has(need));
    for (const need of needs) await visit(need);
    ordered.set(name, { file, needs });
  };
  for (const name of names) if (files.has(canonical(name))) await visit(canonical(name));
  return ordered;
}

/** Writes the modules, flat, into `target` with the `modules.dep` by which modprobe finds them. */
export async function installModules(modules: Map<string, KernelModule>, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const closure = (name: string): string[] => {
    const needs = modules.get(name)?.needs ?? [];
    return [...new Set([...needs, ...needs.flatMap(closure)])];
  };
  let dep = '';
  for (const [name, { file }] of modules) {
    await copyModule(file, join(target, `${name}.ko`));
    dep += `${name}.ko:${closure(name)
      .map((need) => ` ${need}.ko`)
      .join('')}\n`;
  }
  await writeFile(join(target, 'modules.dep'), dep);
  for (const empty of ['modules.alias', 'modules.symbols', 'modules.builtin'])
    await writeFile(join(target, empty), '');
}

/** Copies a module, uncompressed: the guest's insmod knows no xz. */
export async function copyModule(file: string, target: string): Promise<void> {
  await cp(file, file.endsWith('.xz') ? `${target}.xz` : target);
  if (file.endsWith('.xz')) await run(['xz', '-d', `${target}.xz`]);
}

/** What the module's own `.modinfo` section says it depends on. */
async function dependencies(file: string): Promise<string[]> {
  const bytes = file.endsWith('.xz')
    ? (await run(['modinfo', '-F', 'depends', file])).stdout
    : (/\0depends=([^\0]*)\0/.exec(await readFile(file, 'latin1'))?.[1] ?? '');
  return bytes
    .trim()
    .split(',')
    .filter((name) => name !== '')
    .map(canonical);
}
