import type { HostAddress, HostNetworkState, HostRouter } from '../driver.ts';
import { onSubnet, parseBlock } from './addresses.ts';
import {
  bridgeName,
  dhcpDeviceName,
  dhcpNamespace,
  gatewayDeviceName,
  physicalBridgeMac,
  physicalBridgeName,
  physicalLegName,
  physicalTapName,
  revision,
  routerDeviceName,
  routerNamespace,
  tapName,
  vxlanName,
} from './names.ts';
import { metadataAddress, routerTransaction } from './router-rules.ts';

/** How this host is wired to what is outside of the cloud. */
export interface HostWiring {
  tag: string;
  /** Where VXLAN packets leave: an address of the namespace that the cloud runs in. Without it there is no VXLAN. */
  underlay?: { address: string; port?: number };
  /**
   * Physical networks by name. With `bridge`, one that exists beside the host's own devices is used and not changed
   * otherwise; else one is made, which carries `addresses` (e.g. `172.24.4.1/24`).
   */
  physicalNetworks: Record<string, { bridge?: string; addresses?: readonly string[] }>;
}

/** A device as it should be. What is absent here is not looked at. */
export interface Device {
  name: string;
  kind: 'bridge' | 'tap' | 'vxlan' | 'veth' | 'any';
  mtu?: number;
  mac?: string;
  master?: string;
  up: boolean;
  addresses?: readonly string[];
  /** For a veth, where its other end is; `undefined` namespace means the cloud's own. */
  peer?: { namespace?: string; name: string };
  vxlan?: { id: number; address: string; port: number; peers: readonly string[] };
}

/** A router's or DHCP server's namespace. */
export interface Room {
  name: string;
  devices: readonly Device[];
  /** IPv4: `default` or a destination, with the next hop. */
  routes: readonly { destination: string; nexthop: string }[];
  /** IPv6 routes are not read back: they go with the revision. */
  routes6: readonly { destination: string; nexthop: string }[];
  sysctls: Readonly<Record<string, string>>;
  /** An nft transaction; together with the sysctls it is known by `revision`. */
  rules?: string;
  revision: string;
}

/** All that should be there, in the kernel's words. */
export interface Topology {
  switch: readonly Device[];
  /** In the namespace that the cloud runs in. */
  host: readonly Device[];
  rooms: readonly Room[];
  /** What can't be made, by network; said once here instead of failing half-way. */
  faults: readonly string[];
}

const commonSysctls = {
  // Neighbours learn at once where an address is now.
  'net.ipv4.conf.all.arp_notify': '1',
  'net.ipv4.conf.default.arp_notify': '1',
  'net.ipv4.conf.all.arp_ignore': '1',
} as const;

/** What `default` would say too late: cables are plugged in before a namespace is set up. */
const deviceSysctls = (devices: readonly Device[]): Record<string, string> =>
  Object.fromEntries(
    devices.flatMap(({ name }) => [
      [`net.ipv6.conf.${name}.accept_ra`, '0'],
      [`net.ipv6.conf.${name}.accept_dad`, '0'],
    ]),
  );

const routerSysctls = {
  ...commonSysctls,
  'net.ipv4.ip_forward': '1',
  'net.ipv6.conf.all.forwarding': '1',
} as const;

/** The switch itself has no addresses: it forwards frames, and filters them on their way. */
export const switchSysctls = {
  'net.bridge.bridge-nf-call-iptables': '1',
  'net.bridge.bridge-nf-call-ip6tables': '1',
  'net.bridge.bridge-nf-call-arptables': '0',
  'net.ipv6.conf.default.disable_ipv6': '1',
} as const;

const addresses = (ips: readonly HostAddress[]): string[] => ips.map(onSubnet);

