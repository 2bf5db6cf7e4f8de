import { isHostDeviceOf, switchNamespace } from './names.ts';
import type { Namespaces } from './namespaces.ts';

/** A device as the kernel says it is. */
export interface SeenDevice {
  name: string;
  kind: string;
  mtu: number;
  mac: string;
  master?: string;
  up: boolean;
  alias?: string;
  /** `10.0.0.5/24`; what the kernel gave by itself (link-local) is left out. */
  addresses: string[];
  vxlan?: { id: number; address?: string; port: number };
}

export interface SeenNamespace {
  devices: Map<string, SeenDevice>;
  routes: { destination: string; nexthop: string }[];
}

/** All of this cloud that is on the host now. */
export interface Seen {
  namespaces: Map<string, { alive: boolean; inode: number }>;
  /** By namespace; only those that are alive, and not `trusted`. */
  rooms: Map<string, SeenNamespace>;
  /** Namespaces that were seen to be in order a moment ago, and so were not looked into again. */
  trusted: ReadonlySet<string>;
  switch?: SeenNamespace & {
    /** As `nft list tables` names them: `inet cumulet`. */
    tables: string[];
    /** Where VXLAN floods to, by device. */
    peers: Map<string, string[]>;
  };
  /** The cloud's own devices among the host's. */
  host: Map<string, SeenDevice>;
}

interface JsonLink {
  ifname?: string;
  mtu: number;
  address?: string;
  master?: string;
  flags: string[];
  ifalias?: string;
  linkinfo?: {
    info_kind?: string;
    info_data?: { id?: number; local?: string; port?: number; type?: string };
  };
  addr_info?: { family: string; local: string; prefixlen: number; protocol?: string; scope?: string }[];
}
interface JsonRoute {
  dst: string;
  gateway?: string;
}

function seenDevice(link: JsonLink): SeenDevice {
  const { info_kind: kind = '', info_data: data } = link.linkinfo ?? {};
  return {
    name: link.ifname ?? '',
    kind: kind === 'tun' && data?.type === 'tap' ? 'tap' : kind,
    mtu: link.mtu,
    mac: link.address ?? '',
    up: link.flags.includes('UP'),
    ...(link.master === undefined ? {} : { master: link.master }),
    ...(link.ifalias === undefined ? {} : { alias: link.ifalias }),
    addresses: (link.addr_info ?? [])
      .filter(({ local, family }) => !(family === 'inet6' && local.startsWith('fe80:')))
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    ...(kind === 'vxlan' && data?.id !== undefined
      ? { vxlan: { id: data.id, port: data.port ?? 0, ...(data.local ? { address: data.local } : {}) } }
      : {}),
  };
}

const byName = (links: readonly JsonLink[]): Map<string, SeenDevice> =>
  new Map(links.filter(({ ifname }) => ifname).map((link) => [link.ifname ?? '', seenDevice(link)]));

const parseLines = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as unknown);

/**
 * Reads what is there: one command for all namespaces of routers and DHCP servers, one each for the switch and the host.
 *
 * @param readFile a file into which the questions for one namespace have been written (`questions`)
 * @param isTrusted whether a namespace (given its inode) needs no look
 * @param withPeers whether anything needs to know where VXLAN floods to
 */
export async function observe(
  namespaces: Namespaces,
  tag: string,
  readFile: string,
  isTrusted: (name: string, inode: number) => boolean,
  withPeers: boolean,
): Promise<Seen> {
  const found = await namespaces.list();
  const theSwitch = switchNamespace(tag);
  const rooms = [...found].filter(([name, { alive }]) => alive && name !== theSwitch);
  const trusted = new Set(rooms.filter(([name, { inode }]) => isTrusted(name, inode)).map(([name]) => name));
  const names = rooms.map(([name]) => name).filter((name) => !trusted.has(name));
  const half = Math.ceil(names.length / 2);
  const [hostLinks, seenSwitch, ...answers] = await Promise.all([
    namespaces.run(undefined, ['ip', '-d', '-j', 'addr', 'show']),
    found.get(theSwitch)?.alive ? observeSwitch(namespaces, theSwitch, withPeers) : undefined,
    observeRooms(namespaces, names.slice(0, half), readFile),
    observeRooms(namespaces, names.slice(half), readFile),
  ]);
  const host = byName(JSON.parse(hostLinks.stdout) as JsonLink[]);
  for (const name of host.keys()) if (!isHostDeviceOf(tag, name)) host.delete(name);
  return {
    namespaces: found,
    rooms: new Map(answers.flatMap((some) => [...some])),
    trusted,
    host,
    ...(seenSwitch ? { switch: seenSwitch } : {}),
  };
}

export const questions = 'addr show\nroute show table main\n';

async function observeRooms(
  namespaces: Namespaces,
  names: readonly string[],
  readFile: string,
): Promise<Map<string, SeenNamespace>> {
  const rooms = new Map<string, SeenNamespace>();
  if (names.length === 0) return rooms;
  // Never with -force: a child of `netns exec` that fails would go on with the lines after it, as would its parent.
  const input = `${names.map((name) => `netns exec ${name} ip -d -j -batch ${readFile}`).join('\n')}\n`;
  const { stdout } = await namespaces.run(undefined, ['ip', '-batch', '-'], { input });
  const answers = parseLines(stdout);
  if (answers.length !== names.length * 2)
    throw new Error(`ip gave ${answers.length} answers about ${names.length} namespaces`);
  for (const [index, name] of names.entries())
    rooms.set(name, {
      devices: byName(answers[index * 2] as JsonLink[]),
      routes: (answers[index * 2 + 1] as JsonRoute[]).flatMap(({ dst, gateway }) =>
        gateway ? [{ destination: dst, nexthop: gateway }] : [],
      ),
    });
  return rooms;
}

async function observeSwitch(namespaces: Namespaces, name: string, withPeers: boolean) {
  const [links, tables, forwarding] = await Promise.all([
    namespaces.run(name, ['ip', '-d', '-j', 'addr', 'show']),
    namespaces.run(name, ['nft', 'list', 'tables']),
    withPeers ? namespaces.run(name, ['bridge', '-j', 'fdb', 'show']) : undefined,
  ]);
  const peers = new Map<string, string[]>();
  for (const entry of JSON.parse(forwarding?.stdout ?? '[]') as {
    mac: string;
    ifname: string;
    dst?: string;
  }[])
    if (entry.mac === '00:00:00:00:00:00' && entry.dst)
      peers.set(entry.ifname, [...(peers.get(entry.ifname) ?? []), entry.dst]);
  return {
    devices: byName(JSON.parse(links.stdout) as JsonLink[]),
    routes: [],
    tables: tables.stdout
      .split('\n')
      .map((line) => line.replace(/^table /, '').trim())
      .filter(Boolean),
    peers,
  };
}
