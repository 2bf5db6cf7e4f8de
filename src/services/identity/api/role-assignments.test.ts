import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

interface Listed {
  role: { id: string };
  user?: { id: string };
  scope: { project?: { id: string }; domain?: { id: string } };
}

describe('role assignments that take effect', () => {
  let cloud: IdentityCloud;
  let domain: string;
  let user: string;
  let member: string;
  let reader: string;
  /** By name: top, below it middle, below that bottom; beside lies alone. */
  const projects: Record<string, string> = {};

  before(async () => {
    cloud = await startIdentity();
    domain = (await cloud.make('/v3/domains', 'domain', { name: 'deep' })).id;
    user = (await cloud.make('/v3/users', 'user', { name: 'heir', domain_id: domain })).id;
    const { roles } = (await cloud.request('GET', '/v3/roles', { as: cloud.admin })).body;
    const named = (name: string) => roles.find((role: { name: string }) => role.name === name).id as string;
    member = named('member');
    reader = named('reader');
    const make = async (name: string, parent_id?: string) => {
      const project = { name, domain_id: domain, ...(parent_id ? { parent_id } : {}) };
      projects[name] = (await cloud.make('/v3/projects', 'project', project)).id;
    };
    await make('top');
    await make('middle', projects['top']);
    await make('bottom', projects['middle']);
    await make('beside');
  });
  after(() => cloud[Symbol.asyncDispose]());

  const inherited = (method: string, where: string) =>
    cloud.request(method, `/v3/OS-INHERIT/${where}/users/${user}/roles/${member}/inherited_to_projects`, {
      as: cloud.admin,
    });
  /** The names of the projects where the user is a member, and he is a reader of the same. */
  const listed = async (query: string): Promise<string[]> => {
    const { status, body } = await cloud.request('GET', `/v3/role_assignments?effective${query}`, {
      as: cloud.admin,
    });
    assert.equal(status, 200);
    const own = (body.role_assignments as Listed[]).filter((each) => each.user?.id === user);
    const of = (role: string) =>
      own
        .filter((each) => each.role.id === role)
        .map(({ scope }) => Object.keys(projects).find((name) => projects[name] === scope.project?.id) ?? '')
        .toSorted();
    assert.deepEqual(of(reader), of(member));
    return of(member);
  };

  it('are inherited from a project by all below it, and not by itself', async () => {
    assert.equal((await inherited('PUT', `projects/${projects['top']}`)).status, 204);
    for (const query of ['', `&user.id=${user}`]) {
      assert.deepEqual(await listed(query), ['bottom', 'middle'], query);
    }
    assert.deepEqual(await listed(`&user.id=${user}&scope.project.id=${projects['bottom']}`), ['bottom']);
    assert.deepEqual(await listed(`&scope.project.id=${projects['top']}`), []);
    assert.equal((await inherited('DELETE', `projects/${projects['top']}`)).status, 204);
  });

  it('are inherited from a domain by all in it', async () => {
    assert.equal((await inherited('PUT', `domains/${domain}`)).status, 204);
    const all = ['beside', 'bottom', 'middle', 'top'];
    for (const query of ['', `&user.id=${user}`]) assert.deepEqual(await listed(query), all, query);
    // What comes by two ways is two assignments.
    assert.equal((await inherited('PUT', `projects/${projects['top']}`)).status, 204);
    const twice = ['beside', 'bottom', 'bottom', 'middle', 'middle', 'top'];
    assert.deepEqual(await listed(`&user.id=${user}`), twice, 'one for each way');
    assert.deepEqual(await listed(`&scope.project.id=${projects['beside']}`), ['beside']);
  });
});
