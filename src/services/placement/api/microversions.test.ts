import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { admin, startWorld, type World } from '../../../platform/service/testing/world.ts';
import { placement } from '../service.ts';

const lastMinor = 39;
const provider = randomUUID();
const consumer = randomUUID();
const at = `/resource_providers/${provider}`;

/** What is read, and the minor version that brought it. */
const reads: readonly (readonly [path: string, since: number])[] = [
  ['/resource_providers', 0],
  [at, 0],
  [`${at}/inventories`, 0],
  [`${at}/inventories/VCPU`, 0],
  [`${at}/usages`, 0],
  [`${at}/allocations`, 0],
  [`/allocations/${consumer}`, 0],
  [`${at}/aggregates`, 1],
  ['/resource_classes', 2],
  ['/resource_classes/VCPU', 2],
  ['/traits', 6],
  [`${at}/traits`, 6],
  ['/usages?project_id=p', 9],
  ['/allocation_candidates?resources=VCPU:1', 10],
];

/** Query parameters, and the minor version that brought each. */
const parameters: readonly (readonly [path: string, since: number])[] = [
  ['/resource_providers?name=a', 0],
  [`/resource_providers?uuid=${provider}`, 0],
  [`/resource_providers?member_of=${provider}`, 3],
  ['/resource_providers?resources=VCPU:1', 4],
  [`/resource_providers?in_tree=${provider}`, 14],
  ['/resource_providers?required=HW_CPU_X86_AVX', 18],
  ['/resource_providers?required=!HW_CPU_X86_AVX', 22],
  [`/resource_providers?member_of=${provider}&member_of=${consumer}`, 24],
  [`/resource_providers?member_of=!${provider}`, 32],
  ['/resource_providers?required=in:HW_CPU_X86_AVX,HW_CPU_X86_SSE', 39],
  ['/usages?project_id=p&user_id=u', 9],
  ['/usages?project_id=p&consumer_type=all', 38],
  ['/allocation_candidates?resources=VCPU:1&limit=3', 16],
  ['/allocation_candidates?resources=VCPU:1&required=HW_CPU_X86_AVX', 17],
  [`/allocation_candidates?resources=VCPU:1&member_of=${provider}`, 21],
  ['/allocation_candidates?resources=VCPU:1&required=!HW_CPU_X86_AVX', 22],
  [`/allocation_candidates?resources=VCPU:1&member_of=${provider}&member_of=${consumer}`, 24],
  ['/allocation_candidates?resources1=VCPU:1', 25],
  ['/allocation_candidates?resources=VCPU:1&group_policy=none', 25],
  [`/allocation_candidates?resources=VCPU:1&in_tree=${provider}`, 31],
  [`/allocation_candidates?resources=VCPU:1&member_of=!in:${provider}`, 32],
  ['/allocation_candidates?resources_A-1=VCPU:1', 33],
  ['/allocation_candidates?resources=VCPU:1&root_required=HW_CPU_X86_AVX', 35],
  ['/allocation_candidates?resources_A=VCPU:1&same_subtree=_A', 36],
  [
    '/allocation_candidates?resources_A=VCPU:1&required_B=HW_CPU_X86_AVX&same_subtree=_A,_B&group_policy=none',
    36,
  ],
  ['/allocation_candidates?resources=VCPU:1&required=in:HW_CPU_X86_AVX,HW_CPU_X86_SSE', 39],
];

