import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../src/platform/exec/run.ts';
import { BaseImages } from '../src/services/compute/drivers/qemu/base-images.ts';
import { QemuDriver } from '../src/services/compute/drivers/qemu/driver.ts';
import { guestImageForTests } from '../src/services/compute/drivers/testing/guest-image.ts';
import { sha256 } from './packages.ts';

const image = await guestImageForTests();
const tools = ['dnsmasq', 'ssh', 'ssh-keygen'];
const missing: string[] = [];
for (const tool of tools) await run(['which', tool]).catch(() => missing.push(tool));
const skip = 'missing' in image ? image.missing : missing.length > 0 && `needs ${missing.join(', ')}`;

/** What the guest is asked in its namespace: nova's metadata service, seen through a router that DHCP tells of. */
const metadataServer = (documents: Record<string, string>) => `
  const documents = ${JSON.stringify(documents)};
  require('node:http').createServer((request, response) => {
    const body = documents[request.url];
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }).listen(80, '169.254.169.254', () => console.log('listening'));`;

describe('a guest on a network', { skip }, async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'cumulet-guest-'));
  const namespace = `cumulet-guest-${process.pid}`;
  const children: ChildProcess[] = [];
  const id = randomUUID();
  const inside = (...command: string[]) =>
    run(['ip', 'netns', 'exec', namespace, ...command], { accept: [0, 1, 255] });
  let driver: QemuDriver | undefined;

  after(async () => {
    await driver?.destroy(id);
    await driver?.close();
    for (const child of children) child.kill('SIGKILL');
    await run(['ip', 'netns', 'delete', namespace]).catch(() => {});
    await rm(scratch, { recursive: true, force: true });
  });

  function start(...command: string[]): ChildProcess {
    const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, '--', ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  }

  async function network() {
    const ip = (...words: string[]) => run(['ip', '-n', namespace, ...words]);
    await run(['ip', 'netns', 'add', namespace]);
    await ip('link', 'set', 'lo', 'up');
    await ip('addr', 'add', '169.254.169.254/32', 'dev', 'lo');
    for (const [tap, address] of [
      ['tap0', '10.20.0.1/24'],
      ['tap1', '10.21.0.1/24'],
    ] as const) {
      await ip('tuntap', 'add', tap, 'mode', 'tap');
      await ip('link', 'set', tap, 'up');
      await ip('addr', 'add', address, 'dev', tap);
    }
    start(
      'dnsmasq',
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--port=0',
      '--no-ping',
      `--pid-file=${scratch}/dnsmasq.pid`,
      `--dhcp-leasefile=${scratch}/leases`,
      '--bind-interfaces',
      '--interface=tap0',
      '--interface=tap1',
      '--dhcp-range=10.20.0.5,10.20.0.5,255.255.255.0',
      '--dhcp-range=10.21.0.5,10.21.0.5,255.255.255.0',
      '--dhcp-option-force=tag:tap0,26,1400',
      '--dhcp-option=tag:tap0,6,10.20.0.53',
      '--dhcp-option=tag:tap1,3',
      '--dhcp-option=tag:tap0,121,169.254.169.254/32,10.20.0.1,10.99.0.0/16,10.20.0.9,0.0.0.0/0,10.20.0.1',
      '--user=root',
    );
  }

  test('has addresses, MTU, routes, name, key and user data, and lets its owner in by that key', async () => {
    assert.ok('path' in image);
    await network();
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(scratch, 'key')]);
    const key = await readFile(join(scratch, 'key.pub'), 'utf8');
    const server = start(
      process.execPath,
      '-e',
      metadataServer({
        '/openstack/latest/meta_data.json': JSON.stringify({
          uuid: id,
          hostname: 'two.novalocal',
          public_keys: { k: key },
        }),
        '/openstack/latest/user_data': '#!/bin/sh\necho "hello from user data"\nexit 3\n',
      }),
    );
    await new Promise((resolve) => server.stdout?.once('data', resolve));
    const base = await new BaseImages(join(scratch, 'base')).obtain({
      imageId: randomUUID(),
      format: 'qcow2',
      hash: { algorithm: 'sha256', value: await sha256(image.path) },
      open: async () => createReadStream(image.path),
    });
    driver = await QemuDriver.open({ directory: join(scratch, 'instances') });
    await driver.create({
      id,
      name: 'two',
      projectId: 'p',
      vcpus: 1,
      memoryMib: 128,
      namespace,
      disks: [{ kind: 'image', id: 'root', imageId: 'tiny', sizeGib: 0, base }],
      nics: [
        { portId: randomUUID(), mac: 'fa:16:3e:00:00:01', tap: 'tap0' },
        { portId: randomUUID(), mac: 'fa:16:3e:00:00:02', tap: 'tap1', mtu: 1300 },
      ],
    });
    const until = performance.now() + 90_000;
    while (!/^cumulet-guest: ready .*/m.test(await driver.consoleLog(id))) {
      assert.ok(performance.now() < until, `no ready line in: ${await driver.consoleLog(id)}`);
      await delay(100);
    }
    const log = await driver.consoleLog(id);
    assert.match(log, /^cumulet-guest: ready two eth0=10\.20\.0\.5\/24 eth1=10\.21\.0\.5\/24 after/m);
    assert.match(log, /hello from user data/);
    assert.match(log, /user-data script ended with status 3/);
    assert.match(log, /BEGIN SSH HOST KEY FINGERPRINTS-----\s+256 SHA256:\S+ root@two \(ED25519\)/);

    await writeFile(join(scratch, 'known'), '');
    const ssh = (...command: string[]) =>
      inside(
        'ssh',
        '-i',
        join(scratch, 'key'),
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        `UserKnownHostsFile=${scratch}/known`,
        '-o',
        'PreferredAuthentications=publickey',
        '-o',
        'ConnectTimeout=20',
        'cumulet@10.20.0.5',
        ...command,
      );
    const { stdout } = await ssh('id -un; sudo id -u; ip route; cat /etc/resolv.conf; ip -o link');
    assert.match(stdout, /^cumulet\n0\n/);
    assert.match(stdout, /default via 10\.20\.0\.1 dev eth0/);
    assert.match(stdout, /10\.99\.0\.0\/16 via 10\.20\.0\.9 dev eth0/);
    assert.match(stdout, /nameserver 10\.20\.0\.53/);
    assert.match(stdout, /eth0: .* mtu 1400/);
    assert.match(stdout, /eth1: .* mtu 1300/);

    const [, second] = (await driver.show(id)).spec.nics;
    assert.ok(second);
    const interfaces = async () => (await ssh('ls /sys/class/net; cat /sys/class/net/eth*/address')).stdout;
    await driver.detachNic(id, second.portId);
    assert.doesNotMatch(await interfaces(), /fa:16:3e:00:00:02/);
    await driver.attachNic(id, second);
    await driver.attachNic(id, second);
    await driver.detachNic(id, second.portId);
    const { nics } = await driver.diagnostics(id);
    assert.ok(nics.length === 1 && nics[0] && nics[0].rxBytes > 1000 && nics[0].txBytes > 1000);

    const tried = await inside(
      'ssh',
      '-v',
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      `UserKnownHostsFile=${scratch}/known`,
      '-o',
      'PreferredAuthentications=none',
      'root@10.20.0.5',
      'true',
    );
    assert.match(
      tried.stderr,
      /Authentications that can continue: publickey\r?\n/,
      'nobody is let in by password',
    );
  });
});
