import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  admin,
  type Caller,
  member,
  reader,
  startWorld,
  stranger,
  type World,
} from '../../../platform/service/testing/world.ts';
import { compute } from '../service.ts';

interface Asked {
  as?: Caller;
  at?: string;
  body?: unknown;
}

describe('flavors', () => {
  let world: World;
  before(async () => {
    world = await startWorld([compute]);
  });
  after(() => world[Symbol.asyncDispose]());
  const ask = (method: string, path: string, { as = admin, at = '2.1', body }: Asked = {}) =>
    world.request('compute', method, `/v2.1${path}`, {
      as,
      body,
      headers: { 'openstack-api-version': `compute ${at}` },
    });
  const make = async (flavor: object, options: Asked = {}) => {
    const made = await ask('POST', '/flavors', {
      ...options,
      body: { flavor: { ram: 64, vcpus: 1, disk: 0, ...flavor } },
    });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    return made.body.flavor;
  };
  const names = async (path: string, options: Asked = {}): Promise<string[]> => {
    const { status, body } = await ask('GET', path, options);
    assert.equal(status, 200, JSON.stringify(body));
    return body.flavors.map((each: { name: string }) => each.name);
  };

  it('are there in a new cloud', async () => {
    const { body } = await ask('GET', '/flavors/detail', { as: member });
    assert.deepEqual(
      body.flavors.map((each: { id: string; name: string; ram: number }) => [each.id, each.name, each.ram]),
      [
        ['1', 'm1.tiny', 512],
        ['2', 'm1.small', 2048],
        ['3', 'm1.medium', 4096],
        ['4', 'm1.large', 8192],
        ['5', 'm1.xlarge', 16_384],
        ['nano', 'm1.nano', 128],
      ],
    );
    const brief = await ask('GET', '/flavors', { as: member });
    assert.deepEqual(Object.keys(brief.body.flavors[0]).toSorted(), ['id', 'links', 'name']);
  });

  it('are made, shown and deleted, numbers as text included', async () => {
    const made = await make({ name: 'made', id: 4711, ram: '128', swap: '32', rxtx_factor: '2.5' });
    const { links, ...rest } = made;
    assert.deepEqual(rest, {
      id: '4711',
      name: 'made',
      ram: 128,
      disk: 0,
      swap: 32,
      'OS-FLV-EXT-DATA:ephemeral': 0,
      'OS-FLV-DISABLED:disabled': false,
      vcpus: 1,
      'os-flavor-access:is_public': true,
      rxtx_factor: 2.5,
    });
    assert.deepEqual(
      links.map((each: { rel: string }) => each.rel),
      ['self', 'bookmark'],
    );
    assert.equal((await ask('DELETE', '/flavors/4711')).status, 202);
    const gone = await ask('GET', '/flavors/4711');
    assert.deepEqual(gone.body.itemNotFound, { code: 404, message: 'Flavor 4711 could not be found.' });
  });

  it('have attributes by microversion', async () => {
    const { id } = await make({ name: 'versions' });
    const at = async (version: string) => (await ask('GET', `/flavors/${id}`, { at: version })).body.flavor;
    const old = await at('2.54');
    assert.deepEqual([old.swap, 'description' in old, 'extra_specs' in old], ['', false, false]);
    assert.equal((await at('2.55')).description, null);
    assert.deepEqual((await at('2.61')).extra_specs, {});
    assert.equal((await at('2.75')).swap, 0);
  });

  it('have a description that can be changed since 2.55', async () => {
    const { id } = await make({ name: 'described', description: 'one' }, { at: '2.55' });
    const change = (at: string, as = admin) =>
      ask('PUT', `/flavors/${id}`, { at, as, body: { flavor: { description: 'two' } } });
    assert.equal((await change('2.54')).status, 404);
    assert.equal((await change('2.55', member)).status, 403);
    assert.equal((await change('2.55')).body.flavor.description, 'two');
    const wrong = await ask('PUT', `/flavors/${id}`, { at: '2.55', body: { flavor: { name: 'x' } } });
    assert.equal(wrong.status, 400);
  });

  it('are refused twice, malformed, and to those who may not make them', async () => {
    await make({ name: 'once', id: 'once' });
    const status = async (flavor: object, as = admin) =>
      (await ask('POST', '/flavors', { as, body: { flavor: { ram: 64, vcpus: 1, disk: 0, ...flavor } } }))
        .status;
    assert.equal(await status({ name: 'once' }), 409);
    assert.equal(await status({ name: 'other', id: 'once' }), 409);
    assert.equal(await status({ name: 'x' }, member), 403);
    for (const wrong of [
      { name: '' },
      { name: ' x' },
      { name: 'x'.repeat(256) },
      { name: 'x', ram: 0 },
      { name: 'x', ram: 2 ** 31 },
      { name: 'x', vcpus: -1 },
      { name: 'x', disk: 'big' },
      { name: 'x', id: 'a/b' },
      { name: 'x', rxtx_factor: 0 },
      { name: 'x', description: 'too early' },
      { name: 'x', sails: 3 },
    ]) {
      assert.equal(await status(wrong), 400, JSON.stringify(wrong));
    }
    assert.equal((await ask('DELETE', '/flavors/once', { as: member })).status, 403);
    assert.equal((await world.request('compute', 'GET', '/v2.1/flavors')).status, 401);
  });

  it('are listed by size, in order, in pages', async () => {
    assert.deepEqual(await names('/flavors?minRam=8192', { as: member }), ['m1.large', 'm1.xlarge']);
    assert.deepEqual(await names('/flavors/detail?minDisk=80&sort_key=root_gb&sort_dir=desc'), [
      'm1.xlarge',
      'm1.large',
    ]);
    const first = await ask('GET', '/flavors?limit=2&minRam=2048', { as: member });
    assert.deepEqual(
      first.body.flavors.map((each: { id: string }) => each.id),
      ['2', '3'],
    );
    const next = new URL(first.body.flavors_links[0].href);
    assert.deepEqual(await names(next.pathname.slice(5) + next.search, { as: member }), [
      'm1.large',
      'm1.xlarge',
    ]);
    for (const wrong of ['minRam=x', 'minDisk=x', 'marker=nowhere', 'sort_key=colour', 'limit=-1']) {
      assert.equal((await ask('GET', `/flavors?${wrong}`)).status, 400, wrong);
    }
    assert.equal((await ask('GET', '/flavors?colour=red', { at: '2.74' })).status, 200);
    assert.equal((await ask('GET', '/flavors?colour=red', { at: '2.75' })).status, 400);
  });

  it('that are not public are for the projects that were given access', async () => {
    const { id } = await make({ name: 'secret', 'os-flavor-access:is_public': false });
    const sees = async (as: Caller) => (await ask('GET', `/flavors/${id}`, { as })).status;
    assert.deepEqual([await sees(admin), await sees(member), await sees(stranger)], [200, 404, 404]);
    const act = (body: object, as = admin) => ask('POST', `/flavors/${id}/action`, { as, body });
    const tenant = member.projectId;
    assert.equal((await act({ addTenantAccess: { tenant } }, member)).status, 403);
    const given = await act({ addTenantAccess: { tenant } });
    assert.deepEqual(given.body.flavor_access, [{ flavor_id: id, tenant_id: tenant }]);
    assert.equal((await act({ addTenantAccess: { tenant } })).status, 409);
    assert.deepEqual([await sees(member), await sees(stranger)], [200, 404]);
    assert.ok((await names('/flavors', { as: reader })).includes('secret'));
    assert.ok(!(await names('/flavors', { as: stranger })).includes('secret'));
    assert.ok(!(await names('/flavors')).includes('secret'));
    assert.deepEqual(await names('/flavors?is_public=false'), ['secret']);
    assert.ok((await names('/flavors?is_public=None')).includes('secret'));
    assert.ok(!(await names('/flavors?is_public=None', { as: stranger })).includes('secret'));
    assert.equal((await ask('GET', '/flavors?is_public=maybe')).status, 400);
    const list = await ask('GET', `/flavors/${id}/os-flavor-access`);
    assert.equal(list.body.flavor_access.length, 1);
    assert.equal((await ask('GET', `/flavors/${id}/os-flavor-access`, { as: member })).status, 403);
    assert.equal((await ask('GET', '/flavors/1/os-flavor-access')).status, 404);
    assert.deepEqual((await act({ removeTenantAccess: { tenant } })).body.flavor_access, []);
    assert.equal((await act({ removeTenantAccess: { tenant } })).status, 404);
    assert.equal(await sees(member), 404);
  });

  it('have extra specs, whose known names are checked since 2.86', async () => {
    const { id } = await make({ name: 'special' });
    const path = `/flavors/${id}/os-extra_specs`;
    const set = (extra_specs: object, options: Asked = {}) =>
      ask('POST', path, { ...options, body: { extra_specs } });
    assert.deepEqual((await set({ 'hw:cpu_policy': 'shared', mine: 7 })).body.extra_specs, {
      'hw:cpu_policy': 'shared',
      mine: 7,
    });
    assert.deepEqual((await ask('GET', path, { as: reader })).body.extra_specs, {
      'hw:cpu_policy': 'shared',
      mine: '7',
    });
    assert.deepEqual((await ask('GET', `${path}/mine`)).body, { mine: '7' });
    assert.equal((await ask('GET', `${path}/yours`)).status, 404);
    assert.equal((await ask('PUT', `${path}/mine`, { body: { mine: '8' } })).status, 200);
    assert.equal((await ask('PUT', `${path}/mine`, { body: { yours: '8' } })).status, 400);
    assert.equal((await set({ 'hw:cpu_policy': 'sometimes' }, { at: '2.85' })).status, 200);
    for (const wrong of [
      { 'hw:cpu_policy': 'sometimes' },
      { 'hw:nonsense': 'x' },
      { 'hw:numa_nodes': 0 },
      { 'resources:VCPU': 'many' },
      { 'trait:HW_CPU_X86_AVX2': 'maybe' },
    ]) {
      assert.equal((await set(wrong, { at: '2.86' })).status, 400, JSON.stringify(wrong));
    }
    for (const right of [{ 'own:thing': 'x' }, { 'resources:CUSTOM_GPU': 1 }, { plain: 'x' }]) {
      assert.equal((await set(right, { at: '2.86' })).status, 200, JSON.stringify(right));
    }
    assert.equal((await set({ 'bad/key': 'x' })).status, 400);
    assert.equal((await set({ x: 'y' }, { as: member })).status, 403);
    assert.equal((await ask('DELETE', `${path}/mine`)).status, 200);
    assert.equal((await ask('DELETE', `${path}/mine`)).status, 404);
  });
});
