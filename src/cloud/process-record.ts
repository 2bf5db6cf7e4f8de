import { readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { writePrivately } from './state-files.ts';

/** The process that runs a cloud, as it wrote itself down. */
export interface ProcessRecord {
  pid: number;
  /** The kernel's start time of the process, in clock ticks since boot: a pid alone may be somebody else's by now. */
  startedTicks: string;
  startedAt: string;
  urls: Record<string, string>;
}

const file = (stateDir: string): string => join(stateDir, 'process.json');

/** A process's start time, or `undefined` when there is no such process (or only what is left of one). */
export function startedTicks(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command's name is in parentheses and may hold anything; the fields after it are counted from there.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

/** The process that runs the cloud of this state directory now, if one does. */
export async function runningProcess(stateDir: string): Promise<ProcessRecord | undefined> {
  let record: ProcessRecord;
  try {
    record = JSON.parse(await readFile(file(stateDir), 'utf8')) as ProcessRecord;
  } catch {
    return undefined;
  }
  return startedTicks(record.pid) === record.startedTicks ? record : undefined;
}

/** Writes this process down as the one that runs the cloud. */
export async function recordProcess(stateDir: string, urls: Record<string, string>): Promise<void> {
  const record: ProcessRecord = {
    pid: process.pid,
    startedTicks: startedTicks(process.pid) ?? '',
    startedAt: new Date().toISOString(),
    urls,
  };
  await writePrivately(file(stateDir), `${JSON.stringify(record, null, 2)}\n`);
}

export function forgetProcess(stateDir: string): void {
  rmSync(file(stateDir), { force: true });
}

/**
 * Asks the process to end and waits until it has; after `patience` milliseconds it is ended without asking.
 * Ending it is always safe: what it was doing goes on at the next start.
 */
export async function endProcess(record: ProcessRecord, patience: number): Promise<void> {
  const gone = () => startedTicks(record.pid) !== record.startedTicks;
  const until = Date.now() + patience;
  process.kill(record.pid, 'SIGTERM');
  // The kernel tells only parents of a process's end; another's is looked for.
  while (!gone() && Date.now() < until) await wait(25);
  if (gone()) return;
  process.kill(record.pid, 'SIGKILL');
  while (!gone()) await wait(25);
}
