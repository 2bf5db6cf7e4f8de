import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { identityService } from '../contract.ts';
import { inDefault, secrets, startIdentity } from '../testing/cloud.ts';

const cloud = await startIdentity();
const strict = await startIdentity({ enforcement_model: 'strict_two_level' });
after(async () => {
  await cloud[Symbol.asyncDispose]();
  await strict[Symbol.asyncDispose]();
});
type Cloud = typeof cloud;

let last = 0;
const fresh = (word: string) => `${word}-${++last}`;
const absent = '0'.repeat(32);
const ask = (on: Cloud, method: string, path: string, body?: unknown, as = on.admin) =>
  on.request(method, path, { as, body });
async function refused(asked: ReturnType<typeof ask>, status: number, message: RegExp) {
  const answered = await asked;
  assert.equal(answered.status, status, JSON.stringify(answered.body));
  assert.match(answered.body.error.message, message);
}
type Made = { id: string } & Record<string, unknown>;
async function post(on: Cloud, many: string, ...some: object[]): Promise<[Made, ...Made[]]> {
  const { status, body } = await ask(on, 'POST', `/v3/${many}`, { [many]: some });
  assert.equal(status, 201, JSON.stringify(body));
  assert.deepEqual(Object.keys(body), [many]);
  return body[many];
}
const aService = (on: Cloud) => on.make('/v3/services', 'service', { type: fresh('limited') });
/** A registered limit and what a limit for it says. */
async function limited(on: Cloud, default_limit = 10, more: object = {}) {
  const { id: service_id } = await aService(on);
  const about = { service_id, resource_name: 'servers', ...more };
  const [registered] = await post(on, 'registered_limits', { ...about, default_limit });
  return { about, registered };
}

describe('registered limits', () => {
  it('are made several at once, or none', async () => {
    const { id: service_id } = await aService(cloud);
    const limit = (resource_name: string, more: object = {}) => ({
      service_id,
      resource_name,
      default_limit: 1,
      ...more,
    });
    const made = await post(cloud, 'registered_limits', limit('a'), limit('a', { region_id: 'RegionOne' }));
    assert.deepEqual(Object.keys(made[0]).sort(), [
      'default_limit',
      'description',
      'id',
      'links',
      'region_id',
      'resource_name',
      'service_id',
    ]);
    const several = { registered_limits: [limit('b'), limit('a')] };
    await refused(
      ask(cloud, 'POST', '/v3/registered_limits', several),
      409,
      /registered_limit - Duplicate entry\./,
    );
    const { body } = await ask(
      cloud,
      'GET',
      `/v3/registered_limits?service_id=${service_id}&resource_name=b`,
    );
    assert.deepEqual(body.registered_limits, []);
    const inRegion = await ask(
      cloud,
      'GET',
      `/v3/registered_limits?service_id=${service_id}&region_id=RegionOne`,
    );
    assert.deepEqual(
      inRegion.body.registered_limits.map((each: Made) => each.id),
      [made[1]?.id],
    );
  });

  it('are of services and regions that are there, with amounts that can be', async () => {
    const { id: service_id } = await aService(cloud);
    const good = { service_id, resource_name: 'a', default_limit: 1 };
    for (const odd of [
      { service_id: absent },
      { region_id: 'nowhere' },
      { default_limit: -2 },
      { default_limit: 2 ** 31 },
      { default_limit: '5' },
      { resource_name: '' },
      { more: 1 },
    ]) {
      const body = { registered_limits: [{ ...good, ...odd }] };
      assert.equal(
        (await ask(cloud, 'POST', '/v3/registered_limits', body)).status,
        400,
        JSON.stringify(odd),
      );
    }
    for (const body of [
      {},
      { registered_limits: [] },
      { registered_limits: good },
      { registered_limit: good },
    ]) {
      assert.equal((await ask(cloud, 'POST', '/v3/registered_limits', body)).status, 400);
    }
  });

  it('stay as they are while there is a limit for them, and so do their service and region', async () => {
    await cloud.make('/v3/regions', 'region', { id: 'limited' });
    const { about, registered } = await limited(cloud, 10, { region_id: 'limited' });
    const path = `/v3/registered_limits/${registered.id}`;
    const change = { registered_limit: { default_limit: 11 } };
    assert.equal((await ask(cloud, 'PATCH', path, change)).body.registered_limit.default_limit, 11);
    const [limit] = await post(cloud, 'limits', {
      ...about,
      project_id: cloud.demoProjectId,
      resource_limit: 5,
    });
    const message = /Unable to update or delete registered limit/;
    await refused(ask(cloud, 'PATCH', path, change), 403, message);
    await refused(ask(cloud, 'DELETE', path), 403, message);
    await refused(ask(cloud, 'DELETE', `/v3/services/${about.service_id}`), 409, /registered limits/);
    await refused(ask(cloud, 'DELETE', '/v3/regions/limited'), 409, /registered limits/);
    assert.equal((await ask(cloud, 'DELETE', `/v3/limits/${limit.id}`)).status, 204);
    assert.equal((await ask(cloud, 'DELETE', path)).status, 204);
    await refused(
      ask(cloud, 'GET', path),
      404,
      new RegExp(`Could not find registered limit for ${registered.id}`),
    );
  });

  it('do not become the same by an update', async () => {
    const { about, registered } = await limited(cloud);
    await post(cloud, 'registered_limits', { ...about, resource_name: 'other', default_limit: 1 });
    const path = `/v3/registered_limits/${registered.id}`;
    const rename = (resource_name: string) =>
      ask(cloud, 'PATCH', path, { registered_limit: { resource_name } });
    await refused(rename('other'), 409, /Duplicate entry/);
    assert.equal((await rename('servers')).status, 200);
  });
});

