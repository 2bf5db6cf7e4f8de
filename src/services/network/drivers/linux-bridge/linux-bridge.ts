import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../../platform/exec/run.ts';
import type { HostNetworkReport, HostNetworkState, NetworkDriver } from '../driver.ts';
import { advertisementRoot, reconcileAdvertiser, removeAdvertisers } from './advertisements/advertisers.ts';
import { apply, eachOf, wordsOf } from './apply.ts';
import { accountOf } from './daemons.ts';
import { destroyAll } from './destroy.ts';
import { dhcpRoot, reconcileServer, removeServers } from './dhcp/servers.ts';
import { switchTransaction } from './firewall/switch-rules.ts';
import type { MetadataTarget } from './metadata/proxy.ts';
import { MetadataSockets, metadataOrigins } from './metadata/sockets.ts';
import { dhcpNamespace, routerNamespace, runtimeDirectory, switchNamespace, tapName } from './names.ts';
import { openNamespaces } from './namespaces.ts';
import { numbersFor } from './numbers.ts';
import { observe, questions, type Seen } from './observe.ts';
import { assertPlain, withoutUnspeakableRules } from './plain.ts';
import { type Plan, planOf, sizeOf } from './plan.ts';
import { type HostWiring, topologyOf } from './topology.ts';

export interface LinuxBridgeOptions extends HostWiring {
  /** Without it no metadata address is answered. */
  metadata?: MetadataTarget;
  /**
   * Milliseconds for which a router's or DHCP server's namespace that was found in order is believed to be so, as long as
   * nothing else is wanted of it. Default 30,000; what somebody breaks by hand is mended that much later.
   */
  trustFor?: number;
}

/**
 * The network of one host out of what the Linux kernel has: bridges, VXLAN, taps and nftables in one switch namespace,
 * one namespace for each router and DHCP server. Needs root.
 */
