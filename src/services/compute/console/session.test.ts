import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { joinConsole } from './session.ts';

const mebibyte = 1024 * 1024;
/** More than the kernel keeps for a connection that nobody reads. */
const size = 48 * mebibyte;

/** A console and a client of it: what the guest sees, what the client sees, and the proxy's own end in between. */
async function joined(t: TestContext): Promise<{ guest: Socket; client: WebSocket; proxied: WebSocket }> {
  const folder = await mkdtemp(join(tmpdir(), 'cumulet-console-'));
  const path = join(folder, 'console.sock');
  const console = createServer();
  const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  await Promise.all([once(console.listen(path), 'listening'), once(sockets, 'listening')]);
  const client = new WebSocket(`ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`);
  const [proxied] = (await once(sockets, 'connection')) as [WebSocket];
  const connection = once(console, 'connection');
  void joinConsole(proxied, path);
  const [guest] = (await connection) as [Socket];
  guest.on('error', () => {});
  if (client.readyState !== client.OPEN) await once(client, 'open');
  t.after(async () => {
    client.terminate();
    guest.destroy();
    sockets.close();
    console.close();
    await rm(folder, { recursive: true });
  });
  return { guest, client, proxied };
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Waits for `condition`, then lets everything that could still go on go on. */
async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate();
  for (let i = 0; i < 500; i++) await setImmediate();
}

test('a client that does not read makes the guest wait, and then gets every byte', async (t) => {
  const { guest, client, proxied } = await joined(t);
  const sent = randomBytes(size);
  client.pause();
  guest.end(sent);
  await settled(() => proxied.bufferedAmount > mebibyte);
  assert(proxied.bufferedAmount < 2 * mebibyte, `${proxied.bufferedAmount} bytes wait`);

  const hash = createHash('sha256');
  client.on('message', (bytes: Buffer) => hash.update(bytes));
  client.resume();
  await once(client, 'close');
  assert.equal(hash.digest('hex'), digest(sent));
});

test('a guest that does not read makes the client wait, and then gets every byte', async (t) => {
  const { guest, client, proxied } = await joined(t);
  const sent = randomBytes(size);
  guest.pause();
  for (let at = 0; at < size; at += mebibyte / 2) client.send(sent.subarray(at, at + mebibyte / 2));
  await settled(() => proxied.isPaused);
  assert(client.bufferedAmount > size / 4, `only ${client.bufferedAmount} bytes wait`);

  const hash = createHash('sha256');
  let received = 0;
  const all = new Promise<void>((resolve) => {
    guest.on('data', (bytes) => {
      hash.update(bytes);
      received += bytes.length;
      if (received === size) resolve();
    });
  });
  guest.resume();
  await all;
  assert.equal(hash.digest('hex'), digest(sent));
});
