import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { inDefault, secrets, startIdentity } from '../testing/cloud.ts';

const cloud = await startIdentity();
after(() => cloud[Symbol.asyncDispose]());
const as = cloud.admin;
const absent = '0'.repeat(32);
const status = async (method: string, path: string, by = as) =>
  (await cloud.request(method, path, { as: by })).status;
const get = async (path: string) => (await cloud.request('GET', path, { as })).body;
const ids = (list: { id: string }[]) => list.map((each) => each.id).sort();

const service = await cloud.make('/v3/services', 'service', { type: 'filtered', name: 'filtered' });
const endpoint = (kind: string) =>
  cloud.make('/v3/endpoints', 'endpoint', {
    service_id: service.id,
    interface: kind,
    url: `http://127.0.0.1/${kind}`,
    region_id: 'RegionOne',
  });
const [pub, internal, administrative] = [
  await endpoint('public'),
  await endpoint('internal'),
  await endpoint('admin'),
];
const project = () =>
  cloud.make('/v3/projects', 'project', { name: `filtered-${Math.random().toString(36).slice(2)}` });
const group = (filters: object) =>
  cloud.make('/v3/OS-EP-FILTER/endpoint_groups', 'endpoint_group', { name: 'some', filters });
const base = '/v3/OS-EP-FILTER';

/** The endpoints of the service as a token for the project shows them. */
async function inCatalog(projectId: string): Promise<string[]> {
  const admin = inDefault('admin', secrets.admin);
  const users = await get('/v3/users?name=admin');
  const roles = await get('/v3/roles?name=admin');
  const grant = `/v3/projects/${projectId}/users/${users.users[0].id}/roles/${roles.roles[0].id}`;
  assert.equal(await status('PUT', grant), 204);
  const { body } = await cloud.authenticate(admin, { project: { id: projectId } });
  return body.token.catalog.flatMap((entry: { endpoints: { id: string }[] }) => ids(entry.endpoints)).sort();
}

describe('the endpoints of projects', () => {
  it('are checked, added once and removed', async () => {
    const { id } = await project();
    const path = `${base}/projects/${id}/endpoints/${pub.id}`;
    assert.equal(await status('GET', path), 404);
    assert.equal(await status('PUT', path), 204);
    assert.equal(await status('PUT', path), 409);
    assert.equal(await status('GET', path), 204);
    assert.equal(await status('HEAD', path), 204);
    assert.deepEqual(ids((await get(`${base}/projects/${id}/endpoints`)).endpoints), [pub.id]);
    const { projects } = await get(`${base}/endpoints/${pub.id}/projects`);
    assert.deepEqual(ids(projects), [id]);
    assert.equal(projects[0].links.self.endsWith(`/v3/projects/${id}`), true);
    assert.equal(await status('DELETE', path), 204);
    assert.equal(await status('DELETE', path), 404);
  });

  it('must be there, and so must the project', async () => {
    const { id } = await project();
    for (const method of ['GET', 'PUT', 'DELETE']) {
      assert.equal(await status(method, `${base}/projects/${id}/endpoints/${absent}`), 404, method);
      assert.equal(await status(method, `${base}/projects/${absent}/endpoints/${pub.id}`), 404, method);
    }
    assert.equal(await status('GET', `${base}/projects/${absent}/endpoints`), 404);
    assert.equal(await status('GET', `${base}/endpoints/${absent}/projects`), 404);
  });

  it('go with the project, and with the endpoint', async () => {
    const [{ id }, gone] = [await project(), await endpoint('public')];
    await cloud.request('PUT', `${base}/projects/${id}/endpoints/${gone.id}`, { as });
    await cloud.request('PUT', `${base}/projects/${id}/endpoints/${pub.id}`, { as });
    assert.equal(await status('DELETE', `/v3/endpoints/${gone.id}`), 204);
    assert.deepEqual(ids((await get(`${base}/projects/${id}/endpoints`)).endpoints), [pub.id]);
    assert.equal(await status('DELETE', `/v3/projects/${id}`), 204);
    assert.deepEqual((await get(`${base}/endpoints/${pub.id}/projects`)).projects, []);
  });

  it('are all that its tokens show, and all there are when it has none', async () => {
    const { id } = await project();
    const all = await inCatalog(id);
    assert.ok(all.includes(pub.id) && all.includes(internal.id) && all.length > 3);
    await cloud.request('PUT', `${base}/projects/${id}/endpoints/${pub.id}`, { as });
    assert.deepEqual(await inCatalog(id), [pub.id]);
    const { id: some } = await group({ service_id: service.id, interface: 'internal' });
    await cloud.request('PUT', `${base}/endpoint_groups/${some}/projects/${id}`, { as });
    assert.deepEqual(await inCatalog(id), [pub.id, internal.id].sort());
    assert.equal((await inCatalog(cloud.demoProjectId)).length, all.length);
    await cloud.request('DELETE', `${base}/endpoint_groups/${some}`, { as });
    await cloud.request('DELETE', `${base}/projects/${id}/endpoints/${pub.id}`, { as });
    assert.deepEqual(await inCatalog(id), all);
  });
});

