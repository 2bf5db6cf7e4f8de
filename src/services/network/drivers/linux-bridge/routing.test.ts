import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../../platform/exec/run.ts';
import { physicalBridgeName } from './names.ts';
import { canPing, type Guest, until, whyNotLive } from './testing/host.ts';
import { Site, smallCloud } from './testing/site.ts';

describe('the routers of a host', { skip: whyNotLive(), timeout: 60_000 }, () => {
  const { wanted, ports, router } = smallCloud();
  const site = new Site(wanted);
  let guests: Record<'one' | 'two' | 'double', Guest>;
  before(async () => {
    await site.open();
    guests = await site.with({ one: ports.one, two: ports.two, double: ports.double });
  });
  after(() => site.close());

  it('routes to the outside through the gateway, and in from the host by the floating IP', async () => {
    await guests.one.dhcp();
    await guests.two.dhcp();
    assert.equal(await guests.two.canPing('172.24.4.1'), true, 'by SNAT');
    assert.equal(await canPing(site.host, '172.24.4.20'), true, 'by floating IP');
    assert.equal(await guests.two.canPing('172.24.4.20'), true, 'by floating IP from behind the same router');
    assert.equal(await guests.one.canPing('172.24.4.20'), true, 'by its own floating IP');
    await site.cloud.reconcile(
      site.changed((state) => {
        const [there] = state.routers;
        if (there) there.floatingIps = [];
      }),
    );
    assert.equal(await canPing(site.host, '172.24.4.20'), false);
    await site.cloud.reconcile(site.wanted);
    await until('the floating IP answers again', () => canPing(site.host, '172.24.4.20'));
  });

  it('tells neighbours at once when a floating IP is elsewhere', async () => {
    const bridge = physicalBridgeName(site.tag, 'physnet1');
    const neighbour = ['172.24.4.21', 'dev', bridge] as const;
    await run([
      'ip',
      '-n',
      site.host,
      'neigh',
      'replace',
      ...neighbour,
      'lladdr',
      '02:00:00:00:00:01',
      'nud',
      'stale',
    ]);
    await site.cloud.reconcile(
      site.changed((state) =>
        state.routers[0]?.floatingIps.push({ floating: '172.24.4.21', fixed: '10.1.0.12' }),
      ),
    );
    await until('the neighbour knows', async () =>
      (await run(['ip', '-n', site.host, 'neigh', 'show', ...neighbour])).stdout.includes(
        router.gateway?.mac ?? '?',
      ),
    );
    await site.cloud.reconcile(site.wanted);
  });

  it('keeps networks apart that have the same addresses', async () => {
    await guests.double.dhcp();
    assert.equal(await guests.double.canPing('10.1.0.12'), false);
    assert.equal(await guests.double.canPing('10.1.0.1'), false);
    assert.equal(await guests.double.canPing('172.24.4.1'), false);
  });
});