describe('limits', () => {
  const own = { project_id: cloud.demoProjectId, resource_limit: 5 };

  it('are for what is registered, once for each project or domain', async () => {
    const { about } = await limited(cloud);
    const [limit] = await post(cloud, 'limits', { ...about, ...own });
    assert.deepEqual([limit['domain_id'], limit['region_id'], limit['resource_limit']], [null, null, 5]);
    const create = (given: object) => ask(cloud, 'POST', '/v3/limits', { limits: [{ ...about, ...given }] });
    await refused(create(own), 409, /store limit - Duplicate entry\./);
    await refused(create({ ...own, resource_name: 'other' }), 403, /no corresponding registered limit/);
    await refused(create({ ...own, region_id: 'RegionOne' }), 403, /no corresponding registered limit/);
    await refused(
      create({ resource_limit: 1, project_id: absent }),
      400,
      /Expecting to find project_id in limit/,
    );
    const notDomain = { resource_limit: 1, domain_id: cloud.demoProjectId };
    await refused(create(notDomain), 400, /Expecting to find domain_id in limit/);
    assert.equal((await create({ resource_limit: 1 })).status, 400);
    assert.equal((await create({ ...own, domain_id: 'default' })).status, 400);
    const [domain] = await post(cloud, 'limits', { ...about, domain_id: 'default', resource_limit: 7 });
    assert.deepEqual([domain['project_id'], domain['domain_id']], [null, 'default']);
    await refused(create({ project_id: 'default', resource_limit: 1 }), 409, /Duplicate entry/);
  });

  it('are changed in amount and description only, to nothing too', async () => {
    const { about } = await limited(cloud);
    const [limit] = await post(cloud, 'limits', { ...about, ...own });
    const change = (given: object) => ask(cloud, 'PATCH', `/v3/limits/${limit.id}`, { limit: given });
    const { body } = await change({ resource_limit: 0, description: 'none' });
    assert.deepEqual([body.limit.resource_limit, body.limit.description], [0, 'none']);
    for (const odd of [
      { project_id: cloud.adminProjectId },
      { resource_name: 'x' },
      { resource_limit: -2 },
    ]) {
      assert.equal((await change(odd)).status, 400);
    }
    await refused(ask(cloud, 'GET', `/v3/limits/${absent}`), 404, /Could not find limit for/);
  });

  it('are seen by administrators, by those of the domain, and by those of the project', async () => {
    const { about } = await limited(cloud);
    const [demo, admins] = await post(
      cloud,
      'limits',
      { ...about, ...own },
      { ...about, project_id: cloud.adminProjectId, resource_limit: 9 },
    );
    const seen = async (as: string, query = '') => {
      const { body } = await ask(
        cloud,
        'GET',
        `/v3/limits?service_id=${about.service_id}${query}`,
        undefined,
        as,
      );
      return body.limits.map((each: Made) => each.id).sort();
    };
    assert.deepEqual(await seen(cloud.admin), [demo?.id, admins?.id].sort());
    assert.deepEqual(await seen(cloud.admin, `&project_id=${cloud.demoProjectId}`), [demo?.id]);
    assert.deepEqual(await seen(cloud.admin, '&resource_name=none'), []);
    assert.deepEqual(await seen(cloud.demo), [demo?.id]);
    assert.deepEqual(await seen(cloud.demo, `&project_id=${cloud.adminProjectId}`), []);
    const show = (id: unknown, as: string) => ask(cloud, 'GET', `/v3/limits/${id}`, undefined, as);
    assert.equal((await show(demo?.id, cloud.demo)).status, 200);
    assert.equal((await show(admins?.id, cloud.demo)).status, 403);
    assert.equal((await show(absent, cloud.demo)).status, 403);
    const [user] = (await ask(cloud, 'GET', '/v3/users?name=demo')).body.users;
    const [role] = (await ask(cloud, 'GET', '/v3/roles?name=reader')).body.roles;
    await ask(cloud, 'PUT', `/v3/domains/default/users/${user.id}/roles/${role.id}`);
    const ofDomain = await cloud.login(inDefault('demo', secrets.demo), { domain: { id: 'default' } });
    assert.deepEqual(await seen(ofDomain), [demo?.id, admins?.id].sort());
    assert.equal((await show(admins?.id, ofDomain)).status, 200);
    const unscoped = await cloud.login(inDefault('demo', secrets.demo), 'unscoped');
    assert.deepEqual(await seen(unscoped), []);
  });

  it('go with their project', async () => {
    const { about } = await limited(cloud);
    const project = await cloud.make('/v3/projects', 'project', { name: fresh('limited') });
    const [limit] = await post(cloud, 'limits', { ...about, project_id: project.id, resource_limit: 1 });
    assert.equal((await ask(cloud, 'DELETE', `/v3/projects/${project.id}`)).status, 204);
    assert.equal((await ask(cloud, 'GET', `/v3/limits/${limit.id}`)).status, 404);
  });

  it('are written by administrators only', async () => {
    const { about } = await limited(cloud);
    const [{ id }] = await post(cloud, 'limits', { ...about, ...own });
    const limits = [{ ...about, project_id: cloud.adminProjectId, resource_limit: 1 }];
    assert.equal((await ask(cloud, 'POST', '/v3/limits', { limits }, cloud.demo)).status, 403);
    const path = `/v3/limits/${id}`;
    assert.equal((await ask(cloud, 'PATCH', path, { limit: { resource_limit: 9 } }, cloud.demo)).status, 403);
    assert.equal((await ask(cloud, 'DELETE', path, undefined, cloud.demo)).status, 403);
    assert.equal(
      (await ask(cloud, 'GET', '/v3/limits/model', undefined, cloud.demo)).body.model.name,
      'flat',
    );
  });
});

