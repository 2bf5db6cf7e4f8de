import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { startIdentity } from '../testing/cloud.ts';

const cloud = await startIdentity();
after(() => cloud[Symbol.asyncDispose]());
const as = cloud.admin;
const ask = (method: string, path: string, body?: unknown) => cloud.request(method, path, { as, body });
const region = (id: string, more: object = {}) => cloud.make('/v3/regions', 'region', { id, ...more });

describe('regions', () => {
  it('are made with an id by PUT, and keep what else is said of them', async () => {
    const { status, body } = await ask('PUT', '/v3/regions/put-1', { region: { colour: 'red' } });
    assert.equal(status, 201);
    assert.deepEqual([body.region.id, body.region.colour, body.region.description], ['put-1', 'red', '']);
    const again = await ask('PUT', '/v3/regions/put-1', { region: {} });
    assert.equal(again.status, 409);
    assert.match(again.body.error.message, /Duplicate ID, put-1/);
    assert.equal((await ask('PUT', '/v3/regions/put-2', { region: { id: 'other' } })).status, 400);
    assert.equal((await ask('POST', '/v3/regions', { region: { id: 'put-1' } })).status, 409);
  });

  it('have an id made where none is given, and no description where it is null', async () => {
    for (const id of ['', undefined]) {
      const { body } = await ask('POST', '/v3/regions', { region: { id, description: null } });
      assert.match(body.region.id, /^[0-9a-f]{32}$/);
      assert.equal(body.region.description, '');
    }
    assert.equal((await ask('POST', '/v3/regions', { region: { id: null } })).status, 400);
  });

  it('stand in a tree: parents are there, and never below their children', async () => {
    await region('tree');
    await region('branch', { parent_region_id: 'tree' });
    await region('leaf', { parent_region_id: 'branch' });
    const move = (id: string, to: string | null) =>
      ask('PATCH', `/v3/regions/${id}`, { region: { parent_region_id: to } });
    assert.equal((await move('tree', 'leaf')).status, 400);
    assert.equal((await move('tree', 'tree')).status, 400);
    assert.equal((await move('tree', 'nowhere')).status, 404);
    assert.equal((await ask('POST', '/v3/regions', { region: { parent_region_id: 'nowhere' } })).status, 404);
    const { body } = await ask('GET', '/v3/regions?parent_region_id=tree');
    assert.deepEqual(
      body.regions.map((each: { id: string }) => each.id),
      ['branch'],
    );
  });

  it('go with all below them, unless an endpoint is there', async () => {
    await region('whole');
    await region('part', { parent_region_id: 'whole' });
    const service = await cloud.make('/v3/services', 'service', { type: 'placed' });
    const endpoint = await cloud.make('/v3/endpoints', 'endpoint', {
      service_id: service.id,
      interface: 'public',
      url: 'http://127.0.0.1/',
      region_id: 'part',
    });
    const refused = await ask('DELETE', '/v3/regions/whole');
    assert.deepEqual(
      [refused.status, refused.body.error.message],
      [403, 'Unable to delete region whole because it or its child regions have associated endpoints.'],
    );
    assert.equal((await ask('DELETE', `/v3/endpoints/${endpoint.id}`)).status, 204);
    assert.equal((await ask('DELETE', '/v3/regions/whole')).status, 204);
    assert.equal((await ask('GET', '/v3/regions/part')).status, 404);
  });
});

describe('services', () => {
  it('have names that are not empty, and say that they have no description only where that was said', async () => {
    for (const name of ['', ' ', null]) {
      assert.equal((await ask('POST', '/v3/services', { service: { type: 'x', name } })).status, 400);
    }
    const silent = await cloud.make('/v3/services', 'service', { type: 'silent' });
    assert.equal(Object.hasOwn(silent, 'description'), false);
    assert.equal((await ask('PATCH', `/v3/services/${silent.id}`, { service: { name: '' } })).status, 400);
    const said = await cloud.make('/v3/services', 'service', { type: 'said', description: null });
    assert.equal(said['description'], null);
    const change = async (description: unknown) => {
      const { body } = await ask('PATCH', `/v3/services/${said.id}`, { service: { description } });
      return body.service.description;
    };
    assert.equal(await change('some'), 'some');
    assert.equal(await change(null), null);
  });
});

