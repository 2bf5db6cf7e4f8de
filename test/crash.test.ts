import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { type ApiClient, RequestFailed } from '../src/cloud/api-client.ts';
import { type Server, TestCloud, until } from './cloud.ts';
import { Login, serverOf } from './guest.ts';
import { inOwnNamespace } from './namespace.ts';
import { guestTracesOf, tracesOf } from './traces.ts';

/** The steps of the two flows, as `cumulet flow show` names them; the test fails when one is no longer met. */
const createSteps = ['claim a host', 'attach the ports', 'build on the host'];
const deleteSteps = [
  'let other work end',
  'destroy the guest',
  'detach the ports',
  'give back what it had claimed',
  'delete the image that it was shelved as',
];
/** Milliseconds after the request at which the process is killed as well, wherever it is. */
const moments = [5, 40, 120, 300];

await inOwnNamespace(import.meta.filename, ['ssh', 'ssh-keygen'], (directory) => {
  describe('a cloud whose process is killed', () => {
    const cloud = new TestCloud(join(directory, 'c'));
    let demo: ApiClient;
    let admin: ApiClient;
    let body: object;
    let survivor: { id: string; qemu: number; login: Login; bootedAt: string };
    let usual: Awaited<ReturnType<typeof footprint>>;

    /** What servers hold: on the host, of addresses, and of what placement gives. */
    async function footprint() {
      const { ports } = await admin.get<{ ports: { id: string; device_owner: string }[] }>(
        'network',
        '/v2.0/ports',
      );
      const { resource_providers: providers } = await admin.get<{ resource_providers: { uuid: string }[] }>(
        'placement',
        '/resource_providers',
      );
      const { allocations } = await admin.get<{ allocations: object }>(
        'placement',
        `/resource_providers/${providers[0]?.uuid}/allocations`,
      );
      const limits = await demo.get<{ limits: { absolute: Record<string, number> } }>('compute', '/limits');
      return {
        ...(await guestTracesOf(cloud.stateDir)),
        ports: ports.map(({ id, device_owner: owner }) => `${owner} ${id}`).sort(),
        allocations: Object.keys(allocations).sort(),
        instancesUsed: limits.limits.absolute['totalInstancesUsed'],
      };
    }

    const create = async (): Promise<string> =>
      (await demo.post<{ server: Server }>('compute', '/servers', { server: body })).server.id;
    const remove = (id: string): Promise<unknown> => demo.request('compute', 'DELETE', `/servers/${id}`);

    async function killAndStart(): Promise<void> {
      await cloud.kill();
      await cloud.up();
      await survivor.login.run('true');
    }

    /** Waits until the flow of a server has come to a step, or past it. */
    async function reached(database: DatabaseSync, serverId: string, flow: string, index: number) {
      const find = database.prepare(
        'SELECT step_index, state FROM flows WHERE resource_id = ? AND name = ? ORDER BY created_at DESC LIMIT 1',
      );
      const end = performance.now() + 30_000;
      for (;;) {
        const row = find.get(serverId, flow) as { step_index: number; state: string } | undefined;
        if (row && (row.step_index >= index || row.state !== 'running')) return;
        assert.ok(performance.now() < end, `${flow} has not come to step ${index}`);
        // A step may be over in a millisecond.
        await turn();
      }
    }

    /** ACTIVE, ERROR with a fault, or gone. */
    const settled = (id: string) =>
      until(`server ${id} to settle`, async () => {
        try {
          const server = await serverOf(demo, id);
          if (server.status === 'ERROR') assert.ok(server.fault?.message, 'an error says why');
          return ['ACTIVE', 'ERROR'].includes(server.status) && server.status;
        } catch (error) {
          if (error instanceof RequestFailed && error.status === 404) return 'gone';
          throw error;
        }
      });
    const gone = (id: string) =>
      until(`server ${id} to be gone`, async () => {
        try {
          await serverOf(demo, id);
          return false;
        } catch (error) {
          if (error instanceof RequestFailed && error.status === 404) return true;
          throw error;
        }
      });

    /** Nothing is left of any server but the survivor, which has gone on as if nothing had happened. */
    async function asUsual(): Promise<void> {
      let seen: unknown;
      await until(
        'everything to be as it was',
        async () => {
          const now = await footprint();
          seen = now;
          try {
            assert.deepEqual(now, usual);
            return true;
          } catch {
            return false;
          }
        },
        { patience: 20_000, every: 200 },
      ).catch(() => assert.deepEqual(seen, usual));
    }

    const bootedAt = (login: Login) => login.run('stat -c %Y /run/metadata');

    before(async () => {
      await cloud.up();
      const { stdout } = await cloud.command('demo');
      [demo, admin] = await Promise.all([cloud.client('demo'), cloud.client('admin')]);
      const { servers } = await demo.get<{ servers: Server[] }>('compute', '/servers');
      const id = servers[0]?.id ?? '';
      const { networks } = await demo.get<{ networks: { id: string }[] }>(
        'network',
        '/v2.0/networks?name=demo-net',
      );
      const { images } = await demo.get<{ images: { id: string }[] }>(
        'image',
        '/v2/images?name=cumulet-guest',
      );
      const { flavors } = await demo.get<{ flavors: { id: string; name: string }[] }>('compute', '/flavors');
      body = {
        name: 'tried',
        imageRef: images[0]?.id,
        flavorRef: flavors.find(({ name }) => name === 'm1.nano')?.id,
        networks: [{ uuid: networks[0]?.id }],
        config_drive: true,
      };
      usual = await footprint();
      const login = new Login(cloud, /cumulet@([\d.]+)/.exec(stdout)?.[1] ?? '');
      survivor = { id, qemu: usual.processes[id] ?? 0, login, bootedAt: await bootedAt(login) };
    });
    after(async () => {
      await cloud.command('destroy', '--yes');
      assert.deepEqual(await tracesOf(cloud.stateDir), []);
    });

    async function inDatabase<T>(work: (database: DatabaseSync) => Promise<T>): Promise<T> {
      const database = new DatabaseSync(join(cloud.stateDir, 'compute/compute.db'), { readOnly: true });
      try {
        return await work(database);
      } finally {
        database.close();
      }
    }

    for (const [index, step] of [...createSteps, 'the end'].entries()) {
      test(`while it creates a server, at '${step}'`, async () => {
        const id = await create();
        await inDatabase((database) => reached(database, id, 'compute.create-server', index));
        await killAndStart();
        assert.equal(await settled(id), 'ACTIVE', 'what can go on does');
        await remove(id);
        await gone(id);
        await asUsual();
      });
    }

    test('while it creates servers, at any moment', async () => {
      const ids: string[] = [];
      for (const [n, moment] of moments.entries()) {
        ids.push(await create());
        await wait(moment - (moments[n - 1] ?? 0));
      }
      await killAndStart();
      for (const id of ids) await settled(id);
      for (const id of ids) await remove(id);
      for (const id of ids) await gone(id);
      await asUsual();
    });

    for (const [index, step] of deleteSteps.entries()) {
      test(`while it deletes a server, at '${step}'`, async () => {
        const id = await create();
        assert.equal(await settled(id), 'ACTIVE');
        await remove(id);
        await inDatabase((database) => reached(database, id, 'compute.delete-server', index));
        await killAndStart();
        await gone(id);
        await asUsual();
      });
    }

    test('while it creates a server that somebody deletes', async () => {
      const id = await create();
      await remove(id);
      await killAndStart();
      await gone(id);
      await asUsual();
    });

    test('and guests that ran before run on, and are reached', async () => {
      assert.equal(await bootedAt(survivor.login), survivor.bootedAt);
      assert.equal((await guestTracesOf(cloud.stateDir)).processes[survivor.id], survivor.qemu);
      await demo.post('compute', `/servers/${survivor.id}/action`, { reboot: { type: 'HARD' } });
      await survivor.login.open();
    });

    test('a guest whose QEMU is killed is seen to be off, and can be started', async () => {
      const { [survivor.id]: qemu } = (await guestTracesOf(cloud.stateDir)).processes;
      process.kill(qemu ?? 0, 'SIGKILL');
      const status = (wanted: string) =>
        until(
          `the server to be ${wanted}`,
          async () => (await serverOf(demo, survivor.id)).status === wanted,
          { patience: 30_000 },
        );
      await status('SHUTOFF');
      await demo.post('compute', `/servers/${survivor.id}/action`, { 'os-start': null });
      await status('ACTIVE');
      assert.notEqual((await guestTracesOf(cloud.stateDir)).processes[survivor.id], qemu);
    });

    test('the flows that these tests name are the flows that there are', async () => {
      const steps = await inDatabase(async (database) => {
        const rows = database.prepare('SELECT DISTINCT name, step_names FROM flows').all() as {
          name: string;
          step_names: string;
        }[];
        return Object.fromEntries(rows.map(({ name, step_names: names }) => [name, JSON.parse(names)]));
      });
      assert.deepEqual(steps['compute.create-server'], createSteps);
      assert.deepEqual(steps['compute.delete-server'], deleteSteps);
    });
  });
});
