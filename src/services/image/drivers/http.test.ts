import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { BadRequest, Gone, NotFound, ServiceUnavailable } from '../../../platform/errors/errors.ts';
import { httpStore } from './http.ts';

describe('a store of images on web servers', () => {
  const bytes = randomBytes(300_000);
  const store = httpStore({ name: 'web' }, (url) => !url.includes('forbidden'));
  let server: Server;
  let origin: string;
  before(async () => {
    server = createServer((request, response) => {
      const { range } = request.headers;
      if (request.url === '/forbidden') return void response.writeHead(403).end();
      const moved = { '/moved': '/ranges', '/away': '/forbidden', '/round': '/round', '/nowhere': 'http://' };
      const to = moved[request.url as keyof typeof moved];
      if (to !== undefined) return void response.writeHead(302, { location: to }).end();
      if (request.url !== '/ranges' && request.url !== '/plain') return void response.writeHead(404).end();
      const [, start = '0', end = ''] = /bytes=(\d+)-(\d+)/.exec(range ?? '') ?? [];
      const partly = range !== undefined && request.url === '/ranges';
      const part = partly ? bytes.subarray(Number(start), Number(end) + 1) : bytes;
      response.writeHead(partly ? 206 : 200, { 'content-length': part.length }).end(part);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  for (const path of ['/ranges', '/plain', '/moved'])
    it(`reads all of ${path} and parts of it, whether the server knows ranges or not`, async () => {
      const url = `${origin}${path}`;
      assert.deepEqual(Buffer.concat(await (await store.read(url)).toArray()), bytes);
      const range = { start: 100_000, end: 199_999 };
      assert.deepEqual(
        Buffer.concat(await (await store.read(url, range)).toArray()),
        bytes.subarray(100_000, 200_000),
      );
      assert.deepEqual(await store.readAt(url, 5, 10), bytes.subarray(5, 15));
      assert.equal(await store.size(url), bytes.length);
    });

  it('says what is not there, what is refused and who does not answer', async () => {
    await assert.rejects(store.read(`${origin}/missing`), NotFound);
    await assert.rejects(store.size(`${origin}/forbidden`), BadRequest);
    await assert.rejects(store.read('http://127.0.0.1:1/'), ServiceUnavailable);
    for (const path of ['/away', '/round', '/nowhere'])
      await assert.rejects(
        store.read(`${origin}${path}`),
        /names another place for it, which is not allowed/,
      );
  });

  it('takes nothing', async () => {
    await assert.rejects(store.begin('id'), Gone);
    assert.equal(store.readOnly, true);
  });

  it('knows its addresses', () => {
    assert.equal(store.urlOf('https://example.org/disk'), 'https://example.org/disk');
    assert.equal(store.urlOf('file:///etc/passwd'), undefined);
    assert.equal(store.urlOf('http://'), undefined);
  });
});