describe('endpoint groups', () => {
  it('hold what fits every one of their filters', async () => {
    const { id } = await group({ service_id: service.id, interface: 'admin', enabled: true });
    const list = await get(`${base}/endpoint_groups/${id}/endpoints`);
    assert.deepEqual(ids(list.endpoints), [administrative.id]);
    assert.equal(list.endpoints[0].region, 'RegionOne');
    await cloud.request('PATCH', `/v3/endpoints/${administrative.id}`, {
      as,
      body: { endpoint: { enabled: false } },
    });
    assert.deepEqual((await get(`${base}/endpoint_groups/${id}/endpoints`)).endpoints, []);
    const nowhere = await group({ service_id: service.id, region_id: 'elsewhere' });
    assert.deepEqual((await get(`${base}/endpoint_groups/${nowhere.id}/endpoints`)).endpoints, []);
  });

  it('must filter by what endpoints have', async () => {
    for (const filters of [{}, { colour: 'red' }, { interface: 'secret' }, { enabled: 'maybe' }, null]) {
      const body = { endpoint_group: { name: 'odd', filters } };
      const { status: answered } = await cloud.request('POST', `${base}/endpoint_groups`, { as, body });
      assert.equal(answered, 400, JSON.stringify(filters));
    }
    const { body, status: code } = await cloud.request('GET', `${base}/endpoint_groups/${absent}`, { as });
    assert.deepEqual([code, body.error.message], [404, `Could not find Endpoint Group: ${absent}.`]);
  });

  it('are given to projects once, and taken away', async () => {
    const [{ id }, { id: some }] = [await project(), await group({ interface: 'public' })];
    const path = `${base}/endpoint_groups/${some}/projects/${id}`;
    assert.equal(await status('GET', path), 404);
    assert.equal(await status('PUT', path), 204);
    assert.equal(await status('PUT', path), 409);
    const shown = await get(path);
    assert.equal(shown.project_endpoint_group.project_id, id);
    assert.equal(shown.project_endpoint_group.endpoint_group_id, some);
    assert.deepEqual(ids((await get(`${base}/endpoint_groups/${some}/projects`)).projects), [id]);
    assert.deepEqual(ids((await get(`${base}/projects/${id}/endpoint_groups`)).endpoint_groups), [some]);
    assert.equal(await status('DELETE', path), 204);
    assert.equal(await status('DELETE', path), 404);
    assert.equal(await status('PUT', `${base}/endpoint_groups/${absent}/projects/${id}`), 404);
    assert.equal(await status('PUT', `${base}/endpoint_groups/${some}/projects/${absent}`), 404);
  });

  it('are for administrators', async () => {
    const { id } = await group({ interface: 'public' });
    for (const [method, path] of [
      ['GET', '/endpoint_groups'],
      ['GET', `/endpoint_groups/${id}`],
      ['GET', `/endpoint_groups/${id}/endpoints`],
      ['GET', `/endpoint_groups/${absent}/projects`],
      ['PUT', `/endpoint_groups/${id}/projects/${cloud.demoProjectId}`],
      ['PUT', `/projects/${cloud.demoProjectId}/endpoints/${pub.id}`],
      ['GET', `/projects/${cloud.demoProjectId}/endpoints`],
      ['GET', `/endpoints/${pub.id}/projects`],
    ] as const) {
      assert.equal(await status(method, `${base}${path}`, cloud.demo), 403, path);
    }
  });
});
