import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { type RunOptions, type RunResult, run } from '../../../../platform/exec/run.ts';
import { isNamespaceOf, namespaceDirectory } from './names.ts';

/** The way from this process into network namespaces. */
export interface Namespaces {
  /** Names of this cloud's namespaces, and whether each is one (and not the mere file of one that was lost). */
  list(): Promise<Map<string, { alive: boolean; inode: number }>>;
  add(names: readonly string[]): Promise<void>;
  remove(names: readonly string[]): Promise<void>;
  /** What to put before a command so that it runs in a namespace, `undefined` being the one this process is in. */
  enter(name: string | undefined): readonly string[];
  run(name: string | undefined, command: readonly string[], options?: RunOptions): Promise<RunResult>;
  close(): void;
}

/**
 * Named namespaces are mounts. `ip netns exec X …` gives its command mounts of its own that nobody else sees, so a
 * namespace added there would be lost with the command: the next `ip netns exec X` would not find it. Hence they are made
 * where the outermost of our ancestors is that lets us in (usually PID 1); from there they spread to us as well, because
 * `ip netns exec` leaves its mounts subordinate to those.
 *
 * @returns a descriptor of that mount namespace, or undefined when it is our own
 */
function openOutermostMounts(): number | undefined {
  const own = readlinkSync('/proc/self/ns/mnt');
  let outermost: string | undefined;
  let seen = own;
  let pid = process.ppid;
  for (;;) {
    try {
      const here = readlinkSync(`/proc/${pid}/ns/mnt`);
      if (here !== seen) {
        seen = here;
        outermost = here === own ? undefined : `/proc/${pid}/ns/mnt`;
      }
    } catch {
      // Not ours to look into: somebody else's container begins here.
      break;
    }
    const parent = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    if (parent === 0) break;
    pid = parent;
  }
  return outermost === undefined ? undefined : openSync(outermost, 'r');
}

const enter = (name: string | undefined): readonly string[] =>
  name === undefined ? [] : ['nsenter', `--net=${namespaceDirectory}/${name}`, '--'];

export function openNamespaces(tag: string): Namespaces {
  const mounts = openOutermostMounts();
  const outside = mounts === undefined ? [] : ['nsenter', `--mount=/proc/${process.pid}/fd/${mounts}`, '--'];
  const runIn = (name: string | undefined, command: readonly string[], options?: RunOptions) => {
    const [program, ...args] = [...enter(name), ...command];
    return run([program ?? '', ...args], options);
  };
  const batch = async (lines: readonly string[]): Promise<void> => {
    if (lines.length === 0) return;
    await runIn(undefined, [...outside, 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  };
  return {
    async list() {
      const names = await readdir(namespaceDirectory).catch(() => []);
      // A namespace's file is on the kernel's nsfs, one that lost its mount on the directory's own file system.
      const { dev } = await stat('/proc/self/ns/net');
      const found = await Promise.all(
        names
          .filter((name) => isNamespaceOf(tag, name))
          .map(async (name) => {
            const status = await stat(`${namespaceDirectory}/${name}`).catch(() => undefined);
            return [name, { alive: status?.dev === dev, inode: status?.ino ?? 0 }] as const;
          }),
      );
      return new Map(found);
    },
    add: (names) => batch(names.map((name) => `netns add ${name}`)),
    async remove(names) {
      // One by one: that one is busy or gone must not keep the others.
      const failed: unknown[] = [];
      for (const name of names)
        await batch([`netns delete ${name}`]).catch((error: unknown) => failed.push(error));
      if (failed.length) throw failed[0];
    },
    enter,
    run: runIn,
    close() {
      if (mounts !== undefined) closeSync(mounts);
    },
  };
}
