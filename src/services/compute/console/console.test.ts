import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { Conflict, NotImplemented } from '../../../platform/errors/errors.ts';
import type { ConsoleAccess } from '../contract.ts';
import { type ConsoleWorld, consoleWorld } from './testing/console-world.ts';
import { type RfbServer, rfbServer } from './testing/rfb-server.ts';

const screen = { name: 'QEMU (web-1)', width: 4, height: 2, pixel: () => [1, 2, 3] as const };

async function withRfb(t: TestContext): Promise<{ world: ConsoleWorld; rfb: RfbServer }> {
  const rfb = await rfbServer(screen);
  t.after(() => rfb[Symbol.asyncDispose]());
  return { world: await consoleWorld(t, async () => ({ path: rfb.path })), rfb };
}

/** A client that keeps its messages in order. */
function client(
  world: ConsoleWorld,
  path: string,
  options: { headers?: Record<string, string>; protocols?: string[] } = {},
) {
  const socket = new WebSocket(`${world.url.replace('http', 'ws')}${path}`, options.protocols ?? ['binary'], {
    headers: options.headers ?? {},
  });
  const messages: Buffer[] = [];
  const waiting: ((message: Buffer) => void)[] = [];
  socket.on('message', (data) => {
    const next = waiting.shift();
    if (next) next(data as Buffer);
    else messages.push(data as Buffer);
  });
  const refused = new Promise<number | undefined>((resolve) => {
    socket.on('unexpected-response', (_, response) => {
      resolve(response.statusCode);
      socket.terminate();
    });
  });
  socket.on('error', () => {});
  return {
    socket,
    refused,
    closed: new Promise<{ code: number; reason: string }>((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    }),
    next: (): Promise<Buffer> => {
      const message = messages.shift();
      return message ? Promise.resolve(message) : new Promise((resolve) => waiting.push(resolve));
    },
  };
}

type Client = ReturnType<typeof client>;

/** What Tempest's test of noVNC does, message by message. @returns the server's name */
async function negotiate({ next, socket }: Client): Promise<string> {
  const version = await next();
  assert.equal(version.toString(), 'RFB 003.008\n');
  socket.send(version);
  assert.deepEqual([...(await next())], [1, 1]);
  socket.send(Uint8Array.of(1));
  assert.deepEqual([...(await next())], [0, 0, 0, 0]);
  socket.send(Uint8Array.of(1));
  const init = await next();
  assert.equal(init.length, 24 + init.readUInt32BE(20));
  return init.subarray(24).toString();
}

test('a token opens the console of its server, wherever the client puts it', async (t) => {
  const { world } = await withRfb(t);
  const forms: ((token: string) => [path: string, headers?: Record<string, string>])[] = [
    (token) => [`/?token=${token}`],
    (token) => [`/websockify?token=${token}`],
    (token) => [`/vnc_lite.html?path=%3Ftoken%3D${token}`],
    (token) => [`/websockify?path=websockify%3Ftoken%3D${token}`],
    (token) => ['/websockify', { cookie: `token=${token}` }],
    (token) => ['/websockify', { cookie: `other=1; path=%3Ftoken%3D${token}` }],
  ];
  for (const form of forms) {
    const [path, headers] = form(world.token());
    const opened = client(world, path, headers ? { headers } : {});
    assert.equal(await negotiate(opened), 'QEMU (web-1)', path);
    assert.equal(opened.socket.protocol, 'binary');
    opened.socket.close();
    await opened.closed;
  }
});

test('a token opens a console once', async (t) => {
  const { world } = await withRfb(t);
  const path = `/?token=${world.token()}`;
  await negotiate(client(world, path));
  assert.equal(await client(world, path).refused, 403);
});

test('a wrong token is refused before there is a WebSocket, and not a byte is sent', async (t) => {
  const { world } = await withRfb(t);
  const { port } = new URL(world.url);
  for (const query of [
    'token=badbadbad',
    '',
    'token=',
    `token=${'x'.repeat(5000)}`,
    'token=../../secret',
    'path=%3Ftoken%3Dbad',
  ]) {
    const socket = connect({ host: '127.0.0.1', port: Number(port) });
    socket.write(
      `GET /?${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n`,
    );
    const answer = Buffer.concat(await socket.toArray()).toString();
    assert.match(answer, /^HTTP\/1\.1 403 [^]*\r\n\r\n$/);
    assert.equal(answer.indexOf('\r\n\r\n'), answer.length - 4);
  }
});

