import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ServiceUnavailable } from '../../../../platform/errors/errors.ts';
import { LdapBackend } from './backend.ts';
import { company, companyOptions } from './testing/people.ts';
import { manager, missingSlapd, type Slapd, startSlapd } from './testing/slapd.ts';

const skip = missingSlapd() ?? false;

describe('reaching an LDAP server', { skip }, () => {
  let slapd: Slapd;
  const opened: LdapBackend[] = [];
  const open = (options: Record<string, unknown> = {}): LdapBackend => {
    const backend = new LdapBackend({
      url: slapd.url,
      pool_retry_max: 1,
      pool_connection_timeout: 10,
      ...companyOptions,
      ...options,
    });
    opened.push(backend);
    return backend;
  };

  before(async () => {
    slapd = await startSlapd({ ldif: company });
  });
  after(async () => {
    for (const each of opened) each.close();
    await slapd[Symbol.asyncDispose]();
  });

  test('with TLS from the first byte, when the certificate is good', async () => {
    const tls = { url: slapd.tlsUrl, tls_cacertfile: slapd.certificate };
    const backend = open(tls);
    assert.equal((await backend.user('alice'))?.name, 'Alice Example');
    assert.equal(await backend.authenticate('alice', 'alice-secret'), true);
    assert.equal(await backend.authenticate('alice', 'wrong'), false);
    const [, port] = /:(\d+)$/.exec(slapd.tlsUrl) ?? [];
    await assert.rejects(open({ url: slapd.tlsUrl }).user('alice'), ServiceUnavailable, 'nobody vouches');
    await assert.rejects(
      open({ ...tls, url: `ldaps://127.0.0.1:${port}` }).user('alice'),
      ServiceUnavailable,
      'another name than the certificate’s',
    );
    assert.equal((await open({ url: slapd.tlsUrl, tls_req_cert: 'never' }).user('bob'))?.name, 'Bob');
    await assert.rejects(open({ ...tls, tls_cacertfile: '/nonexistent' }).user('alice'), ServiceUnavailable);
  });

  test('with StartTLS, when the certificate is good', async () => {
    const url = slapd.url.replace('127.0.0.1', 'localhost');
    const tls = { url, use_tls: true, tls_cacertfile: slapd.certificate };
    const backend = open(tls);
    assert.equal((await backend.user('alice'))?.name, 'Alice Example');
    assert.equal(await backend.authenticate('alice', 'alice-secret'), true);
    assert.equal(await backend.authenticate('alice', 'wrong'), false);
    assert.equal(await backend.authenticate('alice', 'alice-secret'), true);
    await assert.rejects(
      open({ url, use_tls: true }).authenticate('alice', 'alice-secret'),
      ServiceUnavailable,
    );
  });

  test('a server that takes connections and says nothing is given up', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket.on('error', () => {})));
    const patient = { pool_connection_timeout: 1, tls_cacertfile: slapd.certificate };
    try {
      const waits = [
        { url: `ldap://localhost:${port}` },
        { url: `ldaps://localhost:${port}` },
        { url: `ldap://localhost:${port}`, use_tls: true },
      ].flatMap((options) => {
        const backend = open({ ...patient, ...options });
        return [backend.user('alice'), backend.users({}), backend.authenticate('alice', 'alice-secret')];
      });
      const ends = await Promise.allSettled(waits);
      for (const end of ends)
        assert.ok(end.status === 'rejected' && end.reason instanceof ServiceUnavailable);
      const either = open({ ...patient, url: `ldap://127.0.0.1:${port} ${slapd.url}` });
      assert.equal((await either.user('bob'))?.name, 'Bob', 'the next one is asked');
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  test('the first of several that answers is used', async () => {
    const backend = open({ url: `ldap://127.0.0.1:1, ${slapd.url}` });
    assert.equal((await backend.user('alice'))?.name, 'Alice Example');
    assert.equal(await backend.authenticate('alice', 'alice-secret'), true);
  });

  test('as somebody whom the server does not know is an error of ours, for every question', async () => {
    const backend = open({ user: manager.dn, password: 'wrong' });
    await assert.rejects(backend.user('alice'), /Unable to authenticate against Identity backend/);
    await assert.rejects(backend.authenticate('alice', 'alice-secret'), ServiceUnavailable);
  });

  test('a server that is down is unavailable: neither empty, nor a wrong password, nor a right one', async () => {
    const url = slapd.url.replace('127.0.0.1', 'localhost');
    const backends = [
      open(),
      open({ use_pool: false }),
      open({ url: slapd.tlsUrl, tls_cacertfile: slapd.certificate }),
      open({ url, use_tls: true, tls_cacertfile: slapd.certificate }),
    ];
    for (const backend of backends) {
      await backend.user('alice');
      assert.equal(await backend.authenticate('alice', 'alice-secret'), true);
    }
    await slapd.stop();
    for (const [n, backend] of backends.entries()) {
      const label = String(n);
      await assert.rejects(backend.user('alice'), ServiceUnavailable, label);
      await assert.rejects(backend.users({}), ServiceUnavailable, label);
      await assert.rejects(backend.groupsOfUser('alice'), ServiceUnavailable, label);
      await assert.rejects(backend.authenticate('alice', 'alice-secret'), ServiceUnavailable, label);
      await assert.rejects(backend.authenticate('alice', 'wrong'), ServiceUnavailable, label);
    }
    await slapd.start();
    for (const backend of backends) {
      assert.equal((await backend.user('alice'))?.name, 'Alice Example', 'it is found again');
      assert.equal(await backend.authenticate('alice', 'alice-secret'), true);
    }
  });

  test('connections that the server ended meanwhile are replaced without anybody noticing', async () => {
    const url = slapd.url.replace('127.0.0.1', 'localhost');
    const backends = [
      open(),
      open({ url: slapd.tlsUrl, tls_cacertfile: slapd.certificate }),
      open({ url, use_tls: true, tls_cacertfile: slapd.certificate }),
    ];
    for (const backend of backends) {
      await backend.user('alice');
      await backend.authenticate('alice', 'alice-secret');
    }
    await slapd.stop();
    await slapd.start();
    for (const backend of backends) {
      assert.equal((await backend.user('alice'))?.name, 'Alice Example');
      assert.equal(await backend.authenticate('alice', 'wrong'), false);
      assert.equal(await backend.authenticate('alice', 'alice-secret'), true);
    }
  });
});
