import { chown, readFile, readlink, rename, writeFile } from 'node:fs/promises';

/** How a daemon of ours is found again: its process id, and an argument that only it has, up to what differs. */
export interface DaemonMark {
  pidFile: string;
  argument: string;
}

/** A daemon of ours that lives. */
export interface Running {
  pid: number;
  /** What follows the mark's argument. */
  argument: string;
  /** Of the network namespace that it is in. */
  inode: number;
}

export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** The user that Debian's package makes for a daemon to be; root where there is none. */
export async function accountOf(user: string): Promise<Account> {
  const line = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .find((entry) => entry.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return line ? { name: user, uid: Number(uid), gid: Number(gid) } : { name: 'root', uid: 0, gid: 0 };
}

export async function running({ pidFile, argument }: DaemonMark): Promise<Running | undefined> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  // The process id may be another's by now: its arguments tell.
  const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  const rest = args.find((arg) => arg.startsWith(argument))?.slice(argument.length);
  if (rest === undefined) return undefined;
  const inode = /\d+/.exec(await readlink(`/proc/${pid}/ns/net`).catch(() => ''))?.[0];
  return inode === undefined ? undefined : { pid, argument: rest, inode: Number(inode) };
}

/** Readable by the daemon alone, also when it is no longer root. */
export async function replaceFile(file: string, text: string, account: Account): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o400 });
  await chown(`${file}.new`, account.uid, account.gid);
  await rename(`${file}.new`, file);
}

/** Ends a process and waits until it is gone. */
export async function end(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; waited < 2_000; waited += 20) {
    // One that has ended but that nobody has asked after yet still has an entry, with no arguments.
    if (!(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process.kill(pid, 'SIGKILL');
}

export async function endDaemon(mark: DaemonMark): Promise<boolean> {
  const there = await running(mark);
  if (there) await end(there.pid).catch(() => undefined);
  return there !== undefined;
}
