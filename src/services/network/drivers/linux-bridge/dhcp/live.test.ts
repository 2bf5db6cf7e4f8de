import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { HostNetworkState } from '../../driver.ts';
import { runtimeDirectory } from '../names.ts';
import { type Guest, whyNotLive } from '../testing/host.ts';
import { Site, smallCloud } from '../testing/site.ts';

describe('the DHCP servers of a host', { skip: whyNotLive(), timeout: 60_000 }, () => {
  const { wanted, ports, networks } = smallCloud();
  const site = new Site(wanted);
  let guests: Record<'one' | 'two' | 'alone' | 'double', Guest>;
  before(async () => {
    await site.open();
    guests = await site.with(ports);
  });
  after(() => site.close());

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

  const file = (name: string) =>
    readFile(`${runtimeDirectory(site.tag)}/dhcp/${networks.net}/${name}`, 'utf8');

  it('tells guests what has changed of their subnet, without another server', async () => {
    const server = await file('pid');
    await site.while(
      ({ dhcp: [first] }) => {
        const [subnet] = first?.subnets ?? [];
        if (!subnet) return;
        subnet.dns = ['192.0.2.54', '192.0.2.55'];
        subnet.gateway = '10.1.0.254';
        subnet.hostRoutes = [{ destination: '10.99.0.0/16', nexthop: '10.1.0.9' }];
      },
      async () => {
        const lease = await guests.one.dhcp();
        assert.deepEqual([lease['dns'], lease['router']], ['192.0.2.54 192.0.2.55', '10.1.0.254']);
        assert.match(lease['staticroutes'] ?? '', /10\.99\.0\.0\/16 10\.1\.0\.9 0\.0\.0\.0\/0 10\.1\.0\.254/);
      },
    );
    assert.equal((await guests.one.dhcp())['router'], '10.1.0.1');
    assert.equal(await file('pid'), server);
  });

  it('tells a port its own options, and nobody else', async () => {
    const option = (name: string, value: string) => ({ name, value, ipVersion: 4 as const });
    const told = (...options: ReturnType<typeof option>[]) => {
      return ({ dhcp: [first] }: HostNetworkState) => first?.hosts[0]?.options.push(...options);
    };
    await guests.two.dhcp();
    const leaseOfTwo = /^\d+ (.*10\.1\.0\.12 .*)$/m.exec(await file('leases'))?.[1] ?? '';
    await site.while(told(option('bootfile-name', 'one.0')), async () => {
      assert.ok((await file('leases')).includes(leaseOfTwo), 'others keep their leases');
      assert.equal((await guests.one.dhcp('bootfile'))['bootfile'], 'one.0');
      const process = await file('pid');
      const more = told(
        option('bootfile-name', 'two.0'),
        option('42', '192.0.2.7'),
        option('mtu', '1300'),
        option('no-such-option', 'x'),
        option('dns-server', '"'),
      );
      await site.cloud.reconcile(site.changed(more));
      for (const guest of [guests.one, guests.one]) {
        const lease = await guest.dhcp('bootfile', 'ntpsrv');
        assert.deepEqual(
          [lease['ip'], lease['bootfile'], lease['ntpsrv'], lease['mtu'], lease['dns']],
          ['10.1.0.11', 'two.0', '192.0.2.7', '1300', '192.0.2.53'],
        );
      }
      const other = await guests.two.dhcp('bootfile', 'ntpsrv');
      assert.deepEqual([other['bootfile'], other['ntpsrv'], other['mtu']], [undefined, undefined, '1450']);
      await site.cloud.reconcile(site.changed(told(option('42', '192.0.2.8'))));
      assert.equal((await guests.one.dhcp('ntpsrv'))['ntpsrv'], '192.0.2.8');
      assert.equal(await file('pid'), process, 'what changes is read, not started anew');
    });
    const again = await guests.one.dhcp('ntpsrv');
    assert.deepEqual([again['ntpsrv'], again['mtu']], [undefined, '1450']);
  });

  it('tells guests of a smaller MTU', async () => {
    await site.while(
      ({ networks: [first] }) => {
        if (first) first.mtu = 1380;
      },
      async () => assert.equal((await guests.one.dhcp())['mtu'], '1380'),
    );
  });

  it('resolves the names of the network', async () => {
    const found = await guests.one.run('busybox', 'nslookup', 'host-10-1-0-12.openstacklocal', '10.1.0.2');
    assert.match(found, /10\.1\.0\.12/);
  });

  it('gives an address to its new owner at once, though the old one still has a lease', async () => {
    const swapped = site.changed((state) => {
      const [first, second] = state.ports;
      if (first && second) [first.fixedIps, second.fixedIps] = [second.fixedIps, first.fixedIps];
      const [server] = state.dhcp;
      for (const entry of server?.hosts ?? [])
        entry.mac = entry.mac === ports.one.mac ? ports.two.mac : ports.one.mac;
    });
    await site.cloud.reconcile(swapped);
    assert.equal((await guests.two.dhcp())['ip'], '10.1.0.11');
    assert.equal((await guests.one.dhcp())['ip'], '10.1.0.12');
    for (const guest of [guests.one, guests.two]) await guest.run('ip', '-4', 'addr', 'flush', 'dev', 'eth0');
    await site.cloud.reconcile(site.wanted);
    assert.equal((await guests.one.dhcp())['ip'], '10.1.0.11');
    assert.equal((await guests.two.dhcp())['ip'], '10.1.0.12');
  });
});