test('a page of another host cannot use a token, and does not use it up', async (t) => {
  const { world } = await withRfb(t);
  const token = world.token();
  const from = (origin: string) => client(world, `/?token=${token}`, { headers: { origin } });
  for (const origin of [
    'http://evil.example',
    'null',
    'http://127.0.0.1.evil.example',
    'file://127.0.0.1',
    '',
  ]) {
    assert.equal(await from(origin).refused, 403, origin);
  }
  assert.equal(await negotiate(from('https://127.0.0.1:8443')), 'QEMU (web-1)');
});

test('a client that names no protocol gets none, and works', async (t) => {
  const { world } = await withRfb(t);
  const opened = client(world, `/?token=${world.token()}`, { protocols: [] });
  await negotiate(opened);
  assert.equal(opened.socket.protocol, '');
});

test('the serial console carries what is typed, as text or as bytes, and what is answered', async (t) => {
  const rfb = await rfbServer(screen);
  t.after(() => rfb[Symbol.asyncDispose]());
  const asked: object[] = [];
  const world = await consoleWorld(t, async (args) => {
    asked.push(args);
    return { path: rfb.path };
  });
  const opened = client(world, `/?token=${world.token({ type: 'serial' })}`);
  assert.equal((await opened.next()).toString(), 'RFB 003.008\n');
  opened.socket.send('RFB 003.008\n');
  assert.deepEqual([...(await opened.next())], [1, 1]);
  assert.deepEqual(asked, [{ serverId: 'server-1', kind: 'serial' }]);
});

test('when the guest ends, the client hears so; when the client leaves, the guest does', async (t) => {
  const { world, rfb } = await withRfb(t);
  const first = client(world, `/?token=${world.token()}`);
  await negotiate(first);
  rfb.hangUp();
  assert.deepEqual(await first.closed, { code: 1000, reason: 'The server closed its console.' });
  const second = client(world, `/?token=${world.token()}`);
  await negotiate(second);
  second.socket.terminate();
  await rfb.idle();
});

test('where there is no console, the WebSocket closes with a reason', async (t) => {
  const nobody = { path: join(tmpdir(), 'cumulet-nobody.sock') };
  let answer = (): Promise<{ path: string }> => Promise.resolve(nobody);
  const world = await consoleWorld(t, () => answer());
  const reason = (access: Partial<ConsoleAccess> = {}) =>
    client(world, `/?token=${world.token(access)}`).closed;

  assert.deepEqual(await reason(), { code: 1011, reason: 'The console of the server cannot be reached.' });
  answer = async () => {
    throw new NotImplemented('Simulated servers have no console.');
  };
  assert.deepEqual(await reason(), { code: 4501, reason: 'Simulated servers have no console.' });
  answer = async () => {
    throw new Conflict(`The server is off. ${'é'.repeat(100)}`);
  };
  const off = await reason();
  assert.equal(off.code, 4409);
  assert.match(off.reason, /^The server is off\. é+$/);
  assert.deepEqual(await reason({ type: 'rdp-html5' }), {
    code: 4501,
    reason: 'Consoles of type rdp-html5 are not offered here.',
  });
  assert.deepEqual(await reason({ host: 'host-2' }), {
    code: 1011,
    reason: 'The server is on another host.',
  });
});

test('a message of more than a mebibyte ends the console', async (t) => {
  const { world } = await withRfb(t);
  const opened = client(world, `/?token=${world.token()}`);
  await opened.next();
  opened.socket.send(Buffer.alloc(1024 * 1024 + 1));
  assert.equal((await opened.closed).code, 1009);
});

test('one server has sixteen consoles open at most, and room again when one closes', async (t) => {
  const { world } = await withRfb(t);
  const open = async () => {
    const opened = client(world, `/?token=${world.token()}`);
    await Promise.race([opened.next(), opened.closed]);
    return opened;
  };
  const all = await Promise.all(Array.from({ length: 16 }, open));
  assert.equal((await (await open()).closed).code, 1013);
  all[0]?.socket.close();
  await all[0]?.closed;
  assert.equal(await negotiate(client(world, `/?token=${world.token()}`)), 'QEMU (web-1)');
});

