import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

const secret = 'a secret that is long enough';
const auth = '/v3/OS-FEDERATION/identity_providers/acme/protocols/mapped/auth';
const dashboard = 'https://Dashboard.example/auth/websso/';

describe('a federated login', () => {
  let cloud: IdentityCloud;
  let domainId: string;
  let groupId: string;
  let memberId: string;
  let projectId: string;

  const put = async (path: string, body: object) => {
    const answered = await cloud.request('PUT', `/v3/OS-FEDERATION/${path}`, { as: cloud.admin, body });
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    return answered.body;
  };
  const rules = (value: object[], schema_version = '1.0') =>
    cloud.request('PATCH', '/v3/OS-FEDERATION/mappings/rules', {
      as: cloud.admin,
      body: { mapping: { rules: value, schema_version } },
    });
  const enter = (attributes: Record<string, string>, given = secret) =>
    cloud.request('GET', auth, {
      headers: {
        ...(given ? { 'x-federation-secret': given } : {}),
        ...Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [`x-federation-${name}`, value]),
        ),
      },
    });
  const tokenOf = async (attributes: Record<string, string>): Promise<string> => {
    const answered = await enter(attributes);
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    return answered.headers.get('x-subject-token') as string;
  };
  const rescope = (id: string, scope: unknown, method = 'token') =>
    cloud.request('POST', '/v3/auth/tokens', {
      body: { auth: { identity: { methods: [method], [method]: { id } }, scope } },
    });
  const validate = (id: string) =>
    cloud.request('GET', '/v3/auth/tokens', { as: cloud.admin, headers: { 'x-subject-token': id } });

  const plain = [
    {
      local: [{ user: { name: '{0}', email: '{1}' } }],
      remote: [{ type: 'HTTP_X_FEDERATION_USER' }, { type: 'HTTP_X_FEDERATION_MAIL' }],
    },
    { local: [{ user: { name: '{0}' } }], remote: [{ type: 'HTTP_X_FEDERATION_USER' }] },
    {
      local: [{ groups: '{0}', domain: { id: 'default' } }],
      remote: [{ type: 'HTTP_X_FEDERATION_GROUPS', blacklist: ['nobody'] }],
    },
  ];

  before(async () => {
    cloud = await startIdentity({
      federation: { 'acme/mapped': { type: 'headers', secret } },
      trusted_dashboard: [dashboard],
    });
    const provider = await put('identity_providers/acme', {
      identity_provider: { enabled: true, remote_ids: ['https://acme'] },
    });
    domainId = provider.identity_provider.domain_id;
    await put('mappings/rules', { mapping: { rules: plain } });
    await put('identity_providers/acme/protocols/mapped', { protocol: { mapping_id: 'rules' } });
    groupId = (await cloud.make('/v3/groups', 'group', { name: 'developers', domain_id: 'default' })).id;
    projectId = (await cloud.make('/v3/projects', 'project', { name: 'shared' })).id;
    const roles = await cloud.request('GET', '/v3/roles?name=member', { as: cloud.admin });
    memberId = roles.body.roles[0].id;
    const grant = `/v3/projects/${projectId}/groups/${groupId}/roles/${memberId}`;
    assert.equal((await cloud.request('PUT', grant, { as: cloud.admin })).status, 204);
  });
  after(() => cloud[Symbol.asyncDispose]());

  it('gives an unscoped token that says where its user is from', async () => {
    const answered = await enter({ user: 'ann', groups: 'developers;unknown;nobody' });
    assert.equal(answered.status, 201, JSON.stringify(answered.body));
    const { token } = answered.body;
    assert.deepEqual(token.methods, ['mapped']);
    assert.equal(token.project, undefined);
    assert.equal(token.catalog, undefined);
    assert.deepEqual(token.user, {
      id: token.user.id,
      name: 'ann',
      domain: { id: domainId, name: domainId },
      'OS-FEDERATION': {
        groups: [{ id: groupId }],
        identity_provider: { id: 'acme' },
        protocol: { id: 'mapped' },
      },
    });
    assert.match(token.user.id, /^[0-9a-f]{64}$/);
  });

  it('makes a user once, and calls him as he is called now', async () => {
    const first = (await enter({ user: 'bob', mail: 'bob@acme' })).body.token.user;
    const again = (await enter({ user: 'bob', mail: 'bob@acme.example' })).body.token.user;
    assert.equal(again.id, first.id);
    const { user } = (await cloud.request('GET', `/v3/users/${first.id}`, { as: cloud.admin })).body;
    assert.equal(user.email, 'bob@acme.example');
    await rules([
      {
        local: [{ user: { id: 'bob', name: '{0}' } }],
        remote: [{ type: 'HTTP_X_FEDERATION_USER' }],
      },
    ]);
    const renamed = (await enter({ user: 'Robert Müller'.normalize() })).body;
    assert.equal(renamed.token.user.id, first.id);
    assert.equal((await enter({ user: 'Robert' })).body.token.user.name, 'Robert');
    await rules(plain);
  });

  it('does not let its user in by password, whatever he is called', async () => {
    const { user } = (await enter({ user: 'admin' })).body.token;
    assert.notEqual(user.id, (await validate(cloud.admin)).body.token.user.id);
    for (const name of ['admin', user.id]) {
      const tried = { name, domain: { id: domainId }, password: '' };
      assert.equal((await cloud.authenticate(tried)).status, 401);
    }
  });

  it('has the roles of the groups that the provider says, and of no others', async () => {
    const unscoped = await tokenOf({ user: 'carol', groups: 'developers' });
    const listed = await cloud.request('GET', '/v3/auth/projects', { as: unscoped });
    assert.deepEqual(
      listed.body.projects.map((each: { id: string }) => each.id),
      [projectId],
    );
    for (const method of ['token', 'mapped']) {
      const scoped = await rescope(unscoped, { project: { id: projectId } }, method);
      assert.equal(scoped.status, 201, JSON.stringify(scoped.body));
      assert.ok(scoped.body.token.roles.some((each: { name: string }) => each.name === 'member'));
      assert.ok(scoped.body.token.catalog.length > 0);
      assert.deepEqual(scoped.body.token.user['OS-FEDERATION'].groups, [{ id: groupId }]);
      const validated = await validate(scoped.headers.get('x-subject-token') as string);
      assert.deepEqual(validated.body.token.roles, scoped.body.token.roles);
    }
    assert.equal((await rescope(unscoped, { project: { id: cloud.adminProjectId } })).status, 401);
    const other = await tokenOf({ user: 'dave' });
    assert.equal((await rescope(other, { project: { id: projectId } })).status, 401);
    const { body } = await cloud.request('GET', '/v3/auth/projects', { as: other });
    assert.deepEqual(body.projects, []);
  });

  it('takes no token of another kind by the name of a protocol', async () => {
    assert.equal((await rescope(cloud.demo, { project: { id: cloud.demoProjectId } }, 'mapped')).status, 401);
  });

  it('ends the tokens of groups that the provider does not say any more', async () => {
    const earlier = await tokenOf({ user: 'eve', groups: 'developers' });
    const scoped = await rescope(earlier, { project: { id: projectId } });
    await tokenOf({ user: 'eve' });
    assert.equal((await validate(scoped.headers.get('x-subject-token') as string)).status, 404);
    assert.equal((await validate(earlier)).status, 404);
  });

  it('keeps memberships for as long as the provider lets them last', async () => {
    const set = (authorization_ttl: number) =>
      cloud.request('PATCH', '/v3/OS-FEDERATION/identity_providers/acme', {
        as: cloud.admin,
        body: { identity_provider: { authorization_ttl } },
      });
    const { token } = (await enter({ user: 'frank', groups: 'developers' })).body;
    const roles = async () => {
      const path = `/v3/role_assignments?effective&user.id=${token.user.id}&scope.project.id=${projectId}`;
      return (await cloud.request('GET', path, { as: cloud.admin })).body.role_assignments.length;
    };
    const groups = async (more = '') => {
      const path = `/v3/users/${token.user.id}/groups${more}`;
      return (await cloud.request('GET', path, { as: cloud.admin })).body.groups as {
        name: string;
        membership_expires_at: string | null;
      }[];
    };
    assert.equal(await roles(), 0);
    assert.deepEqual(await groups(), []);
    await set(10);
    assert.ok((await roles()) > 0);
    const [group] = await groups('?name=developers');
    const expires = group?.membership_expires_at ?? '';
    assert.match(expires, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
    const left = Date.parse(`${expires}Z`) - Date.now();
    assert.ok(left > 0 && left <= 10 * 60_000, expires);
    assert.deepEqual(await groups('?name=others'), []);
    const lasting = await cloud.make('/v3/groups', 'group', { name: 'lasting' });
    const path = `/v3/groups/${lasting.id}/users/${token.user.id}`;
    assert.equal((await cloud.request('PUT', path, { as: cloud.admin })).status, 204);
    assert.deepEqual(
      (await groups()).map((each) => [each.name, each.membership_expires_at]),
      [
        ['lasting', null],
        ['developers', expires],
      ],
    );
    await set(0);
    assert.equal(await roles(), 0);
    assert.deepEqual(
      (await groups()).map((each) => each.name),
      ['lasting'],
    );
  });

  it('makes projects, and gives roles on them', async () => {
    await rules([
      {
        local: [
          {
            user: { name: '{0}' },
            projects: [
              { name: 'Project of {0}', roles: [{ name: 'member' }] },
              { name: 'Common', roles: [{ name: 'reader' }] },
            ],
          },
        ],
        remote: [{ type: 'HTTP_X_FEDERATION_USER' }],
      },
    ]);
    const unscoped = await tokenOf({ user: 'grace' });
    const listed = await cloud.request('GET', '/v3/auth/projects', { as: unscoped });
    const projects = listed.body.projects as { id: string; name: string; domain_id: string }[];
    assert.deepEqual(projects.map((each) => each.name).toSorted(), ['Common', 'Project of grace']);
    assert.ok(projects.every((each) => each.domain_id === domainId));
    const scope = { project: { name: 'Common', domain: { id: domainId } } };
    const scoped = await rescope(unscoped, scope);
    assert.deepEqual(
      scoped.body.token.roles.map((each: { name: string }) => each.name),
      ['reader'],
    );
    // Another user finds the common one, and the first keeps what he has.
    await tokenOf({ user: 'heidi' });
    assert.equal((await validate(scoped.headers.get('x-subject-token') as string)).status, 200);
    await rules(plain);
  });

  it('takes roles away that the provider does not give any more, from version 3.0 on', async () => {
    const projects = (names: string[]) => [
      {
        local: [
          {
            user: { name: '{0}' },
            projects: names.map((name) => ({ name, roles: [{ name: 'reader' }] })),
          },
        ],
        remote: [{ type: 'HTTP_X_FEDERATION_USER' }],
      },
    ];
    const seen = async () => {
      const { body } = await cloud.request('GET', '/v3/auth/projects', {
        as: await tokenOf({ user: 'ivan' }),
      });
      return body.projects.map((each: { name: string }) => each.name).toSorted();
    };
    await rules(projects(['One', 'Two']), '2.0');
    assert.deepEqual(await seen(), ['One', 'Two']);
    await rules(projects(['Two']), '2.0');
    assert.deepEqual(await seen(), ['One', 'Two']);
    await rules(projects(['Two', 'Three']), '3.0');
    assert.deepEqual(await seen(), ['Three', 'Two']);
    await rules(plain);
  });

  it('does nothing where a mapping names a role that is not there', async () => {
    await rules([
      {
        local: [{ user: { name: '{0}' }, projects: [{ name: 'Never', roles: [{ name: 'absent' }] }] }],
        remote: [{ type: 'HTTP_X_FEDERATION_USER' }],
      },
    ]);
    assert.equal((await enter({ user: 'judy' })).status, 404);
    const { body } = await cloud.request('GET', '/v3/projects?name=Never', { as: cloud.admin });
    assert.deepEqual(body.projects, []);
    await rules(plain);
  });

  it('can mean a user who is there already', async () => {
    await rules([
      {
        local: [{ user: { name: '{0}', type: 'local', domain: { id: 'default' } } }],
        remote: [{ type: 'HTTP_X_FEDERATION_USER' }],
      },
    ]);
    const { token } = (await enter({ user: 'demo' })).body;
    assert.equal(token.user.name, 'demo');
    assert.equal(token.user.domain.id, 'default');
    assert.equal(token.user['OS-FEDERATION'], undefined);
    assert.equal((await enter({ user: 'absent' })).status, 401);
    await rules(plain);
  });

  it('is refused without the secret of the server in front, or by a wrong one', async () => {
    assert.equal((await enter({ user: 'ann' }, '')).status, 401);
    assert.equal((await enter({ user: 'ann' }, 'a secret that is long enougH')).status, 401);
  });

  it('is refused where the mapping gives nobody', async () => {
    assert.equal((await enter({ mail: 'ann@acme' })).status, 401);
    assert.equal((await enter({ groups: 'developers' })).status, 401);
  });

  it('is refused by providers and protocols that are not connected', async () => {
    const other = auth.replace('acme', 'other');
    const unheard = await cloud.request('GET', other);
    assert.deepEqual(
      [unheard.status, unheard.body.error.message],
      [404, 'Could not find Identity Provider: other.'],
    );
    assert.equal((await cloud.request('POST', auth.replace('/mapped/', '/saml2/'))).status, 401);
  });

  it('is held to the names of the provider, where the protocol says how it is named', async () => {
    const protocol = (remote_id_attribute: string) =>
      cloud.request('PATCH', '/v3/OS-FEDERATION/identity_providers/acme/protocols/mapped', {
        as: cloud.admin,
        body: { protocol: { mapping_id: 'rules', remote_id_attribute } },
      });
    await protocol('HTTP_X_FEDERATION_IDP');
    assert.equal((await enter({ user: 'ann' })).status, 401);
    assert.equal((await enter({ user: 'ann', idp: 'https://other' })).status, 403);
    assert.equal((await enter({ user: 'ann', idp: 'https://acme' })).status, 201);
    await protocol('');
  });

  it('ends with its provider: disabled, no token is good; deleted, its users are gone', async () => {
    const set = (enabled: boolean) =>
      cloud.request('PATCH', '/v3/OS-FEDERATION/identity_providers/acme', {
        as: cloud.admin,
        body: { identity_provider: { enabled } },
      });
    const token = await tokenOf({ user: 'mallory' });
    const { id } = (await validate(token)).body.token.user;
    await set(false);
    assert.equal((await validate(token)).status, 404);
    assert.equal((await enter({ user: 'mallory' })).status, 403);
    await set(true);
    assert.equal((await validate(token)).status, 200);
    await cloud.request('DELETE', '/v3/OS-FEDERATION/identity_providers/acme', { as: cloud.admin });
    assert.equal((await validate(token)).status, 404);
    assert.equal((await cloud.request('GET', `/v3/users/${id}`, { as: cloud.admin })).status, 404);
  });
});

