import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../../platform/exec/run.ts';
import {
  isNamespaceOf,
  physicalBridgeName,
  routerNamespace,
  runtimeDirectory,
  switchNamespace,
} from './names.ts';
import { Cloud, canPing, type Guest, newMac, newTag, until, whyNotLive } from './testing/host.ts';
import { namespaceNames, Site, smallCloud } from './testing/site.ts';

describe('a host made of Linux bridges', { skip: whyNotLive(), timeout: 120_000 }, () => {
  const {
    wanted,
    router,
    ports,
    networks: { net },
  } = smallCloud();
  const site = new Site(wanted);
  let guests: Record<'one' | 'two', Guest>;
  before(() => site.open());
  after(() => site.close());

  it('makes all that is wanted, and nothing more the second time', async () => {
    const report = await site.cloud.reconcile(site.wanted);
    assert.deepEqual(report.faults, []);
    assert.deepEqual(report.up, {
      ports: site.wanted.ports.map(({ id }) => id),
      routers: [router.id],
      dhcp: site.wanted.dhcp.map(({ networkId }) => networkId),
    });
    const again = await site.cloud.reconcile(site.wanted);
    assert.equal(again.changes, 0);
    guests = await site.with({ one: ports.one, two: ports.two });
    for (const guest of Object.values(guests)) await guest.dhcp();
  });

  it('is found whole by a cloud that starts after the last was killed', async () => {
    const rulesBefore = await run([
      'nsenter',
      `--net=/run/netns/${switchNamespace(site.tag)}`,
      'nft',
      'list',
      'ruleset',
    ]);
    await site.cloud.kill();
    assert.equal(await canPing(site.host, '172.24.4.20'), true, 'the network goes on without its cloud');
    await site.restart();
    const report = await site.cloud.reconcile(site.wanted);
    assert.deepEqual(report.faults, []);
    // Sockets end with their process, all else stays.
    assert.equal(report.changes, 2, 'two metadata sockets');
    const rules = await run([
      'nsenter',
      `--net=/run/netns/${switchNamespace(site.tag)}`,
      'nft',
      'list',
      'ruleset',
    ]);
    assert.equal(rules.stdout, rulesBefore.stdout);
    assert.match(
      await guests.one.run('curl', '-s', '-m', '5', 'http://169.254.169.254/'),
      /server-10\.1\.0\.11/,
    );
    assert.equal((await site.cloud.reconcile(site.wanted)).changes, 0);
  });

  it('mends what was broken by hand', async () => {
    await run(['nsenter', `--net=/run/netns/${switchNamespace(site.tag)}`, 'nft', 'flush', 'ruleset']);
    await site.inRouter(router, 'ip', 'route', 'del', 'default');
    await run(['ip', '-n', site.host, 'link', 'del', 'dev', physicalBridgeName(site.tag, 'physnet1')]);
    const report = await site.cloud.reconcile(site.wanted);
    assert.deepEqual(report.faults, []);
    assert.equal((await site.cloud.reconcile(site.wanted)).changes, 0);
    await until('the floating IP answers', () => canPing(site.host, '172.24.4.20'));
    assert.equal(await guests.one.canPing('10.1.0.12'), false);
  });

  it('takes away what is wanted no more', async () => {
    const less = site.changed((state) => {
      state.networks = state.networks.filter(({ id }) => id === net);
      state.ports = state.ports.filter(({ id }) => id === ports.one.id || id === ports.two.id);
      state.dhcp = state.dhcp.filter(({ networkId }) => networkId === net);
      state.routers = [];
    });
    const report = await site.cloud.reconcile(less);
    assert.deepEqual(report.faults, []);
    const left = (await namespaceNames()).filter((name) => isNamespaceOf(site.tag, name)).toSorted();
    assert.deepEqual(left, [`cumulet-${site.tag}-dhcp-${net}`, switchNamespace(site.tag)]);
    assert.equal(await guests.two.canPing('10.1.0.11'), true, 'who stays is not disturbed');
  });

  it('goes on from wherever a killed cloud left it', async () => {
    for (const delay of [30, 80, 150, 250, 400]) {
      await site.cloud.destroyAll();
      const cut = site.cloud.reconcile(site.wanted).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, delay));
      await site.cloud.kill();
      await cut;
      await site.restart();
      await site.cloud.reconcile(site.wanted);
      const settled = await site.cloud.reconcile(site.wanted);
      assert.deepEqual([settled.faults, settled.changes], [[], 0], `killed after ${delay} ms`);
      assert.equal(settled.up.ports.length, site.wanted.ports.length);
    }
  });

  it('leaves nothing when all is destroyed', async () => {
    await site.cloud.reconcile(site.wanted);
    // Half-made: a namespace without its devices, files without their server.
    await run(['ip', 'netns', 'delete', routerNamespace(site.tag, router.id)]);
    await site.cloud.destroyAll();
    const left = (await namespaceNames()).filter((name) => isNamespaceOf(site.tag, name));
    assert.deepEqual(left, []);
    const links = await run(['ip', '-n', site.host, '-j', 'link', 'show']);
    assert.deepEqual(
      (JSON.parse(links.stdout) as { ifname: string }[])
        .map(({ ifname }) => ifname)
        .filter((name) => name.startsWith('cml')),
      [],
    );
    await run(['test', '-e', runtimeDirectory(site.tag)], { accept: [1] });
    const processes = await run(['ps', '-eo', 'args']);
    assert.doesNotMatch(processes.stdout, new RegExp(`dnsmasq .*cumulet-${site.tag}`));
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
