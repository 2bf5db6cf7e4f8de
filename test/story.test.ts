import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ApiClient, RequestFailed } from '../src/cloud/api-client.ts';
import { TestCloud, until } from './cloud.ts';
import { booted, Login, serverOf, settledAs } from './guest.ts';
import { inOwnNamespace } from './namespace.ts';
import { browserPath, openBrowser, pictureOn, showsText } from './screen.ts';
import { guestTracesOf, tracesOf } from './traces.ts';

interface Port {
  id: string;
  status: string;
  fixed_ips: { ip_address: string }[];
}

/** A directory that keeps what the browser has seen, for people to look at. */
const screenshots = process.env['CUMULET_SCREENSHOTS'];

await inOwnNamespace(import.meta.filename, ['openstack', 'ssh', 'ssh-keygen', browserPath], (directory) => {
  describe('the whole story of a cloud and its guests', () => {
    const cloud = new TestCloud(join(directory, 'c'));
    let demo: ApiClient;
    let first: { id: string; address: string; port: Port; login: Login };
    let second: { id: string; port: Port };

    const portOf = async (serverId: string): Promise<Port> => {
      const { ports } = await demo.get<{ ports: Port[] }>('network', `/v2.0/ports?device_id=${serverId}`);
      assert.equal(ports.length, 1);
      return ports[0] as Port;
    };
    const act = (id: string, action: object) => demo.post('compute', `/servers/${id}/action`, action);
    const idOf = async (collection: string, query: string): Promise<string> => {
      const path = `/v2.0/${collection}?${query}`;
      const found = await demo.get<Record<string, { id: string }[]>>('network', path);
      const [one] = found[collection.replaceAll('-', '_')] ?? [];
      assert.ok(one, `${collection} ${query}`);
      return one.id;
    };

    before(async () => {
      await cloud.up();
      demo = await cloud.client('demo');
    });
    after(async () => {
      await cloud.command('destroy', '--yes');
    });

    test('`cumulet demo` boots a server that one can log in to', async () => {
      const { stdout } = await cloud.command('demo');
      const [, address = ''] = /cumulet@([\d.]+)/.exec(stdout) ?? [];
      const { servers } = await demo.get<{ servers: { id: string }[] }>('compute', '/servers');
      assert.equal(servers.length, 1);
      const id = servers[0]?.id ?? '';
      first = { id, address, port: await portOf(id), login: new Login(cloud, address) };
      assert.equal(await first.login.run('id -un'), 'cumulet');
    });

    test('`cumulet demo` keeps what is there when it is run again', async () => {
      assert.match((await cloud.command('demo')).stdout, new RegExp(`cumulet@${first.address}\\b`));
      const { servers } = await demo.get<{ servers: unknown[] }>('compute', '/servers');
      assert.equal(servers.length, 1);
    });

    test('the stock client lists it as ACTIVE, with its addresses', async () => {
      const [server, ...others] = JSON.parse(await cloud.openstack('demo', 'server', 'list', '-f', 'json'));
      assert.deepEqual(others, []);
      assert.deepEqual(
        [server.ID, server.Name, server.Status, server.Networks],
        [first.id, 'first', 'ACTIVE', { 'demo-net': [first.port.fixed_ips[0]?.ip_address, first.address] }],
      );
    });

    test('a server with user data and a config drive is on its way', async () => {
      const script = join(directory, 'user-data');
      await writeFile(
        script,
        '#!/bin/sh\necho "user data says $((6 * 7))"\necho done > /run/from-user-data\n',
      );
      const what = '--image cumulet-guest --flavor m1.nano --key-name demo-key --network demo-net';
      const more = `--user-data ${script} --config-drive True --property role=second -f json second`;
      const made = await cloud.openstack('demo', 'server', 'create', ...`${what} ${more}`.split(' '));
      second = { id: JSON.parse(made).id, port: undefined as unknown as Port };
    });

    test('the guest has the address, the name and the MTU that the cloud gave it', async () => {
      const { login, port } = first;
      const seen = await login.run('hostname; ip -4 -o addr show dev eth0; cat /sys/class/net/eth0/mtu');
      const [hostname, address, mtu] = seen.split('\n');
      assert.equal(hostname, 'first');
      assert.match(address ?? '', new RegExp(` ${port.fixed_ips[0]?.ip_address}/24 `));
      const { networks } = await demo.get<{ networks: { mtu: number }[] }>(
        'network',
        '/v2.0/networks?name=demo-net',
      );
      assert.equal(Number(mtu), networks[0]?.mtu);
    });

    test('the guest is told about itself at 169.254.169.254', async () => {
      const { login, id, port, address } = first;
      const get = (path: string) => login.run(`timeout 8 wget -q -O - http://169.254.169.254/${path}`);
      const metadata = JSON.parse(await get('openstack/latest/meta_data.json'));
      assert.deepEqual([metadata.uuid, metadata.name], [id, 'first']);
      assert.equal(await get('latest/meta-data/local-ipv4'), port.fixed_ips[0]?.ip_address);
      assert.equal(await get('latest/meta-data/public-ipv4'), address);
    });

    test('its console log ends with the guest’s own last words', async () => {
      assert.match(await booted(demo, first.id), /cumulet-guest: ready first eth0=/);
    });

    test('user data runs, from a config drive', async () => {
      await settledAs(demo, second.id, 'ACTIVE');
      second.port = await portOf(second.id);
      const log = await booted(demo, second.id);
      assert.match(log, /metadata from config drive/);
      assert.match(log, /user data says 42/);
      assert.match(log, /user-data script ended with status 0/);
    });

    test('guests of a network reach each other, and the cloud’s outside', async () => {
      const other = second.port.fixed_ips[0]?.ip_address;
      assert.match(await first.login.run(`sudo ping -c 2 -W 4 ${other}`), / 0% packet loss/);
      const gateway = first.address.replace(/\d+$/, '1');
      assert.match(await first.login.run(`sudo ping -c 2 -W 4 ${gateway}`), / 0% packet loss/);
    });

    test('ports say ACTIVE, and hypervisor and placement say what is used', async () => {
      assert.equal((await portOf(first.id)).status, 'ACTIVE');
      const admin = await cloud.client('admin');
      const { allocations } = await admin.get<{ allocations: Record<string, { resources: object }> }>(
        'placement',
        `/allocations/${first.id}`,
      );
      assert.deepEqual(
        Object.values(allocations).map(({ resources }) => resources),
        [{ VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 }],
      );
    });

    test('a security group’s rule lets connections in, and its absence keeps them out', async () => {
      const group = await idOf('security-groups', `name=default&project_id=${demo.projectId}`);
      const rule = await idOf('security-group-rules', `security_group_id=${group}&port_range_min=22`);
      await demo.request('network', 'DELETE', `/v2.0/security-group-rules/${rule}`);
      await until('new connections to be kept out', async () => !(await first.login.tries()));
      await demo.post('network', '/v2.0/security-group-rules', {
        security_group_rule: {
          security_group_id: group,
          direction: 'ingress',
          ethertype: 'IPv4',
          protocol: 'tcp',
          port_range_min: 22,
          port_range_max: 22,
        },
      });
      await first.login.open();
    });

    test('the console page shows the guest’s text in a browser, and opens once', async () => {
      const ask = 'console url show --novnc first -f value -c url';
      const url = await cloud.openstack('demo', ...ask.split(' '));
      const browser = await openBrowser();
      try {
        const page = await browser.newPage({ viewport: { width: 900, height: 600 } });
        await page.goto(url);
        await page.waitForSelector('body[data-state="connected"]', { timeout: 30_000 });
        const shows = async (text: string) => {
          const picture = await pictureOn(page);
          return picture !== undefined && showsText(picture, text);
        };
        await until('the guest’s last words on the screen', () => shows('cumulet-guest: ready first eth0='));
        assert.ok(!(await shows('this text is nowhere on the screen')));
        await page.keyboard.type('abracadabra', { delay: 50 });
        await until('what was typed', () => shows('first login: abracadabra'), { patience: 20_000 });
        if (screenshots) {
          mkdirSync(screenshots, { recursive: true });
          await page.screenshot({ path: join(screenshots, 'console.png') });
        }
        await page.reload();
        await page.waitForSelector('body[data-state="disconnected"]', { timeout: 30_000 });
        if (screenshots) await page.screenshot({ path: join(screenshots, 'console-again.png') });
      } finally {
        await browser.close();
      }
    });

    test('what is in use cannot be deleted', async () => {
      const network = await idOf('networks', 'name=demo-net');
      const subnet = await idOf('subnets', 'name=demo-subnet');
      const router = await idOf('routers', 'name=demo-router');
      const outside = await idOf('networks', 'router:external=true');
      const group = await idOf('security-groups', `name=default&project_id=${demo.projectId}`);
      const conflict = (error: unknown) => error instanceof RequestFailed && error.status === 409;
      for (const path of [
        `networks/${network}`,
        `subnets/${subnet}`,
        `routers/${router}`,
        `security-groups/${group}`,
      ])
        await assert.rejects(demo.request('network', 'DELETE', `/v2.0/${path}`), conflict, path);
      const admin = await cloud.client('admin');
      await assert.rejects(admin.request('network', 'DELETE', `/v2.0/networks/${outside}`), conflict);
    });

    test('it comes back from a soft reboot', async () => {
      const uptime = async () => Number((await first.login.run('cat /proc/uptime')).split('.')[0]);
      const earlier = await uptime();
      await act(first.id, { reboot: { type: 'SOFT' } });
      await settledAs(demo, first.id, 'REBOOT', 'ACTIVE');
      await settledAs(demo, first.id, 'ACTIVE');
      await until(
        'a guest that was started anew',
        async () => (await first.login.tries()) && (await uptime()) < earlier,
        { every: 300 },
      );
    });

    test('it can be stopped and started again', async () => {
      await act(first.id, { 'os-stop': null });
      await settledAs(demo, first.id, 'SHUTOFF');
      assert.deepEqual(Object.keys((await guestTracesOf(cloud.stateDir)).processes), [second.id]);
      await act(first.id, { 'os-start': null });
      await settledAs(demo, first.id, 'ACTIVE');
      await first.login.open();
    });

    test('rescued, it boots another system, which has its disk as the second one', async () => {
      await first.login.run('sudo touch /kept && sudo sync');
      await act(first.id, { rescue: null });
      await settledAs(demo, first.id, 'RESCUE');
      await first.login.open();
      const seen = 'test ! -e /kept && sudo mount -o ro /dev/vdb1 /mnt && ls /mnt/kept; sudo umount /mnt';
      assert.equal(await first.login.run(seen), '/mnt/kept');
      await act(first.id, { unrescue: null });
      await settledAs(demo, first.id, 'ACTIVE');
      await first.login.open();
      assert.equal(await first.login.run('ls /kept; grep -c vdb1 /proc/partitions || true'), '/kept\n0');
    });

    test('shelved, it leaves its host, and comes back as it was', async () => {
      await cloud.openstack('demo', 'server', 'shelve', 'first');
      await settledAs(demo, first.id, 'SHELVED_OFFLOADED');
      const { processes, directories } = await guestTracesOf(cloud.stateDir);
      assert.deepEqual([Object.keys(processes), directories.length], [[second.id], 1]);
      assert.equal((await portOf(first.id)).status, 'DOWN');
      const tap = `tap${first.port.id.slice(0, 11)}`;
      await until('its tap to go', async () => !(await guestTracesOf(cloud.stateDir)).taps.includes(tap));
      await cloud.openstack('demo', 'server', 'unshelve', 'first');
      await settledAs(demo, first.id, 'ACTIVE');
      await first.login.open();
      assert.equal(await first.login.run('ls /kept; hostname'), '/kept\nfirst');
      const { images } = await demo.get<{ images: unknown[] }>('image', '/v2/images?name=first-shelved');
      assert.deepEqual(images, []);
    });

    test('a deleted server leaves nothing; its floating IP is free', async () => {
      await cloud.openstack('demo', 'server', 'delete', '--wait', 'first', 'second');
      for (const { id, port } of [first, second]) {
        await assert.rejects(serverOf(demo, id), { status: 404 });
        await assert.rejects(demo.get('network', `/v2.0/ports/${port.id}`), { status: 404 });
      }
      const { floatingips } = await demo.get<{
        floatingips: { floating_ip_address: string; port_id: string | null; status: string }[];
      }>('network', '/v2.0/floatingips');
      assert.deepEqual(
        floatingips.map((each) => [each.floating_ip_address, each.port_id]),
        [[first.address, null]],
      );
      const admin = await cloud.client('admin');
      for (const { id } of [first, second]) {
        const { allocations } = await admin.get<{ allocations: object }>('placement', `/allocations/${id}`);
        assert.deepEqual(allocations, {});
      }
      await until('nothing of the guests on the host', async () => {
        const { processes, directories, taps } = await guestTracesOf(cloud.stateDir);
        const gone = [first, second].every(({ port }) => !taps.includes(`tap${port.id.slice(0, 11)}`));
        return Object.keys(processes).length === 0 && directories.length === 0 && gone;
      });
    });

    test('`destroy` leaves nothing of the cloud', async () => {
      await cloud.command('destroy', '--yes');
      assert.deepEqual(await tracesOf(cloud.stateDir), []);
    });
  });
});
