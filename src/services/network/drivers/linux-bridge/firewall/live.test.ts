import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connects, type Guest, newMac, open, serve, until, whyNotLive } from '../testing/host.ts';
import { allow, Site, smallCloud } from '../testing/site.ts';

describe('the firewall of a host', { skip: whyNotLive(), timeout: 60_000 }, () => {
  const { wanted, ports, groups } = smallCloud();
  const site = new Site(wanted);
  let guests: Record<'one' | 'two', Guest>;
  before(async () => {
    await site.open();
    guests = await site.with({ one: ports.one, two: ports.two });
    for (const guest of Object.values(guests)) await guest.dhcp();
  });
  after(() => site.close());

  it('lets in by security groups what they allow, and nothing else', async () => {
    assert.equal(await guests.two.canPing('10.1.0.11'), true, 'icmp is allowed to web');
    assert.equal(await guests.one.canPing('10.1.0.12'), false, 'icmp is not allowed to database');
    const server = serve(guests.two, 5432);
    try {
      await until('the port listens', async () => (await guests.two.try('ss', '-ltn')).includes(':5432'));
      assert.equal(await connects(guests.one, '10.1.0.12', 5432), true, 'members of web may');
      const stranger = site.changed((state) => {
        const group = state.securityGroups.find(({ id }) => id === groups.web.id);
        if (group) group.members = { IPv4: [], IPv6: [] };
      });
      await site.cloud.reconcile(stranger);
      assert.equal(await connects(guests.one, '10.1.0.12', 5432), false, 'once no member, no more');
    } finally {
      server.kill();
    }
    await site.cloud.reconcile(site.wanted);
  });

  it('lets in whom a group of addresses holds', async () => {
    const held = (...addresses: string[]) =>
      site.while(
        ({ securityGroups: all }) => {
          const id = 'a-group-of-addresses';
          all.push({ id, rules: [], members: { IPv4: addresses, IPv6: [] } });
          const named = allow('IPv4', 'ingress', { protocol: 'icmp', remoteGroupId: id });
          all.find((group) => group.id === groups.database.id)?.rules.push(named);
        },
        () => guests.one.canPing('10.1.0.12'),
      );
    assert.deepEqual(
      [
        await held('10.1.0.0/28', '10.1.0.11/32'),
        await held('10.1.0.128/25'),
        await held('0.0.0.0/0'),
        await held(),
      ],
      [true, false, true, false],
    );
  });

  it('filters IPv6 as it does IPv4', async () => {
    for (const [guest, address] of [
      [guests.one, 'fd00:1::11/64'],
      [guests.two, 'fd00:1::12/64'],
    ] as const)
      await guest.run('ip', '-6', 'addr', 'add', address, 'dev', 'eth0', 'nodad');
    assert.equal(await guests.one.canPing('fd00:1::12'), false);
    await site.cloud.reconcile(
      site.changed((state) =>
        state.securityGroups
          .find(({ id }) => id === groups.database.id)
          ?.rules.push(allow('IPv6', 'ingress', { protocol: 'icmp' })),
      ),
    );
    await until('pings pass', () => guests.one.canPing('fd00:1::12'));
    await site.cloud.reconcile(site.wanted);
  });

  it('cuts a connection when the rule that allowed it goes', async () => {
    const server = serve(guests.one, 22);
    try {
      await until('the port listens', async () => (await guests.one.try('ss', '-ltn')).includes(':22'));
      const talk = open(guests.two, '10.1.0.11', 22);
      try {
        await talk.say('first');
        await site.cloud.reconcile(
          site.changed((state) => {
            const group = state.securityGroups.find(({ id }) => id === groups.web.id);
            if (group) group.rules = group.rules.filter(({ protocol }) => protocol !== 'tcp');
          }),
        );
        await assert.rejects(talk.say('second'), /no echo/);
        await site.cloud.reconcile(site.wanted);
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
    await site.cloud.reconcile(
      site.changed((state) => {
        const port = state.ports.find(({ id }) => id === ports.one.id);
        port?.allowedAddressPairs.push({ ip: '10.1.0.64/26' });
      }),
    );
    assert.match(await guests.one.try(...ping, '-I', '10.1.0.77', '10.1.0.1'), / 0% packet loss/);
    await site.cloud.reconcile(site.wanted);
    await guests.one.run('ip', 'addr', 'del', '10.1.0.77/24', 'dev', 'eth0');
    await guests.one.run('ip', 'link', 'set', 'dev', 'eth0', 'address', newMac());
    assert.equal(await guests.one.canPing('10.1.0.1'), false, 'another MAC');
    await guests.one.run('ip', 'link', 'set', 'dev', 'eth0', 'address', ports.one.mac);
    await until('its own MAC works again', () => guests.one.canPing('10.1.0.1'));
  });
});
