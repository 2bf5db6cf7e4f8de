import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { ensureExternalNetwork, ensureProjectNetwork } from '../src/cloud/demo/resources.ts';
import { externalNetworkOf } from '../src/cloud/external-network.ts';
import { TestCloud, until } from './cloud.ts';
import { inOwnNamespace } from './namespace.ts';
import { tracesOf } from './traces.ts';

await inOwnNamespace(import.meta.filename, [], (directory) => {
  describe('two real clouds on one machine', () => {
    const first = new TestCloud(join(directory, 'a'));
    const second = new TestCloud(join(directory, 'b'), ['--port-offset', '2000']);

    /** What a cloud has, save processes: its agent may just be starting one anew. */
    const standing = async (cloud: TestCloud) =>
      (await tracesOf(cloud.stateDir)).filter((trace) => !trace.startsWith('process '));

    before(async () => {
      // One after the other: each takes the first external network that it finds free.
      for (const cloud of [first, second]) {
        await cloud.up();
        const external = await ensureExternalNetwork(
          await cloud.client('admin'),
          await externalNetworkOf(cloud.stateDir),
        );
        await ensureProjectNetwork(await cloud.client('demo'), external);
      }
    });

    /** The switch, a router, a DHCP server at work, and the way outside: a bridge and a cable to the switch. */
    const complete = (cloud: TestCloud) => async () => {
      const traces = await tracesOf(cloud.stateDir);
      const count = (word: string) => traces.filter((trace) => trace.includes(word)).length;
      return count('namespace ') === 3 && count('device ') === 2 && count(': dnsmasq ') === 1;
    };

    test('each has networks of its own', async () => {
      await until('the first cloud’s namespaces', complete(first));
      await until('the second cloud’s namespaces', complete(second));
      assert.notEqual(
        (await externalNetworkOf(first.stateDir)).cidr,
        (await externalNetworkOf(second.stateDir)).cidr,
      );
    });

    test('destroying one leaves nothing of it and all of the other', async () => {
      const others = await standing(second);
      await first.command('destroy', '--yes');
      assert.deepEqual(await tracesOf(first.stateDir), []);
      assert.deepEqual(await standing(second), others);
      await until('all of the second cloud', complete(second));
      await second.command('status');
    });

    test('what a cloud that is down has left is destroyed, too', async () => {
      const others = await standing(second);
      await second.command('down');
      assert.deepEqual(await standing(second), others, 'its networks live on');
      await second.command('destroy', '--yes');
      assert.deepEqual(await tracesOf(second.stateDir), []);
    });
  });
});
