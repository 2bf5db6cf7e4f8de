import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../../platform/exec/run.ts';
import type { HostDhcp, HostNetworkState, HostPort, HostRouter, HostSecurityGroup } from '../driver.ts';
import { signInstanceId } from './metadata/proxy.ts';
import {
  isNamespaceOf,
  physicalBridgeName,
  routerNamespace,
  runtimeDirectory,
  switchNamespace,
} from './names.ts';
import {
  Cloud,
  canPing,
  connects,
  Guest,
  newMac,
  newPort,
  newTag,
  open,
  serve,
  until,
  whyNotLive,
} from './testing/host.ts';

const everywhere = { IPv4: '0.0.0.0/0', IPv6: '::/0' } as const;
const allow = (ethertype: 'IPv4' | 'IPv6', direction: 'ingress' | 'egress', more: object = {}) => ({
  ethertype,
  direction,
  ...more,
});

/** What is on the machine that a test must leave as it was. */
async function machine(): Promise<{ links: string; rules: string; namespaces: string[] }> {
  const [links, rules, namespaces] = await Promise.all([
    run(['ip', '-br', 'addr', 'show']),
    run(['nft', 'list', 'ruleset']),
    run(['ip', 'netns', 'list']),
  ]);
  return {
    links: links.stdout,
    rules: rules.stdout,
    namespaces: namespaces.stdout.split('\n').map((line) => line.split(' ')[0] ?? ''),
  };
}

const on = (ip: string) => ({ ip, cidr: '10.1.0.0/24' });

const v6 = (ip: string) => ({ ip, cidr: 'fd00:1::/64' });

const dhcp = (networkId: string, cidr: string, ports: HostPort[], gateway?: string): HostDhcp => ({
  networkId,
  portId: randomUUID(),
  portMac: newMac(),
  ips: [{ ip: cidr.replace('0/24', '2'), cidr }],
  subnets: [
    {
      id: `of-${networkId}`,
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
    return { portId: id, mac, addresses: [{ ip, subnetId: `of-${networkId}`, hostname }], options: [] };
  }),
  domain: 'openstacklocal',
  lease: { duration: 86_400, renewal: 0, rebinding: 0 },
  isolatedMetadata: gateway === undefined,
});

const ask = async (guest: Guest, ...more: string[]) =>
  JSON.parse(
    await guest.run(
      'curl',
      '-s',
      '-m',
      '5',
      ...more,
      'http://169.254.169.254/openstack/latest/meta_data.json?a=b',
    ),
  ) as { path: string; headers: Record<string, string> };

