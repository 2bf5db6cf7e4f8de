import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../src/platform/exec/run.ts';
import { guestImageForTests } from '../src/services/compute/drivers/testing/guest-image.ts';
import { processesNaming } from './traces.ts';

/** Where the clouds of a test have their state directories: a short path, for the sockets in it. */
const directoryVariable = 'CUMULET_TEST_DIRECTORY';

/** The command that is tested. */
export const cumulet = fileURLToPath(new URL('../bin/cumulet', import.meta.url));

/** Programs that every cloud with real guests needs. */
const everywhere = ['ip', 'nft', 'nsenter', 'dnsmasq', 'qemu-system-x86_64', 'qemu-img', 'genisoimage'];

/**
 * Runs the tests of a file inside a network namespace of their own, so that nothing that they or their guests send can
 * leave this machine: the file is run a second time by `ip netns exec`, and `define` is called there. Where a test with
 * real guests cannot run, the file is one skipped test that says why.
 *
 * @param file the test's own file name
 * @param needs programs that it calls, besides those that every real cloud needs
 * @param define given a directory for its clouds; what they leave in it, or on the host, is swept away afterwards
 */
export async function inOwnNamespace(
  file: string,
  needs: readonly string[],
  define: (directory: string) => void | Promise<void>,
): Promise<void> {
  const inside = process.env[directoryVariable];
  if (inside) return define(inside);
  const lacking = whyNotReal(needs);
  if (lacking) return void test(file, { skip: lacking }, () => {});
  // Out here, where the packages that it is made of can be fetched.
  const image = await guestImageForTests();
  if ('missing' in image) return void test(file, { skip: image.missing }, () => {});

  const namespace = `cumulet-test-${randomBytes(3).toString('hex')}`;
  const directory = mkdtempSync('/tmp/cml-');
  await run(['ip', 'netns', 'add', namespace]);
  try {
    await run(['ip', '-n', namespace, 'link', 'set', 'lo', 'up']);
    process.exitCode = await again(namespace, directory, file);
  } finally {
    await sweep(namespace, directory);
  }
}

/** What this machine lacks for tests with real guests; `undefined` where it has all. */
export function whyNotReal(needs: readonly string[] = []): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const there = new Set(folders.flatMap((folder) => namesIn(folder)));
  const lacks = [...everywhere, ...needs].filter((program) => !there.has(basename(program)));
  return lacks.length > 0 ? `needs ${lacks.join(', ')}` : undefined;
}

/** The file's results reach whoever runs this process as if they were its own. */
function again(namespace: string, directory: string, file: string): Promise<number> {
  const command = ['netns', 'exec', namespace, process.execPath, ...process.execArgv, file];
  return new Promise((resolve, reject) => {
    const env = { ...process.env, [directoryVariable]: directory };
    const child = spawn('ip', command, { stdio: 'inherit', env });
    // Told to end, this process still has to sweep up.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => child.kill('SIGKILL'));
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}

/** Takes away what a test that failed, or was ended, has left. */
async function sweep(namespace: string, directory: string): Promise<void> {
  for (const name of namesIn(directory)) {
    const destroy = [cumulet, 'destroy', '--yes', '--state-dir', join(directory, name)];
    await run(['ip', 'netns', 'exec', namespace, ...destroy], { deadline: 60_000 }).catch(() => {});
  }
  const { stdout } = await run(['ip', 'netns', 'pids', namespace]);
  const pids = new Set([...stdout.split('\n').filter(Boolean).map(Number), ...processesNaming(directory)]);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  await run(['ip', 'netns', 'delete', namespace]);
  rmSync(directory, { recursive: true, force: true });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
