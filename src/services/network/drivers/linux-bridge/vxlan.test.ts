import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../../platform/exec/run.ts';
import { emptyHostNetworkState, type HostNetworkState, type HostPort } from '../driver.ts';
import { Cloud, Guest, newPort, newTag, until, whyNotLive } from './testing/host.ts';

describe('two hosts', { skip: whyNotLive(), timeout: 60_000 }, () => {
  const hosts = [1, 2].map((number) => {
    const tag = newTag();
    return { tag, namespace: `host-${tag}`, underlay: `198.18.0.${number}` };
  });
  const [here, there] = hosts as [(typeof hosts)[0], (typeof hosts)[0]];
  const network = randomUUID();
  const group = {
    id: randomUUID(),
    rules: [
      { direction: 'egress', ethertype: 'IPv4' },
      { direction: 'ingress', ethertype: 'IPv4', protocol: 'icmp' },
    ] as const,
    members: { IPv4: [], IPv6: [] },
  };
  const ports = hosts.map((_, index) =>
    newPort(network, [{ ip: `10.0.0.${index + 1}`, cidr: '10.0.0.0/24' }], { securityGroups: [group.id] }),
  ) as [HostPort, HostPort];
  const state = (port: HostPort, peers: string[]): HostNetworkState => ({
    ...emptyHostNetworkState(),
    networks: [{ id: network, segment: { type: 'vxlan', id: 4242 }, mtu: 1450, peers }],
    ports: [port],
    securityGroups: [{ ...group, rules: [...group.rules] }],
  });
  const clouds: Cloud[] = [];
  const guests: Guest[] = [];

  before(async () => {
    for (const { namespace } of hosts) await run(['ip', 'netns', 'add', namespace]);
    const cable = ['type', 'veth', 'peer', 'name', 'u0', 'netns', there.namespace];
    await run(['ip', '-n', here.namespace, 'link', 'add', 'u0', 'mtu', '1500', ...cable]);
    for (const { namespace, underlay, tag } of hosts) {
      await run(['ip', '-n', namespace, 'link', 'set', 'lo', 'up']);
      await run(['ip', '-n', namespace, 'addr', 'add', `${underlay}/24`, 'dev', 'u0']);
      await run(['ip', '-n', namespace, 'link', 'set', 'u0', 'up']);
      clouds.push(await Cloud.start(namespace, tag, '198.51.100.1/24', underlay));
    }
  });
  after(async () => {
    for (const guest of guests) await guest.unplug();
    for (const [index, { tag, namespace, underlay }] of hosts.entries()) {
      await clouds[index]?.kill();
      const last = await Cloud.start(namespace, tag, '198.51.100.1/24', underlay);
      await last.destroyAll();
      await last.kill();
      await run(['ip', 'netns', 'delete', namespace]);
    }
  });

  it('carry one network between them, in full frames', async () => {
    for (const [index, cloud] of clouds.entries()) {
      const port = ports[index] as HostPort;
      const report = await cloud.reconcile(state(port, [hosts[1 - index]?.underlay ?? '']));
      assert.deepEqual(report.faults, []);
      assert.equal((await cloud.reconcile(state(port, [hosts[1 - index]?.underlay ?? '']))).changes, 0);
      const guest = await Guest.plug(cloud, port);
      guests.push(guest);
      await guest.run('ip', 'addr', 'add', `10.0.0.${index + 1}/24`, 'dev', 'eth0');
      await guest.run('ip', 'link', 'set', 'dev', 'eth0', 'mtu', '1450');
    }
    const [first] = guests;
    await until('the guests hear each other', () => first?.canPing('10.0.0.2') ?? Promise.resolve(false));
    const full = await first?.try('ping', '-n', '-c', '1', '-W', '1', '-M', 'do', '-s', '1422', '10.0.0.2');
    assert.match(full ?? '', / 0% packet loss/);
  });

  it('stop doing so when one is no peer any more', async () => {
    await clouds[0]?.reconcile(state(ports[0], [there.underlay, '198.18.0.77']));
    assert.equal(await guests[0]?.canPing('10.0.0.2'), true);
    const alone = await clouds[0]?.reconcile(state(ports[0], []));
    assert.deepEqual(alone?.faults, []);
    assert.equal(await guests[0]?.canPing('10.0.0.2'), false);
    await clouds[0]?.reconcile(state(ports[0], [there.underlay]));
    await until('they hear each other again', () => guests[0]?.canPing('10.0.0.2') ?? Promise.resolve(false));
  });

  it('are found again by clouds that start anew', async () => {
    await clouds[0]?.kill();
    clouds[0] = await Cloud.start(here.namespace, here.tag, '198.51.100.1/24', here.underlay);
    assert.equal((await clouds[0].reconcile(state(ports[0], [there.underlay]))).changes, 0);
  });
});
