import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

interface Process {
  pid: number;
  parent: number;
  session: number;
  /** What it has had of the processors, and what its ended children had. */
  seconds: number;
}

async function readProcess(pid: number): Promise<Process | undefined> {
  let line: string;
  try {
    line = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It ended since the folder was listed.
    return undefined;
  }
  // The command's name is in parentheses and may hold anything; the fields after it are counted from there.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid, parent: Number(fields[1]), session: Number(fields[3]), seconds: ticks / 100 };
}

/** These processes, their sessions, and all that descend from either. */
async function treesOf(roots: readonly number[]): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = (await Promise.all(pids.map(readProcess))).filter((one) => one !== undefined);
  const found = new Set(roots);
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { pid, parent, session } of all) {
      if (found.has(parent) || roots.includes(session)) found.add(pid);
    }
  }
  return all.filter(({ pid }) => found.has(pid));
}

/** Seconds of processor that these processes and all that they started have had. */
export async function cpuSeconds(roots: readonly number[]): Promise<number> {
  return (await treesOf(roots)).reduce((sum, { seconds }) => sum + seconds, 0);
}

/**
 * MiB that these processes and all that they started hold.
 *
 * @param pages `Rss` counts a page in every process that has it, `Pss` shares it out among them: many workers of one
 *   program have most of it in common
 */
export async function residentMib(roots: readonly number[], pages: 'Rss' | 'Pss'): Promise<number> {
  let kib = 0;
  for (const { pid } of await treesOf(roots)) {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    kib += Number(new RegExp(`^${pages}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  }
  return kib / 1024;
}

/**
 * The pids in a file (one or several), or in all of a folder's `NAME.pid`.
 *
 * @throws Error where one is no running process: its share would be missed in silence
 */
export async function readPids(path: string): Promise<number[]> {
  const files = (await stat(path)).isDirectory()
    ? (await readdir(path)).filter((name) => name.endsWith('.pid')).map((name) => join(path, name))
    : [path];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const pids = texts.flatMap((text) => text.split(/\s+/).filter(Boolean)).map(Number);
  if (pids.length === 0) throw new Error(`${path}: no pids`);
  for (const pid of pids) {
    if (!(await readProcess(pid))) throw new Error(`${path}: ${pid} is no running process`);
  }
  return pids;
}