test('neither tokens nor URLs are logged, whatever happens', async (t) => {
  const { world } = await withRfb(t);
  const token = world.token();
  const opened = client(world, `/?token=${token}`);
  await negotiate(opened);
  opened.socket.close();
  await opened.closed;
  const strange = world.token({ type: 'spice-html5' });
  await client(world, `/?token=${strange}`).closed;
  await client(world, `/?token=${token}`).refused;
  await fetch(`${world.url}/vnc_lite.html?path=%3Ftoken%3D${token}`);
  await world.close();
  assert.match(world.logged(), /console opened/);
  assert.match(world.logged(), /console closed/);
  for (const each of [token, strange]) assert(!world.logged().includes(each), world.logged());
});

test('when the service ends, so do its consoles', async (t) => {
  const { world } = await withRfb(t);
  const opened = client(world, `/?token=${world.token()}`);
  await negotiate(opened);
  await world.close();
  assert.equal((await opened.closed).code, 1006);
});

/** A request with a path as it is: `fetch` would resolve the dots. */
async function get(
  world: ConsoleWorld,
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
) {
  const { hostname, port } = new URL(world.url);
  const sent = request({ hostname, port, path, agent: false, ...options }).end();
  const [response] = await once(sent, 'response');
  const body = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode as number, headers: response.headers as Record<string, string>, body };
}

test('the page is what nova’s clients look for, under all of its names', async (t) => {
  const { world } = await withRfb(t);
  for (const name of ['vnc_lite.html', 'vnc.html', 'vnc_auto.html']) {
    const { status, headers, body } = await get(world, `/${name}?path=%3Ftoken%3Dabc`);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    for (const part of [/<html.*>/, /<\/html>/, /noVNC/, /<script/]) assert.match(body, part);
  }
});

test('everything that the page imports, and what that imports, is there with its type', async (t) => {
  const { world } = await withRfb(t);
  const seen = new Set<string>();
  const follow = async (path: string): Promise<void> => {
    if (seen.has(path)) return;
    seen.add(path);
    const { status, headers, body } = await get(world, path);
    assert.deepEqual([status, headers['content-type']], [200, 'text/javascript; charset=utf-8'], path);
    for (const [, wanted] of body.matchAll(/^\s*(?:import|export)\s[^;]*?["'](\.[^"']+)["'];/gm)) {
      await follow(new URL(wanted as string, `http://here${path}`).pathname);
    }
  };
  await follow('/console.js');
  assert(seen.has('/core/rfb.js') && seen.has('/vendor/pako/lib/zlib/inflate.js'), [...seen].join(' '));
  assert.equal((await get(world, '/console.css')).headers['content-type'], 'text/css; charset=utf-8');
});

test('nothing else is there: not by dots, not by encoding, not by other names', async (t) => {
  const { world } = await withRfb(t);
  for (const path of [
    '/',
    '/core',
    '/core/',
    '/../package.json',
    '/core/../package.json',
    '/core/../../../ws/package.json',
    '/%2e%2e/package.json',
    '/core/%2e%2e/package.json',
    '/core/..%2fpackage.json',
    '//core/rfb.js',
    '/core/rfb.js/',
    '/core/rfb.js%00.html',
    '/package.json',
    '/AUTHORS',
    '/vendor/pako/README.md',
    '/service.ts',
    '/page/vnc_lite.html',
    '/constructor',
    '/etc/passwd',
  ]) {
    const { status, body } = await get(world, path);
    assert.deepEqual([status, body], [404, 'Not found\n'], path);
  }
});

test('answers protect the page, and are asked for again only when they changed', async (t) => {
  const { world } = await withRfb(t);
  const { headers } = await get(world, '/vnc_lite.html');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.match(String(headers['content-security-policy']), /default-src 'none'; script-src 'self';/);
  assert.match(String(headers['content-security-policy']), /frame-ancestors 'self' http:\/\/127\.0\.0\.1:\*/);
  const again = await get(world, '/vnc_lite.html', {
    headers: { 'if-none-match': headers['etag'] as string },
  });
  assert.deepEqual([again.status, again.body], [304, '']);
  const written = await get(world, '/vnc_lite.html', { method: 'POST' });
  assert.deepEqual([written.status, written.headers['allow']], [405, 'GET, HEAD']);
  const hostile = await get(world, '/vnc_lite.html', { headers: { host: "x; script-src 'unsafe-inline'" } });
  assert.doesNotMatch(String(hostile.headers['content-security-policy']), /unsafe/);
});