describe('a host made of Linux bridges', { skip: whyNotLive(), timeout: 120_000 }, () => {
  const tag = newTag();
  const host = `host-${tag}`;
  const inside = { ip: '10.1.0.1', cidr: '10.1.0.0/24' };
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
    interfaces: [{ portId: randomUUID(), networkId: net, mac: newMac(), ips: [inside] }],
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
    closed: {
      id: closed,
      members: { IPv4: [], IPv6: [] },
      rules: [allow('IPv4', 'egress')],
    },
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
      dhcp(net, '10.1.0.0/24', [one, two], '10.1.0.1'),
      dhcp(island, '10.2.0.0/24', [alone]),
      dhcp(twin, '10.1.0.0/24', [double], '10.1.0.1'),
    ],
    routers: [router],
  };
  const changed = (change: (state: HostNetworkState) => void): HostNetworkState => {
    const copy = structuredClone(wanted);
    change(copy);
    return copy;
  };
  const inRouter = (...command: [string, ...string[]]) =>
    run(['nsenter', `--net=/run/netns/${routerNamespace(tag, router.id)}`, ...command]);

  let was: Awaited<ReturnType<typeof machine>>;
  let cloud: Cloud;
  let guests: Record<'one' | 'two' | 'alone' | 'double', Guest>;

  before(async () => {
    was = await machine();
    await run(['ip', 'netns', 'add', host]);
    await run(['ip', '-n', host, 'link', 'set', 'lo', 'up']);
    cloud = await Cloud.start(host, tag, '172.24.4.1/24');
  });

  after(async () => {
    for (const guest of Object.values(guests ?? {})) await guest.unplug();
    await cloud?.kill();
    const last = await Cloud.start(host, tag, '172.24.4.1/24');
    await last.destroyAll();
    await last.kill();
    await run(['ip', 'netns', 'delete', host]);
    const is = await machine();
    // Others may make namespaces meanwhile; the machine's own network is nobody's to change.
    assert.deepEqual([is.links, is.rules], [was.links, was.rules]);
    const ours = [tag, ...wanted.ports.map(({ id }) => id.slice(0, 8))];
    assert.deepEqual(
      is.namespaces.filter((name) => ours.some((part) => name.includes(part))),
      [],
    );
  });

  it('makes all that is wanted, and nothing more the second time', async () => {
    const report = await cloud.reconcile(wanted);
    assert.deepEqual(report.faults, []);
    assert.deepEqual(report.up, {
      ports: wanted.ports.map(({ id }) => id),
      routers: [router.id],
      dhcp: wanted.dhcp.map(({ networkId }) => networkId),
    });
    const again = await cloud.reconcile(wanted);
    assert.equal(again.changes, 0);
    guests = {
      one: await Guest.plug(cloud, one),
      two: await Guest.plug(cloud, two),
      alone: await Guest.plug(cloud, alone),
      double: await Guest.plug(cloud, double),
    };
  });

  it('gives guests their addresses and options by DHCP', async () => {
    const lease = await guests.one.dhcp();
    assert.deepEqual(
      [lease['ip'], lease['mtu'], lease['router'], lease['dns'], lease['hostname'], lease['domain']],
      ['10.1.0.11', '1450', '10.1.0.1', '192.0.2.53', 'host-10-1-0-11', 'openstacklocal'],
    );
    assert.equal((await guests.two.dhcp())['ip'], '10.1.0.12');
    assert.equal((await guests.double.dhcp())['ip'], '10.1.0.11');
    const isolated = await guests.alone.dhcp();
    assert.equal(isolated['ip'], '10.2.0.11');
    assert.match(isolated['staticroutes'] ?? '', /169\.254\.169\.254\/32 10\.2\.0\.2/);
  });

  it('gives an address to its new owner at once, though the old one still has a lease', async () => {
    const swapped = changed((state) => {
      const [first, second] = state.ports;
      if (first && second) [first.fixedIps, second.fixedIps] = [second.fixedIps, first.fixedIps];
      const [server] = state.dhcp;
      for (const entry of server?.hosts ?? []) entry.mac = entry.mac === one.mac ? two.mac : one.mac;
    });
    await cloud.reconcile(swapped);
    assert.equal((await guests.two.dhcp())['ip'], '10.1.0.11');
    assert.equal((await guests.one.dhcp())['ip'], '10.1.0.12');
    for (const guest of [guests.one, guests.two]) await guest.run('ip', '-4', 'addr', 'flush', 'dev', 'eth0');
    await cloud.reconcile(wanted);
    assert.equal((await guests.one.dhcp())['ip'], '10.1.0.11');
    assert.equal((await guests.two.dhcp())['ip'], '10.1.0.12');
  });

  it('lets in by security groups what they allow, and nothing else', async () => {
    assert.equal(await guests.two.canPing('10.1.0.11'), true, 'icmp is allowed to web');
    assert.equal(await guests.one.canPing('10.1.0.12'), false, 'icmp is not allowed to database');
    const server = serve(guests.two, 5432);
    try {
      await until('the port listens', async () => (await guests.two.try('ss', '-ltn')).includes(':5432'));
      assert.equal(await connects(guests.one, '10.1.0.12', 5432), true, 'members of web may');
      const stranger = changed((state) => {
        const group = state.securityGroups.find(({ id }) => id === web);
        if (group) group.members = { IPv4: [], IPv6: [] };
      });
      await cloud.reconcile(stranger);
      assert.equal(await connects(guests.one, '10.1.0.12', 5432), false, 'once no member, no more');
    } finally {
      server.kill();
    }
    await cloud.reconcile(wanted);
  });

  it('filters IPv6 as it does IPv4', async () => {
    for (const [guest, address] of [
      [guests.one, 'fd00:1::11/64'],
      [guests.two, 'fd00:1::12/64'],
    ] as const)
      await guest.run('ip', '-6', 'addr', 'add', address, 'dev', 'eth0', 'nodad');
    assert.equal(await guests.one.canPing('fd00:1::12'), false);
    await cloud.reconcile(
      changed((state) =>
        state.securityGroups
          .find(({ id }) => id === database)
          ?.rules.push(allow('IPv6', 'ingress', { protocol: 'icmp' })),
      ),
    );
    await until('pings pass', () => guests.one.canPing('fd00:1::12'));
    await cloud.reconcile(wanted);
  });

  it('cuts a connection when the rule that allowed it goes', async () => {
    const server = serve(guests.one, 22);
    try {
      await until('the port listens', async () => (await guests.one.try('ss', '-ltn')).includes(':22'));
      const talk = open(guests.two, '10.1.0.11', 22);
      try {
        await talk.say('first');
        await cloud.reconcile(
          changed((state) => {
            const group = state.securityGroups.find(({ id }) => id === web);
            if (group) group.rules = group.rules.filter(({ protocol }) => protocol !== 'tcp');
          }),
        );
        await assert.rejects(talk.say('second'), /no echo/);
        await cloud.reconcile(wanted);
        // Nothing was forgotten: the same connection goes on when its rule is back.
        await until('the connection goes on', async () => talk.heard().includes('second'));
      } finally {
        talk.end();
      }
    } finally {
      server.kill();
    }
  });

  it('drops what a guest sends under an address that is not its own', async () => {
    await guests.one.run('ip', 'addr', 'add', '10.1.0.77/24', 'dev', 'eth0');
    assert.equal(await guests.one.canPing('10.1.0.1'), true);
    const ping = ['ping', '-n', '-c', '1', '-W', '1'];
    assert.match(await guests.one.try(...ping, '-I', '10.1.0.77', '10.1.0.1'), /100% packet loss/);
    await cloud.reconcile(
      changed((state) => {
        const port = state.ports.find(({ id }) => id === one.id);
        port?.allowedAddressPairs.push({ ip: '10.1.0.64/26' });
      }),
    );
    assert.match(await guests.one.try(...ping, '-I', '10.1.0.77', '10.1.0.1'), / 0% packet loss/);
    await cloud.reconcile(wanted);
    await guests.one.run('ip', 'addr', 'del', '10.1.0.77/24', 'dev', 'eth0');
    await guests.one.run('ip', 'link', 'set', 'dev', 'eth0', 'address', newMac());
    assert.equal(await guests.one.canPing('10.1.0.1'), false, 'another MAC');
    await guests.one.run('ip', 'link', 'set', 'dev', 'eth0', 'address', one.mac);
    await until('its own MAC works again', () => guests.one.canPing('10.1.0.1'));
  });

  it('routes to the outside through the gateway, and in from the host by the floating IP', async () => {
    await guests.one.dhcp();
    await guests.two.dhcp();
    assert.equal(await guests.two.canPing('172.24.4.1'), true, 'by SNAT');
    assert.equal(await canPing(host, '172.24.4.20'), true, 'by floating IP');
    assert.equal(await guests.two.canPing('172.24.4.20'), true, 'by floating IP from behind the same router');
    assert.equal(await guests.one.canPing('172.24.4.20'), true, 'by its own floating IP');
    await cloud.reconcile(
      changed((state) => {
        const [there] = state.routers;
        if (there) there.floatingIps = [];
      }),
    );
    assert.equal(await canPing(host, '172.24.4.20'), false);
    await cloud.reconcile(wanted);
    await until('the floating IP answers again', () => canPing(host, '172.24.4.20'));
  });

  it('tells neighbours at once when a floating IP is elsewhere', async () => {
    const bridge = physicalBridgeName(tag, 'physnet1');
    const neighbour = ['172.24.4.21', 'dev', bridge] as const;
    await run([
      'ip',
      '-n',
      host,
      'neigh',
      'replace',
      ...neighbour,
      'lladdr',
      '02:00:00:00:00:01',
      'nud',
      'stale',
    ]);
    await cloud.reconcile(
      changed((state) => state.routers[0]?.floatingIps.push({ floating: '172.24.4.21', fixed: '10.1.0.12' })),
    );
    await until('the neighbour knows', async () =>
      (await run(['ip', '-n', host, 'neigh', 'show', ...neighbour])).stdout.includes(
        router.gateway?.mac ?? '?',
      ),
    );
    await cloud.reconcile(wanted);
  });

  it('keeps networks apart that have the same addresses', async () => {
    await guests.double.dhcp();
    assert.equal(await guests.double.canPing('10.1.0.12'), false);
    assert.equal(await guests.double.canPing('10.1.0.1'), false);
    assert.equal(await guests.double.canPing('172.24.4.1'), false);
  });

  it('answers the metadata address for guests behind a router and on isolated networks', async () => {
    const routed = await ask(guests.one, '-H', 'X-Instance-ID: other', '-H', 'X-Forwarded-For: 10.1.0.12');
    assert.equal(routed.path, '/openstack/latest/meta_data.json?a=b');
    assert.deepEqual(
      ['x-instance-id', 'x-tenant-id', 'x-forwarded-for', 'x-instance-id-signature'].map(
        (name) => routed.headers[name],
      ),
      [
        'server-10.1.0.11',
        `project-of-${router.id}`,
        '10.1.0.11',
        signInstanceId('only for this test', 'server-10.1.0.11'),
      ],
    );
    const unknown = await guests.two.run(
      'curl',
      '-s',
      '-m',
      '5',
      '-w',
      '%{http_code}',
      'http://169.254.169.254/',
    );
    assert.equal(unknown, '404', 'who is no server of this cloud');
    const isolated = await ask(guests.alone);
    assert.equal(isolated.headers['x-tenant-id'], `project-of-${island}`);
    assert.equal(isolated.headers['x-instance-id'], 'server-10.2.0.11');
    const outside = await run(
      [
        'nsenter',
        `--net=/run/netns/${host}`,
        'curl',
        '-s',
        '-m',
        '1',
        '--resolve',
        'm:80:169.254.169.254',
        'http://m/',
      ],
      { accept: [7, 28] },
    );
    assert.equal(outside.stdout, '');
  });

  it('is found whole by a cloud that starts after the last was killed', async () => {
    const rulesBefore = await run([
      'nsenter',
      `--net=/run/netns/${switchNamespace(tag)}`,
      'nft',
      'list',
      'ruleset',
    ]);
    await cloud.kill();
    assert.equal(await canPing(host, '172.24.4.20'), true, 'the network goes on without its cloud');
    cloud = await Cloud.start(host, tag, '172.24.4.1/24');
    const report = await cloud.reconcile(wanted);
    assert.deepEqual(report.faults, []);
    // Sockets end with their process, all else stays.
    assert.equal(report.changes, 2, 'two metadata sockets');
    const rules = await run([
      'nsenter',
      `--net=/run/netns/${switchNamespace(tag)}`,
      'nft',
      'list',
      'ruleset',
    ]);
    assert.equal(rules.stdout, rulesBefore.stdout);
    assert.match(
      await guests.one.run('curl', '-s', '-m', '5', 'http://169.254.169.254/'),
      /server-10\.1\.0\.11/,
    );
    assert.equal((await cloud.reconcile(wanted)).changes, 0);
  });

  it('mends what was broken by hand', async () => {
    await run(['nsenter', `--net=/run/netns/${switchNamespace(tag)}`, 'nft', 'flush', 'ruleset']);
    await inRouter('ip', 'route', 'del', 'default');
    await run(['ip', '-n', host, 'link', 'del', 'dev', physicalBridgeName(tag, 'physnet1')]);
    const report = await cloud.reconcile(wanted);
    assert.deepEqual(report.faults, []);
    assert.equal((await cloud.reconcile(wanted)).changes, 0);
    await until('the floating IP answers', () => canPing(host, '172.24.4.20'));
    assert.equal(await guests.one.canPing('10.1.0.12'), false);
  });

  it('takes away what is wanted no more', async () => {
    const less = changed((state) => {
      state.networks = state.networks.filter(({ id }) => id === net);
      state.ports = state.ports.filter(({ id }) => id === one.id || id === two.id);
      state.dhcp = state.dhcp.filter(({ networkId }) => networkId === net);
      state.routers = [];
    });
    const report = await cloud.reconcile(less);
    assert.deepEqual(report.faults, []);
    const left = (await machine()).namespaces.filter((name) => isNamespaceOf(tag, name)).toSorted();
    assert.deepEqual(left, [`cumulet-${tag}-dhcp-${net}`, switchNamespace(tag)]);
    assert.equal(await guests.two.canPing('10.1.0.11'), true, 'who stays is not disturbed');
  });

  it('goes on from wherever a killed cloud left it', async () => {
    for (const delay of [30, 80, 150, 250, 400]) {
      await cloud.destroyAll();
      const cut = cloud.reconcile(wanted).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, delay));
      await cloud.kill();
      await cut;
      cloud = await Cloud.start(host, tag, '172.24.4.1/24');
      await cloud.reconcile(wanted);
      const settled = await cloud.reconcile(wanted);
      assert.deepEqual([settled.faults, settled.changes], [[], 0], `killed after ${delay} ms`);
      assert.equal(settled.up.ports.length, wanted.ports.length);
    }
  });

  it('leaves nothing when all is destroyed', async () => {
    await cloud.reconcile(wanted);
    // Half-made: a namespace without its devices, files without their server.
    await run(['ip', 'netns', 'delete', routerNamespace(tag, router.id)]);
    await cloud.destroyAll();
    const left = (await machine()).namespaces.filter((name) => isNamespaceOf(tag, name));
    assert.deepEqual(left, []);
    const links = await run(['ip', '-n', host, '-j', 'link', 'show']);
    assert.deepEqual(
      (JSON.parse(links.stdout) as { ifname: string }[])
        .map(({ ifname }) => ifname)
        .filter((name) => name.startsWith('cml')),
      [],
    );
    await run(['test', '-e', runtimeDirectory(tag)], { accept: [1] });
    const processes = await run(['ps', '-eo', 'args']);
    assert.doesNotMatch(processes.stdout, new RegExp(`dnsmasq .*cumulet-${tag}`));
  });
});

