import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { run } from '../../../../../platform/exec/run.ts';
import type { HostAddress, HostNetworkReport, HostNetworkState, HostPort } from '../../driver.ts';

/** Why live tests can't run here, or false. */
export const whyNotLive = (): string | false =>
  process.getuid?.() === 0 && process.platform === 'linux' ? false : 'needs root on Linux';

/** A process of the cloud inside a namespace that the test made. */
export class Cloud {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #input: Interface;

  private constructor(child: ChildProcess, input: Interface) {
    this.#child = child;
    this.#input = input;
    this.#lines = input[Symbol.asyncIterator]();
  }

  /**
   * @param outside the address of the external network's bridge, or the name of one that exists
   * @param more the underlay's address, and for how many milliseconds what is in order is trusted
   */
  static async start(namespace: string, tag: string, outside: string, ...more: string[]): Promise<Cloud> {
    const script = fileURLToPath(new URL('./cloud.ts', import.meta.url));
    const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, script, tag, outside, ...more], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (!child.stdout) throw new Error('no output');
    const cloud = new Cloud(child, createInterface({ input: child.stdout }));
    await cloud.#answer();
    return cloud;
  }

  async #answer<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the cloud has ended');
    const answer = JSON.parse(value) as T & { error?: string };
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  #ask<T>(order: object): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    return this.#answer();
  }

  reconcile = (wanted: HostNetworkState): Promise<HostNetworkReport> => this.#ask({ wanted });
  attachment = (portId: string): Promise<{ command: string[]; tap: string }> =>
    this.#ask({ attachment: portId });
  destroyAll = (): Promise<unknown> => this.#ask({ destroy: true });

  /** As `kill -9`. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
    this.#input.close();
  }
}

/**
 * A guest without a machine: a namespace whose `eth0` is joined to the port's real tap by two socat processes, which hold
 * the taps and carry frames as QEMU would.
 */
export class Guest {
  readonly namespace: string;
  readonly #folder: string;
  readonly #carriers: ChildProcess[] = [];

  private constructor(namespace: string, folder: string) {
    this.namespace = namespace;
    this.#folder = folder;
  }

