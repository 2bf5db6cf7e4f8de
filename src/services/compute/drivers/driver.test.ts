import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BadRequest, Conflict, NotFound } from '../../../platform/errors/errors.ts';
import { run } from '../../../platform/exec/run.ts';
import type { GuestSpec, HypervisorDriver, PowerEvent } from './driver.ts';
import { BaseImages } from './qemu/base-images.ts';
import { QemuDriver } from './qemu/driver.ts';
import { inspectImage } from './qemu/image-safety.ts';
import { findGuestProcesses } from './qemu/process.ts';
import { SimulatedDriver } from './simulated/driver.ts';
import { guestImageForTests } from './testing/guest-image.ts';

/** A guest needs seconds to boot where its processor is emulated, more on a busy machine. */
const bootDeadline = 60_000;

interface Subject {
  /** A driver on the same directory as the last one. */
  open: () => Promise<HypervisorDriver>;
  spec: (id: string) => Promise<GuestSpec>;
  /** Kills what runs the guest from outside. */
  kill: (driver: HypervisorDriver, id: string) => Promise<void>;
  /** Lets the guest power itself off, or reset. */
  guestDoes: (driver: HypervisorDriver, id: string, cause: 'guest-shutdown' | 'guest-reset') => Promise<void>;
  /** What is left of a guest on this host. */
  traces: (id: string) => Promise<string[]>;
}

/** Waits until `look` gives something, and gives it. */
async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  deadline = bootDeadline,
): Promise<T> {
  const until = performance.now() + deadline;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > until) throw new Error(`${what}: not within ${deadline} ms`);
    await delay(100);
  }
}

async function bootsOf(driver: HypervisorDriver, id: string): Promise<number> {
  return (await driver.consoleLog(id)).match(/^cumulet-guest: ready /gm)?.length ?? 0;
}

const booted = (driver: HypervisorDriver, id: string, times: number) =>
  eventually(`boot ${times} of ${id}`, async () => (await bootsOf(driver, id)) >= times);

function nextPower(driver: HypervisorDriver): Promise<PowerEvent> {
  return new Promise((resolve) => {
    const stop = driver.onPower((event) => {
      stop();
      resolve(event);
    });
  });
}

