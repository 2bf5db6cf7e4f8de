import { isNamespaceOf, switchNamespace } from './names.ts';
import type { Seen, SeenDevice, SeenNamespace } from './observe.ts';
import type { Device, Room, Topology } from './topology.ts';

/** What to change, in the order in which it is done. Lines are `ip -batch` lines. */
export interface Plan {
  /** Files of namespaces that are none any more: removed first. */
  lost: string[];
  add: string[];
  /** Whether the switch itself has not been set up to the end yet. */
  settle: boolean;
  host: string[];
  switch: string[];
  /** Ends beside the host's own devices of cables that the switch's lines have made. */
  hostLegs: string[];
  /** `bridge -batch` lines in the switch. */
  peers: string[];
  /** VXLAN devices are made from where the underlay is, into the switch. */
  vxlan: string[];
  /** Lines in the switch for those. */
  vxlanSettings: string[];
  rooms: { name: string; lines: string[]; settings?: Room }[];
  /** Namespaces that must be looked into afterwards: something in them or plugged into them was changed. */
  touched: Set<string>;
  /** Taken away last, when nothing is plugged into it any more. */
  remove: string[];
}

/** What the switch's loopback device is called once the switch's settings are made. */
export const settled = 'settled';

/** How many changes a plan holds. */
export const sizeOf = (plan: Plan): number =>
  plan.lost.length +
  plan.add.length +
  (plan.settle ? 1 : 0) +
  plan.host.length +
  plan.switch.length +
  plan.hostLegs.length +
  plan.peers.length +
  plan.vxlan.length +
  plan.vxlanSettings.length +
  plan.remove.length +
  plan.rooms.reduce((sum, room) => sum + room.lines.length + (room.settings ? 1 : 0), 0);

/** What differs between what should be and what is. Pure: the whole decision can be tested without a kernel. */
export function planOf(tag: string, topology: Topology, seen: Seen): Plan {
  const theSwitch = switchNamespace(tag);
  const rooms = new Map(topology.rooms.map((room) => [room.name, room]));
  const plan: Plan = {
    lost: [],
    add: [],
    settle: seen.switch?.devices.get('lo')?.alias !== settled,
    host: [],
    switch: [],
    hostLegs: [],
    peers: [],
    vxlan: [],
    vxlanSettings: [],
    rooms: [],
    touched: new Set(),
    remove: [],
  };
  for (const [name, { alive }] of seen.namespaces) {
    if (!isNamespaceOf(tag, name)) continue;
    if (!alive) plan.lost.push(name);
    else if (name !== theSwitch && !rooms.has(name)) plan.remove.push(name);
  }
  for (const name of [theSwitch, ...rooms.keys()]) if (!seen.namespaces.get(name)?.alive) plan.add.push(name);

  planHost(plan, topology, seen);
  planSwitch(plan, theSwitch, topology, seen);
  for (const room of rooms.values()) {
    if (seen.trusted.has(room.name)) continue;
    const change = planRoom(room, seen.rooms.get(room.name));
    if (!change) continue;
    plan.rooms.push(change);
    plan.touched.add(room.name);
  }
  return plan;
}

/** Lines that bring a device that exists to where it should be. */
function adjust(device: Device, seen: SeenDevice | undefined): string[] {
  const words: string[] = [];
  if (device.mtu !== undefined && seen?.mtu !== device.mtu) words.push(`mtu ${device.mtu}`);
  if (device.master !== undefined && seen?.master !== device.master) words.push(`master ${device.master}`);
  if (device.mac !== undefined && seen?.mac !== device.mac) words.push(`address ${device.mac}`);
  if ((seen?.up ?? false) !== device.up) words.push(device.up ? 'up' : 'down');
  return words.length ? [`link set dev ${device.name} ${words.join(' ')}`] : [];
}