describe('signing a browser in', () => {
  let cloud: IdentityCloud;
  before(async () => {
    cloud = await startIdentity({
      federation: { 'acme/mapped': { type: 'headers', secret } },
      trusted_dashboard: [dashboard],
    });
    for (const [path, body] of [
      ['identity_providers/acme', { identity_provider: { enabled: true } }],
      [
        'mappings/m',
        {
          mapping: {
            rules: [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'x-federation-user' }] }],
          },
        },
      ],
      ['identity_providers/acme/protocols/mapped', { protocol: { mapping_id: 'm' } }],
    ] as const) {
      await cloud.request('PUT', `/v3/OS-FEDERATION/${path}`, { as: cloud.admin, body });
    }
  });
  after(() => cloud[Symbol.asyncDispose]());

  const headers = { 'x-federation-secret': secret, 'x-federation-user': 'ann' };
  const paths = [
    '/v3/auth/OS-FEDERATION/websso/mapped',
    '/v3/auth/OS-FEDERATION/identity_providers/acme/protocols/mapped/websso',
  ];

  it('sends it back to the dashboard with a token, by a form that sends itself', async () => {
    for (const path of paths) {
      const origin = encodeURIComponent('https://dashboard.example/auth/websso/');
      const answered = await cloud.request('GET', `${path}?origin=${origin}`, { headers });
      assert.equal(answered.status, 200, JSON.stringify(answered.body));
      assert.match(answered.headers.get('content-type') ?? '', /^text\/html/);
      assert.match(answered.headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.match(answered.body, /action="https:\/\/dashboard\.example\/auth\/websso\/" method="post"/);
      const token = /name="token" id="token" value="([^"]+)"/.exec(answered.body)?.[1] as string;
      const shown = await cloud.request('GET', '/v3/auth/tokens', {
        as: cloud.admin,
        headers: { 'x-subject-token': token.replaceAll('&#61;', '=') },
      });
      assert.equal(shown.body.token.user.name, 'ann');
    }
  });

  it('gives a token to no dashboard that is not trusted', async () => {
    for (const path of paths) {
      assert.equal((await cloud.request('GET', path, { headers })).status, 400);
      for (const origin of [
        'https://evil.example/auth/websso/',
        'https://dashboard.example/auth/websso',
        'https://dashboard.example/auth/websso/?x',
        'https://dashboard.example.evil/auth/websso/',
        '"><script>alert(1)</script>',
      ]) {
        const url = `${path}?origin=${encodeURIComponent(origin)}`;
        assert.equal((await cloud.request('GET', url, { headers })).status, 401, origin);
      }
    }
  });
});