describe('what each microversion of placement brought', () => {
  let world: World;
  const ask = (minor: number | string, method: string, path: string, body?: unknown, headers = {}) =>
    world.request('placement', method, path, {
      as: { ...admin, roles: ['admin', 'service', 'reader'] },
      headers: { 'openstack-api-version': `placement 1.${minor}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  const generation = async () => (await ask(lastMinor, 'GET', at)).body.generation as number;
  const minors = Array.from({ length: lastMinor + 1 }, (_, minor) => minor);

  before(async () => {
    world = await startWorld([placement]);
    await ask(lastMinor, 'POST', '/resource_providers', { name: 'host', uuid: provider });
    const inventories = { VCPU: { total: 8 }, MEMORY_MB: { total: 64 } };
    await ask(lastMinor, 'PUT', `${at}/inventories`, { resource_provider_generation: 0, inventories });
    const allocations = { [provider]: { resources: { VCPU: 1 } } };
    const body = {
      allocations,
      project_id: 'p',
      user_id: 'u',
      consumer_generation: null,
      consumer_type: 'A',
    };
    assert.equal((await ask(lastMinor, 'PUT', `/allocations/${consumer}`, body)).status, 204);
  });
  after(() => world[Symbol.asyncDispose]());

  it('reads are there since their version, name it, vary by it, and say from 1.15 on how fresh they are', async () => {
    for (const [path, since] of reads) {
      for (const minor of minors) {
        const { status, headers } = await ask(minor, 'GET', path);
        const where = `${path} at 1.${minor}`;
        assert.equal(status, minor < since ? 404 : 200, where);
        assert.equal(headers.get('openstack-api-version'), `placement 1.${minor}`, where);
        assert.equal(headers.get('vary')?.toLowerCase(), 'openstack-api-version', where);
        const isFresh = minor >= Math.max(since, 15);
        assert.equal(headers.get('cache-control'), isFresh ? 'no-cache' : null, where);
        assert.equal(Number.isNaN(Date.parse(headers.get('last-modified') ?? '')), !isFresh, where);
      }
    }
  });

  it('query parameters are refused before their version, and taken from it on', async () => {
    for (const [path, since] of parameters) {
      const first = path.startsWith('/allocation_c') ? 10 : path.startsWith('/usages') ? 9 : 0;
      for (const minor of [...new Set([since - 1, since, lastMinor])].filter((each) => each >= first)) {
        const { status } = await ask(minor, 'GET', path);
        assert.equal(status, minor < since ? 400 : 200, `${path} at 1.${minor}`);
      }
    }
  });

  it('writes answer with what their version says: a status, a place, how fresh, the thing itself', async () => {
    type Shown = [status: number, hasBody: boolean, location: boolean, modified: boolean, cache: boolean];
    const shown = ({ status, body, headers }: Awaited<ReturnType<typeof ask>>): Shown => [
      status,
      body !== undefined,
      headers.has('location'),
      headers.has('last-modified'),
      headers.has('cache-control'),
    ];
    const isFresh = (minor: number) => minor >= 15;
    for (const minor of minors) {
      const where = `1.${minor}`;
      const name = `CUSTOM_${randomUUID().replaceAll('-', '_').toUpperCase()}`;
      const fresh = isFresh(minor);
      const uuid = randomUUID();
      const made = await ask(minor, 'POST', '/resource_providers', { name: uuid, uuid });
      const isShown = minor >= 20;
      assert.deepEqual(shown(made), [isShown ? 200 : 201, isShown, true, isShown, isShown], where);
      const own = `/resource_providers/${uuid}`;
      assert.deepEqual(shown(await ask(minor, 'PUT', own, { name: `${uuid}x` })), [
        200,
        true,
        false,
        fresh,
        fresh,
      ]);
      const none = { resource_provider_generation: 0, inventories: {} };
      const emptied = await ask(minor, 'PUT', `${own}/inventories`, none);
      assert.deepEqual(shown(emptied), [200, true, false, false, fresh], where);
      assert.deepEqual(shown(await ask(minor, 'GET', `${own}/inventories`)), [
        200,
        true,
        false,
        false,
        fresh,
      ]);
      const added = await ask(minor, 'POST', `${own}/inventories`, { resource_class: 'VCPU', total: 4 });
      assert.deepEqual(shown(added), [201, true, true, fresh, fresh], where);
      const gone = await ask(minor, 'DELETE', `${own}/inventories`);
      assert.equal(gone.status, minor < 5 ? 405 : 204, where);
      const unknown = await ask(minor, 'PUT', `${own}/inventories/CUSTOM_NO_SUCH`, {
        resource_provider_generation: minor < 5 ? 2 : 3,
        total: 1,
      });
      assert.equal(unknown.status, 404, where);
      if (minor >= 1) {
        const seen = (await ask(lastMinor, 'GET', own)).body.generation;
        const body = minor >= 19 ? { aggregates: [uuid], resource_provider_generation: seen } : [uuid];
        assert.deepEqual(shown(await ask(minor, 'PUT', `${own}/aggregates`, body)), [
          200,
          true,
          false,
          fresh,
          fresh,
        ]);
      }
      if (minor >= 2) {
        const created = await ask(minor, 'POST', '/resource_classes', { name });
        assert.deepEqual(shown(created), [201, false, true, false, false], where);
        const again = await ask(minor, 'PUT', `/resource_classes/${name}`, minor < 7 ? { name } : undefined);
        assert.equal(again.status, minor < 7 ? 200 : 204, where);
      }
      if (minor >= 6) {
        assert.deepEqual(
          shown(await ask(minor, 'PUT', `/traits/${name}`)),
          [201, false, true, fresh, fresh],
          where,
        );
        assert.deepEqual(
          shown(await ask(minor, 'PUT', `/traits/${name}`)),
          [204, false, true, fresh, fresh],
          where,
        );
        assert.deepEqual(shown(await ask(minor, 'GET', `/traits/${name}`)), [
          204,
          false,
          false,
          fresh,
          fresh,
        ]);
      }
      assert.equal((await ask(minor, 'DELETE', own)).status, 204);
    }
  });

  it('allocations are written in the form of each version, and in no newer one', async () => {
    const dict = { [provider]: { resources: { VCPU: 1 } } };
    const list = [{ resource_provider: { uuid: provider }, resources: { VCPU: 1 } }];
    const owner = { project_id: 'p', user_id: 'u' };
    const forms: readonly (readonly [since: number, until: number, body: () => object])[] = [
      [0, 7, () => ({ allocations: list })],
      [8, 11, () => ({ allocations: list, ...owner })],
      [12, 27, () => ({ allocations: dict, ...owner })],
      [28, 37, () => ({ allocations: dict, ...owner, consumer_generation: null })],
      [
        34,
        37,
        () => ({ allocations: dict, ...owner, consumer_generation: null, mappings: { '': [provider] } }),
      ],
      [38, lastMinor, () => ({ allocations: dict, ...owner, consumer_generation: null, consumer_type: 'A' })],
    ];
    for (const [since, until, body] of forms) {
      for (const minor of minors) {
        const path = `/allocations/${randomUUID()}`;
        const { status } = await ask(minor, 'PUT', path, body());
        assert.equal(
          status,
          minor >= since && minor <= until ? 204 : 400,
          `form of 1.${since} at 1.${minor}`,
        );
        if (status === 204) assert.equal((await ask(minor, 'DELETE', path)).status, 204);
      }
    }
    for (const minor of minors) {
      const { status } = await ask(minor, 'POST', '/allocations', {});
      assert.equal(status, minor < 13 ? 404 : 400, `POST /allocations at 1.${minor}`);
      const reshaped = await ask(minor, 'POST', '/reshaper', {});
      assert.equal(reshaped.status, minor < 30 ? 404 : 400, `POST /reshaper at 1.${minor}`);
      const empty = { allocations: {}, ...owner, ...(minor >= 28 ? { consumer_generation: null } : {}) };
      const typed = minor >= 38 ? { ...empty, consumer_type: 'A' } : empty;
      const wiped = await ask(minor, 'PUT', `/allocations/${randomUUID()}`, typed);
      assert.equal(wiped.status, minor < 28 ? 400 : 204, `no allocations at 1.${minor}`);
    }
  });

  it('errors carry a code from 1.23 on, and come as text to who takes neither JSON nor pages', async () => {
    for (const minor of minors) {
      const seen = (await generation()) + 1;
      const body = { resource_provider_generation: seen, inventories: {} };
      const refused = await ask(minor, 'PUT', `${at}/inventories`, body);
      assert.equal(refused.status, 409);
      assert.equal(refused.body.errors[0].code, minor < 23 ? undefined : 'placement.concurrent_update');
    }
    const missing = `/resource_providers/${randomUUID()}`;
    const types = {
      'image/png': 'text/plain',
      'application/json;q=0': 'text/plain',
      'text/html': 'text/html',
      '*/*': 'application/json',
      'application/*': 'application/json',
    };
    for (const [accept, type] of Object.entries(types)) {
      const { status, headers, body } = await ask(lastMinor, 'DELETE', missing, undefined, { accept });
      assert.deepEqual([status, headers.get('content-type')?.split(';')[0]], [404, type], accept);
      if (type === 'text/plain')
        assert.match(String(body), /^404 Not Found\n\nThe resource could not be found/);
    }
  });

  it('what cannot be is told before what is taken, and a name that stays is none that is taken', async () => {
    const body = { name: 'host', uuid: randomUUID() };
    const lost = { ...body, parent_provider_uuid: randomUUID() };
    assert.equal((await ask(lastMinor, 'POST', '/resource_providers', lost)).status, 400);
    assert.equal((await ask(lastMinor, 'POST', '/resource_providers', body)).status, 409);
    await ask(6, 'POST', '/resource_classes', { name: 'CUSTOM_SAME' });
    const same = await ask(6, 'PUT', '/resource_classes/CUSTOM_SAME', { name: 'CUSTOM_SAME' });
    assert.deepEqual([same.status, same.body.name], [200, 'CUSTOM_SAME']);
    const plain = provider.replaceAll('-', '');
    assert.equal((await ask(lastMinor, 'GET', `/resource_providers?uuid=${plain}`)).status, 400);
  });
});

describe("settings under upstream's names", () => {
  it('bound and order the candidates, and stand in for projects and users that are not named', async () => {
    const settings = {
      max_allocation_candidates: 3,
      allocation_candidates_generation_strategy: 'breadth-first',
      incomplete_consumer_project_id: 'no-project',
      incomplete_consumer_user_id: 'no-user',
    };
    await using world = await startWorld([placement], { settings });
    const ask = async (version: string, method: string, path: string, body?: unknown) =>
      (
        await world.request('placement', method, path, {
          as: { ...admin, roles: ['admin', 'service'] },
          headers: { 'openstack-api-version': `placement ${version}` },
          ...(body === undefined ? {} : { body }),
        })
      ).body;
    const add = async (name: string, more: object, amount: object) => {
      const { uuid } = await ask('1.39', 'POST', '/resource_providers', { name, ...more });
      const inventories = { resource_provider_generation: 0, inventories: amount };
      await ask('1.39', 'PUT', `/resource_providers/${uuid}/inventories`, inventories);
      return uuid as string;
    };
    const first: string[] = [];
    for (const host of ['a', 'b']) {
      const root = await add(host, {}, { MEMORY_MB: { total: 8 } });
      for (const place of [0, 1])
        first.push(await add(`${host}${place}`, { parent_provider_uuid: root }, { VCPU: { total: 4 } }));
    }
    const path = '/allocation_candidates?resources=VCPU:1';
    const { allocation_requests: found } = await ask('1.39', 'GET', path);
    assert.deepEqual(
      found.map(({ mappings }: { mappings: Record<string, string[]> }) => mappings['']?.[0]),
      [first[0], first[2], first[1]],
    );
    assert.equal((await ask('1.39', 'GET', `${path}&limit=2`)).allocation_requests.length, 2);
    const id = randomUUID();
    const allocations = [{ resource_provider: { uuid: first[0] }, resources: { VCPU: 1 } }];
    await ask('1.7', 'PUT', `/allocations/${id}`, { allocations });
    const held = await ask('1.39', 'GET', `/allocations/${id}`);
    assert.deepEqual([held.project_id, held.user_id], ['no-project', 'no-user']);
    const checks = await world.operate<{ check: string; result: string }[]>('placement/upgrade-check');
    assert.equal(checks.find(({ check }) => check === 'Incomplete Consumers')?.result, 'warning');
  });
});
