import { access, constants, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { CommandFailed, run } from '../../../../platform/exec/run.ts';
import { readRecord, writeRecord } from '../record-file.ts';
import { bootProbeSector, bootProbeStatus } from './boot-probe.ts';

/** What this host's QEMU is and can do; found once for each kernel, processor and QEMU. */
export interface Emulator {
  accelerator: { kind: 'kvm' | 'tcg'; reason: string };
  /** e.g. `[7, 2, 22]` */
  version: [number, number, number];
  /** Whether QEMU can lock itself in by seccomp. */
  sandbox: boolean;
  /** CPU properties that the best model under the accelerator gives a guest, in QEMU's spelling. */
  features: string[];
}

/** The program that runs guests of this machine's architecture. */
export const emulatorProgram = 'qemu-system-x86_64';

/**
 * Tries what the host's QEMU can do, or remembers it: `cacheFile` holds the answer as long as kernel, processor
 * and QEMU's version stay the same.
 *
 * @throws Error where QEMU is missing or the architecture has no driver yet
 */
export async function probeEmulator(cacheFile: string): Promise<Emulator> {
  if (process.arch !== 'x64')
    throw new Error(`The QEMU driver runs on x86-64 only so far, not on ${process.arch}.`);
  const { stdout } = await run([emulatorProgram, '--version']).catch((cause: unknown) => {
    throw new Error('QEMU is missing: apt-get install qemu-system-x86 qemu-utils', { cause });
  });
  const identity = [stdout.split('\n')[0], release(), cpus()[0]?.model, await present('/dev/kvm')].join(
    ' · ',
  );
  const cached = await readRecord<{ identity: string; emulator: Emulator }>(cacheFile);
  if (cached?.identity === identity) return cached.emulator;

  const accelerator = await probeKvm(cacheFile);
  const { version, features } = await askCapabilities(accelerator.kind);
  const emulator: Emulator = { accelerator, version, sandbox: await hasSandbox(), features };
  await writeRecord(cacheFile, { identity, emulator });
  return emulator;
}

/**
 * KVM counts only when it has run code: on some virtual machines `/dev/kvm` opens, and a guest still never gets
 * past its firmware.
 */
async function probeKvm(cacheFile: string): Promise<Emulator['accelerator']> {
  if (!(await present('/dev/kvm'))) return withoutKvm('there is no /dev/kvm');
  const usable = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!usable) return withoutKvm('/dev/kvm may not be opened by this user');
  // A software KVM for containers: it opens, but offers too little for a whole machine.
  if (
    (await present('/sys/module/kvm_pvm')) &&
    !(await present('/sys/module/kvm_intel')) &&
    !(await present('/sys/module/kvm_amd'))
  )
    return withoutKvm('the kernel has only the PVM kind of KVM, which runs no ordinary guests');

  const disk = `${cacheFile}.boot-sector`;
  await writeFile(disk, bootProbeSector(), { mode: 0o600 });
  try {
    const { status } = await run(
      [
        emulatorProgram,
        '-M',
        'pc',
        '-accel',
        'kvm',
        '-cpu',
        'host',
        '-m',
        '16',
        '-no-user-config',
        '-nodefaults',
        '-display',
        'none',
        '-device',
        'isa-debug-exit,iobase=0xf4,iosize=4',
        '-blockdev',
        JSON.stringify({
          driver: 'raw',
          'node-name': 'disk',
          'read-only': true,
          file: { driver: 'file', filename: disk },
        }),
        '-device',
        'virtio-blk-pci,drive=disk,bootindex=0',
      ],
      { deadline: 5_000, accept: [bootProbeStatus, 0, 1, 3] },
    );
    if (status === bootProbeStatus) return { kind: 'kvm', reason: 'a test guest ran' };
    return withoutKvm(`a test guest under KVM ended with status ${status}`);
  } catch (error) {
    const words =
      error instanceof CommandFailed ? error.stderr.trim().split('\n')[0] || error.message : String(error);
    return withoutKvm(`a test guest under KVM did not run: ${words}`.slice(0, 300));
  } finally {
    await rm(disk, { force: true });
  }
}

const withoutKvm = (reason: string): Emulator['accelerator'] => ({ kind: 'tcg', reason });

/** Asks a QEMU without a machine for its version and for what its best CPU model has. */
async function askCapabilities(kind: 'kvm' | 'tcg'): Promise<Pick<Emulator, 'version' | 'features'>> {
  const commands = [
    { execute: 'qmp_capabilities' },
    {
      execute: 'query-cpu-model-expansion',
      arguments: { type: 'full', model: { name: kind === 'kvm' ? 'host' : 'max' } },
    },
    { execute: 'quit' },
  ];
  const { stdout } = await run(
    [
      emulatorProgram,
      '-machine',
      'none',
      '-accel',
      kind,
      '-no-user-config',
      '-nodefaults',
      '-display',
      'none',
      '-qmp',
      'stdio',
    ],
    { input: commands.map((command) => `${JSON.stringify(command)}\n`).join('') },
  );
  let version: [number, number, number] = [0, 0, 0];
  let features: string[] = [];
  for (const line of stdout.split('\n').filter((text) => text.startsWith('{'))) {
    const message = JSON.parse(line) as {
      QMP?: { version: { qemu: { major: number; minor: number; micro: number } } };
      return?: { model?: { props: Record<string, unknown> } };
    };
    if (message.QMP) {
      const { major, minor, micro } = message.QMP.version.qemu;
      version = [major, minor, micro];
    }
    const props = message.return?.model?.props;
    if (props)
      features = Object.keys(props).filter((name) => props[name] === true && /^[a-z0-9._-]+$/.test(name));
  }
  // Beside CPU features the model has switches of QEMU's own, which name no instruction.
  features = features.filter(
    (name) =>
      !/^(hv-|kvm|vmx-|x-|migratable|check|enforce|fill-|full-|host-|l3-|lmce|legacy-|start-|tcg-|vmware|realized|hot)/.test(
        name,
      ),
  );
  return { version, features: features.toSorted() };
}

/** A QEMU without seccomp does not know the option at all; one with it complains about the value. */
async function hasSandbox(): Promise<boolean> {
  const { stderr } = await run([emulatorProgram, '-sandbox', 'help', '-version'], { accept: [0, 1] });
  return !/no option group|not enabled|invalid option/i.test(stderr);
}

const present = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** The cache's place in a directory of guests. */
export const emulatorCache = (directory: string) => join(directory, 'emulator.json');

/** The machine's first processor and topology, from the kernel. */
export async function hostProcessor() {
  const text = await readFile('/proc/cpuinfo', 'utf8');
  const field = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(text)?.[1] ?? '';
  const count = Math.max(1, text.match(/^processor\s*:/gm)?.length ?? 1);
  const sockets = Math.max(1, new Set(text.match(/^physical id\s*: .*$/gm)).size);
  const cores = Math.max(1, Number(field('cpu cores')) || 1);
  return {
    arch: 'x86_64',
    vendor: field('vendor_id'),
    model: field('model name'),
    count,
    topology: { sockets, cores, threads: Math.max(1, Math.round(count / (sockets * cores))) },
  };
}
