import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, member, reader, stranger } from '../../../platform/service/testing/world.ts';
import { networkService } from '../../network/contract.ts';
import { placementService } from '../../placement/contract.ts';
import { type Cloud, startCloud } from '../testing/cloud.ts';

describe('servers', () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await startCloud();
  });
  after(() => cloud[Symbol.asyncDispose]());
  const create = (asked: object, options: { as?: typeof member; at?: string; beside?: object } = {}) =>
    cloud.compute('POST', '/servers', {
      as: options.as ?? member,
      ...(options.at ? { at: options.at } : {}),
      body: {
        server: { name: 'x', imageRef: cloud.imageId, flavorRef: cloud.flavorId, ...asked },
        ...options.beside,
      },
    });

  it('are built on a host with their ports, shown, and leave nothing when deleted', async () => {
    const server = await cloud.server({ name: 'first' });
    assert.equal(server['status'], 'ACTIVE', JSON.stringify(server));
    assert.equal(server['OS-EXT-SRV-ATTR:host'], 'host-1');
    const addresses = server['addresses'] as Record<string, { addr: string }[]>;
    assert.match(addresses['private']?.[0]?.addr ?? '', /^10\.9\./);
    const placed = cloud.bus.client(placementService);
    const allocations = await placed.allocations({ consumer: server.id });
    assert.deepEqual(Object.values(allocations), [{ VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 }]);
    assert.equal((await cloud.compute('DELETE', `/servers/${server.id}`)).status, 204);
    await cloud.gone(server.id);
    assert.deepEqual(await placed.allocations({ consumer: server.id }), {});
    const ports = await cloud.bus.client(networkService).serverPorts({ serverIds: [server.id] });
    assert.deepEqual(ports[server.id] ?? [], []);
  });

  it('are of their project alone', async () => {
    const { id } = await cloud.server({ name: 'mine' });
    const path = `/servers/${id}`;
    assert.equal((await cloud.compute('GET', path, { as: stranger })).status, 404);
    assert.equal((await cloud.compute('DELETE', path, { as: stranger })).status, 404);
    assert.equal((await cloud.compute('GET', path, { as: reader })).status, 200);
    assert.equal((await cloud.compute('DELETE', path, { as: reader })).status, 403);
    assert.equal(
      (await cloud.compute('PUT', path, { as: stranger, body: { server: { name: 'y' } } })).status,
      404,
    );
    const listed = await cloud.compute('GET', '/servers', { as: stranger });
    assert.deepEqual(listed.body.servers, []);
    const all = await cloud.compute('GET', '/servers?all_tenants=1', { as: stranger });
    assert.equal(all.status, 403);
    assert.equal((await cloud.request('compute', 'GET', `/v2.1${path}`)).status, 401);
    const seen = (await cloud.compute('GET', path)).body.server;
    assert.ok(!('OS-EXT-SRV-ATTR:host' in seen));
    assert.ok('OS-EXT-SRV-ATTR:host' in (await cloud.compute('GET', path, { as: admin })).body.server);
  });

  it('are refused when what they ask for is not there or does not fit', async () => {
    const refused = async (asked: object, at?: string) => {
      const { status, body } = await create(asked, at ? { at } : {});
      return [status, (Object.values(body)[0] as { message: string }).message] as const;
    };
    assert.deepEqual(await refused({ flavorRef: 'nothing' }), [400, 'Flavor nothing could not be found.']);
    const none = '00000000-0000-4000-8000-000000000000';
    assert.deepEqual(await refused({ imageRef: none }), [400, `Image ${none} could not be found.`]);
    assert.deepEqual(await refused({ imageRef: '' }), [400, 'Invalid imageRef provided.']);
    assert.deepEqual(await refused({ key_name: 'nokey' }), [400, 'Invalid key_name provided.']);
    assert.deepEqual(await refused({ availability_zone: 'moon' }), [
      400,
      'The requested availability zone is not available',
    ]);
    const [status, words] = await refused({ name: 'x'.repeat(256) });
    assert.equal(status, 400);
    assert.match(words, /^Invalid input for field\/attribute name\. Value: x+\. 'x+' is too long/);
    assert.equal((await refused({ name: '' }))[0], 400);
    assert.equal((await refused({ user_data: 'ä' }))[0], 400);
    assert.equal((await refused({ networks: [{ uuid: none }] }))[0], 400);
    assert.equal((await refused({ accessIPv4: '1.2.3' }))[0], 400);
    assert.equal((await refused({ tags: ['a'] }))[0], 400, 'tags came with 2.52');
    assert.equal((await refused({}, '2.37'))[0], 400, 'networks must be said since 2.37');
    assert.equal((await refused({ min_count: 3, max_count: 2 }))[1], 'min_count must be <= max_count');
    assert.equal((await refused({ availability_zone: 'nova:host-1' }))[0], 403);
    const volume = { block_device_mapping_v2: [{ boot_index: 0, source_type: 'volume', uuid: none }] };
    assert.equal((await refused({ imageRef: '', ...volume }))[0], 501);
    const [groupStatus] = [await create({}, { beside: { 'os:scheduler_hints': { group: none } } })];
    assert.equal(groupStatus?.status, 400);
  });

  it('take no more than the quota, and say so in words that clients know', async () => {
    const poor = { ...member, projectId: 'd'.repeat(32) };
    const { status, body } = await create({ min_count: 11 }, { as: poor });
    assert.equal(status, 403);
    assert.equal(
      body.forbidden.message,
      'Quota exceeded for instances: Requested 11, but already used 0 of 10 instances',
    );
    const some = await create({ min_count: 1, max_count: 12, return_reservation_id: true }, { as: poor });
    assert.equal(some.status, 202);
    const list = await cloud.compute('GET', `/servers?reservation_id=${some.body.reservation_id}`, {
      as: poor,
    });
    assert.equal(list.body.servers.length, 10);
    for (const { id } of list.body.servers) await cloud.compute('DELETE', `/servers/${id}`, { as: poor });
    for (const { id } of list.body.servers) await cloud.gone(id);
  });

  it('are listed by filter, in order and in pages', async () => {
    const owner = { ...member, projectId: 'f'.repeat(32) };
    const names = ['alpha-1', 'alpha-2', 'beta-1'];
    const ids: string[] = [];
    for (const name of names)
      ids.push(
        (await cloud.server({ name, networks: 'none', tags: [name.slice(0, 4)] }, { as: owner, at: '2.52' }))
          .id,
      );
    const list = async (query: string, at?: string) => {
      const { status, body } = await cloud.compute('GET', `/servers${query}`, {
        as: owner,
        ...(at ? { at } : {}),
      });
      assert.equal(status, 200, JSON.stringify(body));
      return body.servers.map(({ name }: { name: string }) => name);
    };
    assert.deepEqual(await list(''), names.toReversed());
    assert.deepEqual(await list('?sort_key=display_name&sort_dir=asc'), names);
    assert.deepEqual(await list('?name=alpha'), ['alpha-2', 'alpha-1']);
    assert.deepEqual(await list('?name=%5E.*-1%24'), ['beta-1', 'alpha-1']);
    assert.deepEqual(await list('?status=ACTIVE&limit=1'), ['beta-1']);
    assert.deepEqual(await list('?status=SHUTOFF'), []);
    assert.deepEqual(await list('?status=nonsense'), []);
    assert.deepEqual(await list('?tags=beta', '2.26'), ['beta-1']);
    assert.deepEqual(await list('?not-tags=beta', '2.26'), ['alpha-2', 'alpha-1']);
    assert.deepEqual(await list(`?image=${cloud.imageId}&flavor=${cloud.flavorId}&limit=2`), [
      'beta-1',
      'alpha-2',
    ]);
    assert.deepEqual(await list('?changes-since=2100-01-01T00:00:00Z'), []);
    assert.deepEqual(await list('?unheard=of'), names.toReversed());
    const first = await cloud.compute('GET', '/servers/detail?limit=2', { as: owner });
    const next = new URL(first.body.servers_links[0].href);
    const second = await cloud.compute('GET', next.pathname.slice('/v2.1'.length) + next.search, {
      as: owner,
    });
    assert.deepEqual(
      second.body.servers.map(({ name }: { name: string }) => name),
      ['alpha-1'],
    );
    const refused = async (query: string, at?: string) =>
      (await cloud.compute('GET', `/servers${query}`, { as: owner, ...(at ? { at } : {}) })).status;
    assert.equal(await refused('?marker=nothing'), 400);
    assert.equal(await refused('?limit=-1'), 400);
    assert.equal(await refused('?changes-since=yesterday'), 400);
    assert.equal(await refused('?unheard=of', '2.75'), 400);
    assert.equal(await refused('?status=DELETED'), 403);
    assert.equal(await refused(`?name=${encodeURIComponent('(a+)+$')}`), 200);
    for (const id of ids) await cloud.compute('DELETE', `/servers/${id}`, { as: owner });
    for (const id of ids) await cloud.gone(id);
    const gone = await cloud.compute('GET', '/servers?changes-since=2020-01-01T00:00:00Z', { as: owner });
    assert.equal(gone.body.servers.length, 3);
  });

  it('change their name, and show what their microversion knows', async () => {
    const { id } = await cloud.server({ name: 'old' });
    const changed = await cloud.compute('PUT', `/servers/${id}`, {
      body: { server: { name: 'new', accessIPv4: '1.2.3.4' } },
    });
    assert.equal(changed.status, 200);
    assert.equal(changed.body.server.name, 'new');
    assert.equal(changed.body.server.accessIPv4, '1.2.3.4');
    assert.ok(!('key_name' in changed.body.server), 'before 2.75 an update shows less');
    const show = async (at: string) => (await cloud.compute('GET', `/servers/${id}`, { at })).body.server;
    assert.deepEqual(Object.keys((await show('2.1')).flavor), ['id', 'links']);
    assert.equal((await show('2.47')).flavor.original_name, cloud.flavorId);
    assert.ok(!('locked' in (await show('2.8'))) && 'locked' in (await show('2.9')));
    assert.ok(!('server_groups' in (await show('2.70'))) && 'server_groups' in (await show('2.71')));
    assert.equal(
      (await cloud.compute('PUT', `/servers/${id}`, { body: { server: { description: 'x' } } })).status,
      400,
    );
    const described = await cloud.compute('PUT', `/servers/${id}`, {
      at: '2.19',
      body: { server: { description: 'x' } },
    });
    assert.equal(described.body.server.description, 'x');
  });

  it('become ACTIVE within a moment, a hundred at once', async () => {
    const rich = { ...admin, projectId: '9'.repeat(32) };
    const quota = await cloud.compute('PUT', `/os-quota-sets/${rich.projectId}`, {
      as: rich,
      body: { quota_set: { instances: -1, cores: -1, ram: -1, force: true } },
    });
    assert.equal(quota.status, 200, JSON.stringify(quota.body));
    const started = performance.now();
    const made = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        create({ name: `crowd-${i}`, networks: 'none' }, { as: rich, at: '2.37' }),
      ),
    );
    assert.ok(
      made.every(({ status }) => status === 202),
      JSON.stringify(made.find(({ status }) => status !== 202)?.body),
    );
    for (const { body } of made) await cloud.reaches(body.server.id, 'ACTIVE', rich);
    const took = performance.now() - started;
    assert.ok(took < 30_000, `${took} ms`);
    await Promise.all(
      made.map(({ body }) => cloud.compute('DELETE', `/servers/${body.server.id}`, { as: rich })),
    );
    for (const { body } of made) await cloud.gone(body.server.id);
  });
});