  static async plug(cloud: Cloud, port: HostPort): Promise<Guest> {
    const namespace = `guest-${port.id.slice(0, 8)}`;
    const folder = await mkdtemp(join(tmpdir(), 'guest-'));
    const guest = new Guest(namespace, folder);
    await run(['ip', 'netns', 'add', namespace]);
    const { command, tap } = await cloud.attachment(port.id);
    const device = 'tun-type=tap,iff-no-pi';
    const carry = (before: readonly string[], name: string, own: string, other: string) =>
      guest.#carry([
        ...before,
        'socat',
        '-b',
        '65000',
        `TUN,tun-name=${name},${device}`,
        guest.#end(own, other),
      ]);
    // A carrier ends when its first frame finds nobody at the other end: so the guest's, which has nothing to say while
    // its card is down, is there before the switch's.
    carry(['nsenter', `--net=/run/netns/${namespace}`], 'eth0', 'guest', 'switch');
    await until(`${namespace} has a card`, async () => (await readdir(folder)).includes('guest'));
    carry(command, tap, 'switch', 'guest');
    await until(`${namespace} is wired`, async () => (await readdir(folder)).includes('switch'));
    await guest.run('ip', 'link', 'set', 'lo', 'up');
    await guest.run('ip', 'link', 'set', 'dev', 'eth0', 'address', port.mac, 'up');
    return guest;
  }

  #end(own: string, other: string): string {
    return `UNIX-SENDTO:${join(this.#folder, other)},bind=${join(this.#folder, own)}`;
  }

  #carry([program = '', ...args]: string[]): void {
    this.#carriers.push(spawn(program, args, { stdio: 'ignore' }));
  }

  run = async (...command: string[]): Promise<string> =>
    (await run(['nsenter', `--net=/run/netns/${this.namespace}`, ...command])).stdout;
  /** What the command prints, whatever its status. */
  try = async (...command: string[]): Promise<string> => {
    const accept = Array.from({ length: 256 }, (_, status) => status);
    const { stdout, stderr } = await run(['nsenter', `--net=/run/netns/${this.namespace}`, ...command], {
      accept,
    });
    return stdout + stderr;
  };
  canPing = async (address: string): Promise<boolean> => canPing(this.namespace, address);

  /** A DHCP client's whole conversation; answers what it was given. @param asked options beside the usual ones */
  async dhcp(...asked: string[]): Promise<Record<string, string>> {
    const script = join(this.#folder, 'lease.sh');
    await writeFile(
      script,
      `#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr replace $ip/$mask dev $interface
ip link set dev $interface mtu \${mtu:-1500}
[ -n "$staticroutes" ] || { [ -z "$router" ] || ip route replace default via $router; }
set -- $staticroutes
while [ $# -gt 1 ]; do ip route replace $1 via $2; shift 2; done
env
`,
    );
    await chmod(script, 0o700);
    const output = await this.run(
      'busybox',
      'udhcpc',
      '-i',
      'eth0',
      '-n',
      '-q',
      '-f',
      '-t',
      '5',
      '-T',
      '1',
      '-s',
      script,
      '-O',
      'mtu',
      '-O',
      'staticroutes',
      '-O',
      'hostname',
      '-O',
      'domain',
      '-O',
      'dns',
      ...asked.flatMap((name) => ['-O', name]),
    );
    return Object.fromEntries(
      output.split('\n').flatMap((line) => {
        const [, key, value] = /^([a-z]+)=(.*)$/.exec(line) ?? [];
        return key ? [[key, value ?? '']] : [];
      }),
    );
  }

  /**
   * A DHCPv6 client's conversation; answers what its script was told last (`new_ip6_address`, …).
   * @param args `-S` for options alone
   */
  async dhcp6(...args: string[]): Promise<Record<string, string>> {
    const file = (name: string) => join(this.#folder, `dhcp6.${name}`);
    const script = `#!/bin/sh
[ "$reason" = PREINIT6 ] && exit 0
env > ${file('telling')}
mv ${file('telling')} ${file('told')}
`;
    await writeFile(file('sh'), script, { mode: 0o700 });
    await writeFile(file('conf'), 'request dhcp6.name-servers, dhcp6.domain-search, dhcp6.sntp-servers;\n');
    for (const name of ['leases', 'told']) await rm(file(name), { force: true });
    const files = ['-cf', file('conf'), '-lf', file('leases'), '-pf', file('pid'), '-sf', file('sh')];
    const client = spawn(
      'nsenter',
      [`--net=/run/netns/${this.namespace}`, 'dhclient', '-6', '-d', '-1', ...args, ...files, 'eth0'],
      { stdio: 'ignore' },
    );
    const gone = new Promise((resolve) => client.once('exit', resolve));
    try {
      await until('the DHCPv6 client knows', async () =>
        (await readdir(this.#folder)).includes('dhcp6.told'),
      );
    } finally {
      // It would stay to renew its lease, which nobody here waits for.
      client.kill('SIGKILL');
      await gone;
    }
    const told = await readFile(file('told'), 'utf8');
    return Object.fromEntries(
      told.split('\n').flatMap((line) => {
        const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
        return key ? [[key, value ?? '']] : [];
      }),
    );
  }

  async unplug(): Promise<void> {
    for (const carrier of this.#carriers) {
      // One whose tap was taken away has ended by itself.
      if (carrier.exitCode !== null || carrier.signalCode !== null) continue;
      const gone = new Promise((resolve) => carrier.once('exit', resolve));
      carrier.kill('SIGKILL');
      await gone;
    }
    await run(['ip', 'netns', 'delete', this.namespace]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export async function canPing(namespace: string, address: string): Promise<boolean> {
  const command = ['ping', '-n', '-c', '1', '-W', '1', address];
  const { status } = await run(['nsenter', `--net=/run/netns/${namespace}`, ...command], {
    accept: [0, 1, 2],
  });
  return status === 0;
}

/** Waits for what must come. @throws Error after ten seconds */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) throw new Error(`still not so after 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export const newTag = (): string => randomBytes(3).toString('hex');
export const newMac = (): string =>
  `fa:16:3e:${randomBytes(3)
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1:')}`;

export function newPort(networkId: string, fixedIps: HostAddress[], more: Partial<HostPort> = {}): HostPort {
  return {
    id: randomUUID(),
    networkId,
    mac: newMac(),
    fixedIps,
    allowedAddressPairs: [],
    portSecurity: true,
    securityGroups: [],
    adminStateUp: true,
    ...more,
  };
}

/** A TCP server in a guest that says back what it hears. */
export function serve(guest: Guest, port: number): { kill(): void } {
  const child = spawn(
    'nsenter',
    [`--net=/run/netns/${guest.namespace}`, 'socat', `TCP-LISTEN:${port},fork,reuseaddr`, 'PIPE'],
    // A group of its own: what it forks for each connection ends with it.
    { stdio: 'ignore', detached: true },
  );
  return { kill: () => void (child.pid && process.kill(-child.pid, 'SIGKILL')) };
}

export async function connects(guest: Guest, address: string, port: number): Promise<boolean> {
  const talk = open(guest, address, port);
  try {
    await talk.say('hello');
    return true;
  } catch {
    return false;
  } finally {
    talk.end();
  }
}

/** A TCP connection from a guest. `say` fails when no echo comes within a second and a half. */
export function open(guest: Guest, address: string, port: number) {
  const child = spawn(
    'nsenter',
    [`--net=/run/netns/${guest.namespace}`, 'socat', '-', `TCP:${address}:${port},connect-timeout=2`],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  child.stdin.on('error', () => {});
  let heard = '';
  child.stdout.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  return {
    async say(word: string): Promise<void> {
      child.stdin.write(word);
      const end = Date.now() + 1_500;
      while (!heard.includes(word)) {
        if (Date.now() > end) throw new Error(`no echo of ${word}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    heard: () => heard,
    end: () => void child.kill('SIGKILL'),
  };
}
