import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calledUrl } from './called-url.ts';

const origin = 'http://10.0.0.1:5000';
const path = '/v3/x?a=b,c';
const told: [string, Record<string, string>, string][] = [
  ['nothing', {}, `${origin}${path}`],
  ['the scheme', { 'x-forwarded-proto': 'https' }, `https://10.0.0.1:5000${path}`],
  [
    'scheme and host',
    { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'cloud.example' },
    `https://cloud.example${path}`,
  ],
  [
    'what several proxies say',
    { 'x-forwarded-proto': 'https, http', 'x-forwarded-host': 'cloud.example, inner' },
    `https://cloud.example${path}`,
  ],
  [
    'a prefix',
    { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'cloud.example', 'x-forwarded-prefix': '/identity/' },
    `https://cloud.example/identity${path}`,
  ],
  [
    'RFC 7239, before the others',
    { forwarded: 'for=1.2.3.4; Proto=https;host="cloud.example:8443", for=x', 'x-forwarded-host': 'evil' },
    `https://cloud.example:8443${path}`,
  ],
  ['another scheme', { 'x-forwarded-proto': 'javascript' }, `${origin}${path}`],
  ['no host', { 'x-forwarded-host': 'a b' }, `${origin}${path}`],
];
for (const [title, headers, url] of told) {
  test(`of a proxy that tells ${title}`, () => {
    assert.equal(calledUrl({ origin, headers }, path, true), url);
    assert.equal(calledUrl({ origin, headers }, path, false), `${origin}${path}`);
  });
}