/** What follows for this host from the wanted state, without looking at the host. */
export function topologyOf(wanted: HostNetworkState, wiring: HostWiring): Topology {
  const { tag } = wiring;
  const inSwitch: Device[] = [];
  const host = new Map<string, Device>();
  const rooms: Room[] = [];
  const faults: string[] = [];
  const networks = new Map(wanted.networks.map((network) => [network.id, network]));

  for (const { id, mtu, segment, peers } of wanted.networks) {
    const master = bridgeName(id);
    inSwitch.push({ name: master, kind: 'bridge', up: true });
    if (segment.type === 'vxlan' && peers.length > 0) {
      if (!wiring.underlay)
        faults.push(`network ${id}: there are other hosts, but this one has no underlay address`);
      else
        inSwitch.push({
          name: vxlanName(segment.id),
          kind: 'vxlan',
          mtu,
          master,
          up: true,
          vxlan: { id: segment.id, port: 4789, ...wiring.underlay, peers: [...peers].toSorted() },
        });
    } else if (segment.type === 'vlan') {
      faults.push(`network ${id}: VLAN segments are not made by this driver`);
    } else if (segment.type === 'flat') {
      const name = segment.physicalNetwork;
      const physical = wiring.physicalNetworks[name];
      if (!physical) {
        faults.push(`network ${id}: physical network ${name} is not configured on this host`);
        continue;
      }
      const leg = physicalLegName(tag, name);
      const bridge = physical.bridge ?? physicalBridgeName(tag, name);
      if (!physical.bridge)
        host.set(bridge, {
          name: bridge,
          kind: 'bridge',
          mac: physicalBridgeMac(tag, name),
          up: true,
          addresses: physical.addresses ?? [],
        });
      host.set(leg, { name: leg, kind: 'veth', mtu, master: bridge, up: true });
      inSwitch.push({
        name: physicalTapName(name),
        kind: 'veth',
        mtu,
        master,
        up: true,
        peer: { name: leg },
      });
    }
  }

  for (const port of wanted.ports)
    inSwitch.push({
      name: tapName(port.id),
      kind: 'tap',
      mtu: networks.get(port.networkId)?.mtu,
      master: bridgeName(port.networkId),
      up: port.adminStateUp,
    });

  const leg = (
    namespace: string,
    device: string,
    port: { portId: string; networkId: string; mac: string },
    ips: readonly string[],
  ): Device => {
    const mtu = networks.get(port.networkId)?.mtu;
    const master = bridgeName(port.networkId);
    inSwitch.push({
      name: tapName(port.portId),
      kind: 'veth',
      mtu,
      master,
      up: true,
      peer: { namespace, name: device },
    });
    return { name: device, kind: 'any', mac: port.mac.toLowerCase(), mtu, up: true, addresses: ips };
  };

  for (const dhcp of wanted.dhcp) {
    const name = dhcpNamespace(tag, dhcp.networkId);
    const port = { portId: dhcp.portId, networkId: dhcp.networkId, mac: dhcp.portMac };
    const ips = [...addresses(dhcp.ips), ...(dhcp.isolatedMetadata ? [`${metadataAddress}/32`] : [])];
    const device = leg(name, dhcpDeviceName(dhcp.portId), port, ips);
    const sysctls = { ...commonSysctls, ...deviceSysctls([device]) };
    rooms.push({
      name,
      devices: [{ name: 'lo', kind: 'any', up: true }, device],
      routes: [],
      routes6: [],
      sysctls,
      revision: revision(JSON.stringify(sysctls)),
    });
  }
  for (const router of wanted.routers) {
    if (!router.adminStateUp) continue;
    const name = routerNamespace(tag, router.id);
    const devices: Device[] = [
      { name: 'lo', kind: 'any', up: true, addresses: [`${metadataAddress}/32`] },
      ...router.interfaces.map((port) => leg(name, routerDeviceName(port.portId), port, addresses(port.ips))),
    ];
    if (router.gateway) {
      const { gateway } = router;
      const floating = router.floatingIps.map((pair) => `${pair.floating}/32`);
      devices.push(
        leg(name, gatewayDeviceName(gateway.portId), gateway, [...addresses(gateway.ips), ...floating]),
      );
    }
    const rules = routerTransaction(router);
    const routes = routesOf(router);
    const routes6 = routes.filter(({ nexthop }) => nexthop.includes(':'));
    const sysctls = { ...routerSysctls, ...deviceSysctls(devices.slice(1)) };
    rooms.push({
      name,
      devices,
      routes: routes.filter(({ nexthop }) => !nexthop.includes(':')),
      routes6,
      sysctls,
      rules,
      revision: revision(JSON.stringify([sysctls, routes6]) + rules),
    });
  }
  return { switch: inSwitch, host: [...host.values()], rooms, faults };
}

function routesOf(router: HostRouter): Room['routes'] {
  const nexthop = router.gateway?.nexthop;
  return [
    ...(nexthop ? [{ destination: 'default', nexthop }] : []),
    ...router.routes.map((route) => {
      const block = parseBlock(route.destination);
      return {
        destination: block.prefix === 0 ? 'default' : route.destination,
        nexthop: route.nexthop,
      };
    }),
  ];
}
