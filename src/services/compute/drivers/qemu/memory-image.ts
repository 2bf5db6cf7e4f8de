import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Conflict } from '../../../../platform/errors/errors.ts';
import type { QemuGuest } from './guest.ts';

/** The longest that a guest's memory may take to go through. */
const deadline = 600_000;

/**
 * Writes the memory of a guest to its directory and powers it off. QEMU is locked in and starts no programs, so the
 * memory comes over a socket, as in a migration, and this process writes it down. When it fails the guest runs on.
 */
export async function saveMemory(guest: QemuGuest): Promise<void> {
  const { files, monitor } = guest;
  const fresh = `${files.memory}.new`;
  await guest.pause();
  try {
    await rm(files.incoming, { force: true });
    const server = createServer();
    const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(files.incoming, resolve);
    });
    try {
      await announce(guest);
      const finished = migrationEnd(guest);
      await monitor.execute('migrate', { uri: `unix:${files.incoming}` });
      const written = connected.then((socket) => pipeline(socket, createWriteStream(fresh, { mode: 0o600 })));
      await finished;
      await written;
    } finally {
      server.close();
    }
    const file = await open(fresh);
    await file.sync();
    await file.close();
    await rename(fresh, files.memory);
  } catch (error) {
    await rm(fresh, { force: true });
    await monitor.execute('migrate_cancel').catch(() => {});
    await guest.unpause();
    throw error;
  }
  await guest.save({ power: 'suspended' });
  await guest.powerOff('suspended');
}

/** Starts a guest with the memory that `saveMemory` kept. */
export async function restoreMemory(guest: QemuGuest): Promise<void> {
  const { files } = guest;
  await guest.launch({ incoming: true });
  try {
    await announce(guest);
    const finished = migrationEnd(guest);
    await guest.monitor.execute('migrate-incoming', { uri: `unix:${files.incoming}` });
    const socket = connect(files.incoming);
    await Promise.all([finished, pipeline(createReadStream(files.memory), socket)]);
    await guest.unpause();
  } catch (error) {
    await guest.powerOff('suspended');
    throw error;
  }
  await rm(files.memory, { force: true });
}

async function announce({ monitor }: QemuGuest): Promise<void> {
  await monitor.execute('migrate-set-capabilities', {
    capabilities: [{ capability: 'events', state: true }],
  });
  await monitor.execute('migrate-set-parameters', { 'max-bandwidth': 2 ** 40 });
}

async function migrationEnd({ monitor, id }: QemuGuest): Promise<void> {
  const end = await monitor.waitFor(
    ({ event, data }) =>
      event === 'MIGRATION' && ['completed', 'failed', 'cancelled'].includes(String(data['status'])),
    { deadline },
  );
  if (end.data['status'] !== 'completed')
    throw new Conflict(`The memory of instance ${id} could not be moved: ${String(end.data['status'])}.`);
}
