import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../../../platform/exec/run.ts';
import {
  emptyHostNetworkState,
  type HostAdvertisement,
  type HostDhcpSubnet,
  type HostPort,
  type HostRouter,
} from '../../driver.ts';
import { addressText, linkLocal, parseBlock } from '../addresses.ts';
import { runtimeDirectory } from '../names.ts';
import { type Guest, newMac, newPort, until, whyNotLive } from '../testing/host.ts';
import { allow, dhcpOf, Site } from '../testing/site.ts';

const modes = ['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'] as const;
type Mode = (typeof modes)[number];

/** The address that a card gives itself in a prefix: its link-local one's lower half. */
const inPrefix = (prefix: string, mac: string): string => {
  const half = parseBlock(linkLocal(mac)).first & ((1n << 64n) - 1n);
  return addressText(6, parseBlock(prefix).first | half);
};

const group = {
  id: randomUUID(),
  members: { IPv4: [], IPv6: [] },
  rules: [allow('IPv6', 'egress'), allow('IPv6', 'ingress', { protocol: 'ipv6-icmp' })],
};

/** A network of each mode behind one router, with a guest in each and a second one in the first. */
function place() {
  const router: HostRouter = {
    id: randomUUID(),
    adminStateUp: true,
    enableSnat: true,
    interfaces: [],
    floatingIps: [],
    routes: [],
  };
  const wanted = { ...emptyHostNetworkState(), securityGroups: [group], routers: [router] };
  const portOf = (networkId: string, cidr: string, mode: Mode): HostPort => {
    const port = newPort(networkId, [], { securityGroups: [group.id] });
    const ip = mode === 'dhcpv6-stateful' ? cidr.replace('/64', '1234') : inPrefix(cidr, port.mac);
    return { ...port, fixedIps: [{ ip, cidr }] };
  };
  const made = modes.map((mode, n) => {
    const id = randomUUID();
    const cidr = `fd00:${n + 1}::/64`;
    const dns = [`fd00:${n + 1}::53`];
    const port = portOf(id, cidr, mode);
    const advertisement: HostAdvertisement = {
      subnets: [{ cidr, mode, dns }],
      mtu: 1450,
      interval: { min: 3, max: 4 },
    };
    wanted.networks.push({ id, segment: { type: 'local' }, mtu: 1450, peers: [] });
    wanted.ports.push(port);
    const mac = newMac();
    const ips = [{ ip: cidr.replace('/64', '1'), cidr }];
    router.interfaces.push({ portId: randomUUID(), networkId: id, mac, ips, advertisement });
    if (mode !== 'slaac') {
      const dhcp6 = mode === 'dhcpv6-stateful' ? 'stateful' : 'stateless';
      const subnet: HostDhcpSubnet = { id: `of-${id}`, cidr, ipVersion: 6, dhcp6, dns, hostRoutes: [] };
      wanted.dhcp.push({
        ...dhcpOf(id, cidr, [port]),
        ips: [{ ip: cidr.replace('/64', '2'), cidr }],
        subnets: [subnet],
        isolatedMetadata: false,
      });
    }
    return { port, cidr, mac };
  });
  const [slaac, stateful, stateless] = made as [(typeof made)[0], (typeof made)[0], (typeof made)[0]];
  const second = portOf(slaac.port.networkId, slaac.cidr, 'slaac');
  wanted.ports.push(second);
  return { wanted, router, slaac, stateful, stateless, second };
}

/** One advertisement to all neighbours, as a guest that plays router would send it. */
const rogue = `
import socket, struct
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
prefix = struct.pack('!BBBBIII16s', 3, 4, 64, 0xc0, 86400, 14400, 0, socket.inet_pton(socket.AF_INET6, 'fd00:bad::'))
s.sendto(struct.pack('!BBHBBHII', 134, 0, 0, 64, 0, 1800, 0, 0) + prefix, ('ff02::1', 0, 0, socket.if_nametoindex('eth0')))
`;