function adjustAddresses(device: Device, seen: SeenDevice | undefined, name: string): string[] {
  if (!device.addresses) return [];
  const wanted = new Set(device.addresses);
  const present = new Set(seen?.addresses);
  const added = [...wanted].filter((address) => !present.has(address));
  const lines = [...present]
    // The loopback's own are nobody's business.
    .filter((address) => !wanted.has(address) && !(name === 'lo' && /^(127\.0\.0\.1|::1)\//.test(address)))
    .map((address) => `addr del ${address} dev ${name}`);
  lines.push(...added.map((address) => `addr add ${address} dev ${name}`));
  // Setting the MAC that it has makes the kernel announce all addresses (arp_notify), as it does when a device comes up
  // but not when one more address is added.
  if (added.length && seen?.up && device.mac) lines.push(`link set dev ${name} address ${device.mac}`);
  return lines;
}

function planHost(plan: Plan, topology: Topology, seen: Seen): void {
  const wanted = new Map(topology.host.map((device) => [device.name, device]));
  for (const name of seen.host.keys()) if (!wanted.has(name)) plan.host.push(`link del dev ${name}`);
  for (const device of topology.host) {
    // A leg comes with its other end, from the switch's side.
    if (device.kind !== 'bridge') continue;
    const there = seen.host.get(device.name);
    if (!there)
      plan.host.push(
        `link add name ${device.name} address ${device.mac} type bridge forward_delay 0 stp_state 0`,
      );
    plan.host.push(...adjust(device, there ?? blank(device)));
    plan.host.push(...adjustAddresses(device, there, device.name));
  }
}

/** A device as it is right after `link add`. */
const blank = (device: Device): SeenDevice => ({
  name: device.name,
  kind: device.kind,
  mtu: device.mtu ?? 0,
  mac: device.mac ?? '',
  up: false,
  addresses: [],
});

const isSameKind = (device: Device, there: SeenDevice): boolean =>
  there.kind === device.kind &&
  (!device.vxlan ||
    (there.vxlan?.id === device.vxlan.id &&
      there.vxlan.address === device.vxlan.address &&
      there.vxlan.port === device.vxlan.port));

function planSwitch(plan: Plan, theSwitchName: string, topology: Topology, seen: Seen): void {
  const theSwitch = seen.switch;
  const wanted = new Map(topology.switch.map((device) => [device.name, device]));
  for (const name of theSwitch?.devices.keys() ?? [])
    if (!wanted.has(name) && isOurs(name)) plan.switch.push(`link del dev ${name}`);
  for (const device of topology.switch) {
    let there = theSwitch?.devices.get(device.name);
    if (there && (!isSameKind(device, there) || !hasOtherEnd(device, seen))) {
      plan.switch.push(`link del dev ${device.name}`);
      there = undefined;
    }
    if (there) plan.switch.push(...adjust(device, there));
    else if (device.vxlan) {
      const { id, address, port } = device.vxlan;
      plan.vxlan.push(
        `link add name ${device.name} mtu ${device.mtu} netns ${theSwitchName} type vxlan id ${id} local ${address} dstport ${port}`,
      );
      plan.vxlanSettings.push(...adjust(device, blank(device)));
    } else plan.switch.push(...creation(device), ...adjust(device, blank(device)));
    if (!there && device.peer?.namespace) plan.touched.add(device.peer.namespace);
    if (device.peer && !device.peer.namespace) planHostLeg(plan, topology, seen, device.peer.name, !there);
    if (device.vxlan) {
      const present = there ? (theSwitch?.peers.get(device.name) ?? []) : [];
      for (const peer of present)
        if (!device.vxlan.peers.includes(peer))
          plan.peers.push(`fdb del 00:00:00:00:00:00 dev ${device.name} dst ${peer}`);
      for (const peer of device.vxlan.peers)
        if (!present.includes(peer))
          plan.peers.push(`fdb append 00:00:00:00:00:00 dev ${device.name} dst ${peer}`);
    }
  }
}

const isOurs = (name: string): boolean => /^(brq|tap|vxlan-|phy)/.test(name);

/** The half of a cable whose other half is gone (its namespace was removed and made again) is of no use. */
function hasOtherEnd(device: Device, seen: Seen): boolean {
  if (!device.peer) return true;
  const { namespace, name } = device.peer;
  if (namespace === undefined) return seen.host.has(name);
  return seen.trusted.has(namespace) || (seen.rooms.get(namespace)?.devices.has(name) ?? false);
}

function creation(device: Device): string[] {
  const mtu = device.mtu === undefined ? '' : ` mtu ${device.mtu}`;
  switch (device.kind) {
    case 'bridge':
      return [`link add name ${device.name} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`];
    case 'tap':
      return [
        `tuntap add dev ${device.name} mode tap`,
        ...(device.mtu === undefined ? [] : [`link set dev ${device.name}${mtu}`]),
      ];
    case 'veth': {
      const { namespace, name } = device.peer ?? { name: '' };
      // Without a namespace of its own the other end stays beside the host's devices: the driver says which that is.
      const netns = namespace === undefined ? hostNamespace : namespace;
      return [`link add name ${device.name}${mtu} type veth peer name ${name}${mtu} netns ${netns}`];
    }
    default:
      return [];
  }
}

/** Stands in a line for the namespace that the cloud runs in, which may have no name; a process id is put there. */
export const hostNamespace = '@host@';

function planHostLeg(plan: Plan, topology: Topology, seen: Seen, name: string, isNew: boolean): void {
  const leg = topology.host.find((device) => device.name === name);
  if (!leg) return;
  plan.hostLegs.push(...adjust(leg, isNew ? blank(leg) : seen.host.get(name)));
}

const routeText = ({ destination, nexthop }: { destination: string; nexthop: string }): string =>
  `${destination} via ${nexthop}`;

function planRoom(room: Room, seen: SeenNamespace | undefined): Plan['rooms'][number] | undefined {
  const lines: string[] = [];
  const wanted = new Set(room.devices.map(({ name }) => name));
  for (const name of seen?.devices.keys() ?? [])
    if (!wanted.has(name) && /^(ns-|qr-|qg-)/.test(name)) lines.push(`link del dev ${name}`);
  for (const device of room.devices) {
    const there = seen?.devices.get(device.name);
    lines.push(...adjustAddresses(device, there, device.name), ...adjust(device, there));
  }
  const routes = new Set(room.routes.map(routeText));
  const present = new Set(seen?.routes.map(routeText));
  for (const route of present) if (!routes.has(route)) lines.push(`route del ${route}`);
  for (const route of routes) if (!present.has(route)) lines.push(`route replace ${route}`);
  const isSettled = seen?.devices.get('lo')?.alias === room.revision;
  if (lines.length === 0 && isSettled) return undefined;
  return { name: room.name, lines, ...(isSettled ? {} : { settings: room }) };
}