export async function linuxBridge(options: LinuxBridgeOptions): Promise<NetworkDriver> {
  const { tag } = options;
  if (!/^[0-9a-f]{6}$/.test(tag)) throw new Error(`${tag} is no tag of 6 hex digits`);
  await assertFiltersBridges();
  const namespaces = openNamespaces(tag);
  const accounts = { dnsmasq: await accountOf('dnsmasq'), radvd: await accountOf('radvd') };
  const runtime = runtimeDirectory(tag);
  const sockets = options.metadata ? new MetadataSockets(namespaces, options.metadata) : undefined;
  const trustFor = options.trustFor ?? 30_000;
  const inOrder = new Map<string, { inode: number; wanted: string; until: number }>();
  const questionsFile = join(runtime, 'questions');

  async function prepare(): Promise<void> {
    if ((await readFile(questionsFile, 'utf8').catch(() => undefined)) === questions) return;
    // Daemons that are no longer root must get through to their own folders.
    await mkdir(runtime, { recursive: true, mode: 0o711 });
    for (const root of [dhcpRoot(tag), advertisementRoot(tag)])
      await mkdir(root, { recursive: true, mode: 0o711 });
    await writeFile(questionsFile, questions, { mode: 0o600 });
  }

  function remember(revisions: ReadonlyMap<string, string>, left: Plan, seen: Seen): void {
    for (const name of inOrder.keys()) if (!revisions.has(name)) inOrder.delete(name);
    for (const [name, revision] of revisions) {
      const inode = seen.namespaces.get(name)?.inode;
      if (left.touched.has(name) || inode === undefined) inOrder.delete(name);
      else if (!seen.trusted.has(name))
        inOrder.set(name, { inode, wanted: revision, until: performance.now() + trustFor });
    }
  }

  async function reconcile(asked: HostNetworkState): Promise<HostNetworkReport> {
    const start = performance.now();
    assertPlain(asked);
    const { state: wanted, faults: unspeakable } = withoutUnspeakableRules(asked);
    const faults = new Map<string, string>();
    const fault = (what: string, error: unknown) => void faults.set(what, wordsOf(error));
    await prepare();
    const numbers = await numbersFor(wanted, join(runtime, 'numbers.json'));
    const topology = topologyOf(wanted, options);
    const revisions = new Map(topology.rooms.map((room) => [room.name, JSON.stringify(room)]));
    const isTrusted = (name: string, inode: number): boolean => {
      const last = inOrder.get(name);
      return (
        last !== undefined &&
        last.inode === inode &&
        last.wanted === revisions.get(name) &&
        last.until > performance.now()
      );
    };
    const withPeers = topology.switch.some(({ vxlan }) => vxlan);
    const look = () => observe(namespaces, tag, questionsFile, isTrusted, withPeers);

    const origins = metadataOrigins(tag, wanted);
    let changes = sockets?.release(new Set(origins.keys())) ?? 0;
    changes += await removeServers(tag, new Set(wanted.dhcp.map(({ networkId }) => networkId)));
    changes += await removeAdvertisers(tag, wanted.routers);
    let seen = await look();
    let plan = planOf(tag, topology, seen);
    let rules = switchTransaction(wanted, numbers, seen.switch?.tables ?? []);
    // The second round finds what only the first one's changes have brought to light, such as a cable made anew whose
    // far end has no address yet.
    for (let round = 0; round < 2 && (sizeOf(plan) > 0 || rules !== undefined); round += 1) {
      changes += sizeOf(plan) + (rules === undefined ? 0 : 1);
      faults.clear();
      for (const name of plan.touched) inOrder.delete(name);
      await apply(namespaces, tag, plan, rules, fault);
      // What is reported up has been seen, not hoped.
      seen = await look();
      plan = planOf(tag, topology, seen);
      rules = switchTransaction(wanted, numbers, seen.switch?.tables ?? []);
    }
    remember(revisions, plan, seen);

    await eachOf(wanted.dhcp, async (dhcp) => {
      const name = dhcpNamespace(tag, dhcp.networkId);
      const mtu = wanted.networks.find(({ id }) => id === dhcp.networkId)?.mtu ?? 1500;
      try {
        changes += await reconcileServer(
          namespaces,
          tag,
          accounts.dnsmasq,
          dhcp,
          mtu,
          seen.namespaces.get(name)?.inode ?? 0,
        );
      } catch (error) {
        fault(name, error);
      }
    });
    await eachOf(wanted.routers, async (router) => {
      const name = routerNamespace(tag, router.id);
      const { inode = 0 } = seen.namespaces.get(name) ?? {};
      try {
        changes += await reconcileAdvertiser(namespaces, tag, accounts.radvd, router, inode);
      } catch (error) {
        // Its guests get no IPv6 addresses, but it routes.
        fault(`advertisements of ${name}`, error);
      }
    });
    if (sockets) {
      const inodes = new Map([...seen.namespaces].map(([name, { inode }]) => [name, inode]));
      const { opened, faults: unopened } = await sockets.open(origins, inodes);
      changes += opened;
      for (const [name, words] of unopened) fault(name, words);
    }
    const faulty = (name: string) => faults.has(name) || plan.rooms.some((room) => room.name === name);
    return {
      changes,
      up: {
        ports: wanted.ports.filter((port) => isPortUp(port, seen)).map(({ id }) => id),
        routers: wanted.routers
          .filter(({ id, adminStateUp }) => adminStateUp && !faulty(routerNamespace(tag, id)))
          .map(({ id }) => id),
        dhcp: wanted.dhcp
          .filter(({ networkId }) => !faulty(dhcpNamespace(tag, networkId)))
          .map(({ networkId }) => networkId),
      },
      faults: [
        ...unspeakable,
        ...topology.faults,
        ...[...faults].map(([what, words]) => `${what}: ${words}`),
      ],
      took: performance.now() - start,
    };
  }

  return {
    reconcile,
    async close() {
      sockets?.close();
      namespaces.close();
    },
    async destroyAll() {
      sockets?.release(new Set());
      await destroyAll(namespaces, tag);
      await rm(runtime, { recursive: true, force: true });
    },
    namespace: switchNamespace(tag),
    attachment: (portId) => ({
      command: namespaces.enter(switchNamespace(tag)),
      tap: tapName(portId),
    }),
  };
}

const seesBridges = () => stat('/proc/sys/net/bridge/bridge-nf-call-iptables').catch(() => undefined);

/**
 * Security groups are asked only where the kernel shows bridged packets to them: without that a guest would be open to
 * all, so there is no going on.
 *
 * @throws Error when br_netfilter is neither there nor can be loaded
 */
async function assertFiltersBridges(): Promise<void> {
  if (await seesBridges()) return;
  await run(['modprobe', 'br_netfilter']).catch(() => undefined);
  if (!(await seesBridges()))
    throw new Error(
      'the kernel module br_netfilter is missing: without it security groups would not be enforced (modprobe br_netfilter)',
    );
}

function isPortUp(port: HostNetworkState['ports'][number], seen: Seen): boolean {
  const device = seen.switch?.devices.get(tapName(port.id));
  return port.adminStateUp && device?.up === true && device.master !== undefined;
}
