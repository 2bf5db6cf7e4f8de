import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { cachingAuthenticator } from '../auth/authenticator.ts';
import { contextIfAny } from '../context/context.ts';
import { type ApiError, BadRequest, Unauthorized } from '../errors/errors.ts';
import type { Api } from './api.ts';
import { serveApi } from './server.ts';

const site = 'https://dashboard.example.org';

function api(more: Partial<Api> = {}): Api {
  return {
    name: 'harbour',
    title: 'Harbour',
    errors: {
      errorBody: (error: ApiError) => ({ body: { fault: { code: error.status, message: error.message } } }),
      invalid: ({ message }) => new BadRequest(message),
    },
    routes: [
      { method: 'GET', path: '/boats', summary: 'List boats', public: true, handler: () => ({ boats: [] }) },
    ],
    guardsUnknownPaths: false,
    ...more,
  };
}

const silent = { error: () => {}, info: () => {} };

async function started(given: Api, log: Parameters<typeof serveApi>[1]['log'] = silent) {
  const app = serveApi(given, {
    authenticator: cachingAuthenticator(async () => null),
    authorizer: { check: () => true, enforce: () => {} },
    log,
    identityUrl: () => 'http://127.0.0.1:5000',
    corsOrigins: [site],
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { app, port, url: `http://127.0.0.1:${port}` };
}

describe('an API server', () => {
  let harbour: Awaited<ReturnType<typeof started>>;
  before(async () => {
    harbour = await started(api());
  });
  after(() => harbour.app.close());

  const preflight = async (origin: string, headers?: string) => {
    const response = await fetch(`${harbour.url}/boats`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'GET',
        ...(headers ? { 'access-control-request-headers': headers } : {}),
      },
    });
    const named = ['access-control-allow-origin', 'access-control-allow-headers'];
    return [response.status, ...named.map((name) => response.headers.get(name))];
  };

  it('says the permitted headers of a preflight again, and nothing to a stranger', async () => {
    assert.deepEqual(await preflight(site, 'openstack-api-version, x-auth-token'), [
      200,
      site,
      'openstack-api-version, x-auth-token',
    ]);
    assert.deepEqual(await preflight(site, 'x-own'), [200, null, null]);
    assert.deepEqual(await preflight('https://elsewhere.example.org'), [200, null, null]);
  });

  it('answers 405 to every method that a path has not, with those that it has', async () => {
    for (const method of ['POST', 'PATCH', 'OPTIONS']) {
      const response = await fetch(`${harbour.url}/boats`, { method });
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD']);
    }
    assert.equal((await fetch(`${harbour.url}/boats`, { method: 'HEAD' })).status, 200);
    assert.equal((await fetch(`${harbour.url}/cars`, { method: 'OPTIONS' })).status, 404);
  });

  it('writes a line of each request, with its id, where lines of that level are written', async () => {
    const lines: object[] = [];
    let enabled = true;
    const logged = await started(api(), {
      error: () => {},
      info: ({ seconds, ...line }: { seconds?: number }) => {
        lines.push({ ...line, timed: typeof seconds === 'number', id: contextIfAny()?.requestId });
      },
      isLevelEnabled: () => enabled,
    });
    try {
      const { headers } = await fetch(`${logged.url}/boats?sort=name`);
      enabled = false;
      await fetch(`${logged.url}/boats`);
      const id = headers.get('x-openstack-request-id');
      assert.deepEqual(lines, [{ method: 'GET', path: '/boats', status: 200, timed: true, id }]);
    } finally {
      await logged.app.close();
    }
  });

  it('knows no HEAD where the API has none', async () => {
    const { app, url } = await started(api({ answersHead: false }));
    try {
      const response = await fetch(`${url}/boats`, { method: 'HEAD' });
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET']);
    } finally {
      await app.close();
    }
  });

  it('does not count slashes at the end or twice, unless the API has exact paths', async () => {
    const show = { method: 'GET', path: '/boats/:name', public: true, handler: () => ({}) } as const;
    const put = { method: 'PUT', path: '/boats/:name', public: true, handler: () => ({}) } as const;
    const routes = [...api().routes, show, put];
    for (const [exactPaths, expected] of [
      [false, [200, 200, 200, 405]],
      [true, [404, 404, 404, 404]],
    ] as const) {
      const { app, url } = await started(api({ routes, exactPaths }));
      try {
        const paths = ['/boats/', '//boats', '/boats/ark/'];
        const found = await Promise.all(paths.map(async (path) => (await fetch(`${url}${path}`)).status));
        const removed = await fetch(`${url}/boats/`, { method: 'DELETE' });
        assert.deepEqual([...found, removed.status], expected);
        assert.equal((await fetch(`${url}/boats/ark`)).status, 200);
      } finally {
        await app.close();
      }
    }
  });

  it('hands on what is no JSON where the API reads bodies in its own time', async () => {
    const seen: unknown[] = [];
    const routes: Api['routes'] = [
      { method: 'POST', path: '/boats', public: true, handler: ({ body }) => void seen.push(body) },
    ];
    const { app, url } = await started(api({ routes, handsOnBadJson: true }));
    try {
      const headers = { 'content-type': 'application/json' };
      assert.equal((await fetch(`${url}/boats`, { method: 'POST', headers, body: '{"' })).status, 204);
      assert.ok(seen[0] instanceof BadRequest);
    } finally {
      await app.close();
    }
  });

  it('says the microversion of a request whose body is no JSON', async () => {
    const { app, url } = await started(
      api({
        microversions: { service: 'harbour', min: '1.0', max: '1.9' },
        routes: [{ method: 'POST', path: '/boats', public: true, handler: () => ({}) }],
      }),
    );
    const post = async (version: string) => {
      const headers = {
        'content-type': 'application/json',
        'openstack-api-version': `harbour ${version}`,
      };
      const answer = await fetch(`${url}/boats`, { method: 'POST', headers, body: '{"' });
      return [answer.status, answer.headers.get('openstack-api-version'), answer.headers.get('vary')];
    };
    try {
      assert.deepEqual(await post('1.3'), [400, 'harbour 1.3', 'OpenStack-API-Version']);
      assert.deepEqual(await post('7.0'), [406, null, null]);
    } finally {
      await app.close();
    }
  });

  it('refuses who has no token in its own words, where it has some', async () => {
    const routes: Api['routes'] = [{ method: 'GET', path: '/boats', handler: () => ({}) }];
    const { errors } = api();
    const own = { ...errors, unauthorized: () => new Unauthorized('No boarding.') };
    for (const [given, body] of [
      [own, { fault: { code: 401, message: 'No boarding.' } }],
      [
        errors,
        {
          error: {
            code: 401,
            title: 'Unauthorized',
            message: 'The request you have made requires authentication.',
          },
        },
      ],
    ] as const) {
      const { app, url } = await started(api({ errors: given, routes }));
      try {
        const answer = await fetch(`${url}/boats`, { headers: { 'x-auth-token': 'forged' } });
        assert.equal(answer.status, 401);
        assert.equal(answer.headers.get('www-authenticate'), 'Keystone uri="http://127.0.0.1:5000"');
        assert.deepEqual(await answer.json(), body);
      } finally {
        await app.close();
      }
    }
  });

  it('answers what is no HTTP in its own words, and closes', async () => {
    for (const [head, status, words] of [
      [
        'GET /boats HTTP/1.1\r\nhost: a\r\ncontent-length: hi mom',
        400,
        'content-length header must be an integer',
      ],
      ['NONSENSE', 400, 'The request is not valid HTTP.'],
      [
        `GET /boats HTTP/1.1\r\nhost: a\r\nx-big: ${'a'.repeat(70_000)}`,
        431,
        'The headers of the request are too large.',
      ],
    ] as const) {
      const socket = connect(harbour.port, '127.0.0.1');
      let said = '';
      socket.setEncoding('utf8').on('data', (text) => (said += text));
      socket.on('error', () => {});
      socket.write(`${head}\r\n\r\n`);
      await once(socket, 'close');
      const [line, body] = [said.split('\r\n', 1)[0], said.split('\r\n\r\n')[1] ?? ''];
      assert.match(line ?? '', new RegExp(`^HTTP/1.1 ${status} `));
      assert.deepEqual(JSON.parse(body), { fault: { code: status, message: words } });
    }
  });
});
