import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { cachingAuthenticator } from '../auth/authenticator.ts';
import { type ApiError, BadRequest } from '../errors/errors.ts';
import { answer, type Call } from './call.ts';
import { fileBody } from './file-body.ts';
import { serveApi } from './server.ts';

const mib = 2 ** 20;

describe('an API server that sends what is large', () => {
  const bytes = randomBytes(40 * mib + 3);
  let directory: string;
  let path: string;
  let harbour: Awaited<ReturnType<typeof started>>;
  /** What `/stream` is answered with. */
  let streams: (() => Readable)[] = [];
  let complaints: Error[] = [];

  async function started() {
    const route = (at: string, handler: (call: Call) => unknown) => ({
      method: 'GET' as const,
      path: at,
      summary: at,
      public: true,
      handler,
    });
    const app = serveApi(
      {
        name: 'harbour',
        title: 'Harbour',
        guardsUnknownPaths: false,
        errors: {
          errorBody: (error: ApiError) => ({ body: { code: error.status } }),
          invalid: ({ message }) => new BadRequest(message),
        },
        routes: [
          route('/file/:start/:end', async ({ params }) => {
            const [start, end] = [Number(params['start']), Number(params['end'])];
            const head = { 'content-length': String(end - start + 1) };
            return answer(200, await fileBody(path, { start, end }), head);
          }),
          route('/stream/:length', async ({ params }) =>
            answer(200, streams.shift()?.(), { 'content-length': params['length'] as string }),
          ),
          route('/short', () => ({ short: true })),
        ],
      },
      {
        authenticator: cachingAuthenticator(async () => null),
        authorizer: { check: () => true, enforce: () => {} },
        log: { error: ({ err }: { err?: Error }) => void (err && complaints.push(err)), info: () => {} },
        identityUrl: () => 'http://127.0.0.1:5000',
      },
    );
    await app.listen({ host: '127.0.0.1', port: 0 });
    return { app, port: (app.server.address() as AddressInfo).port };
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cumulet-sending-'));
    path = join(directory, 'file');
    await writeFile(path, bytes);
    harbour = await started();
  });
  after(async () => {
    await harbour.app.close();
    await rm(directory, { recursive: true });
  });

  const all = `/file/0/${bytes.length - 1}`;
  const open = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === path;
      } catch {
        return false;
      }
    }).length;
  async function untilOpen(count: number): Promise<void> {
    for (let tries = 0; open() !== count; tries++) {
      assert.ok(tries < 2000, `${open()} files are open, not ${count}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** A client that sends these requests and reads nothing until it is told to. */
  async function client(...requests: string[]): Promise<Socket> {
    const socket = connect(harbour.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.pause();
    socket.write(requests.join(''));
    return socket;
  }
  const asks = (what: string, version = '1.1', more = '') =>
    `GET ${what} HTTP/${version}\r\nhost: harbour\r\n${more}\r\n`;
  const last = 'connection: close\r\n';

  /** The bodies of answers that came one after the other. */
  function bodies(of: Buffer): Buffer[] {
    const found: Buffer[] = [];
    for (let at = 0; at < of.length; ) {
      const end = of.indexOf('\r\n\r\n', at) + 4;
      const head = String(of.subarray(at, end));
      assert.match(head, /^HTTP\/1.1 200 OK\r\n/);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      found.push(of.subarray(end, end + length));
      at = end + length;
    }
    return found;
  }

  it('sends what one connection asks for at once in its order, and mixes none of it', async () => {
    const parts = [
      [0, bytes.length - 1],
      [5, 5],
      [mib - 1, 3 * mib],
    ] as const;
    const paths = [`/file/0/${bytes.length - 1}`, '/short', '/file/5/5', `/file/${mib - 1}/${3 * mib}`];
    const socket = await client(...paths.map((each, at) => asks(each, '1.1', at === 3 ? last : '')));
    const [first, short, ...others] = bodies(await buffer(socket));
    assert.deepEqual(JSON.parse(String(short)), { short: true });
    for (const [at, got] of [first, ...others].entries()) {
      const [start, end] = parts[at] as readonly [number, number];
      assert.ok(got?.equals(bytes.subarray(start, end + 1)), `${start} to ${end}`);
    }
    await untilOpen(0);
  });

  it('speaks to clients of HTTP/1.0', async () => {
    const socket = await client(asks(all, '1.0'));
    const [got] = bodies(await buffer(socket));
    assert.ok(got?.equals(bytes));
  });

  it('takes memory for those of which a client takes something, however many it asks for', async () => {
    const resident = process.memoryUsage().rss;
    const socket = await client(...Array.from({ length: 150 }, () => asks(all)));
    await untilOpen(150);
    // One that comes after them is answered, and so they have had their time.
    await (await fetch(`http://127.0.0.1:${harbour.port}/short`)).text();
    const grown = (process.memoryUsage().rss - resident) / mib;
    assert.ok(grown < 64, `${grown.toFixed(0)} MiB`);
    socket.destroy();
    await untilOpen(0);
  });

  it('holds nothing for clients that vanish, in the middle or before their turn', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => client(asks(all), asks(all))));
    await untilOpen(40);
    for (const each of clients) each.destroy();
    await untilOpen(0);
    assert.deepEqual(complaints, []);
  });

  it('gives 200 clients at once every byte', async () => {
    const ask = async () => {
      const asked = get({ host: '127.0.0.1', port: harbour.port, path: `/file/7/${3 * mib}`, agent: false });
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      return buffer(response);
    };
    const wanted = bytes.subarray(7, 3 * mib + 1);
    for (const got of await Promise.all(Array.from({ length: 200 }, ask))) assert.ok(got.equals(wanted));
    await untilOpen(0);
  });

  it('ends with downloads under way, read or not', async () => {
    const ending = await started();
    const [own, idle] = [connect(ending.port, '127.0.0.1'), connect(ending.port, '127.0.0.1')];
    for (const each of [own, idle]) {
      each.on('error', () => {}).write(asks(all) + asks(all));
      each.pause();
    }
    await untilOpen(4);
    const over = buffer(own).catch(() => {});
    await ending.app.close();
    await over;
    await untilOpen(0);
    idle.destroy();
  });

  it('sends no body for HEAD', async () => {
    const asked = httpRequest({ host: '127.0.0.1', port: harbour.port, path: all, method: 'HEAD' }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    assert.equal(response.headers['content-length'], String(bytes.length));
    assert.equal((await buffer(response)).length, 0);
    await untilOpen(0);
  });

  it('breaks the connection where a stream is not as long as was said, and says so to the operator', async () => {
    for (const [length, why] of [
      [100, /ended 90 bytes before its end/],
      [5, /longer than the 5 bytes/],
    ] as const) {
      complaints = [];
      streams = [() => Readable.from([Buffer.alloc(4), Buffer.alloc(6)])];
      const socket = await client(asks(`/stream/${length}`), asks('/short'));
      const got = String(await buffer(socket));
      assert.doesNotMatch(got, /short/, "the next answer's bytes are none of this one's");
      assert.match(String(complaints[0]), why);
      assert.equal(complaints.length, 1);
    }
  });

  it('lets go of streams whose clients vanish, in the middle or before their turn', async () => {
    complaints = [];
    const made = [new Readable({ read() {} }), new Readable({ read() {} })];
    streams = made.map((each) => () => each);
    const closed = Promise.all(made.map((each) => new Promise((resolve) => each.once('close', resolve))));
    made[0]?.push(Buffer.alloc(10));
    const socket = await client(asks('/stream/100'), asks('/stream/100'));
    socket.resume();
    await once(socket, 'data');
    socket.destroy();
    await closed;
    assert.deepEqual(complaints, []);
  });
});