describe('a host with an external bridge of its own', { skip: whyNotLive(), timeout: 60_000 }, () => {
  it('has it used, and left as it was', async () => {
    const tag = newTag();
    const host = `host-${tag}`;
    await run(['ip', 'netns', 'add', host]);
    let cloud: Cloud | undefined;
    try {
      await run(['ip', '-n', host, 'link', 'add', 'br-ex', 'type', 'bridge']);
      for (const name of ['lo', 'br-ex']) await run(['ip', '-n', host, 'link', 'set', 'dev', name, 'up']);
      await run(['ip', '-n', host, 'addr', 'add', '203.0.113.1/24', 'dev', 'br-ex']);
      cloud = await Cloud.start(host, tag, 'br-ex');
      const external = randomUUID();
      const gateway = {
        networkId: external,
        portId: randomUUID(),
        mac: newMac(),
        ips: [{ ip: '203.0.113.9', cidr: '203.0.113.0/24' }],
      };
      const report = await cloud.reconcile({
        networks: [
          { id: external, segment: { type: 'flat', physicalNetwork: 'physnet1' }, mtu: 1500, peers: [] },
        ],
        ports: [],
        securityGroups: [],
        dhcp: [],
        routers: [
          {
            id: randomUUID(),
            adminStateUp: true,
            enableSnat: true,
            gateway,
            interfaces: [],
            floatingIps: [],
            routes: [],
          },
        ],
      });
      assert.deepEqual(report.faults, []);
      await until('the router answers', () => canPing(host, '203.0.113.9'));
      await cloud.destroyAll();
      const { stdout } = await run(['ip', '-n', host, '-br', 'addr', 'show']);
      assert.match(stdout, /br-ex .*203\.0\.113\.1\/24/);
      assert.doesNotMatch(stdout, /cml/);
    } finally {
      await cloud?.destroyAll();
      await cloud?.kill();
      await run(['ip', 'netns', 'delete', host]);
    }
  });
});
