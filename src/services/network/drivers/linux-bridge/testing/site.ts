import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { run } from '../../../../../platform/exec/run.ts';
import type {
  HostDhcp,
  HostNetworkState,
  HostPort,
  HostRouter,
  HostSecurityGroup,
  HostSecurityGroupRule,
} from '../../driver.ts';
import { routerNamespace, switchNamespace } from '../names.ts';
import { Cloud, Guest, newMac, newPort, newTag } from './host.ts';

export const everywhere = { IPv4: '0.0.0.0/0', IPv6: '::/0' } as const;
export const allow = (
  ethertype: 'IPv4' | 'IPv6',
  direction: 'ingress' | 'egress',
  more: Partial<HostSecurityGroupRule> = {},
): HostSecurityGroupRule => ({ ethertype, direction, ...more });

/** The outer end of the external network: the host's own address there. */
const outside = '172.24.4.1/24';

/** What is on the machine that a test must leave as it was. */
async function machine(): Promise<{ links: string; rules: string; namespaces: string[] }> {
  const [links, rules] = await Promise.all([
    run(['ip', '-br', 'addr', 'show']),
    run(['nft', 'list', 'ruleset']),
  ]);
  return { links: links.stdout, rules: rules.stdout, namespaces: await namespaceNames() };
}

export async function namespaceNames(): Promise<string[]> {
  const { stdout } = await run(['ip', 'netns', 'list']);
  return stdout.split('\n').map((line) => line.split(' ')[0] ?? '');
}

const on = (ip: string) => ({ ip, cidr: '10.1.0.0/24' });
const v6 = (ip: string) => ({ ip, cidr: 'fd00:1::/64' });
export const subnetOf = (networkId: string): string => `of-${networkId}`;

/** The DHCP server of an IPv4 network that knows the first address of each port. */
export const dhcpOf = (networkId: string, cidr: string, ports: HostPort[], gateway?: string): HostDhcp => ({
  networkId,
  portId: randomUUID(),
  portMac: newMac(),
  ips: [{ ip: cidr.replace('0/24', '2'), cidr }],
  subnets: [
    {
      id: subnetOf(networkId),
      cidr,
      ipVersion: 4,
      dns: ['192.0.2.53'],
      hostRoutes: [],
      ...(gateway ? { gateway } : {}),
    },
  ],
  hosts: ports.map(({ id, mac, fixedIps }) => {
    const ip = fixedIps[0]?.ip ?? '';
    const hostname = `host-${ip.replaceAll('.', '-')}`;
    return { portId: id, mac, addresses: [{ ip, subnetId: subnetOf(networkId), hostname }], options: [] };
  }),
  domain: 'openstacklocal',
  lease: { duration: 86_400, renewal: 0, rebinding: 0 },
  isolatedMetadata: gateway === undefined,
});

/** Ports, groups and routers of a small cloud: one network behind a router, one without, one with the same addresses. */
export function smallCloud() {
  const [net, island, twin, external] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const [web, database, closed] = [randomUUID(), randomUUID(), randomUUID()];
  const one = newPort(net, [on('10.1.0.11'), v6('fd00:1::11')], { securityGroups: [web] });
  const two = newPort(net, [on('10.1.0.12'), v6('fd00:1::12')], { securityGroups: [database] });
  const alone = newPort(island, [{ ip: '10.2.0.11', cidr: '10.2.0.0/24' }], { securityGroups: [closed] });
  const double = newPort(twin, [on('10.1.0.11')], { securityGroups: [web] });
  const router: HostRouter = {
    id: randomUUID(),
    adminStateUp: true,
    enableSnat: true,
    gateway: {
      networkId: external,
      portId: randomUUID(),
      mac: newMac(),
      ips: [{ ip: '172.24.4.10', cidr: '172.24.4.0/24' }],
      nexthop: '172.24.4.1',
    },
    interfaces: [{ portId: randomUUID(), networkId: net, mac: newMac(), ips: [on('10.1.0.1')] }],
    floatingIps: [{ floating: '172.24.4.20', fixed: '10.1.0.11' }],
    routes: [],
  };
  const groups: Record<'web' | 'database' | 'closed', HostSecurityGroup> = {
    web: {
      id: web,
      members: { IPv4: ['10.1.0.11'], IPv6: ['fd00:1::11'] },
      rules: [
        allow('IPv4', 'egress'),
        allow('IPv6', 'egress'),
        allow('IPv4', 'ingress', { protocol: 'icmp', remoteCidr: everywhere.IPv4 }),
        allow('IPv4', 'ingress', { protocol: 'tcp', portMin: 22, portMax: 22 }),
      ],
    },
    database: {
      id: database,
      members: { IPv4: ['10.1.0.12'], IPv6: ['fd00:1::12'] },
      rules: [
        allow('IPv4', 'egress'),
        allow('IPv6', 'egress'),
        allow('IPv4', 'ingress', { protocol: 'tcp', portMin: 5432, portMax: 5433, remoteGroupId: web }),
        allow('IPv6', 'ingress', { protocol: 'tcp', portMin: 5432, portMax: 5433, remoteGroupId: web }),
      ],
    },
    closed: { id: closed, members: { IPv4: [], IPv6: [] }, rules: [allow('IPv4', 'egress')] },
  };
  const wanted: HostNetworkState = {
    networks: [
      { id: net, segment: { type: 'vxlan', id: 100 }, mtu: 1450, peers: [] },
      { id: island, segment: { type: 'local' }, mtu: 1400, peers: [] },
      { id: twin, segment: { type: 'vxlan', id: 101 }, mtu: 1450, peers: [] },
      { id: external, segment: { type: 'flat', physicalNetwork: 'physnet1' }, mtu: 1500, peers: [] },
    ],
    ports: [one, two, alone, double],
    securityGroups: Object.values(groups),
    dhcp: [
      dhcpOf(net, '10.1.0.0/24', [one, two], '10.1.0.1'),
      dhcpOf(island, '10.2.0.0/24', [alone]),
      dhcpOf(twin, '10.1.0.0/24', [double], '10.1.0.1'),
    ],
    routers: [router],
  };
  return { wanted, router, groups, networks: { net, island, twin }, ports: { one, two, alone, double } };
}

