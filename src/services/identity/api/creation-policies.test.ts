import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, inDefault, secrets, startIdentity } from '../testing/cloud.ts';

/** Whose token asks. */
const callers = [
  'a manager of the domain',
  'a manager of a project',
  'an admin of the domain',
  'an admin of a project',
  'an admin of the system',
] as const;
type Caller = (typeof callers)[number];
type Named = 'own' | 'other' | 'none';

/**
 * Upstream asks its rule of the body as it was sent, and fills in the domain only then (`_normalize_domain_id` in
 * keystone/server/flask/common.py): who may write in one domain must name it.
 */
const answers: Record<Caller, Record<Named, number | 'made in own' | 'made in other' | 'made in default'>> = {
  'a manager of the domain': { own: 'made in own', other: 403, none: 403 },
  'a manager of a project': { own: 403, other: 403, none: 403 },
  'an admin of the domain': { own: 'made in own', other: 'made in other', none: 'made in own' },
  'an admin of a project': { own: 'made in own', other: 'made in other', none: 'made in default' },
  'an admin of the system': { own: 'made in own', other: 'made in other', none: 'made in default' },
};

describe('who creates without naming a domain', () => {
  let cloud: IdentityCloud;
  const tokens = {} as Record<Caller, string>;
  const domains: Record<string, string> = { default: 'default' };
  let count = 0;

  before(async () => {
    cloud = await startIdentity();
    const as = cloud.admin;
    for (const name of ['own', 'other'])
      domains[name] = (await cloud.make('/v3/domains', 'domain', { name })).id;
    const domain_id = domains['own'] as string;
    const project = await cloud.make('/v3/projects', 'project', { name: 'inside', domain_id });
    const { roles } = (await cloud.request('GET', '/v3/roles', { as })).body;
    for (const role of ['manager', 'admin']) {
      const { id: roleId } = roles.find((each: { name: string }) => each.name === role);
      const user = await cloud.make('/v3/users', 'user', { name: role, password: 'x', domain_id });
      const grants = [`/v3/domains/${domain_id}`, `/v3/projects/${project.id}`, '/v3/system'];
      for (const target of grants.slice(0, role === 'admin' ? 3 : 2))
        await cloud.request('PUT', `${target}/users/${user.id}/roles/${roleId}`, { as });
      const login = (scope: object) => cloud.login({ id: user.id, password: 'x' }, scope);
      const who = role === 'admin' ? 'an admin' : 'a manager';
      tokens[`${who} of the domain`] = await login({ domain: { id: domain_id } });
      tokens[`${who} of a project`] = await login({ project: { id: project.id } });
      if (role === 'admin') tokens['an admin of the system'] = await login({ system: { all: true } });
    }
  });
  after(() => cloud[Symbol.asyncDispose]());

  for (const [one, path] of [
    ['user', '/v3/users'],
    ['group', '/v3/groups'],
    ['project', '/v3/projects'],
  ] as const) {
    for (const caller of callers) {
      for (const named of ['own', 'other', 'none'] as const) {
        const wanted = answers[caller][named];
        const where = named === 'none' ? 'no domain' : `the ${named} domain`;
        it(`${caller}, naming ${where} of a ${one}: ${wanted}`, async () => {
          const { status, body } = await cloud.request('POST', path, {
            as: tokens[caller],
            body: {
              [one]: {
                name: `${one}-${++count}`,
                ...(named === 'none' ? {} : { domain_id: domains[named] }),
              },
            },
          });
          if (typeof wanted === 'number') return assert.equal(status, wanted, JSON.stringify(body));
          assert.equal(status, 201, JSON.stringify(body));
          assert.equal(body[one].domain_id, domains[wanted.slice('made in '.length)]);
        });
      }
    }
  }

  it('a manager does not get further by null, nor by a domain in the address', async () => {
    const as = tokens['a manager of the domain'];
    for (const [path, body] of [
      ['/v3/projects', { project: { name: 'p', domain_id: null } }],
      ['/v3/projects', { project: { name: 'p', is_domain: true } }],
      [`/v3/users?domain_id=${domains['own']}`, { user: { name: 'u' } }],
      [`/v3/groups?domain_id=${domains['own']}`, { group: { name: 'g' } }],
    ] as const)
      assert.equal((await cloud.request('POST', path, { as, body })).status, 403, path);
  });

  it('the bootstrapped admin makes users in the default domain', async () => {
    const as = await cloud.login(inDefault('admin', secrets.admin), {
      project: { id: cloud.adminProjectId },
    });
    const { body } = await cloud.request('POST', '/v3/users', { as, body: { user: { name: 'plain' } } });
    assert.equal(body.user.domain_id, 'default');
  });
});
