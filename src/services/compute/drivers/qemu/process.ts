import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A process that is the one it was: pids are used again, a pid with its start time is not. */
export interface GuestProcess {
  pid: number;
  /** Clock ticks between the host's boot and the process's start, as the kernel says it. */
  startTime: string;
}

/**
 * Every process that runs a guest of the directory, by guest. What counts is the command line: the guest's UUID and
 * its pid file within the directory. Pid files are not read: one may be stale, or not yet
 * written.
 */
export async function findGuestProcesses(instances: string): Promise<Map<string, GuestProcess>> {
  const found = new Map<string, GuestProcess>();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const id = guestOf(await commandLine(Number(entry)), instances);
    const process = id === undefined ? undefined : await identify(Number(entry));
    if (id !== undefined && process) found.set(id, process);
  }
  return found;
}

/**
 * Starts a program that lives on when this process ends, however it ends: in a session of its own, with its output
 * in a file. (QEMU's own way to detach itself is barred by its sandbox.)
 *
 * @throws Error when the program cannot be started
 */
export async function startDetached(
  command: readonly [string, ...string[]],
  cwd: string,
  log: string,
): Promise<GuestProcess> {
  const [program, ...args] = command;
  const output = await open(log, 'w', 0o600);
  try {
    const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', output.fd, output.fd] });
    await once(child, 'spawn');
    child.unref();
    const process = child.pid === undefined ? undefined : await identify(child.pid);
    if (!process) throw new Error(`${program} ended as soon as it had started: ${await lastWords(log)}`);
    return process;
  } finally {
    await output.close();
  }
}

/** The end of what a program wrote to its log, for an error message. */
export async function lastWords(log: string): Promise<string> {
  return (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-3).join(' | ').slice(-400);
}

export async function isAlive(process: GuestProcess): Promise<boolean> {
  return (await identify(process.pid))?.startTime === process.startTime;
}

/** Ends the process at once, if it is still the one that it was, and waits until it is gone. */
export async function kill(guest: GuestProcess): Promise<void> {
  if (!(await isAlive(guest))) return;
  try {
    process.kill(guest.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  await ended(guest, 10_000);
}

/**
 * Waits for the end of a process that is nobody's child here, so that the kernel tells us nothing by itself.
 * @returns whether it ended within `deadline` milliseconds
 */
export async function ended(guest: GuestProcess, deadline: number): Promise<boolean> {
  const until = performance.now() + deadline;
  while (await isAlive(guest)) {
    if (performance.now() > until) return false;
    await delay(20);
  }
  return true;
}

async function commandLine(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
}

function guestOf(words: readonly string[], instances: string): string | undefined {
  const after = (option: string) => words[words.indexOf(option) + 1];
  if (!words.includes('-pidfile') || !words.includes('-uuid')) return undefined;
  const pidFile = after('-pidfile') ?? '';
  const id = after('-uuid');
  return pidFile === `${instances}/${id}/${basename(pidFile)}` ? id : undefined;
}

async function identify(pid: number): Promise<GuestProcess | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  // The first thread may be a zombie while others still let go of taps and files.
  const dead = state === 'X' || (state === 'Z' && Number(fields[17]) <= 1);
  const startTime = fields[19];
  return dead || startTime === undefined ? undefined : { pid, startTime };
}