/** A host of a cloud inside a namespace made for one test file, and what is plugged into it. */
export class Site {
  readonly tag = newTag();
  readonly host = `host-${this.tag}`;
  readonly wanted: HostNetworkState;
  #cloud: Cloud | undefined;
  readonly #guests: Guest[] = [];
  #was: Awaited<ReturnType<typeof machine>> | undefined;

  constructor(wanted: HostNetworkState) {
    this.wanted = wanted;
  }

  get cloud(): Cloud {
    return this.#cloud ?? assert.fail('the site is not open');
  }

  async open(): Promise<void> {
    this.#was = await machine();
    await run(['ip', 'netns', 'add', this.host]);
    await run(['ip', '-n', this.host, 'link', 'set', 'lo', 'up']);
    await this.restart();
  }

  /** Another cloud process, after the last one was killed. */
  async restart(): Promise<void> {
    await this.#cloud?.kill();
    this.#cloud = await Cloud.start(this.host, this.tag, outside);
  }

  /** Makes the host as wanted and plugs guests in. */
  async with<Name extends string>(ports: Record<Name, HostPort>): Promise<Record<Name, Guest>> {
    assert.deepEqual((await this.cloud.reconcile(this.wanted)).faults, []);
    const guests = {} as Record<Name, Guest>;
    for (const [name, port] of Object.entries(ports) as [Name, HostPort][]) {
      guests[name] = await Guest.plug(this.cloud, port);
      this.#guests.push(guests[name]);
    }
    return guests;
  }

  /** What is wanted, but for one change. */
  changed(change: (state: HostNetworkState) => void): HostNetworkState {
    const copy = structuredClone(this.wanted);
    change(copy);
    return copy;
  }

  /** Makes a change, sees what it does, and takes it back. */
  async while<T>(change: (state: HostNetworkState) => void, look: () => Promise<T>): Promise<T> {
    await this.cloud.reconcile(this.changed(change));
    try {
      return await look();
    } finally {
      await this.cloud.reconcile(this.wanted);
    }
  }

  inRouter = (router: { id: string }, ...command: string[]) =>
    this.#in(routerNamespace(this.tag, router.id), command);
  inSwitch = (...command: string[]) => this.#in(switchNamespace(this.tag), command);
  #in = async (namespace: string, command: string[]): Promise<string> =>
    (await run(['nsenter', `--net=/run/netns/${namespace}`, ...command])).stdout;

  /** Takes all away and sees that the machine is as it was. */
  async close(): Promise<void> {
    for (const guest of this.#guests) await guest.unplug();
    await this.restart();
    await this.cloud.destroyAll();
    await this.cloud.kill();
    await run(['ip', 'netns', 'delete', this.host]);
    const is = await machine();
    // Others may make namespaces meanwhile; the machine's own network is nobody's to change.
    assert.deepEqual([is.links, is.rules], [this.#was?.links, this.#was?.rules]);
    const ours = [this.tag, ...this.wanted.ports.map(({ id }) => id.slice(0, 8))];
    assert.deepEqual(
      is.namespaces.filter((name) => ours.some((part) => name.includes(part))),
      [],
    );
  }
}
