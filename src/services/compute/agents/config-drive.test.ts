import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CommandFailed, run } from '../../../platform/exec/run.ts';
import { anInstance } from '../model/metadata/testing/instance.ts';
import { openstackVersions } from '../model/metadata/versions.ts';
import { configDrive } from './config-drive.ts';

/** `isoinfo` comes in the same package. */
const skip = await run(['genisoimage', '--version']).then(
  () => false,
  (error: Error) => `genisoimage is not installed (${error.message})`,
);

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'cumulet-config-drive-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

/** A file of an image by its Rock Ridge name, as a Linux guest sees it. */
const content = async (image: string, name: string): Promise<string> =>
  (await run(['isoinfo', '-R', '-i', image, '-x', `/${name}`])).stdout;

test('a config drive reads back as it was meant', { skip }, async (t) => {
  const image = join(await folder(t), 'drive.iso');
  const meta = anInstance({ name: 'Grüße 你好', metadata: { role: 'web' } });
  await configDrive(meta, { path: image });

  assert.match((await run(['isoinfo', '-d', '-i', image])).stdout, /^Volume id: config-2$/m);
  const names = (await run(['isoinfo', '-R', '-f', '-i', image])).stdout.trim().split('\n');
  for (const version of [...openstackVersions, 'latest']) {
    assert(names.includes(`/openstack/${version}/meta_data.json`), version);
    assert(names.includes(`/openstack/${version}/user_data`), version);
  }
  for (const version of ['2009-04-04', 'latest']) {
    assert(names.includes(`/ec2/${version}/meta-data.json`), version);
    assert(names.includes(`/ec2/${version}/user-data`), version);
  }

  const metaData = JSON.parse(await content(image, 'openstack/latest/meta_data.json'));
  assert.deepEqual(
    [metaData.uuid, metaData.name, metaData.hostname, metaData.meta, metaData.admin_pass],
    [meta.id, 'Grüße 你好', 'web-1.novalocal', { role: 'web' }, 'hunter2hunter2'],
  );
  assert.equal(Buffer.from(metaData.random_seed, 'base64').length, 512);
  assert.equal(await content(image, 'openstack/latest/user_data'), '#!/bin/sh\necho hello\n');
  assert.equal(JSON.parse(await content(image, 'openstack/latest/network_data.json')).links.length, 1);
  assert.equal(JSON.parse(await content(image, 'ec2/latest/meta-data.json'))['instance-id'], 'i-0000000a');
});

test('a guest that reads Joliet finds the same names', { skip }, async (t) => {
  const image = join(await folder(t), 'drive.iso');
  await configDrive(anInstance(), { path: image });
  const names = (await run(['isoinfo', '-J', '-f', '-i', image])).stdout.trim().split('\n');
  assert(names.includes('/openstack/latest/vendor_data2.json'), names.join('\n'));
});

test('only the image is left, for its owner to read', { skip }, async (t) => {
  const path = await folder(t);
  await configDrive(anInstance(), { path: join(path, 'drive.iso') });
  assert.deepEqual(await readdir(path), ['drive.iso']);
  assert.equal((await stat(join(path, 'drive.iso'))).mode & 0o777, 0o600);
});

test('writing it again replaces it', { skip }, async (t) => {
  const image = join(await folder(t), 'drive.iso');
  await configDrive(anInstance({ name: 'before' }), { path: image });
  await configDrive(anInstance({ name: 'after' }), { path: image });
  assert.equal(JSON.parse(await content(image, 'openstack/latest/meta_data.json')).name, 'after');
});

test('a drive that cannot be made leaves nothing of its secrets behind, and what was there before', {
  skip,
}, async (t) => {
  const path = await folder(t);
  await writeFile(join(path, 'drive.iso'), 'the one before');
  const before = process.env['PATH'];
  process.env['PATH'] = path;
  t.after(() => {
    process.env['PATH'] = before;
  });
  await assert.rejects(configDrive(anInstance(), { path: join(path, 'drive.iso') }), CommandFailed);
  assert.deepEqual(await readdir(path), ['drive.iso']);
});
