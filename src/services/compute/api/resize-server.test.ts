import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { admin, member, reader, stranger } from '../../../platform/service/testing/world.ts';
import { placementService } from '../../placement/contract.ts';
import { type Cloud, eventually, startCloud } from '../testing/cloud.ts';

describe('resizing servers', () => {
  let cloud: Cloud;
  let large: string;
  before(async () => {
    cloud = await startCloud();
    large = await flavor({ ram: 128, vcpus: 2, disk: 2 });
  });
  after(() => cloud[Symbol.asyncDispose]());

  async function flavor(more: object): Promise<string> {
    const id = randomUUID();
    const body = { flavor: { id, name: id, ram: 64, vcpus: 1, disk: 1, ...more } };
    const made = await cloud.compute('POST', '/flavors', { as: admin, body });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    return id;
  }
  const ask = (id: string, body: object, as = member) =>
    cloud.compute('POST', `/servers/${id}/action`, { as, body });
  const resize = (id: string, flavorRef: string, as = member) => ask(id, { resize: { flavorRef } }, as);
  const claimed = async (id: string) =>
    Object.values(await cloud.bus.client(placementService).allocations({ consumer: id }));
  const migrationsOf = async (id: string, query = '', at = '2.80') => {
    const path = `/os-migrations?instance_uuid=${id}${query}`;
    const { status, body } = await cloud.compute('GET', path, { as: admin, at });
    assert.equal(status, 200, JSON.stringify(body));
    return body.migrations;
  };

  it('changes the flavor, and holds room for both until it is confirmed', async () => {
    const { id } = await cloud.server();
    assert.equal((await resize(id, large)).status, 202);
    const shown = await cloud.reaches(id, 'VERIFY_RESIZE');
    assert.equal(shown['OS-EXT-STS:vm_state'], 'resized');
    assert.equal(shown['OS-EXT-STS:power_state'], 1);
    assert.deepEqual(shown.flavor, { id: large, links: (shown.flavor as { links: unknown }).links });
    assert.deepEqual(await claimed(id), [{ VCPU: 2, MEMORY_MB: 128, DISK_GB: 2 }]);
    assert.equal((await migrationsOf(id))[0].status, 'finished');
    assert.equal((await resize(id, cloud.flavorId)).status, 409);
    assert.equal((await ask(id, { confirmResize: null })).status, 204);
    await cloud.reaches(id, 'ACTIVE');
    assert.deepEqual(await claimed(id), [{ VCPU: 2, MEMORY_MB: 128, DISK_GB: 2 }]);
    assert.equal((await ask(id, { confirmResize: null })).status, 409);
    assert.equal((await ask(id, { revertResize: null })).status, 409);
    const [migration] = await migrationsOf(id);
    assert.equal(migration.status, 'confirmed');
    assert.equal(migration.migration_type, 'resize');
    assert.equal(migration.project_id, member.projectId);
    assert.deepEqual(await migrationsOf(id, '&status=error'), []);
    assert.ok(!('uuid' in (await migrationsOf(id, '', '2.1'))[0]));
  });

  it('goes back when it is reverted, even where the old flavor is gone', async () => {
    const old = await flavor({ ram: 96 });
    const { id } = await cloud.server({ flavorRef: old });
    assert.equal((await cloud.compute('DELETE', `/flavors/${old}`, { as: admin })).status, 202);
    await resize(id, large);
    await cloud.reaches(id, 'VERIFY_RESIZE');
    assert.equal((await ask(id, { revertResize: null })).status, 202);
    const shown = await cloud.reaches(id, 'ACTIVE');
    assert.equal((shown.flavor as { id: string }).id, old);
    assert.deepEqual(await claimed(id), [{ VCPU: 1, MEMORY_MB: 96, DISK_GB: 1 }]);
    assert.equal((await migrationsOf(id))[0].status, 'reverted');
  });

  it('leaves a server off that is off, and takes less room when it got smaller', async () => {
    const small = await flavor({ ram: 32, disk: 1 });
    const { id } = await cloud.server();
    await ask(id, { 'os-stop': null });
    await cloud.reaches(id, 'SHUTOFF');
    await resize(id, small);
    assert.equal((await cloud.reaches(id, 'VERIFY_RESIZE'))['OS-EXT-STS:power_state'], 4);
    assert.deepEqual(await claimed(id), [{ VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 }]);
    await ask(id, { confirmResize: null });
    await cloud.reaches(id, 'SHUTOFF');
    assert.deepEqual(await claimed(id), [{ VCPU: 1, MEMORY_MB: 32, DISK_GB: 1 }]);
  });

  it('refuses what cannot be', async () => {
    const { id } = await cloud.server();
    assert.equal((await resize(id, 'nothing')).status, 400);
    assert.equal((await resize(id, '')).status, 400);
    const same = await resize(id, cloud.flavorId);
    assert.equal(same.status, 400);
    assert.match(same.body.badRequest.message, /must change flavor/);
    assert.equal((await resize(id, await flavor({ disk: 0 }))).status, 400);
    assert.equal((await resize(id, await flavor({ swap: 512 }))).status, 501);
    const hidden = await flavor({ 'os-flavor-access:is_public': false });
    assert.equal((await resize(id, hidden)).status, 400);
    assert.equal((await resize(id, large, stranger)).status, 404);
    assert.equal((await resize(id, large, reader)).status, 403);
    const over = await resize(id, await flavor({ vcpus: 21 }));
    assert.equal(over.status, 403);
    assert.match(over.body.forbidden.message, /Quota exceeded for cores/);
    assert.equal((await ask(id, { revertResize: null })).status, 409);
    await cloud.reaches(id, 'ACTIVE');
    assert.deepEqual(await migrationsOf(id), []);
  });

  it('leaves a server as it was, with a fault, where its disk would shrink or its host is full', async () => {
    const disk = await flavor({ disk: 3 });
    const { id } = await cloud.server({ flavorRef: disk });
    for (const flavorRef of [large, await flavor({ disk: 100_000 })]) {
      assert.equal((await resize(id, flavorRef)).status, 202);
      await eventually('the resize to fail', async () =>
        (await migrationsOf(id))[0]?.status === 'error' ? true : undefined,
      );
      const shown = await cloud.reaches(id, 'ACTIVE');
      assert.equal((shown.flavor as { id: string }).id, disk);
      assert.deepEqual(await claimed(id), [{ VCPU: 1, MEMORY_MB: 64, DISK_GB: 3 }]);
    }
  });

  it('begins anew where somebody has set the state by hand', async () => {
    const { id } = await cloud.server();
    await resize(id, large);
    await cloud.reaches(id, 'VERIFY_RESIZE');
    const reset = await ask(id, { 'os-resetState': { state: 'active' } }, { ...member, roles: admin.roles });
    assert.equal(reset.status, 202);
    assert.equal((await resize(id, await flavor({ vcpus: 3, disk: 2 }))).status, 202);
    await cloud.reaches(id, 'VERIFY_RESIZE');
    assert.equal((await ask(id, { revertResize: null })).status, 202);
    const shown = await cloud.reaches(id, 'ACTIVE');
    assert.equal((shown.flavor as { id: string }).id, large);
    assert.deepEqual(await claimed(id), [{ VCPU: 2, MEMORY_MB: 128, DISK_GB: 2 }]);
  });

  it('is over when the server is deleted', async () => {
    const { id } = await cloud.server();
    await resize(id, large);
    await cloud.reaches(id, 'VERIFY_RESIZE');
    assert.equal((await cloud.compute('DELETE', `/servers/${id}`)).status, 204);
    await cloud.gone(id);
    assert.deepEqual(await claimed(id), []);
    assert.equal((await migrationsOf(id))[0].status, 'confirmed');
  });
});
