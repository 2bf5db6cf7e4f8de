import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mayFetch, type UriLists } from './uri-filter.ts';

const byDefault: UriLists = {
  allowed_schemes: ['http', 'https'],
  disallowed_schemes: [],
  allowed_hosts: [],
  disallowed_hosts: [],
  allowed_ports: ['80', '443'],
  disallowed_ports: [],
};

describe('where imports from the web may go', () => {
  it('is http and https on their ports by default', () => {
    for (const uri of [
      'http://example.org/a',
      'https://example.org',
      'http://example.org:443/',
      'http://[::1]/',
    ])
      assert.ok(mayFetch(uri, byDefault), uri);
    for (const uri of [
      'ftp://example.org/',
      'file:///etc/passwd',
      'http://example.org:8080/',
      'https://example.org:22/',
      'http://user:secret@example.org/',
      '//example.org/',
      'http://',
      '',
      undefined,
      5,
      `http://example.org/${'a'.repeat(3000)}`,
    ])
      assert.ok(!mayFetch(uri, byDefault), String(uri));
  });

  it('is not a host that is disallowed, however it is written', () => {
    const lists = { ...byDefault, disallowed_hosts: ['127.0.0.1', 'Metadata.internal', '::1'] };
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '127.1',
      '127.0.0.1.',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[0:0:0:0:0:0:0:1]',
      'METADATA.internal',
      'metadata.internal.',
    ])
      assert.ok(!mayFetch(`http://${host}/`, lists), host);
    assert.ok(mayFetch('http://127.0.0.2/', lists));
  });

  it('is what is allowed only, where anything is', () => {
    const lists = {
      ...byDefault,
      allowed_hosts: ['mirror.example.org'],
      disallowed_hosts: ['mirror.example.org'],
      allowed_ports: ['8080'],
      disallowed_ports: ['8080'],
      disallowed_schemes: ['http'],
    };
    assert.ok(mayFetch('http://mirror.example.org:8080/', lists));
    assert.ok(!mayFetch('http://mirror.example.org/', lists), 'a port that is not written is a port');
    assert.ok(!mayFetch('http://other.example.org:8080/', lists));
  });

  it('is everything but what is disallowed, where nothing is allowed', () => {
    const lists = {
      ...byDefault,
      allowed_schemes: [],
      disallowed_schemes: ['http'],
      allowed_ports: [],
      disallowed_ports: ['22'],
    };
    assert.ok(mayFetch('https://example.org:9000/', lists));
    assert.ok(!mayFetch('https://example.org:22/', lists));
    assert.ok(!mayFetch('http://example.org/', lists));
    assert.ok(!mayFetch('ftp://example.org/', lists), 'nothing but the web can be fetched');
  });
});
