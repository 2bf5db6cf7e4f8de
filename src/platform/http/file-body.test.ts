import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { FileBody, fileBody } from './file-body.ts';

describe('a part of a file as a body', () => {
  const bytes = randomBytes(3 * 1024 * 1024 + 17);
  let directory: string;
  let path: string;
  let respond: (answer: ServerResponse) => void = () => {};
  const server = createServer((_request, answer) => respond(answer));

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cumulet-file-body-'));
    path = join(directory, 'file');
    await writeFile(path, bytes);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });

  /** Asks once, and has the part sent; what sending comes to is the second promise. */
  function ask(start: number, end: number, begun?: () => Promise<void>) {
    const outcome = Promise.withResolvers<void>();
    respond = async (answer) => {
      const body = await fileBody(path, { start, end });
      answer.writeHead(200, { 'content-length': body.length });
      await begun?.();
      body.send(answer).then(outcome.resolve, outcome.reject);
    };
    const { port } = server.address() as AddressInfo;
    const asked = get({ host: '127.0.0.1', port });
    const answered = once(asked, 'response').then(([response]) => response as IncomingMessage);
    return { asked, answered, outcome: outcome.promise };
  }

  it('is what lies between its ends', async () => {
    for (const [start, end] of [
      [0, bytes.length - 1],
      [0, 0],
      [1, 1_048_576],
      [1_048_575, 2_097_153],
      [bytes.length - 1, bytes.length - 1],
    ] as const) {
      const { answered, outcome } = ask(start, end);
      const got = await buffer(await answered);
      await outcome;
      assert.ok(got.equals(bytes.subarray(start, end + 1)), `${start} to ${end}`);
    }
  });

  it('waits for a client that reads slowly, and gives it every byte as it was', async () => {
    const { answered, outcome } = ask(0, bytes.length - 1);
    const response = await answered;
    const parts: Buffer[] = [];
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await outcome;
    assert.ok(Buffer.concat(parts).equals(bytes));
  });

  it('stops when the client goes', async () => {
    const { asked, answered, outcome } = ask(0, bytes.length - 1);
    const response = await answered;
    response.on('error', () => {});
    asked.on('error', () => {});
    asked.destroy();
    await outcome;
  });

  it('ends the connection where the file has become shorter', async () => {
    const { answered, outcome } = ask(0, bytes.length - 1, () => truncate(path, 1_000_000));
    const refused = assert.rejects(outcome, /shorter/);
    await assert.rejects(buffer(await answered), /aborted/);
    await refused;
    await writeFile(path, bytes);
  });

  it('stops for a client that takes nothing for too long', async () => {
    const sent = Promise.withResolvers<void>();
    respond = async (answer) => {
      answer.writeHead(200, { 'content-length': 2 ** 40 });
      // A file without end: no buffers between here and the client are large enough for it.
      const body = new FileBody(await open('/dev/zero'), 0, 2 ** 40);
      body.send(answer, { stalledAfter: 100 }).then(sent.resolve, sent.reject);
    };
    const asked = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    asked.on('error', () => {});
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    response.pause();
    await sent.promise;
    asked.destroy();
  });

  it('fails alone where the medium fails while a client takes nothing', async () => {
    const sent = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<void>();
    respond = (answer) => {
      answer.writeHead(200, { 'content-length': 2 ** 30 });
      /** Gives bytes until the client's side takes no more of them. */
      const medium = {
        async read(into: Uint8Array) {
          for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
          if (answer.writableLength === 0) return { bytesRead: into.length };
          setImmediate(failed.resolve);
          throw new Error('the medium has failed');
        },
        close: async () => {},
      };
      new FileBody(medium as never, 0, 2 ** 30).send(answer).then(sent.resolve, sent.reject);
    };
    const asked = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.pause();
    // Nobody waits for that read yet: a rejection that is nobody's would end the whole process.
    await failed.promise;
    const refused = assert.rejects(sent.promise, /the medium has failed/);
    await assert.rejects(buffer(response), /aborted/);
    await refused;
  });

  it('is few bytes at once where they are wanted so, fewer at the end of the file', async () => {
    const part = await fileBody(path, { start: bytes.length - 5, end: bytes.length + 5 });
    assert.ok((await part.bytes()).equals(bytes.subarray(-5)));
  });
});