function conforms(subject: () => Subject) {
  let driver: HypervisorDriver;
  const id = randomUUID();
  const powerState = async () => (await driver.show(id)).powerState;

  before(async () => {
    driver = await subject().open();
  });
  after(async () => {
    await driver.destroy(id);
    await driver.close();
  });

  test('says what the host has', async () => {
    const facts = await driver.probe();
    assert.equal(facts.hypervisorType, driver.type);
    assert.ok(
      facts.cpus >= 1 && facts.memoryMib > 100 && facts.diskGib >= 1 && facts.hypervisorVersion >= 1_000_000,
    );
    assert.ok(facts.traits.includes('COMPUTE_NODE'));
  });

  test('an unknown guest is not found, and is destroyed already', async () => {
    const unknown = randomUUID();
    await assert.rejects(driver.show(unknown), NotFound);
    await assert.rejects(driver.start(unknown), NotFound);
    await assert.rejects(driver.consoleLog(unknown), NotFound);
    await driver.destroy(unknown);
  });

  test('creates a guest, which boots and says so on its console', async () => {
    const spec = await subject().spec(id);
    await driver.create(spec);
    await driver.create(spec);
    assert.equal(await powerState(), 'running');
    assert.deepEqual(
      (await driver.list()).map((guest) => guest.id),
      [id],
    );
    await booted(driver, id, 1);
    const last = await driver.consoleLog(id, { lines: 3 });
    assert.ok(last.split('\n').length <= 4, last);
    assert.ok((await driver.diagnostics(id)).cpus.length === 1);
  });

  test('pauses and goes on', async () => {
    await driver.pause(id);
    assert.equal(await powerState(), 'paused');
    await driver.unpause(id);
    assert.equal(await powerState(), 'running');
  });

  test('a new driver finds the guest again', async () => {
    await driver.close();
    driver = await subject().open();
    assert.deepEqual(
      (await driver.list()).map((guest) => [guest.id, guest.powerState]),
      [[id, 'running']],
    );
    assert.equal(await bootsOf(driver, id), 1);
  });

  test('suspends to a file, survives a restart of the driver so, and resumes where it was', async () => {
    await driver.suspend(id);
    assert.equal(await powerState(), 'suspended');
    await driver.close();
    driver = await subject().open();
    assert.equal(await powerState(), 'suspended');
    await driver.resume(id);
    assert.equal(await powerState(), 'running');
    assert.equal(await bootsOf(driver, id), 1);
  });

  test('tells when the guest resets itself', async () => {
    const told = nextPower(driver);
    await subject().guestDoes(driver, id, 'guest-reset');
    assert.deepEqual(await told, { id, powerState: 'running', cause: 'guest-reset' });
    await booted(driver, id, 2);
  });

  test('a soft reboot lets the guest go down and boots it again, which is no event', async () => {
    const events: PowerEvent[] = [];
    const stop = driver.onPower((event) => events.push(event));
    await driver.reboot(id, 'soft', { gracefulSeconds: 60 });
    await booted(driver, id, 3);
    stop();
    assert.deepEqual(events, []);
  });

  test('tells when the guest powers itself off', async () => {
    const told = nextPower(driver);
    await subject().guestDoes(driver, id, 'guest-shutdown');
    assert.deepEqual(await told, { id, powerState: 'shutdown', cause: 'guest-shutdown' });
    await assert.rejects(driver.consoleSocket(id, 'vnc'), Conflict);
    await assert.rejects(driver.diagnostics(id), Conflict);
    await assert.rejects(driver.resume(id), Conflict);
  });

  test('tells when the guest is killed, and says so after a restart too', async () => {
    await driver.start(id);
    await driver.start(id);
    const told = nextPower(driver);
    await subject().kill(driver, id);
    assert.deepEqual(await told, { id, powerState: 'crashed', cause: 'crashed' });
    await driver.close();
    driver = await subject().open();
    assert.equal(await powerState(), 'crashed');
  });

  test('stops at once, without an event, and as often as one likes', async () => {
    await driver.start(id);
    const events: PowerEvent[] = [];
    const unsubscribe = driver.onPower((event) => events.push(event));
    await driver.stop(id, { gracefulSeconds: 0 });
    await driver.stop(id, { gracefulSeconds: 0 });
    assert.equal(await powerState(), 'shutdown');
    assert.deepEqual(events, []);
    unsubscribe();
  });

  test('writes its disk as an image of its own, while the guest runs and when it is off', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cumulet-export-'));
    try {
      const root = (await driver.show(id)).spec.disks[0]?.id as string;
      const path = join(directory, 'snapshot.qcow2');
      await driver.exportDisk(id, root, path);
      await driver.start(id);
      await driver.exportDisk(id, root, path);
      assert.equal(await powerState(), 'running');
      // Refuses images that need other files.
      assert.ok((await inspectImage(path, 'qcow2')).virtualSize > 0);
      assert.deepEqual(await readdir(directory), ['snapshot.qcow2']);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  test('is resized while it is off, goes back to what it was, or keeps what it is', async () => {
    const sizeOf = async () => {
      const { vcpus, memoryMib, disks } = (await driver.show(id)).spec;
      const [root] = disks;
      assert.ok(root && root.kind !== 'block');
      return [vcpus, memoryMib, root.sizeGib];
    };
    const larger = { vcpus: 2, memoryMib: 192, rootGib: 2 };
    const smaller = { vcpus: 1, memoryMib: 128, rootGib: 1 };
    await assert.rejects(driver.resize(id, { ...larger, resizeId: 'a' }), Conflict);
    await driver.stop(id, { gracefulSeconds: 0 });
    const traces = await subject().traces(id);
    await driver.resize(id, { ...larger, resizeId: 'a' });
    await driver.resize(id, { ...larger, resizeId: 'a' });
    assert.deepEqual(await sizeOf(), [2, 192, 2]);
    await driver.close();
    driver = await subject().open();
    await driver.settleResize(id, 'revert');
    await driver.settleResize(id, 'revert');
    assert.deepEqual(await sizeOf(), [1, 128, 1]);
    assert.deepEqual(await subject().traces(id), traces);

    await driver.resize(id, { ...larger, resizeId: 'b' });
    const boots = await bootsOf(driver, id);
    await driver.start(id);
    await booted(driver, id, boots + 1);
    assert.equal((await driver.diagnostics(id)).cpus.length, 2);
    await assert.rejects(driver.settleResize(id, 'revert'), Conflict);
    await driver.settleResize(id, 'confirm');
    await driver.stop(id, { gracefulSeconds: 0 });
    assert.deepEqual(await subject().traces(id), traces);
    await assert.rejects(driver.resize(id, { ...smaller, resizeId: 'c' }), BadRequest);
    await driver.settleResize(id, 'revert');
    assert.deepEqual(await sizeOf(), [2, 192, 2]);
  });

  test('boots from another disk while it is rescued, and from its own afterwards', async () => {
    const { spec } = await driver.show(id);
    const own = spec.disks.map((disk) => disk.id);
    const [root] = spec.disks;
    const base = root?.kind === 'image' ? root.base : { path: '/', format: 'raw' as const };
    const disk = { kind: 'image' as const, id: 'rescue', imageId: 'r', sizeGib: 0, base };
    const disks = async () => (await driver.diagnostics(id)).disks.map((one) => one.id);
    await driver.unrescue(id);
    await driver.rescue(id, disk);
    await driver.rescue(id, disk);
    assert.deepEqual((await driver.show(id)).spec, spec);
    await driver.close();
    driver = await subject().open();
    const boots = await bootsOf(driver, id);
    await driver.start(id);
    assert.deepEqual(await disks(), ['rescue', ...own]);
    await booted(driver, id, boots + 1);
    assert.equal((await driver.show(id)).rescue?.imageId, 'r');
    await assert.rejects(driver.rescue(id, disk), Conflict);
    await assert.rejects(driver.unrescue(id), Conflict);
    await driver.stop(id, { gracefulSeconds: 0 });
    await driver.unrescue(id);
    assert.equal((await driver.show(id)).rescue, undefined);
    await driver.start(id);
    assert.deepEqual(await disks(), own);
  });

  test('destroys and leaves nothing', async () => {
    await driver.start(id);
    await driver.destroy(id);
    await driver.destroy(id);
    assert.deepEqual(await driver.list(), []);
    await assert.rejects(driver.show(id), NotFound);
    assert.deepEqual(await subject().traces(id), []);
  });
}

describe('the simulated driver', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cumulet-simulated-'));
  after(() => rm(directory, { recursive: true, force: true }));

  conforms(() => ({
    open: () => SimulatedDriver.open({ directory }),
    spec: async (id) => ({
      id,
      name: 'one',
      projectId: 'p',
      vcpus: 1,
      memoryMib: 128,
      disks: [{ kind: 'empty', id: 'root', sizeGib: 1 }],
      nics: [],
    }),
    kill: (driver, id) => (driver as SimulatedDriver).happen(id, 'crashed'),
    guestDoes: (driver, id, cause) => (driver as SimulatedDriver).happen(id, cause),
    traces: () => readdir(directory),
  }));

  test('fails where it is told to, before anything changed', async () => {
    const failing = await SimulatedDriver.open({
      fail: (operation) => {
        if (operation === 'create') throw new Error('no room');
      },
    });
    const spec = { id: randomUUID(), name: 'x', projectId: 'p', vcpus: 1, memoryMib: 1, disks: [], nics: [] };
    await assert.rejects(failing.create(spec), /no room/);
    assert.deepEqual(await failing.list(), []);
  });
});

/** Types a command into the guest's serial console, as its user, whose password the config drive set. */
async function type(driver: HypervisorDriver, id: string, command: string) {
  const socket = connect(await driver.consoleSocket(id, 'serial'));
  let seen = '';
  socket.on('data', (bytes: Buffer) => {
    // Busybox asks the terminal where its cursor is.
    seen = (seen + bytes.toString()).replaceAll('\u001b[6n', '');
  });
  try {
    const prompted = (prompt: RegExp, from = 0) =>
      eventually(`prompt ${prompt}`, async () => prompt.test(seen.slice(from)), 30_000);
    socket.write('\n');
    await prompted(/login: $|\$ $/);
    if (seen.endsWith('login: ')) {
      socket.write('cumulet\n');
      await prompted(/assword: $/);
      socket.write('correct horse\n');
      await prompted(/\$ $/);
    }
    const from = seen.length;
    socket.write(`${command}; echo do""ne\n`);
    await eventually(
      `end of ${command}`,
      async () => seen.slice(from).includes('done\r\n') || socket.closed,
      30_000,
    );
    return seen.slice(from);
  } finally {
    socket.destroy();
  }
}

const image = await guestImageForTests();

describe('the QEMU driver', { skip: 'missing' in image && image.missing }, async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'cumulet-qemu-'));
  const directory = join(scratch, 'instances');
  const volume = join(scratch, 'volume.raw');
  const volumeId = randomUUID();
  after(() => rm(scratch, { recursive: true, force: true }));

  async function configDrive(id: string): Promise<string> {
    const tree = join(scratch, 'config');
    await mkdir(join(tree, 'openstack/latest'), { recursive: true });
    const metadata = {
      uuid: id,
      hostname: 'one.novalocal',
      admin_pass: 'correct horse',
      public_keys: { 'a "key"': 'ssh-ed25519 AAAAkey me\n' },
    };
    await writeFile(join(tree, 'openstack/latest/meta_data.json'), JSON.stringify(metadata));
    await writeFile(
      join(tree, 'openstack/latest/user_data'),
      '#!/bin/sh\necho "user data runs as $(id -u): $(cat /home/cumulet/.ssh/authorized_keys)"\n',
    );
    const iso = join(scratch, 'config.iso');
    await run(['genisoimage', '-quiet', '-V', 'config-2', '-J', '-r', '-o', iso, tree]);
    return iso;
  }

  conforms(() => ({
    open: () => QemuDriver.open({ directory }),
    spec: async (id) => {
      assert.ok('path' in image);
      const bytes = await readFile(image.path);
      const { createHash } = await import('node:crypto');
      const value = createHash('sha256').update(bytes).digest('hex');
      const base = await new BaseImages(join(scratch, 'base')).obtain({
        imageId: randomUUID(),
        format: 'qcow2',
        hash: { algorithm: 'sha256', value },
        open: async () => createReadStream(image.path),
      });
      return {
        id,
        name: 'one',
        projectId: 'p',
        vcpus: 1,
        memoryMib: 128,
        disks: [
          { kind: 'image', id: 'root', imageId: 'tiny', sizeGib: 1, base },
          { kind: 'empty', id: 'ephemeral0', sizeGib: 1 },
        ],
        nics: [],
        configDrive: await configDrive(id),
      };
    },
    kill: async (_driver, id) => {
      const found = (await findGuestProcesses(directory)).get(id);
      assert.ok(found);
      process.kill(found.pid, 'SIGKILL');
    },
    guestDoes: async (driver, id, cause) => {
      if (cause === 'guest-reset') {
        // On the way: what the first boot took from its config drive, the screen, and a volume that comes and goes.
        const log = await driver.consoleLog(id);
        assert.match(log, /cumulet-guest: metadata from config drive/);
        assert.match(log, /user data runs as 0: ssh-ed25519 AAAAkey me/);
        assert.match(log, /cumulet-guest: ready one /);
        const screen = await driver.screendump(id);
        assert.ok(screen.bytes.length > 1000);
        await writeFile(volume, '');
        await run(['truncate', '-s', '16M', volume]);
        const disk = {
          kind: 'block' as const,
          id: volumeId,
          source: { via: 'file' as const, path: volume, format: 'raw' as const },
        };
        await driver.attachDisk(id, disk);
        await driver.attachDisk(id, disk);
        const found = `$(grep -l ${volumeId.slice(0, 20)} /sys/block/vd*/serial | cut -d / -f 4)`;
        const made = await type(
          driver,
          id,
          `sleep 1; d=/dev/${found}; sudo mke2fs -F $d && sudo mount $d /mnt && sudo touch /mnt/was-here && sudo umount /mnt && echo for""matted`,
        );
        assert.match(made, /formatted/);
        await driver.detachDisk(id, volumeId);
        await driver.detachDisk(id, volumeId);
        assert.ok(!(await driver.show(id)).spec.disks.some((one) => one.id === volumeId));
        assert.match((await run(['debugfs', '-R', 'ls /', volume])).stdout, /was-here/);
      }
      await type(driver, id, cause === 'guest-reset' ? 'sudo reboot' : 'sudo poweroff');
    },
    traces: async (id) => [
      ...(await readdir(directory)).filter((name) => name.includes(id)),
      ...(await findGuestProcesses(directory)).keys(),
    ],
  }));

  test('a guest outlives a killed cloud, and the next one finds it, pid file or not', async () => {
    const id = randomUUID();
    const spec: GuestSpec = {
      id,
      name: 'x',
      projectId: 'p',
      vcpus: 1,
      memoryMib: 64,
      disks: [{ kind: 'empty', id: 'root', sizeGib: 1 }],
      nics: [],
    };
    const program = `
      const { QemuDriver } = await import(${JSON.stringify(join(import.meta.dirname, 'qemu/driver.ts'))});
      const driver = await QemuDriver.open({ directory: ${JSON.stringify(directory)} });
      await driver.create(${JSON.stringify(spec)});
      process.kill(process.pid, 'SIGKILL');`;
    await assert.rejects(run([process.execPath, '--input-type=module', '-e', program]), /SIGKILL/);
    await rm(join(directory, id, 'qemu.pid'));
    const driver = await QemuDriver.open({ directory });
    try {
      assert.equal((await driver.show(id)).powerState, 'running');
      // Nothing bootable is on the disk, so nobody minds the power button: hurry must end the wait.
      const stopping = driver.stop(id, { gracefulSeconds: 60 });
      await driver.reboot(id, 'hard');
      await stopping;
      assert.equal((await driver.show(id)).powerState, 'running');
    } finally {
      await driver.destroy(id);
      await driver.close();
    }
    assert.deepEqual([...(await findGuestProcesses(directory)).keys()], []);
  });

  test('refuses ids and devices that would mean something else to a process or a file system', async () => {
    const driver = await QemuDriver.open({ directory });
    const spec: GuestSpec = {
      id: randomUUID(),
      name: 'x',
      projectId: 'p',
      vcpus: 1,
      memoryMib: 64,
      disks: [],
      nics: [],
    };
    const nic = { portId: 'p', mac: 'fa:16:3e:00:00:01', tap: 'tap0' };
    for (const wrong of [
      { ...spec, id: '../../etc' },
      { ...spec, namespace: '../x' },
      { ...spec, vcpus: 0 },
      { ...spec, disks: [{ kind: 'empty' as const, id: 'a/b', sizeGib: 1 }] },
      { ...spec, nics: [{ ...nic, tap: 'tap0,script=/bin/sh' }] },
      { ...spec, nics: [{ ...nic, mac: 'x' }] },
    ])
      await assert.rejects(driver.create(wrong), BadRequest);
    assert.deepEqual(await driver.list(), []);
    await driver.close();
  });

  test('keeps all it has to itself', async () => {
    assert.equal((await lstat(directory)).mode & 0o077, 0);
  });
});
