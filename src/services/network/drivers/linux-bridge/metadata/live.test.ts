import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../../../platform/exec/run.ts';
import { type Guest, whyNotLive } from '../testing/host.ts';
import { Site, smallCloud } from '../testing/site.ts';
import { signInstanceId } from './proxy.ts';

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

describe('the metadata address on a host', { skip: whyNotLive(), timeout: 60_000 }, () => {
  const { wanted, ports, router, networks } = smallCloud();
  const site = new Site(wanted);
  let guests: Record<'one' | 'two' | 'alone', Guest>;
  before(async () => {
    await site.open();
    guests = await site.with({ one: ports.one, two: ports.two, alone: ports.alone });
    for (const guest of Object.values(guests)) await guest.dhcp();
  });
  after(() => site.close());

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
    assert.equal(isolated.headers['x-tenant-id'], `project-of-${networks.island}`);
    assert.equal(isolated.headers['x-instance-id'], 'server-10.2.0.11');
    const outside = await run(
      [
        'nsenter',
        `--net=/run/netns/${site.host}`,
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
});
