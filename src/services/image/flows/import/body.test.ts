import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BadRequest } from '../../../../platform/errors/errors.ts';
import { type RunningWeb, startWeb } from '../../testing/web-server.ts';
import { bodyOf } from './body.ts';

describe('what a server sends', () => {
  const bytes = randomBytes(500_000);
  let web: RunningWeb;
  before(async () => {
    web = await startWeb();
    web.answers.set('/disk', (_, response) =>
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes),
    );
    web.answers.set('/half', (_, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 1000), () => response.destroy());
    });
  });
  after(() => web[Symbol.asyncDispose]());

  const open = async (path: string) => bodyOf(await fetch(`${web.origin}${path}`), 'The server');

  it('is there, however late it is read: fetch empties the bodies of answers that were collected', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const body = await open('/disk');
    for (let turns = 0; turns < 50; turns++) {
      collect();
      await turn();
    }
    assert.deepEqual(Buffer.concat(await body.toArray()), bytes);
  });

  it('is an error where it breaks off', async () => {
    const body = await open('/half');
    await assert.rejects(body.toArray(), (error) => {
      assert.ok(error instanceof BadRequest);
      assert.equal(error.message, 'The server broke off.');
      return true;
    });
  });
});
