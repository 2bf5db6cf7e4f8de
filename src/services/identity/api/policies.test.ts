import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { startIdentity } from '../testing/cloud.ts';

const cloud = await startIdentity();
after(() => cloud[Symbol.asyncDispose]());
const as = cloud.admin;
const absent = '0'.repeat(32);
const ask = (method: string, path: string, by = as) => cloud.request(method, path, { as: by });
const status = async (method: string, path: string, by = as) => (await ask(method, path, by)).status;

const policy = () => cloud.make('/v3/policies', 'policy', { type: 'application/json', blob: '{}' });
const service = await cloud.make('/v3/services', 'service', { type: 'ruled' });
await cloud.make('/v3/regions', 'region', { id: 'around' });
await cloud.make('/v3/regions', 'region', { id: 'inside', parent_region_id: 'around' });
const endpoint = await cloud.make('/v3/endpoints', 'endpoint', {
  service_id: service.id,
  interface: 'public',
  url: 'http://127.0.0.1/',
  region_id: 'inside',
});
const targets = {
  endpoint: `endpoints/${endpoint.id}`,
  service: `services/${service.id}`,
  region: `services/${service.id}/regions/around`,
};
const path = (id: string, target: string) => `/v3/policies/${id}/OS-ENDPOINT-POLICY/${target}`;
const effective = async () =>
  (await ask('GET', `/v3/endpoints/${endpoint.id}/OS-ENDPOINT-POLICY/policy`)).body.policy?.id;

describe('policies', () => {
  it('hold for an endpoint, a service, or a service in a region: the nearest one takes effect', async () => {
    assert.equal(await effective(), undefined);
    for (const target of [targets.service, targets.region, targets.endpoint]) {
      const { id } = await policy();
      assert.equal(await status('GET', path(id, target)), 404);
      assert.equal(await status('PUT', path(id, target)), 204);
      assert.equal(await status('GET', path(id, target)), 204);
      assert.equal(await status('HEAD', path(id, target)), 204);
      assert.equal(await effective(), id);
      const { endpoints } = (await ask('GET', path(id, 'endpoints'))).body;
      assert.deepEqual(
        endpoints.map((each: { id: string }) => each.id),
        [endpoint.id],
      );
    }
  });

  it('take the place of the one that held, and go when they are deleted', async () => {
    const [first, second] = [await policy(), await policy()];
    assert.equal(await status('PUT', path(first.id, targets.endpoint)), 204);
    assert.equal(await status('PUT', path(second.id, targets.endpoint)), 204);
    assert.equal(await status('GET', path(first.id, targets.endpoint)), 404);
    assert.equal(await effective(), second.id);
    assert.equal(await status('DELETE', path(second.id, targets.endpoint)), 204);
    assert.notEqual(await effective(), second.id);
    assert.equal(await status('PUT', path(first.id, targets.endpoint)), 204);
    assert.equal(await status('DELETE', `/v3/policies/${first.id}`), 204);
    assert.notEqual(await effective(), first.id);
  });

  it('and what they hold for must be there', async () => {
    const { id } = await policy();
    for (const method of ['GET', 'PUT', 'DELETE']) {
      for (const missing of [
        path(absent, targets.service),
        path(id, `endpoints/${absent}`),
        path(id, `services/${absent}`),
        path(id, `services/${service.id}/regions/nowhere`),
      ]) {
        assert.equal(await status(method, missing), 404, `${method} ${missing}`);
      }
    }
    assert.equal(await status('GET', path(absent, 'endpoints')), 404);
    assert.equal(await status('GET', `/v3/endpoints/${absent}/OS-ENDPOINT-POLICY/policy`), 404);
  });

  it('are for administrators', async () => {
    const { id } = await policy();
    for (const method of ['GET', 'PUT', 'DELETE']) {
      assert.equal(await status(method, path(id, targets.service), cloud.demo), 403);
      assert.equal(await status(method, path(absent, targets.service), cloud.demo), 403);
    }
    assert.equal(await status('GET', path(id, 'endpoints'), cloud.demo), 403);
  });

  it('keep their id', async () => {
    const { id } = await policy();
    const body = { policy: { id: absent, blob: 'x' } };
    assert.equal((await cloud.request('PATCH', `/v3/policies/${id}`, { as, body })).status, 400);
  });
});
