import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestCloud } from './cloud.ts';
import { processesNaming } from './traces.ts';

/** Two clouds of one machine. Simulated ones need no root, and send nothing but to their own APIs on loopback. */
describe('two simulated clouds on one machine', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cml-'));
  const offset = randomInt(200, 230) * 100;
  const cloud = (name: string, n: number) =>
    new TestCloud(join(directory, name), ['--simulated', '--port-offset', String(offset + n)]);
  const first = cloud('a', 0);
  const second = cloud('b', 100);

  before(async () => {
    await Promise.all([first.up(), second.up()]);
  });
  after(async () => {
    for (const each of [first, second]) await each.command('destroy', '--yes').catch(() => {});
    await rm(directory, { recursive: true, force: true });
  });

  test('each answers for itself, with accounts of its own', async () => {
    const [one, other] = await Promise.all([first.client('admin'), second.client('admin')]);
    await one.post('compute', '/flavors', {
      flavor: { name: 'mine', ram: 64, vcpus: 1, disk: 0, id: 'mine' },
    });
    const names = async (client: typeof one) =>
      (await client.get<{ flavors: { name: string }[] }>('compute', '/flavors')).flavors.map(
        ({ name }) => name,
      );
    assert.ok((await names(one)).includes('mine'));
    assert.ok(!(await names(other)).includes('mine'));
    assert.notEqual(one.endpoint('compute'), other.endpoint('compute'));
  });

  test('other commands know by the state directory what the cloud is made of', async () => {
    const plain = new TestCloud(first.stateDir);
    const settings = JSON.parse((await plain.command('config', 'show', '-f', 'json')).stdout) as {
      setting: string;
      value: string;
    }[];
    const value = (name: string) => settings.find(({ setting }) => setting === name)?.value;
    assert.deepEqual(
      [value('hypervisor'), value('networking'), value('port_offset')],
      ['simulated', 'simulated', String(offset)],
    );
    // Nobody logs in to what is simulated: it would wait for that otherwise.
    await plain.command('demo');
  });

  test('a second `up` leaves the running cloud alone', async () => {
    const { pid } = first;
    assert.match((await first.up()).stderr, /up already, as process/);
    assert.equal(first.pid, pid);
  });

  test('destroying one leaves nothing of it and all of the other', async () => {
    const { pid } = second;
    await new TestCloud(first.stateDir).command('destroy', '--yes');
    assert.ok(!existsSync(first.stateDir));
    assert.deepEqual(processesNaming(first.stateDir), []);
    assert.equal(second.pid, pid);
    await second.command('status');
    await second.client('demo');
  });

  test('a directory that is no cloud’s is not destroyed', async () => {
    await assert.rejects(
      new TestCloud(directory).command('destroy', '--yes'),
      /is not the state directory of a cloud/,
    );
  });
});