describe('limits of two levels', () => {
  const create = (...limits: object[]) => ask(strict, 'POST', '/v3/limits', { limits });
  const inHierarchy = /^Invalid resource limit: .* doesn't satisfy current hierarchy model/;

  it('say that they are', async () => {
    assert.equal((await ask(strict, 'GET', '/v3/limits/model')).body.model.name, 'strict_two_level');
  });

  it('give no project more than its domain', async () => {
    const { about } = await limited(strict, 10);
    const project = { ...about, project_id: strict.demoProjectId };
    const domain = { ...about, domain_id: 'default' };
    await refused(create({ ...project, resource_limit: 11 }), 403, inHierarchy);
    await refused(create({ ...project, resource_limit: -1 }), 403, inHierarchy);
    await refused(
      create({ ...project, resource_limit: 6 }, { ...domain, resource_limit: 5 }),
      403,
      inHierarchy,
    );
    const [low, high] = await post(
      strict,
      'limits',
      { ...project, resource_limit: 20 },
      { ...domain, resource_limit: 30 },
    );
    const change = (id: unknown, resource_limit: number) =>
      ask(strict, 'PATCH', `/v3/limits/${id}`, { limit: { resource_limit } });
    await refused(change(low?.id, 31), 403, inHierarchy);
    await refused(change(high?.id, 19), 403, inHierarchy);
    assert.equal((await change(high?.id, -1)).status, 200);
    assert.equal((await change(low?.id, 1000)).status, 200);
  });

  it('leave no room for projects below projects', async () => {
    const body = { project: { name: fresh('deep'), parent_id: strict.demoProjectId } };
    await refused(ask(strict, 'POST', '/v3/projects', body), 403, /Max hierarchy depth/);
  });
});

describe('limits that other services ask for', () => {
  it('are the project’s own, else the default, else none, and never older than the last write', async () => {
    const service = cloud.world.bus.client(identityService);
    const { about, registered } = await limited(cloud);
    const request = {
      serviceId: String(about.service_id),
      projectId: cloud.demoProjectId,
      region: 'RegionOne',
      names: ['servers', 'unheard-of'],
    };
    const expect = async (limit: number) =>
      assert.deepEqual(await service.limits(request), {
        model: 'flat',
        limits: { servers: { limit }, 'unheard-of': null },
      });
    await expect(10);
    await ask(cloud, 'PATCH', `/v3/registered_limits/${registered.id}`, {
      registered_limit: { default_limit: 12 },
    });
    await expect(12);
    const [limit] = await post(cloud, 'limits', {
      ...about,
      project_id: cloud.demoProjectId,
      resource_limit: 3,
    });
    await expect(3);
    await ask(cloud, 'DELETE', `/v3/limits/${limit.id}`);
    await expect(12);
    const { body } = await ask(cloud, 'GET', `/v3/services/${about.service_id}`);
    const { serviceId: _id, ...rest } = request;
    const byType = await service.limits({ ...rest, serviceType: body.service.type });
    assert.equal(byType.limits['servers']?.limit, 12);
    assert.deepEqual((await service.limits({ ...rest, serviceType: 'none' })).limits['servers'], null);
  });

  it('say in a hierarchy which projects share what the domain has', async () => {
    const service = strict.world.bus.client(identityService);
    const { about } = await limited(strict);
    await post(strict, 'limits', { ...about, domain_id: 'default', resource_limit: 100 });
    const { model, limits } = await service.limits({
      serviceId: String(about.service_id),
      projectId: strict.demoProjectId,
      names: ['servers'],
    });
    assert.equal(model, 'strict_two_level');
    const found = limits['servers'];
    assert.deepEqual([found?.limit, found?.tree?.limit, found?.tree?.domainId], [10, 100, 'default']);
    assert.ok(found?.tree?.projectIds.includes(strict.adminProjectId));
    assert.ok(found?.tree?.projectIds.includes('default'));
  });
});