describe('IPv6 on a host', { skip: whyNotLive(), timeout: 120_000 }, () => {
  const { wanted, router, slaac, stateful, stateless, second } = place();
  const site = new Site(wanted);
  let guests: Record<'slaac' | 'stateful' | 'stateless' | 'second', Guest>;
  before(async () => {
    await site.open();
    guests = await site.with({
      slaac: slaac.port,
      stateful: stateful.port,
      stateless: stateless.port,
      second,
    });
  });
  after(() => site.close());

  const addresses = (guest: Guest) =>
    guest.run('ip', '-6', '-o', 'addr', 'show', 'dev', 'eth0', 'scope', 'global');
  const ipOf = (port: HostPort) => port.fixedIps[0]?.ip ?? '';
  const has = (guest: Guest, ip: string) =>
    until(`${ip} is there`, async () => {
      const all = await addresses(guest);
      return all.includes(` ${ip}/`) && !all.includes('tentative');
    });

  it('lets guests make their addresses out of what the router says, and leads them out by it', async () => {
    await has(guests.slaac, ipOf(slaac.port));
    const routes = await guests.slaac.run('ip', '-6', 'route', 'show', 'default');
    assert.match(routes, new RegExp(`via ${linkLocal(slaac.mac)} dev eth0 proto ra`));
    const { stdout: mtu } = await run([
      ...(['nsenter', `--net=/run/netns/${guests.slaac.namespace}`] as const),
      'cat',
      '/proc/sys/net/ipv6/conf/eth0/mtu',
    ]);
    assert.equal(mtu.trim(), '1450');
    await until('the router answers', () => guests.slaac.canPing('fd00:1::1'));
    await has(guests.stateless, ipOf(stateless.port));
    await until('networks reach each other', () => guests.slaac.canPing(ipOf(stateless.port)));
  });

  it('gives addresses by DHCPv6 where a subnet is stateful, and lets nobody make one there', async () => {
    const lease = await guests.stateful.dhcp6();
    assert.equal(lease['new_ip6_address'], ipOf(stateful.port));
    assert.equal(lease['new_dhcp6_name_servers'], 'fd00:2::53');
    assert.equal(await addresses(guests.stateful), '', 'the advertisement says not to');
    const routes = await guests.stateful.run('ip', '-6', 'route', 'show', 'default');
    assert.match(routes, /proto ra/);
    await guests.stateful.run('ip', '-6', 'addr', 'add', `${ipOf(stateful.port)}/64`, 'dev', 'eth0', 'nodad');
    await until('the router answers', () => guests.stateful.canPing('fd00:2::1'));
  });

  it('gives a port another address, and options of its own', async () => {
    await site.while(
      ({ dhcp: [server], ports: [, port] }) => {
        const [host] = server?.hosts ?? [];
        const [address] = host?.addresses ?? [];
        if (!host || !address || !port?.fixedIps[0]) return;
        address.ip = 'fd00:2::77';
        port.fixedIps[0].ip = 'fd00:2::77';
        host.options = [{ name: 'sntp-server', value: 'fd00:2::7', ipVersion: 6 }];
      },
      async () => {
        const lease = await guests.stateful.dhcp6();
        assert.equal(lease['new_ip6_address'], 'fd00:2::77');
        assert.equal(lease['new_dhcp6_sntp_servers'], 'fd00:2::7');
      },
    );
    assert.equal((await guests.stateful.dhcp6())['new_ip6_address'], ipOf(stateful.port));
  });

  it('tells options alone where a subnet is stateless', async () => {
    const told = await guests.stateless.dhcp6('-S');
    assert.equal(told['new_dhcp6_name_servers'], 'fd00:3::53');
    assert.equal(told['new_dhcp6_domain_search'], 'openstacklocal.');
    assert.equal(told['new_ip6_address'], undefined);
  });

  it('lets no guest play the router', async () => {
    await has(guests.second, ipOf(second));
    const neighbour = `${linkLocal(second.mac)}%eth0`;
    const advertise = async () => {
      await guests.slaac.run('python3', '-c', rogue);
      // What was sent before it has arrived when this is answered.
      assert.equal(await guests.slaac.canPing(neighbour), true);
      return (await addresses(guests.second)).includes('fd00:bad:');
    };
    assert.equal(await advertise(), false);
    const trusting = site.changed(({ ports: [port] }) => {
      if (port) port.portSecurity = false;
    });
    await site.cloud.reconcile(trusting);
    assert.equal(await advertise(), true, 'without port security it may');
    await site.cloud.reconcile(site.wanted);
  });

  it('says what has changed without saying that the router is gone', async () => {
    const file = (name: string) => readFile(`${runtimeDirectory(site.tag)}/ra/${router.id}/${name}`, 'utf8');
    const server = await file('pid');
    await site.while(
      ({ routers: [first] }) => {
        first?.interfaces[0]?.advertisement?.subnets.push({ cidr: 'fd00:9::/64', mode: 'slaac', dns: [] });
      },
      () => has(guests.second, inPrefix('fd00:9::/64', second.mac)),
    );
    assert.equal(await file('pid'), server);
    assert.equal((await site.cloud.reconcile(site.wanted)).changes, 0);
  });

  it('is found again after a restart, and ends with its router', async () => {
    const pid = Number(await readFile(`${runtimeDirectory(site.tag)}/ra/${router.id}/pid`, 'utf8'));
    await site.restart();
    await site.cloud.reconcile(site.wanted);
    assert.equal((await site.cloud.reconcile(site.wanted)).changes, 0);
    const argumentsOf = () => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    assert.match(await argumentsOf(), /^radvd/);
    await site.cloud.reconcile(
      site.changed((state) => {
        state.routers = [];
      }),
    );
    assert.equal(await argumentsOf(), '');
  });
});
