import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ImageFolder, imageFolder } from '../../../platform/disk-image/testing/made.ts';
import { admin, member, startWorld, type World } from '../../../platform/service/testing/world.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';
import { type RunningWeb, startWeb } from '../testing/web-server.ts';

interface Attack {
  what: string;
  disk_format: string;
  bytes: Buffer;
  said: RegExp;
}

describe('an image that is not what it says, or leads elsewhere', () => {
  let world: World;
  let web: RunningWeb;
  let folder: ImageFolder;
  let images: ReturnType<typeof imagesIn>;
  let good: Buffer;
  const attacks: Attack[] = [];
  before(async () => {
    web = await startWeb();
    folder = await imageFolder();
    world = await startWorld([image], {
      settings: {
        enabled_backends: 'file:file, archive:file, web:http',
        allowed_ports: [String(web.port)],
      },
    });
    images = imagesIn(world);
    good = await folder.made('qcow2');
    const vmdk = await folder.made('vmdk');
    const hinted = Buffer.from(vmdk);
    hinted.write('# parentFileNameHint="/etc/passwd"\n', 512);
    const split = Buffer.from(good);
    split.writeBigUInt64BE(4n, 72);
    const backed = Buffer.from(good);
    backed.writeBigUInt64BE(512n, 8);
    // Longer than what is looked at first, and with the lie at its very end.
    const footed = Buffer.alloc(6 * 2 ** 20);
    const vhd = await folder.made('vpc', ['-o', 'force_size=on']);
    vhd.copy(footed, footed.length - 512, 0, 512);
    const longBacked = Buffer.concat([backed, Buffer.alloc(9 * 2 ** 20)]);
    attacks.push(
      {
        what: 'a backing file',
        disk_format: 'qcow2',
        bytes: backed,
        said: /safety checks: as qcow2, it has a b/,
      },
      { what: 'one in a long image', disk_format: 'qcow2', bytes: longBacked, said: /it has a backing file/ },
      { what: 'a data file', disk_format: 'qcow2', bytes: split, said: /it has an external data file/ },
      { what: 'a hidden parent', disk_format: 'vmdk', bytes: hinted, said: /it has a parent/ },
      {
        what: 'a bare descriptor',
        disk_format: 'vmdk',
        bytes: Buffer.from('# Disk DescriptorFile\ncreateType="vmfs"\nRW 9 FLAT "/etc/passwd" 0\n'),
        said: /it is a descriptor that names other files/,
      },
      {
        what: 'qcow2 as raw',
        disk_format: 'raw',
        bytes: good,
        said: /format raw does not match stream data qcow2/,
      },
      { what: 'backed qcow2 as raw', disk_format: 'raw', bytes: backed, said: /it has a backing file/ },
      { what: 'qcow2 as ami', disk_format: 'ami', bytes: good, said: /ami does not match stream data qcow2/ },
      {
        what: 'raw as iso',
        disk_format: 'iso',
        bytes: Buffer.alloc(65_536),
        said: /iso does not match stream data raw/,
      },
      {
        what: 'nothing as qcow2',
        disk_format: 'qcow2',
        bytes: Buffer.alloc(0),
        said: /qcow2 does not match stream data raw/,
      },
      { what: 'a VHD as raw', disk_format: 'raw', bytes: footed, said: /raw does not match stream data vhd/ },
    );
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const show = async (id: string) => (await images.request('GET', `/v2/images/${id}`, { as: admin })).body;
  const stored = async () =>
    Promise.all(
      ['images', 'images-archive', 'staging'].map((name) => readdir(join(world.stateDir, 'image', name))),
    ).then((names) => names.flat());
  async function over(id: string) {
    for (let tries = 0; tries < 2000; tries++) {
      const { body } = await images.request('GET', `/v2/images/${id}/tasks`, { as: member });
      if (['success', 'failure'].includes(body.tasks[0]?.status)) return body.tasks[0];
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return assert.fail('the task was never over');
  }
  async function assertQueued(id: string, disk_format: string, what: string): Promise<void> {
    const found = await show(id);
    assert.deepEqual(
      [found.status, found.disk_format, found.size, found.virtual_size, found.checksum, found.os_hash_value],
      ['queued', disk_format, null, null, null, null],
      what,
    );
    assert.deepEqual(await stored(), [], what);
  }
  const remove = (id: string) => images.request('DELETE', `/v2/images/${id}`, { as: member });

  it('is refused as it is uploaded, with its reason, and the image waits for other data', async () => {
    for (const { what, disk_format, bytes, said } of attacks) {
      const { id } = await images.create(member, { disk_format });
      const refused = await images.upload(member, id, bytes);
      assert.deepEqual([what, refused.status], [what, 415]);
      assert.match(refused.body, said, what);
      await assertQueued(id, disk_format, what);
      await remove(id);
    }
    const { id } = await images.create(member, { disk_format: 'qcow2' });
    assert.equal((await images.upload(member, id, attacks[0]?.bytes ?? Buffer.alloc(0))).status, 415);
    assert.equal((await images.upload(member, id, good)).status, 204);
    const found = await show(id);
    assert.deepEqual([found.status, found.virtual_size], ['active', 8 * 2 ** 20]);
    await remove(id);
  });

  it('is refused as it is imported, however it came', async () => {
    for (const { what, disk_format, bytes, said } of attacks) {
      web.answers.set('/disk', (_, response) => response.end(bytes));
      for (const method of [{ name: 'glance-direct' }, { name: 'web-download', uri: `${web.origin}/disk` }]) {
        const { id } = await images.create(member, { disk_format });
        if (method.name === 'glance-direct')
          assert.equal((await images.upload(member, id, bytes, {}, 'stage')).status, 204);
        const body = { method, stores: ['file', 'archive'] };
        const asked = await images.request('POST', `/v2/images/${id}/import`, { as: member, body });
        assert.equal(asked.status, 202, JSON.stringify(asked.body));
        const task = await over(id);
        assert.equal(task.status, 'failure', what);
        assert.match(task.message, said, `${what} ${method.name}`);
        await assertQueued(id, disk_format, what);
        await remove(id);
      }
    }
  });

  it('is refused at a location, while it can be seen before the image is in use', async () => {
    for (const { what, disk_format, bytes, said } of attacks) {
      if (bytes.length === 0 || what === 'a VHD as raw') continue;
      web.answers.set('/disk', (_, response) =>
        response.writeHead(200, { 'content-length': bytes.length }).end(bytes),
      );
      const { id } = await images.create(member, { disk_format });
      const body = { url: `${web.origin}/disk` };
      assert.equal(
        (await images.request('POST', `/v2/images/${id}/locations`, { as: member, body })).status,
        202,
      );
      const task = await over(id);
      assert.equal(task.status, 'failure', what);
      assert.match(task.message, said, what);
      await assertQueued(id, disk_format, what);
      await remove(id);
    }
    web.answers.set('/disk', (_, response) =>
      response.writeHead(200, { 'content-length': good.length }).end(good),
    );
    const { id } = await images.create(member, { disk_format: 'qcow2' });
    const body = { url: `${web.origin}/disk` };
    await images.request('POST', `/v2/images/${id}/locations`, { as: member, body });
    assert.equal((await over(id)).status, 'success');
    assert.equal((await show(id)).virtual_size, 8 * 2 ** 20);
    await remove(id);
  });

  it('is taken within a container, which nobody here opens, as upstream takes it', async () => {
    for (const container_format of ['ovf', 'ova', 'docker', 'compressed']) {
      const { id } = await images.create(member, { disk_format: 'vmdk', container_format });
      assert.equal((await images.upload(member, id, Buffer.from('anything'))).status, 204, container_format);
      assert.deepEqual([(await show(id)).status, (await show(id)).virtual_size], ['active', null]);
      await remove(id);
    }
    for (const kind of ['ami', 'ari', 'aki']) {
      const { id } = await images.create(member, { disk_format: kind, container_format: kind });
      assert.equal((await images.upload(member, id, good)).status, 204, kind);
      await remove(id);
    }
  });
});
