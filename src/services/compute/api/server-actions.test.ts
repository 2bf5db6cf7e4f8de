import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, member, stranger } from '../../../platform/service/testing/world.ts';
import { computeService } from '../contract.ts';
import { type Cloud, eventually, startCloud } from '../testing/cloud.ts';

describe('actions of servers', () => {
  let cloud: Cloud;
  let id: string;
  before(async () => {
    cloud = await startCloud();
    ({ id } = await cloud.server());
  });
  after(() => cloud[Symbol.asyncDispose]());
  const act = (body: object, options: { as?: typeof member; at?: string; of?: string } = {}) =>
    cloud.compute('POST', `/servers/${options.of ?? id}/action`, {
      body,
      ...(options.as ? { as: options.as } : {}),
      ...(options.at ? { at: options.at } : {}),
    });
  const done = async (body: object, status: string) => {
    const { status: code, body: answer } = await act(body);
    assert.equal(code, 202, JSON.stringify(answer));
    return cloud.reaches(id, status);
  };

  it('change its power, in every way that its state allows', async () => {
    assert.equal((await done({ 'os-stop': null }, 'SHUTOFF'))['OS-EXT-STS:power_state'], 4);
    assert.equal((await done({ 'os-start': null }, 'ACTIVE'))['OS-EXT-STS:power_state'], 1);
    await done({ reboot: { type: 'SOFT' } }, 'ACTIVE');
    await done({ reboot: { type: 'hard' } }, 'ACTIVE');
    assert.equal((await done({ pause: null }, 'PAUSED'))['OS-EXT-STS:power_state'], 3);
    await done({ unpause: null }, 'ACTIVE');
    assert.equal((await done({ suspend: null }, 'SUSPENDED'))['OS-EXT-STS:power_state'], 7);
    await done({ resume: null }, 'ACTIVE');
  });

  it('are refused in the wrong state, in words that clients know', async () => {
    const refused = async (body: object) => {
      const { status, body: answer } = await act(body);
      return [status, answer.conflictingRequest.message];
    };
    assert.deepEqual(await refused({ 'os-start': null }), [
      409,
      `Cannot 'start' instance ${id} while it is in vm_state active`,
    ]);
    assert.deepEqual(await refused({ resume: null }), [
      409,
      `Cannot 'resume' instance ${id} while it is in vm_state active`,
    ]);
    await done({ 'os-stop': null }, 'SHUTOFF');
    assert.deepEqual(await refused({ reboot: { type: 'SOFT' } }), [
      409,
      `Cannot 'reboot' instance ${id} while it is in vm_state stopped`,
    ]);
    await done({ 'os-start': null }, 'ACTIVE');
  });

  it('never run two at once', async () => {
    const both = await Promise.all([
      act({ 'os-stop': null }),
      act({ 'os-stop': null }),
      act({ pause: null }),
    ]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [202, 409, 409]);
    const { status } = both[2] as { status: number };
    await cloud.reaches(id, status === 202 ? 'PAUSED' : 'SHUTOFF');
    await done(status === 202 ? { unpause: null } : { 'os-start': null }, 'ACTIVE');
  });

  it('are checked: what is asked, by whom, of which server', async () => {
    assert.equal((await act({ dance: null })).status, 400);
    assert.equal((await act({})).status, 400);
    assert.equal((await act({ reboot: { type: 'gently' } })).status, 400);
    assert.equal((await act({ 'os-stop': null }, { as: stranger })).status, 404);
    assert.equal((await act({ 'os-resetState': { state: 'error' } })).status, 403);
    assert.equal((await act({ 'os-stop': null }, { of: '0'.repeat(8) })).status, 404);
    assert.equal((await act({ changePassword: { adminPass: 'x' } })).status, 501);
  });

  it('build it again from another image, with other metadata', async () => {
    const body = { rebuild: { imageRef: cloud.imageId, name: 'anew', metadata: { built: 'again' } } };
    const rebuilt = await act(body);
    assert.equal(rebuilt.status, 202, JSON.stringify(rebuilt.body));
    assert.ok(rebuilt.body.server.adminPass);
    const seen = await cloud.reaches(id, 'ACTIVE');
    assert.deepEqual([seen['name'], seen['metadata']], ['anew', { built: 'again' }]);
    await done({ 'os-stop': null }, 'SHUTOFF');
    assert.equal((await act(body)).status, 202);
    assert.equal((await cloud.reaches(id, 'SHUTOFF'))['OS-EXT-STS:power_state'], 4);
    await done({ 'os-start': null }, 'ACTIVE');
    await cloud.compute('PUT', `/servers/${id}/metadata`, { body: { metadata: {} } });
    const none = '00000000-0000-4000-8000-000000000000';
    assert.equal((await act({ rebuild: { imageRef: none } })).status, 400);
    assert.equal((await act({ rebuild: {} })).status, 400);
    assert.equal((await act({ rebuild: { imageRef: cloud.imageId, key_name: 'k' } })).status, 400);
    assert.equal((await act(body, { as: stranger })).status, 404);
  });

  it('are refused honestly where the cloud cannot do them', async () => {
    assert.equal((await act({ resize: { flavorRef: 'nothing' } })).status, 400);
    assert.equal((await act({ resize: { flavorRef: '' } })).status, 400);
    assert.equal((await act({ resize: { flavorRef: cloud.flavorId } })).status, 400);
    assert.equal((await act({ evacuate: {} }, { as: admin })).status, 501);
  });

  it('stop at a lock, unless an administrator asks', async () => {
    assert.equal((await act({ lock: null })).status, 202);
    const { status, body } = await act({ 'os-stop': null });
    assert.deepEqual([status, body.conflictingRequest.message], [409, `Instance ${id} is locked`]);
    assert.equal((await cloud.compute('DELETE', `/servers/${id}`)).status, 409);
    assert.equal((await act({ unlock: null })).status, 202);
    await act({ lock: { locked_reason: 'mine' } }, { as: admin, at: '2.73' });
    assert.equal((await act({ unlock: null })).status, 403);
    assert.equal((await act({ unlock: null }, { as: admin })).status, 202);
  });

  it('can say what its state is, for administrators', async () => {
    await act({ 'os-resetState': { state: 'error' } }, { as: admin });
    await cloud.reaches(id, 'ERROR');
    await act({ 'os-resetState': { state: 'active' } }, { as: admin });
    await cloud.reaches(id, 'ACTIVE');
  });

  it('give the console log, and consoles that open once', async () => {
    const { status, body } = await act({ 'os-getConsoleOutput': { length: 3 } });
    assert.equal(status, 200);
    assert.equal(body.output.split('\n').length, 3);
    assert.equal(typeof body.output, 'string');
    const opened = await cloud.compute('POST', `/servers/${id}/remote-consoles`, {
      at: '2.6',
      body: { remote_console: { protocol: 'vnc', type: 'novnc' } },
    });
    assert.equal(opened.status, 200, JSON.stringify(opened.body));
    const url = new URL(opened.body.remote_console.url);
    assert.equal(url.pathname, '/vnc_lite.html');
    const token = url.searchParams.get('path')?.slice('?token='.length) ?? '';
    const service = cloud.bus.client(computeService);
    assert.deepEqual(await service.redeemConsoleToken({ token }), {
      serverId: id,
      host: 'host-1',
      type: 'novnc',
    });
    assert.equal(await service.redeemConsoleToken({ token }), null);
    const old = await act({ 'os-getVNCConsole': { type: 'novnc' } });
    assert.equal(old.body.console.type, 'novnc');
    assert.equal((await act({ 'os-getVNCConsole': { type: 'novnc' } }, { at: '2.6' })).status, 404);
    assert.equal((await act({ 'os-getVNCConsole': { type: 'etchasketch' } })).status, 400);
  });

  it('make an image of it', async () => {
    const { status, body } = await act(
      { createImage: { name: 'picture', metadata: { a: 'b' } } },
      { at: '2.45' },
    );
    assert.equal(status, 202);
    const image = await eventually('the image to be active', async () => {
      const { body: seen } = await cloud.request('image', 'GET', `/v2/images/${body.image_id}`, {
        as: member,
      });
      return seen.status === 'active' ? seen : undefined;
    });
    assert.equal(image.name, 'picture');
    assert.equal(image.instance_uuid, id);
    await cloud.reaches(id, 'ACTIVE');
  });

  it('are remembered with how they ended', async () => {
    const path = `/servers/${id}/os-instance-actions`;
    const { body } = await cloud.compute('GET', path);
    const names = body.instanceActions.map(({ action }: { action: string }) => action);
    assert.equal(names.at(-1), 'create');
    assert.ok(names.includes('stop') && names.includes('reboot'));
    const { request_id: request } = body.instanceActions.at(-1);
    const shown = (await cloud.compute('GET', `${path}/${request}`, { at: '2.51' })).body.instanceAction;
    assert.equal(shown.events[0].event, 'compute__do_build_instance');
    assert.equal(shown.events[0].result, 'Success');
    assert.equal((await cloud.compute('GET', `${path}/req-none`)).status, 404);
  });

  it('tell what guests do by themselves', async () => {
    const service = cloud.bus.client(computeService);
    await service.powerChanged({ host: 'elsewhere', id, powerState: 'shutdown', cause: 'guest-shutdown' });
    await cloud.reaches(id, 'ACTIVE');
    await service.powerChanged({ host: 'host-1', id, powerState: 'shutdown', cause: 'guest-shutdown' });
    await cloud.reaches(id, 'SHUTOFF');
    await done({ 'os-start': null }, 'ACTIVE');
  });

  it('let an agent destroy only guests of servers that are deleted', async () => {
    const service = cloud.bus.client(computeService);
    const { id: other } = await cloud.server({ name: 'gone', networks: 'none' }, { at: '2.37' });
    await cloud.compute('DELETE', `/servers/${other}`);
    await cloud.gone(other);
    const unknown = '00000000-0000-4000-8000-000000000000';
    const guests = [id, other, unknown].map((serverId) => ({ serverId, powerState: 'running' }));
    const verdict = await service.reconcileGuests({ host: 'host-1', guests, resume: false });
    assert.deepEqual(verdict, { destroy: [other], start: [] });
    const off = [{ serverId: id, powerState: 'shutdown' }];
    assert.deepEqual((await service.reconcileGuests({ host: 'host-1', guests: off, resume: true })).start, [
      id,
    ]);
  });

  it('keep metadata, tags, addresses and the rest below it', async () => {
    const at = (path: string) => `/servers/${id}${path}`;
    const set = await cloud.compute('POST', at('/metadata'), { body: { metadata: { a: '1', b: '2' } } });
    assert.deepEqual(set.body.metadata, { a: '1', b: '2' });
    await cloud.compute('PUT', at('/metadata/a'), { body: { meta: { a: '3' } } });
    assert.equal((await cloud.compute('PUT', at('/metadata/a'), { body: { meta: { z: '3' } } })).status, 400);
    assert.equal((await cloud.compute('DELETE', at('/metadata/b'))).status, 204);
    assert.equal((await cloud.compute('GET', at('/metadata/b'))).status, 404);
    assert.deepEqual((await cloud.compute('GET', at('/metadata'))).body.metadata, { a: '3' });
    assert.equal((await cloud.compute('GET', at('/metadata'), { as: stranger })).status, 404);
    const many = Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`k${i}`, 'v']));
    assert.equal((await cloud.compute('PUT', at('/metadata'), { body: { metadata: many } })).status, 403);
    const tags = { at: '2.26' };
    assert.equal((await cloud.compute('PUT', at('/tags/red'), tags)).status, 201);
    assert.equal((await cloud.compute('PUT', at('/tags/red'), tags)).status, 204);
    assert.equal((await cloud.compute('GET', at('/tags/red'), tags)).status, 204);
    assert.equal((await cloud.compute('GET', at('/tags/blue'), tags)).status, 404);
    await cloud.compute('PUT', at('/tags'), { ...tags, body: { tags: ['x', 'y'] } });
    assert.deepEqual((await cloud.compute('GET', at('/tags'), tags)).body.tags, ['x', 'y']);
    assert.equal((await cloud.compute('DELETE', at('/tags'), tags)).status, 204);
    assert.equal((await cloud.compute('GET', at('/tags'))).status, 404);
    assert.deepEqual(Object.keys((await cloud.compute('GET', at('/ips'))).body.addresses), ['private']);
    assert.equal((await cloud.compute('GET', at('/ips/private'))).status, 200);
    assert.equal((await cloud.compute('GET', at('/ips/none'))).status, 404);
    assert.equal((await cloud.compute('GET', at('/diagnostics'))).status, 403);
    assert.equal(
      (await cloud.compute('GET', at('/diagnostics'), { as: admin, at: '2.48' })).body.num_cpus,
      1,
    );
    const groups = await cloud.compute('GET', at('/os-security-groups'));
    assert.deepEqual(
      groups.body.security_groups.map(({ name }: { name: string }) => name),
      ['default'],
    );
    assert.equal((await act({ addSecurityGroup: { name: 'nothing' } })).status, 404);
  });

  it('attach and detach ports', async () => {
    const path = `/servers/${id}/os-interface`;
    const one = (await cloud.compute('GET', path)).body.interfaceAttachments;
    assert.equal(one.length, 1);
    const made = await cloud.compute('POST', path, {
      body: { interfaceAttachment: { net_id: cloud.networkId } },
    });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const { port_id: port } = made.body.interfaceAttachment;
    assert.equal(
      (await cloud.compute('GET', `${path}/${port}`)).body.interfaceAttachment.net_id,
      cloud.networkId,
    );
    assert.equal((await cloud.compute('DELETE', `${path}/${port}`)).status, 202);
    await eventually('the port to be detached', async () =>
      (await cloud.compute('GET', path)).body.interfaceAttachments.length === 1 ? true : undefined,
    );
    assert.equal((await cloud.compute('DELETE', `${path}/${port}`)).status, 404);
  });
});