describe('endpoints', () => {
  const given = { interface: 'public', region_id: 'RegionOne' };
  const service = cloud.make('/v3/services', 'service', { type: 'templated' });

  it('have urls that can be filled in', async () => {
    const { id: service_id } = await service;
    const create = (url: string) =>
      ask('POST', '/v3/endpoints', { endpoint: { ...given, service_id, url: `http://x/${url}` } });
    for (const url of [
      '%(tenant_id)s',
      '$(project_id)s',
      '%(user_id)s',
      '100%%',
      '%(public_endpoint)s',
      '',
    ]) {
      assert.equal((await create(url)).status, 201, url);
    }
    for (const url of ['%(secret)s', '%(tenant_id)', '$(tenant_id', '%(tenant_id)d', '50%', '%']) {
      const { status, body } = await create(url);
      assert.equal(status, 400, url);
      assert.equal(body.error.message, `Cannot create an endpoint with an invalid URL: http://x/${url}.`);
    }
  });

  it('are said to be absent to whoever asks, and forbidden where they are there', async () => {
    const { endpoints } = (await ask('GET', '/v3/endpoints')).body;
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { endpoint: { enabled: true } } : undefined;
      const status = async (id: string) =>
        (await cloud.request(method, `/v3/endpoints/${id}`, { as: cloud.demo, body })).status;
      assert.deepEqual([await status('0'.repeat(32)), await status(endpoints[0].id)], [404, 403]);
    }
  });

  it('make the region that they name in the old way, and no other', async () => {
    const { id: service_id } = await service;
    const old = { interface: 'public', service_id, url: 'http://x/', region: 'of-old' };
    const endpoint = await cloud.make('/v3/endpoints', 'endpoint', old);
    assert.deepEqual([endpoint['region'], endpoint['region_id']], ['of-old', 'of-old']);
    assert.equal((await ask('GET', '/v3/regions/of-old')).status, 200);
    const { status, body } = await ask('POST', '/v3/endpoints', {
      endpoint: { ...given, service_id, url: 'http://x/', region_id: 'nowhere' },
    });
    assert.equal(status, 400);
    assert.match(body.error.message, /^Expecting to find endpoint region_id in region table\./);
  });

  it('are in a region or say nothing of one', async () => {
    const { id } = await cloud.make('/v3/services', 'service', { type: 'nowhere' });
    const plain = { service_id: id, interface: 'public', url: 'http://a/' };
    for (const wrong of [{ region_id: null }, { region: null }, { interface: 'sideways' }]) {
      const { status } = await ask('POST', '/v3/endpoints', { endpoint: { ...plain, ...wrong } });
      assert.equal(status, 400, JSON.stringify(wrong));
    }
    const { status, body } = await ask('POST', '/v3/endpoints', { endpoint: plain });
    assert.deepEqual([status, body.endpoint.region_id], [201, null]);
  });

  it('are in catalogs only while they and their service are enabled', async () => {
    const { id: service_id } = await service;
    const hidden = await cloud.make('/v3/endpoints', 'endpoint', {
      ...given,
      service_id,
      url: 'http://x/',
      enabled: false,
    });
    type Entry = { id: string; endpoints: { id: string }[] };
    const entry = async () =>
      ((await ask('GET', '/v3/auth/catalog')).body.catalog as Entry[]).find((each) => each.id === service_id);
    const shows = async () => (await entry())?.endpoints.some((each) => each.id === hidden.id);
    assert.equal(await shows(), false);
    await ask('PATCH', `/v3/endpoints/${hidden.id}`, { endpoint: { enabled: true } });
    assert.equal(await shows(), true);
    await ask('PATCH', `/v3/services/${service_id}`, { service: { enabled: false } });
    assert.equal(await entry(), undefined);
  });
});
