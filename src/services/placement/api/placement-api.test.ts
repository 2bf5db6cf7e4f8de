import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  admin,
  type Caller,
  member,
  startWorld,
  type World,
} from '../../../platform/service/testing/world.ts';
import { placement } from '../service.ts';

describe('the placement API', () => {
  let world: World;
  const warnings: object[] = [];
  before(async () => {
    const quiet = () => {};
    const warn = (fields: object) => void warnings.push(fields);
    const log = { debug: quiet, info: quiet, warn, error: quiet };
    world = await startWorld([placement], { log });
  });
  after(() => world[Symbol.asyncDispose]());

  const ask = (version: string, method: string, path: string, body?: unknown) =>
    world.request('placement', method, path, {
      as: { ...admin, roles: ['admin', 'service'] },
      headers: { 'openstack-api-version': `placement ${version}` },
      ...(body === undefined ? {} : { body }),
    });
  const provider = async (total = 8) => {
    const { body } = await ask('1.39', 'POST', '/resource_providers', { name: randomUUID() });
    const inventories = { VCPU: { total } };
    const set = { resource_provider_generation: 0, inventories };
    await ask('1.39', 'PUT', `/resource_providers/${body.uuid}/inventories`, set);
    return body.uuid as string;
  };
  const claim = (uuid: string, amount: number, generation: number | null = null) => ({
    allocations: { [uuid]: { resources: { VCPU: amount } } },
    project_id: 'p',
    user_id: 'u',
    consumer_generation: generation,
    consumer_type: 'INSTANCE',
  });
  const codeOf = ({ status, body }: { status: number; body: { errors: { code?: string }[] } }) => [
    status,
    body.errors[0]?.code,
  ];

  it('tells its versions to anybody, and answers in the version asked for', async () => {
    const root = await world.request('placement', 'GET', '/');
    assert.equal(root.body.versions[0].max_version, '1.39');
    const [old, gone] = await Promise.all([
      ask('1.5', 'GET', '/traits'),
      ask('1.40', 'GET', '/resource_providers'),
    ]);
    assert.equal(old.status, 404);
    assert.deepEqual([gone.status, gone.body.errors[0].max_version], [406, '1.39']);
  });

  it('answers a new provider from 1.20 on, and with freshness from 1.15 on', async () => {
    const old = await ask('1.14', 'POST', '/resource_providers', { name: 'old' });
    assert.deepEqual([old.status, old.body, old.headers.get('cache-control')], [201, undefined, null]);
    const made = await ask('1.20', 'POST', '/resource_providers', { name: 'new' });
    assert.deepEqual([made.status, made.headers.get('cache-control')], [200, 'no-cache']);
    assert.equal(made.body.root_provider_uuid, made.body.uuid);
    const again = await ask('1.39', 'POST', '/resource_providers', { name: 'new' });
    assert.deepEqual(codeOf(again), [409, 'placement.duplicate_name']);
    assert.equal((await ask('1.39', 'POST', '/resource_providers', { nam: 'x' })).status, 400);
    assert.equal((await ask('1.39', 'GET', `/resource_providers/${randomUUID()}`)).status, 404);
  });

  it('refuses what was written meanwhile, what is in use and what is too much, each with its code', async () => {
    const uuid = await provider(8);
    const path = `/resource_providers/${uuid}/inventories`;
    const stale = { resource_provider_generation: 0, inventories: {} };
    assert.deepEqual(codeOf(await ask('1.39', 'PUT', path, stale)), [409, 'placement.concurrent_update']);
    const consumer = `/allocations/${randomUUID()}`;
    assert.equal((await ask('1.39', 'PUT', consumer, claim(uuid, 8))).status, 204);
    assert.deepEqual(codeOf(await ask('1.39', 'PUT', consumer, claim(uuid, 1))), [
      409,
      'placement.concurrent_update',
    ]);
    assert.deepEqual(codeOf(await ask('1.39', 'DELETE', path)), [409, 'placement.inventory.inuse']);
    assert.deepEqual(codeOf(await ask('1.39', 'DELETE', `/resource_providers/${uuid}`)), [
      409,
      'placement.resource_provider.inuse',
    ]);
    const more = await ask('1.39', 'PUT', `/allocations/${randomUUID()}`, claim(uuid, 1));
    assert.match(more.body.errors[0].detail, /would exceed the capacity/);
    assert.equal((await ask('1.39', 'PUT', consumer, claim(uuid, 2, 1))).status, 204);
    const shown = await ask('1.39', 'GET', consumer);
    assert.equal(shown.body.consumer_generation, 2);
    assert.deepEqual(shown.body.allocations[uuid].resources, { VCPU: 2 });
    assert.equal((await ask('1.39', 'DELETE', consumer)).status, 204);
    assert.equal((await ask('1.39', 'DELETE', consumer)).status, 404);
  });

  it('moves inventory and what is allocated from it to a child, in one', async () => {
    const parent = await provider(8);
    const child = (
      await ask('1.39', 'POST', '/resource_providers', { name: 'child', parent_provider_uuid: parent })
    ).body.uuid;
    const consumer = randomUUID();
    await ask('1.39', 'PUT', `/allocations/${consumer}`, claim(parent, 8));
    const { generation } = (await ask('1.39', 'GET', `/resource_providers/${parent}`)).body;
    const body = {
      inventories: {
        [parent]: { resource_provider_generation: generation, inventories: {} },
        [child]: { resource_provider_generation: 0, inventories: { VCPU: { total: 8 } } },
      },
      allocations: { [consumer]: claim(child, 8, 1) },
    };
    const moved = await ask('1.39', 'POST', '/reshaper', body);
    assert.equal(moved.status, 204, JSON.stringify(moved.body));
    const { usages } = (await ask('1.39', 'GET', `/resource_providers/${child}/usages`)).body;
    assert.deepEqual(usages, { VCPU: 8 });
    const again = await ask('1.39', 'POST', '/reshaper', body);
    assert.deepEqual(codeOf(again), [409, 'placement.concurrent_update']);
  });

  it('gives candidates in the form of each microversion', async () => {
    await ask('1.39', 'PUT', '/traits/CUSTOM_ONLY');
    const uuid = await provider(4);
    const traits = { traits: ['CUSTOM_ONLY'], resource_provider_generation: 1 };
    assert.equal((await ask('1.39', 'PUT', `/resource_providers/${uuid}/traits`, traits)).status, 200);
    const path = '/allocation_candidates?resources=VCPU:3&required=CUSTOM_ONLY';
    const now = (await ask('1.39', 'GET', path)).body;
    assert.deepEqual(now, {
      allocation_requests: [
        { allocations: { [uuid]: { resources: { VCPU: 3 } } }, mappings: { '': [uuid] } },
      ],
      provider_summaries: {
        [uuid]: {
          resources: { VCPU: { capacity: 4, used: 0 } },
          traits: ['CUSTOM_ONLY'],
          parent_provider_uuid: null,
          root_provider_uuid: uuid,
        },
      },
    });
    const listed = (await ask('1.10', 'GET', '/allocation_candidates?resources=VCPU:3')).body;
    assert.ok(Array.isArray(listed.allocation_requests[0].allocations));
    assert.equal((await ask('1.39', 'GET', `${path}&required=CUSTOM_NONE`)).status, 400);
    assert.deepEqual((await ask('1.39', 'GET', '/allocation_candidates?resources=VCPU:99')).body, {
      allocation_requests: [],
      provider_summaries: {},
    });
  });

  it('keeps standard names, and custom ones while they are in use', async () => {
    assert.equal((await ask('1.39', 'PUT', '/resource_classes/CUSTOM_X')).status, 201);
    assert.equal((await ask('1.39', 'PUT', '/resource_classes/CUSTOM_X')).status, 204);
    assert.equal((await ask('1.39', 'PUT', '/resource_classes/VCPU')).status, 400);
    assert.equal((await ask('1.39', 'DELETE', '/resource_classes/VCPU')).status, 400);
    assert.equal((await ask('1.39', 'DELETE', '/resource_classes/CUSTOM_X')).status, 204);
    assert.equal((await ask('1.39', 'DELETE', '/resource_classes/CUSTOM_X')).status, 404);
    assert.equal((await ask('1.39', 'DELETE', '/traits/HW_CPU_X86_VMX')).status, 400);
  });

  it('takes and gives JSON only', async () => {
    const as = admin;
    const text = { 'content-type': 'text/plain' };
    const wrong = await world.request('placement', 'POST', '/resource_providers', {
      as,
      body: 'x',
      headers: text,
    });
    assert.equal(wrong.status, 415);
    const accept = { accept: 'text/html' };
    const none = await world.request('placement', 'GET', '/resource_providers', { as, headers: accept });
    assert.equal(none.status, 406);
    const method = await world.request('placement', 'DELETE', '/resource_providers', { as });
    assert.deepEqual([method.status, method.headers.get('allow')], [405, 'GET, POST']);
  });

  it('knows paths only as they are written, as upstream', async () => {
    const uuid = await provider();
    for (const path of [
      '/traits/',
      '//traits',
      '/resource_providers/',
      '/resource_providers//inventories',
      `/resource_providers/${uuid}/`,
      '/allocations/',
    ]) {
      const answers = await Promise.all([ask('1.39', 'GET', path), ask('1.39', 'PUT', path, {})]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [404, 404],
        path,
      );
    }
    assert.equal((await ask('1.39', 'GET', '/')).status, 200);
  });

  it('looks for what the path names, and who asks, before it reads the body', async () => {
    const put = (uuid: string, body: string, as: Caller = { ...admin, roles: ['admin', 'service'] }) =>
      world.request('placement', 'PUT', `/resource_providers/${uuid}`, {
        as,
        headers: { 'content-type': 'application/json' },
        body,
      });
    const uuid = await provider();
    assert.equal((await put(uuid, '{"name"')).status, 400);
    assert.equal((await put(randomUUID(), '{"name"')).status, 404);
    assert.equal((await put(uuid, '{"name"', member)).status, 403);
    const bad = await put(uuid, '{"name"');
    assert.match(bad.body.errors[0].detail, /Malformed JSON/);
  });

  it('leaves a provider that is written as it is', async () => {
    const uuid = await provider();
    const path = `/resource_providers/${uuid}`;
    const { name } = (await ask('1.39', 'GET', path)).body;
    const rowOf = async () => {
      const { headers, body } = await ask('1.39', 'GET', path);
      return [headers.get('last-modified'), body];
    };
    const first = await rowOf();
    const answer = await ask('1.39', 'PUT', path, { name });
    assert.deepEqual([answer.headers.get('last-modified'), answer.body], first);
    assert.deepEqual(await rowOf(), first);
  });

  it('lets an inventory shrink below its use, and warns; lets none go that is used', async () => {
    const uuid = await provider(8);
    const consumer = `/allocations/${randomUUID()}`;
    await ask('1.39', 'PUT', consumer, claim(uuid, 4));
    const path = `/resource_providers/${uuid}/inventories`;
    const generation = async () => (await ask('1.39', 'GET', path)).body.resource_provider_generation;
    warnings.length = 0;
    const put = async (total: number, one = false) =>
      ask('1.39', 'PUT', one ? `${path}/VCPU` : path, {
        resource_provider_generation: await generation(),
        ...(one ? { total } : { inventories: { VCPU: { total } } }),
      });
    assert.equal((await put(4)).status, 200);
    assert.deepEqual(warnings, []);
    assert.equal((await put(3)).status, 200);
    assert.equal((await put(2, true)).status, 200);
    assert.deepEqual(warnings, [
      { provider: uuid, resourceClass: 'VCPU' },
      { provider: uuid, resourceClass: 'VCPU' },
    ]);
    // Who gives back is let through, who wants more is not.
    assert.equal((await ask('1.39', 'PUT', `/allocations/${randomUUID()}`, claim(uuid, 1))).status, 409);
    assert.equal((await ask('1.39', 'PUT', consumer, claim(uuid, 3, 1))).status, 204);
    assert.equal((await ask('1.39', 'DELETE', `${path}/VCPU`)).status, 409);
    const gone = { resource_provider_generation: await generation(), inventories: {} };
    assert.deepEqual(codeOf(await ask('1.39', 'PUT', path, gone)), [409, 'placement.inventory.inuse']);
  });
});
