import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

describe('between domains', () => {
  let cloud: IdentityCloud;
  const roles: Record<string, string> = {};
  let theirs: Awaited<ReturnType<typeof furnish>>;
  /** Tokens for the first domain, by role. */
  const of: Record<string, string> = {};
  let ours: Awaited<ReturnType<typeof furnish>>;

  async function furnish(name: string) {
    const domain = await cloud.make('/v3/domains', 'domain', { name });
    const inside = { domain_id: domain.id };
    return {
      domain,
      user: await cloud.make('/v3/users', 'user', { name: `user of ${name}`, password: 'x', ...inside }),
      group: await cloud.make('/v3/groups', 'group', { name: `group of ${name}`, ...inside }),
      project: await cloud.make('/v3/projects', 'project', { name: `project of ${name}`, ...inside }),
    };
  }

  before(async () => {
    cloud = await startIdentity();
    for (const role of (await cloud.request('GET', '/v3/roles', { as: cloud.admin })).body.roles)
      roles[role.name] = role.id;
    ours = await furnish('ours');
    theirs = await furnish('theirs');
    for (const role of ['manager', 'member', 'reader']) {
      const user = await cloud.make('/v3/users', 'user', {
        name: role,
        password: 'x',
        domain_id: ours.domain.id,
      });
      await cloud.request('PUT', `/v3/domains/${ours.domain.id}/users/${user.id}/roles/${roles[role]}`, {
        as: cloud.admin,
      });
      of[role] = await cloud.login({ id: user.id, password: 'x' }, { domain: { id: ours.domain.id } });
    }
  });
  after(() => cloud[Symbol.asyncDispose]());

  /** Every way to write what belongs to a domain: method, path, body. */
  const writes = (place: typeof theirs): [string, string, object?][] => [
    ['POST', '/v3/users', { user: { name: 'planted', domain_id: place.domain.id } }],
    ['PATCH', `/v3/users/${place.user.id}`, { user: { password: 'taken' } }],
    ['PATCH', `/v3/users/${place.user.id}`, { user: { domain_id: ours.domain.id } }],
    ['DELETE', `/v3/users/${place.user.id}`],
    ['POST', '/v3/groups', { group: { name: 'planted', domain_id: place.domain.id } }],
    ['PATCH', `/v3/groups/${place.group.id}`, { group: { name: 'taken' } }],
    ['DELETE', `/v3/groups/${place.group.id}`],
    ['PUT', `/v3/groups/${place.group.id}/users/${place.user.id}`],
    ['POST', '/v3/projects', { project: { name: 'planted', domain_id: place.domain.id } }],
    ['PATCH', `/v3/projects/${place.project.id}`, { project: { name: 'taken' } }],
    ['DELETE', `/v3/projects/${place.project.id}`],
    ['PUT', `/v3/projects/${place.project.id}/tags/taken`],
    ['PUT', `/v3/projects/${place.project.id}/users/${place.user.id}/roles/${roles['reader']}`],
    ['PUT', `/v3/domains/${place.domain.id}/users/${place.user.id}/roles/${roles['reader']}`],
  ];
  const reads = (place: typeof theirs): string[] => [
    `/v3/users/${place.user.id}`,
    `/v3/users/${place.user.id}/groups`,
    `/v3/users/${place.user.id}/projects`,
    `/v3/groups/${place.group.id}`,
    `/v3/groups/${place.group.id}/users`,
    `/v3/projects/${place.project.id}`,
    `/v3/projects/${place.project.id}/tags`,
    `/v3/domains/${place.domain.id}`,
    `/v3/projects/${place.project.id}/users/${place.user.id}/roles`,
  ];

  for (const role of ['manager', 'member', 'reader']) {
    it(`a ${role} of one writes nothing in another`, async () => {
      for (const [method, path, body] of writes(theirs)) {
        const { status } = await cloud.request(method, path, { as: of[role] as string, body });
        assert.ok(status === 403 || status === 404, `${method} ${path}: ${status}`);
      }
    });

    it(`a ${role} of one reads nothing in another, there or not`, async () => {
      for (const path of reads(theirs)) {
        const { status } = await cloud.request('GET', path, { as: of[role] as string });
        const missing = await cloud.request('GET', path.replaceAll(/[0-9a-f]{32}/g, 'e'.repeat(32)), {
          as: of[role] as string,
        });
        assert.deepEqual([status, missing.status], [403, 403], path);
      }
    });

    it(`a ${role} of one finds nothing of another in any list, however he asks`, async () => {
      for (const list of ['users', 'groups', 'projects']) {
        for (const query of [
          '',
          `?domain_id=${theirs.domain.id}`,
          `?domain_id=${theirs.domain.id}&domain_id=${ours.domain.id}`,
          '?name__contains=theirs',
          `?name=${encodeURIComponent(`${list.slice(0, -1)} of theirs`)}`,
          `?marker=${theirs[list.slice(0, -1) as 'user' | 'group' | 'project'].id}`,
          '?limit=1000',
        ]) {
          const { status, body } = await cloud.request('GET', `/v3/${list}${query}`, {
            as: of[role] as string,
          });
          if (status !== 200) {
            assert.ok([400, 403].includes(status), `${list}${query}: ${status}`);
            continue;
          }
          assert.equal(JSON.stringify(body[list]).includes(theirs.domain.id), false, `${list}${query}`);
        }
      }
      const assignments = await cloud.request(
        'GET',
        `/v3/role_assignments?scope.project.id=${theirs.project.id}&include_names`,
        { as: of[role] as string },
      );
      if (assignments.status === 200) assert.deepEqual(assignments.body.role_assignments, []);
      else assert.equal(assignments.status, 403);
    });
  }

  it('a manager gives nobody from elsewhere a role here, nor one of ours a role there', async () => {
    const as = of['manager'] as string;
    for (const path of [
      `/v3/projects/${ours.project.id}/users/${theirs.user.id}/roles/${roles['member']}`,
      `/v3/projects/${theirs.project.id}/users/${ours.user.id}/roles/${roles['member']}`,
      `/v3/domains/${ours.domain.id}/users/${theirs.user.id}/roles/${roles['reader']}`,
      `/v3/domains/${ours.domain.id}/groups/${theirs.group.id}/roles/${roles['reader']}`,
      `/v3/groups/${ours.group.id}/users/${theirs.user.id}`,
      `/v3/groups/${theirs.group.id}/users/${ours.user.id}`,
    ])
      assert.equal((await cloud.request('PUT', path, { as })).status, 403, path);
  });

  it('a manager makes nobody an administrator, himself least', async () => {
    const as = of['manager'] as string;
    for (const role of ['admin', 'service']) {
      for (const path of [
        `/v3/projects/${ours.project.id}/users/${ours.user.id}/roles/${roles[role]}`,
        `/v3/domains/${ours.domain.id}/users/${ours.user.id}/roles/${roles[role]}`,
        `/v3/OS-INHERIT/domains/${ours.domain.id}/users/${ours.user.id}/roles/${roles[role]}/inherited_to_projects`,
        `/v3/system/users/${ours.user.id}/roles/${roles[role]}`,
      ])
        assert.equal((await cloud.request('PUT', path, { as })).status, 403, path);
    }
    const member = `/v3/projects/${ours.project.id}/users/${ours.user.id}/roles/${roles['member']}`;
    assert.equal((await cloud.request('PUT', member, { as })).status, 204, 'what he may do, he can');
  });

  it('members and readers of a domain write nothing in it', async () => {
    for (const role of ['member', 'reader']) {
      for (const [method, path, body] of writes(ours)) {
        const { status } = await cloud.request(method, path, { as: of[role] as string, body });
        assert.equal(status, 403, `${role} ${method} ${path}`);
      }
    }
  });
});
