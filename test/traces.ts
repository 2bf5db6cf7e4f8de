import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../src/platform/exec/run.ts';
import { tagOf } from '../src/platform/service/host.ts';

/** Every process that has a word in its command line, save this one. */
export function processesNaming(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => commandLine(Number(name)).includes(word))
    .map(Number);
}

const commandLine = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
};

/** Everything on this host that is a cloud's, in words: processes, namespaces, devices, files. */
export async function tracesOf(stateDir: string): Promise<string[]> {
  const tag = tagOf(stateDir);
  const runtime = `/run/cumulet-${tag}`;
  const links = JSON.parse((await run(['ip', '-j', 'link', 'show'])).stdout) as { ifname?: string }[];
  const tables = (await run(['nft', 'list', 'tables'])).stdout.split('\n');
  return [
    ...[stateDir, runtime].flatMap(processesNaming).map((pid) => `process ${pid}: ${commandLine(pid)}`),
    ...namespacesOf(tag).map((name) => `namespace ${name}`),
    ...links.flatMap(({ ifname }) => (ifname?.startsWith(`cml${tag}`) ? [`device ${ifname}`] : [])),
    ...tables.filter((name) => name.includes(tag)),
    ...[stateDir, runtime].filter((path) => existsSync(path)).map((path) => `directory ${path}`),
  ];
}

function namespacesOf(tag: string): string[] {
  if (!existsSync('/run/netns')) return [];
  return readdirSync('/run/netns').filter((name) => name.startsWith(`cumulet-${tag}-`));
}

/** What guests have on this host: QEMU processes by server id, devices of the switch, directories. */
export interface GuestTraces {
  processes: Record<string, number>;
  /** Names of the switch's taps; those of routers and DHCP servers are among them. */
  taps: string[];
  directories: string[];
  namespaces: string[];
}

export async function guestTracesOf(stateDir: string): Promise<GuestTraces> {
  const tag = tagOf(stateDir);
  const instances = join(stateDir, 'compute-agent/guests');
  const processes: Record<string, number> = {};
  for (const pid of processesNaming(`-pidfile ${instances}/`)) {
    const [, id] = / -uuid (\S+) /.exec(commandLine(pid)) ?? [];
    if (id) processes[id] = pid;
  }
  const namespaces = namespacesOf(tag);
  const inSwitch = namespaces.includes(`cumulet-${tag}-switch`)
    ? await run(['ip', '-n', `cumulet-${tag}-switch`, '-j', 'link', 'show'])
    : { stdout: '[]' };
  const links = JSON.parse(inSwitch.stdout) as { ifname?: string }[];
  return {
    processes,
    taps: links.flatMap(({ ifname }) => (ifname?.startsWith('tap') ? [ifname] : [])).sort(),
    directories: existsSync(instances)
      ? readdirSync(instances)
          .filter((name) => /^(\.trash-)?[0-9a-f]{8}-/.test(name))
          .sort()
      : [],
    namespaces: namespaces.sort(),
  };
}
