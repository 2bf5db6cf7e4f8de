import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startIdentity } from '../testing/cloud.ts';
import { prefersJsonHome } from './json-home.ts';

const rel = 'https://docs.openstack.org/api/openstack-identity/3';

describe('JSON home', () => {
  it('names what is served, where it is', async () => {
    await using cloud = await startIdentity();
    const home = async (path: string) => {
      const { body, headers, status } = await cloud.request('GET', path, {
        headers: { accept: 'application/json-home' },
      });
      assert.equal(status, 200);
      assert.match(headers.get('content-type') ?? '', /^application\/json-home/);
      return (typeof body === 'string' ? JSON.parse(body) : body).resources;
    };
    const below = await home('/v3');
    assert.deepEqual(below[`${rel}/rel/users`], { href: '/users' });
    assert.deepEqual(below[`${rel}/rel/project_tags`], {
      'href-template': '/projects/{project_id}/tags/{value}',
      'href-vars': { project_id: `${rel}/param/project_id`, value: `${rel}/param/tag_value` },
    });
    assert.deepEqual(below[`${rel}/ext/OS-EP-FILTER/1.0/rel/endpoint_group`], {
      'href-template': '/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}',
      'href-vars': { endpoint_group_id: `${rel}/ext/OS-EP-FILTER/1.0/param/endpoint_group_id` },
    });
    assert.deepEqual(below[`${rel}/rel/limit_model`], {
      href: '/limits/model',
      hints: { status: 'experimental' },
    });
    const above = await home('/');
    assert.deepEqual(above[`${rel}/rel/users`], { href: '/v3/users' });
    assert.deepEqual(Object.keys(above), Object.keys(below));
    const plain = await cloud.request('GET', '/v3');
    assert.equal(plain.body.version.id, 'v3.14');
  });

  it('is for who prefers it', () => {
    for (const accept of [
      'application/json-home',
      'application/json-home, application/json;q=0.5',
      'text/html, application/json-home;q=0.1',
      '*/*;q=0.1, application/json-home',
    ]) {
      assert.equal(prefersJsonHome(accept), true, accept);
    }
    for (const accept of [
      undefined,
      '',
      '*/*',
      'application/*',
      'application/json',
      'text/html',
      'application/json-home;q=0.5, application/json',
      'application/json-home, application/json',
      'application/json-home;q=x',
    ]) {
      assert.equal(prefersJsonHome(accept), false, String(accept));
    }
  });
});
