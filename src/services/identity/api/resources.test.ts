import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, inDefault, startIdentity } from '../testing/cloud.ts';

describe('identity’s resources', () => {
  let cloud: IdentityCloud;
  let count = 0;
  const fresh = (what: string) => `${what}-${++count}`;
  before(async () => {
    cloud = await startIdentity();
  });
  after(() => cloud[Symbol.asyncDispose]());
  const get = (path: string, as = cloud.admin) => cloud.request('GET', path, { as });
  const status = async (method: string, path: string, as = cloud.admin, body?: unknown) =>
    (await cloud.request(method, path, { as, ...(body === undefined ? {} : { body }) })).status;
  const roleId = async (name: string): Promise<string> =>
    (await get(`/v3/roles?name=${name}`)).body.roles[0].id;

  // Of some resources upstream says that they are not there before it asks whether the caller may know.
  const hidden = { update: 403, delete: 403 };
  const kinds = [
    { many: 'users', one: 'user', body: () => ({ name: fresh('user') }), change: { name: 'renamed-user' } },
    {
      many: 'groups',
      one: 'group',
      body: () => ({ name: fresh('group') }),
      change: { description: 'new' },
      unknown: { update: 403, delete: 404 },
    },
    {
      many: 'projects',
      one: 'project',
      body: () => ({ name: fresh('project') }),
      change: { description: 'new' },
    },
    {
      many: 'roles',
      one: 'role',
      body: () => ({ name: fresh('role') }),
      change: { description: 'new' },
      unknown: { update: 404, delete: 404 },
    },
    { many: 'services', one: 'service', body: () => ({ type: fresh('type') }), change: { name: 'new' } },
    {
      many: 'regions',
      one: 'region',
      body: () => ({ description: fresh('region') }),
      change: { description: 'new' },
    },
    {
      many: 'domains',
      one: 'domain',
      body: () => ({ name: fresh('domain'), enabled: false }),
      change: { description: 'new' },
      unknown: { update: 404, delete: 404 },
    },
  ];
  for (const { many, one, body, change, unknown = hidden } of kinds) {
    it(`${many} are created, listed, shown, changed and deleted by administrators only`, async () => {
      const made = await cloud.make(`/v3/${many}`, one, { ...body(), colour: 'blue' });
      const path = `/v3/${many}/${made.id}`;
      assert.equal(made['colour'], 'blue', 'what is not described is kept');
      assert.match((made['links'] as { self: string }).self, new RegExp(`${path}$`));
      assert.deepEqual((await get(path)).body[one], made);
      const list = (await get(`/v3/${many}`)).body;
      assert.deepEqual(
        list[many].find((each: { id: string }) => each.id === made.id),
        made,
      );
      assert.equal(list.links.next, null);
      assert.equal(await status('POST', `/v3/${many}`, cloud.demo, { [one]: body() }), 403);
      assert.equal(await status('PATCH', path, cloud.demo, { [one]: change }), 403);
      assert.equal(await status('DELETE', path, cloud.demo), 403);
      assert.equal(await status('PATCH', `/v3/${many}/none`, cloud.demo, { [one]: change }), unknown.update);
      assert.equal(await status('DELETE', `/v3/${many}/none`, cloud.demo), unknown.delete);
      assert.equal(await status('DELETE', path, ''), 401);
      const changed = await cloud.request('PATCH', path, { as: cloud.admin, body: { [one]: change } });
      assert.equal(changed.status, 200);
      assert.deepEqual((await get(path)).body[one], { ...made, ...change });
      assert.equal(await status('PATCH', path, cloud.admin, { [one]: { id: 'x' } }), 400);
      assert.equal(await status('POST', `/v3/${many}`, cloud.admin, {}), 400);
      assert.equal(await status('DELETE', path), 204);
      const gone = await get(path);
      assert.equal(gone.status, 404);
      assert.deepEqual(gone.body.error, {
        code: 404,
        message: `Could not find ${one}: ${made.id}.`,
        title: 'Not Found',
      });
    });
  }

  it('names are unique in their domain', async () => {
    const name = fresh('twice');
    await cloud.make('/v3/projects', 'project', { name });
    const again = await cloud.request('POST', '/v3/projects', {
      as: cloud.admin,
      body: { project: { name } },
    });
    assert.equal(again.status, 409);
    assert.match(
      again.body.error.message,
      /not permitted to have two projects .* in the same domain: name is twice-\d+, project id/,
    );
    const domain = await cloud.make('/v3/domains', 'domain', { name: fresh('other') });
    await cloud.make('/v3/projects', 'project', { name, domain_id: domain.id });
  });

  it('a project lies where it says, in the domain of what it lies below', async () => {
    const domain = await cloud.make('/v3/domains', 'domain', { name: fresh('lying') });
    const above = await cloud.make('/v3/projects', 'project', { name: 'above', domain_id: domain.id });
    const below = (given: object) =>
      cloud.request('POST', '/v3/projects', {
        as: cloud.admin,
        body: { project: { name: fresh('below'), parent_id: above.id, ...given } },
      });
    for (const elsewhere of [{}, { domain_id: null }, { domain_id: 'default' }, { domain_id: 'nowhere' }]) {
      assert.equal((await below(elsewhere)).status, 400, JSON.stringify(elsewhere));
    }
    assert.equal((await below({ domain_id: domain.id })).status, 201);
  });

  it('domains have tags as projects have them', async () => {
    const domain = await cloud.make('/v3/domains', 'domain', { name: fresh('tagged'), tags: ['b', 'a'] });
    assert.deepEqual(domain['tags'], ['a', 'b']);
    const path = `/v3/domains/${domain.id}`;
    assert.deepEqual((await get(path)).body.domain.tags, ['a', 'b']);
    const changed = await cloud.request('PATCH', path, { as: cloud.admin, body: { domain: { tags: [] } } });
    assert.deepEqual(changed.body.domain.tags, []);
  });

  it('a user’s description is a text or nothing', async () => {
    const user = await cloud.make('/v3/users', 'user', { name: fresh('told'), description: 'of him' });
    assert.equal(user['description'], 'of him');
    const set = (description: unknown) =>
      cloud.request('PATCH', `/v3/users/${user.id}`, { as: cloud.admin, body: { user: { description } } });
    assert.equal((await set(12345)).status, 400);
    assert.equal((await set(null)).body.user.description, null);
  });

  it('a last page leads nowhere, be it full', async () => {
    const name = fresh('paged');
    await cloud.make('/v3/users', 'user', { name });
    const { body } = await get(`/v3/users?name=${name}&limit=1`);
    assert.deepEqual([body.users.length, body.links.next, body.truncated], [1, null, undefined]);
  });

  it('lists are filtered, also inexactly, and come in pages', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) await cloud.make('/v3/users', 'user', { name });
    const found = (await get('/v3/users?name__startswith=page-')).body.users;
    assert.equal(found.length, 3);
    assert.equal((await get('/v3/users?name__contains=age-b')).body.users[0].name, 'page-b');
    assert.equal((await get('/v3/users?name__icontains=AGE-B')).body.users[0].name, 'page-b');
    assert.deepEqual((await get('/v3/users?name__contains=AGE-B')).body.users, []);
    const seen: string[] = [];
    let path: string | null = '/v3/users?name__startswith=page-&limit=2';
    while (path) {
      const { body } = await get(path);
      seen.push(...body.users.map((user: { id: string }) => user.id));
      path = body.links.next && new URL(body.links.next).pathname + new URL(body.links.next).search;
    }
    assert.deepEqual(
      seen,
      found.map((user: { id: string }) => user.id),
    );
    assert.equal((await get('/v3/users?limit=x')).status, 400);
  });

  it('passwords are never shown, and changing one ends the user’s tokens at once', async () => {
    const name = fresh('secretive');
    const user = await cloud.make('/v3/users', 'user', { name, password: 'one' });
    assert.equal(JSON.stringify(user).includes('password_hash'), false);
    assert.equal('password' in user, false);
    const path = `/v3/users/${user.id}/password`;
    const change = (original_password: string, password: string) =>
      cloud.request('POST', path, { body: { user: { original_password, password } } });
    const old = await cloud.login(inDefault(name, 'one'));
    assert.equal((await get(`/v3/users/${user.id}`, old)).status, 200);
    assert.equal((await change('wrong', 'two')).status, 401);
    assert.equal((await change('one', 'two')).status, 204);
    assert.equal((await get(`/v3/users/${user.id}`, old)).status, 401);
    assert.equal((await cloud.authenticate(inDefault(name, 'one'))).status, 401);
    const young = await cloud.login(inDefault(name, 'two'));
    assert.equal((await get(`/v3/users/${user.id}`, young)).status, 200, 'good within the same second');
    assert.equal((await change('two', 'three')).status, 204);
    assert.equal((await get(`/v3/users/${user.id}`, young)).status, 401, 'also if dated ahead');
  });

  it('roles come by groups, inheritance and implication, and go from tokens at once', async () => {
    const name = fresh('worker');
    const user = await cloud.make('/v3/users', 'user', { name, password: 'x' });
    const group = await cloud.make('/v3/groups', 'group', { name: fresh('team') });
    const top = await cloud.make('/v3/projects', 'project', { name: fresh('top') });
    const low = await cloud.make('/v3/projects', 'project', { name: fresh('low'), parent_id: top.id });
    const manager = await roleId('manager');
    const grant = `/v3/OS-INHERIT/projects/${top.id}/groups/${group.id}/roles/${manager}/inherited_to_projects`;
    const membership = `/v3/groups/${group.id}/users/${user.id}`;
    assert.equal(await status('PUT', grant), 204);
    assert.equal(await status('PUT', membership), 204);
    assert.equal(await status('HEAD', membership), 204);
    const scope = { project: { id: low.id } };
    const given = await cloud.authenticate(inDefault(name, 'x'), scope);
    assert.deepEqual(given.body.token.roles.map((role: { name: string }) => role.name).toSorted(), [
      'manager',
      'member',
      'reader',
    ]);
    assert.equal((await cloud.authenticate(inDefault(name, 'x'), { project: { id: top.id } })).status, 401);
    const token = given.headers.get('x-subject-token') as string;
    const assigned = await get(
      `/v3/role_assignments?effective&include_names&user.id=${user.id}&scope.project.id=${low.id}`,
    );
    assert.equal(assigned.body.role_assignments.length, 3);
    assert.equal(assigned.body.role_assignments[0].user.name, name);
    assert.equal((await get(`/v3/role_assignments?group.id=${group.id}`)).body.role_assignments.length, 1);
    assert.deepEqual(
      (await get(`/v3/users/${user.id}/projects`, token)).body.projects.map(
        (each: { id: string }) => each.id,
      ),
      [low.id],
    );
    assert.equal(await status('DELETE', grant), 204);
    assert.equal((await get('/v3/auth/projects', token)).status, 401);
    assert.equal(await status('DELETE', grant), 404);
    assert.equal((await get('/v3/role_assignments', cloud.demo)).status, 403);
  });

  it('disabling a user, project or domain ends tokens for good, and enabling does not bring them back', async () => {
    const domain = await cloud.make('/v3/domains', 'domain', { name: fresh('domain') });
    const project = await cloud.make('/v3/projects', 'project', { name: fresh('p'), domain_id: domain.id });
    const user = await cloud.make('/v3/users', 'user', {
      name: fresh('u'),
      domain_id: domain.id,
      password: 'x',
    });
    await status('PUT', `/v3/projects/${project.id}/users/${user.id}/roles/${await roleId('member')}`);
    for (const [path, one] of [
      [`/v3/users/${user.id}`, 'user'],
      [`/v3/projects/${project.id}`, 'project'],
      [`/v3/domains/${domain.id}`, 'domain'],
    ] as const) {
      const token = await cloud.login({ id: user.id, password: 'x' }, { project: { id: project.id } });
      assert.equal((await get('/v3/auth/projects', token)).status, 200);
      assert.equal(await status('PATCH', path, cloud.admin, { [one]: { enabled: false } }), 200);
      assert.equal((await get('/v3/auth/projects', token)).status, 401, one);
      assert.equal(await status('PATCH', path, cloud.admin, { [one]: { enabled: true } }), 200);
      assert.equal((await get('/v3/auth/projects', token)).status, 401, one);
    }
    assert.equal(await status('DELETE', `/v3/domains/${domain.id}`), 403);
    await status('PATCH', `/v3/domains/${domain.id}`, cloud.admin, { domain: { enabled: false } });
    assert.equal(await status('DELETE', `/v3/domains/${domain.id}`), 204);
    assert.equal((await get(`/v3/users/${user.id}`)).status, 404);
    assert.equal((await get(`/v3/projects/${project.id}`)).status, 404);
  });

  it('projects stand in a tree that is kept whole', async () => {
    const top = await cloud.make('/v3/projects', 'project', { name: fresh('top'), tags: ['b', 'a'] });
    const low = await cloud.make('/v3/projects', 'project', { name: fresh('low'), parent_id: top.id });
    assert.equal(top['parent_id'], 'default');
    assert.deepEqual(top['tags'], ['a', 'b']);
    assert.equal(await status('DELETE', `/v3/projects/${top.id}`), 403);
    const disable = { project: { enabled: false } };
    assert.equal(await status('PATCH', `/v3/projects/${top.id}`, cloud.admin, disable), 403);
    assert.equal(
      await status('PATCH', `/v3/projects/${low.id}`, cloud.admin, { project: { parent_id: 'x' } }),
      403,
    );
    const shown = (await get(`/v3/projects/${low.id}?parents_as_ids`)).body.project;
    assert.deepEqual(shown.parents, { [top.id]: { default: null } });
    assert.deepEqual((await get(`/v3/projects/${top.id}?subtree_as_ids`)).body.project.subtree, {
      [low.id]: null,
    });
    assert.equal(await status('PUT', `/v3/projects/${low.id}/tags/a`), 201);
    const ids = async (query: string) =>
      (await get(`/v3/projects?${query}`)).body.projects.map((each: { id: string }) => each.id).toSorted();
    assert.deepEqual(await ids('tags=a,b'), [top.id]);
    assert.deepEqual(await ids('tags-any=a,b'), [top.id, low.id].toSorted());
    assert.equal((await ids('not-tags-any=a')).includes(low.id), false);
    assert.equal(await status('DELETE', `/v3/projects/${low.id}/tags/a`), 204);
    assert.equal(await status('GET', `/v3/projects/${low.id}/tags/a`), 404);
  });

  it('a domain’s reader sees his domain and nothing else', async () => {
    const domain = await cloud.make('/v3/domains', 'domain', { name: fresh('mine') });
    const user = await cloud.make('/v3/users', 'user', {
      name: fresh('u'),
      domain_id: domain.id,
      password: 'x',
    });
    await status('PUT', `/v3/domains/${domain.id}/users/${user.id}/roles/${await roleId('reader')}`);
    const token = await cloud.login({ id: user.id, password: 'x' }, { domain: { id: domain.id } });
    const { users } = (await get('/v3/users', token)).body;
    assert.deepEqual(
      users.map((each: { id: string }) => each.id),
      [user.id],
    );
    const { projects } = (await get('/v3/projects?domain_id=default', token)).body;
    assert.deepEqual(projects, []);
    assert.equal((await get(`/v3/projects/${cloud.demoProjectId}`, token)).status, 403);
  });

  it('memberships that reach into other domains are not told to a domain’s reader', async () => {
    const domain = await cloud.make('/v3/domains', 'domain', { name: fresh('mine') });
    const inside = { domain_id: domain.id };
    const [own, reader] = [
      await cloud.make('/v3/groups', 'group', { name: fresh('own'), ...inside }),
      await cloud.make('/v3/users', 'user', { name: fresh('reader'), password: 'x', ...inside }),
    ];
    const [other, stranger] = [
      await cloud.make('/v3/groups', 'group', { name: fresh('other') }),
      await cloud.make('/v3/users', 'user', { name: fresh('stranger') }),
    ];
    for (const [group, user] of [
      [own, reader],
      [own, stranger],
      [other, reader],
    ] as const)
      await status('PUT', `/v3/groups/${group.id}/users/${user.id}`);
    await status('PUT', `/v3/domains/${domain.id}/users/${reader.id}/roles/${await roleId('reader')}`);
    const token = await cloud.login({ id: reader.id, password: 'x' }, { domain: { id: domain.id } });
    const ids = (found: { id: string }[]) => found.map(({ id }) => id);
    const ofUser = `/v3/users/${reader.id}/groups`;
    const ofGroup = `/v3/groups/${own.id}/users`;
    assert.deepEqual(ids((await get(ofUser, token)).body.groups), [own.id]);
    assert.deepEqual(ids((await get(ofGroup, token)).body.users), [reader.id]);
    assert.equal((await get(ofUser)).body.groups.length, 2);
    assert.equal((await get(ofGroup)).body.users.length, 2);
  });

  it('roles of domains have rules of their own', async () => {
    const domain = await cloud.make('/v3/domains', 'domain', { name: fresh('mine') });
    const user = await cloud.make('/v3/users', 'user', {
      name: fresh('u'),
      domain_id: domain.id,
      password: 'x',
    });
    await status('PUT', `/v3/domains/${domain.id}/users/${user.id}/roles/${await roleId('manager')}`);
    const as = await cloud.login({ id: user.id, password: 'x' }, { domain: { id: domain.id } });
    const own = await cloud.make('/v3/roles', 'role', { name: 'member', domain_id: domain.id });
    const refused = await get(`/v3/roles/${own.id}`, as);
    assert.equal(refused.status, 403);
    assert.match(refused.body.error.message, /identity:get_domain_role/);
    assert.equal((await get(`/v3/roles/${await roleId('member')}`, as)).status, 200, 'managers give it');
    for (const [method, verb] of [
      ['PATCH', 'update'],
      ['DELETE', 'delete'],
    ] as const) {
      const body = method === 'PATCH' ? { body: { role: { description: 'x' } } } : {};
      const answered = await cloud.request(method, `/v3/roles/${own.id}`, { as, ...body });
      assert.match(answered.body.error.message, new RegExp(`identity:${verb}_domain_role`));
    }
    const body = { role: { name: fresh('role'), domain_id: domain.id } };
    const made = await cloud.request('POST', '/v3/roles', { as, body });
    assert.match(made.body.error.message, /identity:create_domain_role/);
  });

  it('a role of a domain is granted on its projects and on domains, not on other projects nor the system', async () => {
    const domain = await cloud.make('/v3/domains', 'domain', { name: fresh('mine') });
    const project = await cloud.make('/v3/projects', 'project', { name: fresh('p'), domain_id: domain.id });
    const role = await cloud.make('/v3/roles', 'role', { name: fresh('own'), domain_id: domain.id });
    const user = await cloud.make('/v3/users', 'user', { name: fresh('u') });
    const grant = (place: string) => status('PUT', `/v3/${place}/users/${user.id}/roles/${role.id}`);
    assert.equal(await grant(`projects/${project.id}`), 204);
    assert.equal(await grant(`domains/${domain.id}`), 204);
    assert.equal(await grant('domains/default'), 204);
    assert.equal(await grant(`projects/${cloud.demoProjectId}`), 403);
    assert.equal(await grant('system'), 400);
  });

  it('endpoints stand in regions that are kept while they are used', async () => {
    const service = await cloud.make('/v3/services', 'service', { type: fresh('type'), name: 'x' });
    const region = fresh('region');
    assert.equal(await status('PUT', `/v3/regions/${region}`, cloud.admin, { region: {} }), 201);
    const url = 'http://x/%(project_id)s';
    const body = { service_id: service.id, interface: 'public', url, region_id: region };
    const endpoint = await cloud.make('/v3/endpoints', 'endpoint', body);
    assert.equal(endpoint['region'], region);
    assert.equal(await status('DELETE', `/v3/regions/${region}`), 403);
    const bad = { endpoint: { ...body, interface: 'secret' } };
    assert.equal(await status('POST', '/v3/endpoints', cloud.admin, bad), 400);
    const absent = { endpoint: { ...body, service_id: '0'.repeat(32) } };
    assert.equal(await status('POST', '/v3/endpoints', cloud.admin, absent), 400);
    assert.equal((await get(`/v3/endpoints?service_id=${service.id}`)).body.endpoints.length, 1);
    assert.equal(await status('DELETE', `/v3/services/${service.id}`), 204);
    assert.equal((await get(`/v3/endpoints/${endpoint.id}`)).status, 404);
  });
});
