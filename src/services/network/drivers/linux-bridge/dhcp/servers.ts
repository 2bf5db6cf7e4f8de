import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { HostDhcp } from '../../driver.ts';
import { type Account, end, endDaemon, replaceFile, running } from '../daemons.ts';
import { dhcpNamespace, runtimeDirectory } from '../names.ts';
import type { Namespaces } from '../namespaces.ts';
import { type DhcpConfiguration, dhcpConfiguration } from './configuration.ts';

export const dhcpRoot = (tag: string): string => join(runtimeDirectory(tag), 'dhcp');

const configuration = (directory: string) => ({
  pidFile: join(directory, 'pid'),
  argument: `--conf-file=${directory}/`,
});

export const endServer = (directory: string): Promise<boolean> => endDaemon(configuration(directory));

/**
 * Makes one network's dnsmasq run with what is wanted: nothing to do, a SIGHUP when only hosts, options
 * or names differ, else a new one.
 *
 * @returns how many changes it took
 */
export async function reconcileServer(
  namespaces: Namespaces,
  tag: string,
  account: Account,
  dhcp: HostDhcp,
  mtu: number,
  inode: number,
): Promise<number> {
  const directory = join(dhcpRoot(tag), dhcp.networkId);
  const wanted = dhcpConfiguration(dhcp, mtu, directory, account.name);
  const [there, loaded] = await Promise.all([running(configuration(directory)), readLoaded(directory)]);
  const stale = staleAddresses(loaded?.hosts ?? '', wanted.reread.hosts);
  const leases = join(directory, 'leases');
  const kept = withoutLeases(await readFile(leases, 'utf8').catch(() => ''), stale);
  const isCurrent = there?.argument === wanted.optionsName && there.inode === inode;
  if (there && isCurrent && kept === undefined) {
    if (JSON.stringify(loaded) === JSON.stringify(wanted.reread)) return 0;
    await writeReread(directory, wanted, account);
    process.kill(there.pid, 'SIGHUP');
    await rememberLoaded(directory, wanted);
    return 1;
  }
  if (there) await end(there.pid);
  await prepare(directory, wanted, account);
  if (kept !== undefined) await writeFile(leases, kept);
  await namespaces.run(dhcpNamespace(tag, dhcp.networkId), [
    'dnsmasq',
    `--conf-file=${join(directory, wanted.optionsName)}`,
  ]);
  await rememberLoaded(directory, wanted);
  return 1;
}

type Reread = DhcpConfiguration['reread'];

/** What the server has read, which is written down after it was told to: who is killed before that tells it again. */
async function readLoaded(directory: string): Promise<Reread | undefined> {
  const text = await readFile(join(directory, 'loaded.json'), 'utf8').catch(() => '');
  try {
    return JSON.parse(text) as Reread;
  } catch {
    return undefined;
  }
}

async function rememberLoaded(directory: string, { reread }: DhcpConfiguration): Promise<void> {
  const file = join(directory, 'loaded.json');
  await writeFile(`${file}.new`, JSON.stringify(reread), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function writeReread(
  directory: string,
  { reread }: DhcpConfiguration,
  account: Account,
): Promise<void> {
  for (const [name, text] of Object.entries(reread)) await replaceFile(join(directory, name), text, account);
}

/** Who has which address, from a hosts file: by address without brackets. */
const byAddress = (hosts: string): Map<string, string> =>
  new Map(
    hosts.split('\n').flatMap((line) => {
      const [mac = '', ...words] = line.split(',');
      return words.flatMap((word) => {
        const ip = word.replace(/^\[|\]$/g, '');
        return isIP(ip) ? [[ip, mac] as const] : [];
      });
    }),
  );

/** Addresses that belong to nobody or somebody else now. */
function staleAddresses(before: string, after: string): Set<string> {
  const now = byAddress(after);
  return new Set([...byAddress(before)].filter(([ip, mac]) => ip && now.get(ip) !== mac).map(([ip]) => ip));
}

/**
 * dnsmasq gives nobody an address that it has leased to another card, whatever its hosts file says by now, and forgets a
 * lease only with its process. So where such a lease exists it must be started anew without it.
 *
 * @returns the leases without those, or undefined when there is none of them
 */
function withoutLeases(leases: string, stale: ReadonlySet<string>): string | undefined {
  const lines = leases.split('\n');
  const kept = lines.filter((line) => !stale.has(line.split(' ')[2] ?? ''));
  return kept.length === lines.length ? undefined : kept.join('\n');
}

async function prepare(directory: string, wanted: DhcpConfiguration, account: Account): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // Leases are rewritten by dnsmasq itself, once it is no longer root.
  await chown(directory, account.uid, account.gid);
  for (const file of await readdir(directory))
    if (file.startsWith('options-')) await rm(join(directory, file), { force: true });
  await replaceFile(join(directory, wanted.optionsName), wanted.options, account);
  await writeReread(directory, wanted, account);
}

/** Ends servers of networks that are wanted no more, and removes their files. @returns how many */
export async function removeServers(tag: string, wanted: ReadonlySet<string>): Promise<number> {
  const present = await readdir(dhcpRoot(tag)).catch(() => []);
  const gone = present.filter((networkId) => !wanted.has(networkId));
  for (const networkId of gone) {
    const directory = join(dhcpRoot(tag), networkId);
    await endServer(directory);
    await rm(directory, { recursive: true, force: true });
  }
  return gone.length;
}
