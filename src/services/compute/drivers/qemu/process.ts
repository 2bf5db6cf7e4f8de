import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A process that is the one it was: pids are used again, a pid with its start time is not. */
export interface GuestProcess {
  pid: number;
  /** Clock ticks between the host's boot and the process's start, as the kernel says it. */
  startTime: string;
}

/**
 * Every process that runs a guest of the directory, by guest. What counts is the command line: the guest's UUID and
 * its pid file within the directory. Pid files are not read: one may be stale, or not yet written.
 */
export async function findGuestProcesses(instances: string): Promise<Map<string, GuestProcess>> {
  // While QEMU detaches itself there are two of it for a moment; the second stays.
  for (let tries = 0; ; tries++) {
    const found = new Map<string, GuestProcess[]>();
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const id = guestOf(await commandLine(Number(entry)), instances);
      if (id === undefined) continue;
      const process = await identify(Number(entry));
      if (process) found.set(id, [...(found.get(id) ?? []), process]);
    }
    if (tries >= 100 || [...found.values()].every((processes) => processes.length === 1))
      return new Map([...found].map(([id, processes]) => [id, processes.at(-1) as GuestProcess]));
    await delay(50);
  }
}

/** The process by which the guest runs, after a launch that succeeded. */
export async function processOfPidFile(pidFile: string): Promise<GuestProcess | undefined> {
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).trim());
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const id = guestOf(await commandLine(pid), dirname(dirname(pidFile)));
  return id === basename(dirname(pidFile)) ? identify(pid) : undefined;
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
  const startTime = fields[19];
  return state === 'Z' || state === 'X' || startTime === undefined ? undefined : { pid, startTime };
}
