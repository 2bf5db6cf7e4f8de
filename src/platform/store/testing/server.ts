import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../exec/run.ts';

/** A throw-away database server on a unix socket of its own. */
export interface TestServer {
  /** The URL of a database on it. */
  url(database: string): string;
  stop(): Promise<void>;
}

interface Account {
  uid: number;
  gid: number;
}

/** The unprivileged user that a server runs as when we are root; PostgreSQL refuses root. */
function account(name: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([user]) => user === name);
  if (!entry) throw new Error(`there is no user "${name}"`);
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/**
 * Servers must go when this process goes, however it goes. The shell in between waits at the end of a pipe that only
 * this process holds, stops the server when the pipe closes, and clears up.
 */
const guard = `
exec 3<&0
"$@" </dev/null 3<&- & server=$!
(
  read -r _ <&3
  kill -"$STOP_SIGNAL" $server
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do sleep 0.1; done
  kill -KILL $server
) 2>/dev/null & watcher=$!
wait $server
kill $watcher 2>/dev/null
rm -rf "$SERVER_FOLDER"
`;

async function start(
  folder: string,
  owner: Account | undefined,
  stopSignal: 'INT' | 'TERM',
  command: readonly string[],
  ready: () => Promise<boolean>,
): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', guard, 'guard', ...command], {
    ...owner,
    cwd: folder,
    env: { PATH: process.env['PATH'], SERVER_FOLDER: folder, STOP_SIGNAL: stopSignal, LC_ALL: 'C' },
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const end = Date.now() + 60_000;
  while (!(await ready())) {
    if (child.exitCode !== null || Date.now() > end) {
      child.stdin?.end();
      throw new Error(`${command[0]} did not start: ${said}`);
    }
    await delay(50);
  }
  child.stderr?.removeAllListeners('data').resume();
  // A test file ends when its tests have, also when nobody stopped the server.
  child.unref();
  for (const stream of [child.stdin, child.stderr])
    (stream as unknown as { unref?(): void } | null)?.unref?.();
  return child;
}

function stopper(child: ChildProcess, folder: string): () => Promise<void> {
  return async () => {
    const ended = new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });
    child.ref();
    child.stdin?.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
}

function freshFolder(name: string, owner: Account | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), `cumulet-${name}-`));
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  if (owner) for (const each of [folder, join(folder, 'data')]) chownSync(each, owner.uid, owner.gid);
  return folder;
}

const found = (paths: readonly string[]): string | undefined => paths.find((path) => existsSync(path));

/** Where Debian keeps the server's programs, newest version first; they are not in the PATH. */
function postgresPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).toSorted((a, b) => Number(b) - Number(a)) : [];
  return found(
    versions.map((version) => join(root, version, 'bin')).filter((bin) => existsSync(join(bin, 'initdb'))),
  );
}

export const missingPostgres = (): string | undefined =>
  postgresPrograms() ? undefined : 'postgresql is not installed';

export async function startPostgres(): Promise<TestServer> {
  const bin = postgresPrograms();
  const owner = account('postgres');
  const folder = freshFolder('postgres', owner);
  const data = join(folder, 'data');
  const settings = ['--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  await run(
    [...asUser('postgres', owner), `${bin}/initdb`, `--pgdata=${data}`, '--username=cumulet', ...settings],
    { deadline: 120_000, cwd: folder },
  );
  const child = await start(
    folder,
    owner,
    // PostgreSQL takes TERM for "when the last client has gone".
    'INT',
    [
      `${bin}/postgres`,
      `--unix_socket_directories=${folder}`,
      '--listen_addresses=',
      '--max_connections=500',
      '--shared_buffers=32MB',
      // Nothing here outlives the machine's next crash.
      '--fsync=off',
      '--full_page_writes=off',
      '--synchronous_commit=off',
      '-D',
      data,
    ],
    () =>
      run([`${bin}/pg_isready`, '-q', '-h', folder], { accept: [0, 1, 2] }).then(
        ({ status }) => status === 0,
      ),
  );
  const stop = stopper(child, folder);
  return { url: (name) => `postgres://cumulet@localhost/${name}?host=${encodeURIComponent(folder)}`, stop };
}

function mariadbPrograms(): { server: string; install: string; admin: string } | undefined {
  const server = found(['/usr/sbin/mariadbd', '/usr/sbin/mysqld']);
  const install = found(['/usr/bin/mariadb-install-db', '/usr/bin/mysql_install_db']);
  const admin = found(['/usr/bin/mariadb-admin', '/usr/bin/mysqladmin']);
  return server && install && admin ? { server, install, admin } : undefined;
}

export const missingMariadb = (): string | undefined =>
  mariadbPrograms() ? undefined : 'mariadb-server is not installed';

export async function startMariadb(): Promise<TestServer> {
  const programs = mariadbPrograms();
  if (!programs) throw new Error('mariadb-server is not installed');
  const { server, install, admin } = programs;
  const owner = account('mysql');
  const folder = freshFolder('mariadb', owner);
  const data = join(folder, 'data');
  const socket = join(folder, 'socket');
  // A server that starts removes the temporary tables of every other in the same folder.
  const folders = [`--datadir=${data}`, `--tmpdir=${folder}`];
  await run(
    [
      ...asUser('mysql', owner),
      install,
      '--no-defaults',
      ...folders,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
    ],
    { deadline: 120_000, cwd: folder },
  );
  const child = await start(
    folder,
    owner,
    'TERM',
    [
      server,
      '--no-defaults',
      ...folders,
      `--socket=${socket}`,
      '--skip-networking',
      `--pid-file=${folder}/pid`,
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-doublewrite=0',
      '--innodb-buffer-pool-size=32M',
      '--max-connections=500',
    ],
    () =>
      run([admin, '--no-defaults', `--socket=${socket}`, '-u', 'root', 'ping'], { accept: [0, 1] }).then(
        ({ status }) => status === 0,
      ),
  );
  const stop = stopper(child, folder);
  return { url: (name) => `mysql://root@localhost/${name}?socketPath=${encodeURIComponent(socket)}`, stop };
}

const asUser = (name: string, owner: Account | undefined): [string, ...string[]] =>
  owner ? ['runuser', '-u', name, '--'] : ['env'];
