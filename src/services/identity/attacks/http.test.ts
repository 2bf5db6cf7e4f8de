import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

describe('a request that is not as requests are', () => {
  let cloud: IdentityCloud;
  before(async () => {
    cloud = await startIdentity();
  });
  after(() => cloud[Symbol.asyncDispose]());
  const post = (path: string, body: unknown) => cloud.request('POST', path, { as: cloud.admin, body });
  const alive = async () =>
    assert.equal((await cloud.request('GET', '/v3/users', { as: cloud.admin })).status, 200);

  /** Bytes over a bare connection. @returns the status lines of all answers, and everything that came */
  async function raw(bytes: string): Promise<{ statuses: number[]; text: string }> {
    const { hostname, port } = new URL(cloud.world.urls['identity'] as string);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.end(bytes);
    await once(socket, 'close');
    return {
      statuses: [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status)),
      text,
    };
  }
  const head = (line: string, ...headers: string[]) =>
    `${[line, 'Host: identity', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`;

  it('is refused when its body is 10 MB, before and after it is known who asks', async () => {
    const huge = 'x'.repeat(10 * 1024 * 1024);
    const known = await post('/v3/users', { user: { name: 'huge', note: huge } });
    assert.equal(known.status, 413);
    const unknown = await cloud.request('POST', '/v3/auth/tokens', { body: { auth: { identity: huge } } });
    assert.equal(unknown.status, 413);
    await alive();
  });

  it('is refused when a list in it is too long', async () => {
    const tags = Array.from({ length: 10_000 }, (_, n) => `t${n}`);
    const put = await cloud.request('PUT', `/v3/projects/${cloud.demoProjectId}/tags`, {
      as: cloud.admin,
      body: { tags },
    });
    assert.equal(put.status, 400);
    assert.equal((await post('/v3/projects', { project: { name: 'tagged', tags } })).status, 400);
    const methods = Array.from({ length: 10_000 }, () => 'password');
    assert.equal((await post('/v3/auth/tokens', { auth: { identity: { methods } } })).status, 400);
    const rules = Array.from({ length: 5_000 }, (_, n) => [`m${n}`]);
    assert.equal(
      (await post('/v3/users', { user: { name: 'ruled', options: { multi_factor_auth_rules: rules } } }))
        .status,
      400,
    );
  });

  it('is refused or kept, and never fails, when its body is nested thousands deep', async () => {
    for (const depth of [100, 5_000, 20_000]) {
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
      ] as const) {
        const deep = `${open.repeat(depth)}1${close.repeat(depth)}`;
        for (const [path, body] of [
          ['/v3/users', `{"user":{"name":"deep ${depth} ${open.length}","note":${deep}}}`],
          ['/v3/users', `{"user":{"name":"odd ${depth} ${open.length}","options":${deep}}}`],
          [
            '/v3/users',
            `{"user":{"name":"odder ${depth}\\u0041\\ud83d\\ude00${open.length}","note":${deep}}}`,
          ],
          ['/v3/projects', `{"project":{"name":"deep","tags":${deep}}}`],
          ['/v3/auth/tokens', `{"auth":${deep}}`],
          [
            '/v3/auth/tokens',
            `{"auth":{"identity":{"methods":["token"],"token":{"id":"x"}},"scope":${deep}}}`,
          ],
        ] as const) {
          const answered = await post(path, body);
          const what = `${path} ${depth} ${open}: ${JSON.stringify(answered.body)?.slice(0, 200)}`;
          assert.ok(answered.status < 500, `${answered.status} ${what}`);
          if (depth > 1000) assert.ok(answered.status >= 400, `${answered.status} ${what}`);
        }
      }
    }
    await alive();
  });

  it('is refused when it brings two tokens', async () => {
    for (const [first, second] of [
      [cloud.demo, cloud.admin],
      [cloud.admin, cloud.demo],
      [cloud.admin, 'x'],
      ['', cloud.admin],
    ]) {
      const { statuses } = await raw(
        head('GET /v3/users HTTP/1.1', `X-Auth-Token: ${first}`, `X-Auth-Token: ${second}`),
      );
      assert.deepEqual(statuses, [401]);
    }
    const subjects = await raw(
      head(
        'GET /v3/auth/tokens HTTP/1.1',
        `X-Auth-Token: ${cloud.admin}`,
        `X-Subject-Token: ${cloud.admin}`,
        `X-Subject-Token: ${cloud.demo}`,
      ),
    );
    assert.deepEqual(subjects.statuses, [404]);
  });

  it('does not carry another with it', async () => {
    const inner = `GET /v3/users HTTP/1.1\r\nHost: identity\r\nX-Auth-Token: ${cloud.admin}\r\n\r\n`;
    const body = `0\r\n\r\n${inner}`;
    const json = 'Content-Type: application/json';
    for (const framing of [
      [`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: chunked', `Content-Length: ${body.length}`],
      ['Content-Length: 5', `Content-Length: ${body.length}`],
      ['Transfer-Encoding: chunked, identity'],
      ['Transfer-Encoding: identity, chunked', `Content-Length: ${body.length}`],
      ['Transfer-Encoding:\u000bchunked', `Content-Length: ${body.length}`],
      ['Transfer-Encoding : chunked', `Content-Length: ${body.length}`],
      ['Transfer-Encoding: xchunked'],
      ['Content-Length: +5'],
      ['Content-Length: 0x5'],
      ['Content-Length: 5, 5'],
      ['Content-Length: -1'],
    ]) {
      const { statuses, text } = await raw(
        `${head('POST /v3/auth/tokens HTTP/1.1', json, ...framing)}${body}`,
      );
      assert.equal(statuses.length, 1, `${framing}: ${text}`);
      assert.ok((statuses[0] as number) >= 400, `${framing}: ${text}`);
      assert.equal(text.includes('"users"'), false);
    }
    await alive();
  });

  it('puts no line into its headers or into those of the answer', async () => {
    for (const line of [
      `GET /v3/users HTTP/1.1\r\nX-Auth-Token: x\r\n Folded: ${cloud.admin}`,
      `GET /v3/users HTTP/1.1\r\nX-Auth-Token: ${cloud.admin}\nX-More: y\r\nX-Auth-Token: x`,
      `GET /v3/users HTTP/1.1\r\nX-Auth-Token: ${cloud.admin.slice(0, 20)}\rX: y`,
      `GET /v3/users HTTP/1.1\r\nX-Auth-Token\u0000: ${cloud.admin}`,
      `GET /v3/users HTTP/1.1\r\n: ${cloud.admin}`,
      `GET /v3/users HTTP/1.1\r\nX Auth Token: ${cloud.admin}`,
    ]) {
      const { statuses, text } = await raw(head(line));
      assert.equal(statuses.length, 1, text);
      assert.ok((statuses[0] as number) >= 400, text);
    }
    const name = 'split\r\nX-Injected: yes';
    const { headers } = await post('/v3/users', { user: { name } });
    assert.equal(headers.get('x-injected'), null);
    const { text } = await raw(
      head(
        'GET /v3/%0d%0aX-Injected:%20yes HTTP/1.1',
        `X-Auth-Token: ${cloud.admin}`,
        'X-OpenStack-Request-ID: req-x%0d%0aX-Injected: yes',
      ),
    );
    assert.equal(/^x-injected/im.test(text), false, text);
  });

  it('is refused when its headers have no end or no measure', async () => {
    const long = await raw(head('GET /v3/users HTTP/1.1', `X-Auth-Token: ${'A'.repeat(100_000)}`));
    assert.deepEqual(long.statuses, [431]);
    const many = await raw(
      head('GET /v3/users HTTP/1.1', ...Array.from({ length: 5_000 }, (_, n) => `X-Number-${n}: x`)),
    );
    assert.equal(many.statuses.length, 1);
    assert.ok((many.statuses[0] as number) >= 400);
    const path = await raw(head(`GET /v3/users/${'a'.repeat(60_000)} HTTP/1.1`));
    assert.ok((path.statuses[0] as number) >= 400);
    await alive();
  });

  it('is refused when its body is not what it says', async () => {
    for (const body of [
      '',
      '{',
      '[]',
      'null',
      '1',
      '"user"',
      '{"user":null}',
      '{"user":[]}',
      '{"user":"x"}',
      '\ufeff{}',
      '{"user":{"name":"\\ud800"}}',
      '{"user":{"name":"\\u0000"}}',
    ]) {
      const { status } = await post('/v3/users', body);
      assert.equal(status, 400, body);
    }
    const form = await cloud.request('POST', '/v3/users', {
      as: cloud.admin,
      body: 'name=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    assert.ok(form.status === 400 || form.status === 415, `${form.status}`);
  });

  it('reaches no other operation by another method, case or spelling of the path', async () => {
    const { users } = (await cloud.request('GET', '/v3/users?name=demo', { as: cloud.admin })).body;
    for (const [method, path] of [
      ['GET', '//v3//users'],
      ['GET', '/v3/./users'],
      ['GET', '/v3/domains/../users'],
      ['GET', '/V3/USERS'],
      ['GET', '/v3/users%2f'],
      ['GET', '/v3/users;x=1'],
      ['GET', '/v3/users%3fname=demo'],
      ['GET', `/v3/users/${users[0].id}%00`],
      ['PROPFIND', '/v3/users'],
      ['TRACE', '/v3/users'],
    ] as const) {
      const { statuses, text } = await raw(head(`${method} ${path} HTTP/1.1`, `X-Auth-Token: ${cloud.demo}`));
      assert.ok((statuses[0] as number) >= 400, `${method} ${path}: ${text.slice(0, 200)}`);
    }
    const overridden = await cloud.request('POST', '/v3/users', {
      as: cloud.demo,
      headers: { 'x-http-method-override': 'GET' },
      body: {},
    });
    assert.ok(overridden.status >= 400);
  });
});
