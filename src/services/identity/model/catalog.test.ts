import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCatalog, formatEndpointUrl, MalformedEndpoint } from './catalog.ts';

const endpoint = (id: string, service_id: string, url: string, more: object = {}) => ({
  id,
  service_id,
  interface: 'public' as const,
  region_id: 'RegionOne',
  url,
  enabled: true,
  ...more,
});
const rows = {
  services: [
    { id: 's2', type: 'volumev3', name: 'cinder', enabled: true },
    { id: 's1', type: 'compute', name: 'nova', enabled: true },
    { id: 's3', type: 'image', name: null, enabled: true },
    { id: 's4', type: 'gone', name: 'gone', enabled: false },
  ],
  endpoints: [
    endpoint('e2', 's1', 'http://n/v2.1', { interface: 'internal' }),
    endpoint('e3', 's1', 'http://n/v2.1'),
    endpoint('e1', 's2', 'http://c/v3/%(project_id)s'),
    endpoint('e4', 's2', 'http://c/v3/$(tenant_id)s', { enabled: false }),
    endpoint('e5', 's2', 'http://c/v3/%(admin_token)s'),
    endpoint('e6', 's4', 'http://gone'),
  ],
};

test('a project’s catalog has enabled endpoints with its id in the urls, sorted', () => {
  const catalog = buildCatalog(rows, { projectId: 'p1' });
  assert.deepEqual(
    catalog.map((entry) => [entry.type, entry.name, entry.endpoints.map((e) => e.id)]),
    [
      ['compute', 'nova', ['e2', 'e3']],
      ['image', '', []],
      ['volumev3', 'cinder', ['e1']],
    ],
  );
  assert.deepEqual(catalog[2]?.endpoints[0], {
    id: 'e1',
    interface: 'public',
    region_id: 'RegionOne',
    region: 'RegionOne',
    url: 'http://c/v3/p1',
  });
});

test('without a project, endpoints that name one are left out', () => {
  assert.deepEqual(buildCatalog(rows, { projectId: null })[2]?.endpoints, []);
});

test('an endpoint filter drops other endpoints and the services left empty', () => {
  const catalog = buildCatalog({ ...rows, only: new Set(['e1']) }, { projectId: 'p1' });
  assert.deepEqual(
    catalog.map((entry) => entry.id),
    ['s2'],
  );
});

test('urls are filled in as Python’s % does', () => {
  const subject = { projectId: 'p', userId: 'u' };
  assert.equal(formatEndpointUrl('http://x/$(tenant_id)s/%(user_id)s/100%%', subject), 'http://x/p/u/100%');
  for (const url of [
    'http://x/%(secret)s',
    'http://x/%d',
    'http://x/%(project_id)',
    'http://x/%(toString)s',
  ]) {
    assert.throws(() => formatEndpointUrl(url, subject), MalformedEndpoint);
  }
});
