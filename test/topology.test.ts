import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import type { ApiClient } from '../src/cloud/api-client.ts';
import { rabbitmqMissing, startRabbitmq } from '../src/platform/bus/testing/rabbitmq-server.ts';
import {
  missingMariadb,
  missingPostgres,
  startMariadb,
  startPostgres,
} from '../src/platform/store/testing/server.ts';
import { type Server, TestCloud, until } from './cloud.ts';

interface Named {
  id: string;
  name: string;
}

/** Where a cloud keeps its records, or what carries its messages. */
interface Topology {
  name: string;
  missing: string | undefined;
  /** Starts what it takes. @returns the settings by which a cloud uses it */
  start(): Promise<{ settings: object; stop(): Promise<void> }>;
}

const topologies: readonly Topology[] = [
  {
    name: 'PostgreSQL',
    missing: missingPostgres(),
    async start() {
      const server = await startPostgres();
      return { settings: { database_url: server.url('cloud_{service}') }, stop: server.stop };
    },
  },
  {
    name: 'MariaDB',
    missing: missingMariadb(),
    async start() {
      const server = await startMariadb();
      return { settings: { database_url: server.url('cloud_{service}') }, stop: server.stop };
    },
  },
  {
    name: 'RabbitMQ',
    missing: rabbitmqMissing,
    async start() {
      const server = await startRabbitmq();
      return { settings: { transport_url: server.url }, stop: () => server.stop() };
    },
  },
];

/** Enough for an image that nothing boots from. */
const imageBytes = 64 * 1024;

for (const { name, missing, start } of topologies)
  describe(`a whole cloud on ${name}`, { skip: missing }, () => {
    const directory = mkdtempSync(join(tmpdir(), 'cml-'));
    const cloud = new TestCloud(join(directory, 'c'), [
      '--simulated',
      '--port-offset',
      String(randomInt(100, 150) * 100),
    ]);
    let stop: () => Promise<void>;
    let demo: ApiClient;
    let admin: ApiClient;
    let server: Server;
    let network: Named;

    before(async () => {
      const started = await start();
      stop = started.stop;
      await mkdir(cloud.stateDir, { mode: 0o700 });
      await writeFile(join(cloud.stateDir, 'cumulet.yaml'), stringify(started.settings), { mode: 0o600 });
      await up();
    });
    after(async () => {
      await cloud.command('destroy', '--yes').catch(() => {});
      await stop?.();
      await rm(directory, { recursive: true, force: true });
    });
    const up = async () => {
      await cloud.up();
      [admin, demo] = await Promise.all([cloud.client('admin'), cloud.client('demo')]);
    };
    const showServer = async () =>
      (await demo.get<{ server: Server }>('compute', `/servers/${server.id}`)).server;

    test('builds a server from an image, on a network', async () => {
      const image = await admin.post<Named>('image', '/v2/images', {
        name: 'nothing',
        disk_format: 'raw',
        container_format: 'bare',
        visibility: 'public',
      });
      const bytes = Readable.toWeb(Readable.from([Buffer.alloc(imageBytes)])) as ReadableStream;
      const type = { 'content-type': 'application/octet-stream' };
      await admin.request('image', 'PUT', `/v2/images/${image.id}/file`, bytes, type);
      ({ network } = await demo.post<{ network: Named }>('network', '/v2.0/networks', {
        network: { name: 'net' },
      }));
      await demo.post('network', '/v2.0/subnets', {
        subnet: { network_id: network.id, ip_version: 4, cidr: '10.10.0.0/24' },
      });
      const { flavors } = await demo.get<{ flavors: Named[] }>('compute', '/flavors');
      const flavor = flavors.find((each) => each.name === 'm1.nano');
      ({ server } = await demo.post<{ server: Server }>('compute', '/servers', {
        server: {
          name: 'first',
          imageRef: image.id,
          flavorRef: flavor?.id,
          networks: [{ uuid: network.id }],
        },
      }));
      await until('the server', async () => {
        const { status, fault } = await showServer();
        assert.notEqual(status, 'ERROR', `the server failed: ${fault?.message}`);
        return status === 'ACTIVE';
      });
    });

    test('keeps texts of every script', async () => {
      for (const text of ['云', 'ÉTÉ', '☁️'.repeat(100), 'a ', 'it\'s \\ "%_']) {
        const made = await demo.post<{ network: Named }>('network', '/v2.0/networks', {
          network: { name: text },
        });
        assert.equal(made.network.name, text);
        const path = `/v2.0/networks?name=${encodeURIComponent(text)}`;
        const found = await demo.get<{ networks: Named[] }>('network', path);
        assert.deepEqual(
          found.networks.map(({ id }) => id),
          [made.network.id],
        );
        await demo.request('network', 'DELETE', `/v2.0/networks/${made.network.id}`);
      }
    });

    test('is there again after a restart', async () => {
      await cloud.command('down');
      await up();
      assert.equal((await showServer()).status, 'ACTIVE');
      const { networks } = await demo.get<{ networks: Named[] }>('network', '/v2.0/networks?name=net');
      assert.deepEqual(
        networks.map(({ id }) => id),
        [network.id],
      );
    });

    test('gives everything back', async () => {
      await demo.request('compute', 'DELETE', `/servers/${server.id}`);
      await until('the end of the server', async () => {
        const { servers } = await demo.get<{ servers: Server[] }>('compute', '/servers');
        return servers.length === 0;
      });
      await until('the end of its port', async () => {
        const ports = `/v2.0/ports?device_id=${server.id}`;
        return (await admin.get<{ ports: Named[] }>('network', ports)).ports.length === 0;
      });
      await demo.request('network', 'DELETE', `/v2.0/networks/${network.id}`);
      const { resource_providers: hosts } = await admin.get<{ resource_providers: { uuid: string }[] }>(
        'placement',
        '/resource_providers',
      );
      for (const { uuid } of hosts) {
        const { usages } = await admin.get<{ usages: Record<string, number> }>(
          'placement',
          `/resource_providers/${uuid}/usages`,
        );
        assert.deepEqual(new Set(Object.values(usages)), new Set([0]));
      }
    });
  });
