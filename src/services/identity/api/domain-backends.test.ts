import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { company, companyOptions, groupsTree, person, usersTree } from '../drivers/ldap/testing/people.ts';
import { manager, missingSlapd, type Slapd, startSlapd } from '../drivers/ldap/testing/slapd.ts';
import { publicIdOf } from '../model/public-id.ts';
import { type IdentityCloud, inDefault, secrets, startIdentity } from '../testing/cloud.ts';

const skip = missingSlapd() ?? false;
const corp = 'c0'.repeat(16);
const userId = (localId: string) => publicIdOf({ domainId: corp, localId, type: 'user' });
const groupId = (localId: string) => publicIdOf({ domainId: corp, localId, type: 'group' });
const inCorp = (name: string, password: string) => ({ name, password, domain: { name: 'corp' } });
const names = (all: { name: string }[]) => all.map((each) => each.name).toSorted();

/** Waits for what comes in its own time, without saying when. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `${what} did not come`);
    await delay(50);
  }
}

describe('a domain whose users are in an LDAP directory', { skip }, () => {
  let slapd: Slapd;
  let folder: string;
  let cloud: IdentityCloud;
  let memberRole: string;
  let readerRole: string;
  let project: string;

  const role = async (name: string) =>
    (await cloud.request('GET', `/v3/roles?name=${name}`, { as: cloud.admin })).body.roles[0].id as string;
  const get = async (path: string, as = cloud.admin) => cloud.request('GET', path, { as });

  before(async () => {
    slapd = await startSlapd({ ldif: company });
    folder = await mkdtemp(join(tmpdir(), 'cumulet-domains-'));
    const options = { url: slapd.url, pool_retry_max: 1, ...companyOptions };
    await writeFile(
      join(folder, 'keystone.corp.yaml'),
      stringify({ identity: { driver: 'ldap' }, ldap: options }),
    );
    await writeFile(
      join(folder, 'keystone.broken.yaml'),
      stringify({ identity: { driver: 'ldap' }, ldap: { url: 'nonsense' } }),
    );
    cloud = await startIdentity({
      domain_specific_drivers_enabled: true,
      domain_config_dir: folder,
      ldap_cache_time: 1,
    });
    await cloud.make('/v3/domains', 'domain', { name: 'corp', explicit_domain_id: corp });
    memberRole = await role('member');
    readerRole = await role('reader');
    ({ id: project } = await cloud.make('/v3/projects', 'project', { name: 'work', domain_id: corp }));
  });
  after(async () => {
    await cloud[Symbol.asyncDispose]();
    await slapd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test("lists them by domain, by keystone's ids, each time the same", async () => {
    const { body } = await get(`/v3/users?domain_id=${corp}`);
    assert.deepEqual(
      new Set(body.users.map((each: { id: string }) => each.id)),
      new Set(['alice', 'bob', 'carol'].map(userId)),
    );
    assert.deepEqual(names(body.users), ['Alice Example', 'Bob', 'Carol']);
    const again = await get(`/v3/users?domain_id=${corp}`);
    assert.deepEqual(again.body.users, body.users);
    const found = body.users.find((each: { name: string }) => each.name === 'Alice Example');
    assert.deepEqual(found, {
      id: userId('alice'),
      name: 'Alice Example',
      domain_id: corp,
      enabled: true,
      email: 'alice@example.org',
      description: 'writes',
      options: {},
      password_expires_at: null,
      links: found.links,
    });
    assert.deepEqual((await get(`/v3/users/${userId('alice')}`)).body.user, found);
  });

  test('lists those that filters mean, page by page', async () => {
    const list = async (query: string) =>
      names((await get(`/v3/users?domain_id=${corp}&${query}`)).body.users);
    assert.deepEqual(await list('name=Bob'), ['Bob']);
    assert.deepEqual(await list('name__contains=o'), ['Bob', 'Carol']);
    assert.deepEqual(await list('name__startswith=Al&enabled=true'), ['Alice Example']);
    assert.deepEqual(await list('enabled=false'), []);
    assert.deepEqual(await list('password_expires_at=lt:2030-01-01T00:00:00Z'), []);
    const ids: string[] = [];
    for (let marker = ''; ; ) {
      const { body } = await get(`/v3/users?domain_id=${corp}&limit=2${marker ? `&marker=${marker}` : ''}`);
      ids.push(...body.users.map((each: { id: string }) => each.id));
      if (!body.links.next) break;
      marker = ids.at(-1) as string;
    }
    assert.deepEqual(ids, ['alice', 'bob', 'carol'].map(userId).toSorted());
  });

  test('shows no domain the users of another', async () => {
    const { body } = await get('/v3/users');
    assert.ok(!names(body.users).includes('Bob'), "without a domain it is the token's");
    assert.ok(names(body.users).includes('demo'));
    const other = await cloud.make('/v3/domains', 'domain', { name: 'other' });
    assert.deepEqual((await get(`/v3/users?domain_id=${other.id}`)).body.users, []);
  });

  test('lists groups, who is in them, and in which somebody is', async () => {
    assert.deepEqual(names((await get(`/v3/groups?domain_id=${corp}`)).body.groups), [
      'developers',
      'operators',
    ]);
    const developers = groupId('developers');
    const { body } = await get(`/v3/groups/${developers}`);
    assert.equal(body.group.description, 'who write');
    assert.deepEqual(names((await get(`/v3/groups/${developers}/users`)).body.users), [
      'Alice Example',
      'Bob',
    ]);
    assert.deepEqual(names((await get(`/v3/users/${userId('alice')}/groups`)).body.groups), ['developers']);
    assert.equal((await get(`/v3/groups/${developers}/users/${userId('alice')}`)).status, 204);
    assert.equal((await get(`/v3/groups/${developers}/users/${userId('carol')}`)).status, 404);
  });

  test('lets them in by name and by id, with their password and no other', async () => {
    const token = await cloud.login(inCorp('Alice Example', 'alice-secret'));
    const shown = await cloud.request('GET', '/v3/auth/tokens', {
      as: token,
      headers: { 'x-subject-token': token },
    });
    assert.deepEqual(shown.body.token.user, {
      id: userId('alice'),
      name: 'Alice Example',
      domain: { id: corp, name: 'corp' },
      password_expires_at: null,
    });
    await cloud.login({ id: userId('bob'), password: 'bob-secret' });
    // Who may write his own entry cannot stand in somebody's place by calling himself the same beside his own name.
    await slapd.modify(`dn: uid=carol,${usersTree}\nchangetype: modify\nadd: cn\ncn: Bob\n`);
    await cloud.login(inCorp('Bob', 'bob-secret'));
    assert.equal((await cloud.authenticate(inCorp('Bob', 'carol-secret'))).status, 401);
    await slapd.modify(`dn: uid=carol,${usersTree}\nchangetype: modify\ndelete: cn\ncn: Bob\n`);
    const refused: [object, string][] = [
      [inCorp('Alice Example', 'wrong'), 'a wrong password'],
      [inCorp('Alice Example', ''), 'no password'],
      [{ id: userId('alice'), password: '' }, 'no password'],
      [inCorp('Nobody', 'alice-secret'), 'nobody'],
      [inDefault('Alice Example', 'alice-secret'), 'another domain'],
      [{ id: 'alice', password: 'alice-secret' }, "the directory's own id"],
    ];
    for (const [user, why] of refused) assert.equal((await cloud.authenticate(user)).status, 401, why);
  });

  test('takes names for names: nothing in them asks more of the directory', async () => {
    for (const name of [
      '*',
      'Alice*',
      'A*)(cn=*',
      '*)(|(cn=*',
      'Alice Example)(objectClass=*',
      '\\2a',
      'Bob\\00',
    ]) {
      assert.equal((await cloud.authenticate(inCorp(name, 'alice-secret'))).status, 401, name);
      const query = encodeURIComponent(name);
      const filters = ['name', 'name__contains', 'name__startswith', 'name__endswith'];
      for (const filter of filters) {
        const { status, body } = await get(`/v3/users?domain_id=${corp}&${filter}=${query}`);
        assert.equal(status, 200);
        assert.deepEqual(body.users, [], `${filter} ${name}`);
        const groups = await get(`/v3/groups?domain_id=${corp}&${filter}=${query}`);
        assert.deepEqual(groups.body.groups, [], `${filter} ${name}`);
      }
      assert.equal((await get(`/v3/users/${query}`)).status, 404);
      assert.equal((await get(`/v3/groups/${query}`)).status, 404);
    }
  });

  test('gives them roles by themselves and by their groups, and tells who has which', async () => {
    const grant = (path: string) => cloud.request('PUT', path, { as: cloud.admin });
    const scope = { project: { id: project } };
    assert.equal((await cloud.authenticate(inCorp('Bob', 'bob-secret'), scope)).status, 401);
    const developers = groupId('developers');
    const path = `/v3/projects/${project}/groups/${developers}/roles/${memberRole}`;
    assert.equal((await grant(path)).status, 204);
    const own = `/v3/projects/${project}/users/${userId('carol')}/roles/${readerRole}`;
    assert.equal((await grant(own)).status, 204);
    const rolesOf = async (token: string) => {
      const { body } = await cloud.request('GET', '/v3/auth/tokens', {
        as: token,
        headers: { 'x-subject-token': token },
      });
      return names(body.token.roles);
    };
    assert.deepEqual(await rolesOf(await cloud.login(inCorp('Bob', 'bob-secret'), scope)), [
      'member',
      'reader',
    ]);
    assert.deepEqual(await rolesOf(await cloud.login(inCorp('Carol', 'carol-secret'), scope)), ['reader']);

    const { body } = await get(`/v3/role_assignments?scope.project.id=${project}&effective&include_names`);
    const told = body.role_assignments.map(
      (each: { user: { name: string; domain: { name: string } }; role: { name: string } }) =>
        `${each.user.name}@${each.user.domain.name} ${each.role.name}`,
    );
    assert.deepEqual(
      new Set(told),
      new Set([
        'Alice Example@corp member',
        'Alice Example@corp reader',
        'Bob@corp member',
        'Bob@corp reader',
        'Carol@corp reader',
      ]),
    );
    const stored = await get(`/v3/role_assignments?scope.project.id=${project}&include_names`);
    const group = stored.body.role_assignments.find((each: { group?: object }) => each.group);
    assert.equal(group.group.name, 'developers');
    const projects = await get(`/v3/users/${userId('alice')}/projects`);
    assert.deepEqual(names(projects.body.projects), ['work']);
    assert.equal((await cloud.request('DELETE', path, { as: cloud.admin })).status, 204);
    assert.equal((await cloud.authenticate(inCorp('Bob', 'bob-secret'), scope)).status, 401);
  });

  test('ends what they have handed out with the role that stood behind it', async () => {
    const as = cloud.admin;
    const path = `/v3/projects/${project}/groups/${groupId('developers')}/roles/${memberRole}`;
    assert.equal((await cloud.request('PUT', path, { as })).status, 204);
    const token = await cloud.login(inCorp('Bob', 'bob-secret'), { project: { id: project } });
    const given = { application_credential: { name: 'robot', secret: 'robot-secret' } };
    const url = `/v3/users/${userId('bob')}/application_credentials`;
    const made = await cloud.request('POST', url, { as: token, body: given });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { id } = made.body.application_credential;
    const login = () =>
      cloud.request('POST', '/v3/auth/tokens', {
        body: {
          auth: {
            identity: {
              methods: ['application_credential'],
              application_credential: { id, secret: 'robot-secret' },
            },
          },
        },
      });
    assert.equal((await login()).status, 201);
    assert.equal((await cloud.request('DELETE', path, { as })).status, 204);
    assert.notEqual((await login()).status, 201);
    assert.equal((await cloud.request('PUT', path, { as })).status, 204);
    assert.notEqual((await login()).status, 201, 'it does not come to life again');
    assert.equal((await cloud.request('DELETE', path, { as })).status, 204);
  });

  test('writes nothing to it', async () => {
    const as = cloud.admin;
    const alice = `/v3/users/${userId('alice')}`;
    const developers = `/v3/groups/${groupId('developers')}`;
    const writes: [string, string, unknown][] = [
      ['POST', '/v3/users', { user: { name: 'x', domain_id: corp, password: 'x' } }],
      ['PATCH', alice, { user: { email: 'x@example.org' } }],
      ['PATCH', alice, { user: { password: 'other' } }],
      ['DELETE', alice, undefined],
      ['POST', '/v3/groups', { group: { name: 'x', domain_id: corp } }],
      ['PATCH', developers, { group: { description: 'x' } }],
      ['DELETE', developers, undefined],
      ['PUT', `${developers}/users/${userId('carol')}`, undefined],
      ['DELETE', `${developers}/users/${userId('alice')}`, undefined],
      ['POST', `${alice}/password`, { user: { original_password: 'alice-secret', password: 'other' } }],
    ];
    for (const [method, path, body] of writes) {
      const { status } = await cloud.request(method, path, { as, ...(body ? { body } : {}) });
      assert.equal(status, 403, `${method} ${path}`);
    }
    await cloud.login(inCorp('Alice Example', 'alice-secret'));
  });

  test('mixes no users and groups of different backends', async () => {
    const group = await cloud.make('/v3/groups', 'group', { name: 'ours' });
    const across = await cloud.request('PUT', `/v3/groups/${group.id}/users/${userId('alice')}`, {
      as: cloud.admin,
    });
    assert.equal(across.status, 403);
    assert.match(across.body.error.message, /across backend boundaries/);
  });

  test('believes what the directory said for a while, and then asks again', async () => {
    await slapd.add(person('dora', { name: 'Dora' }));
    const token = await cloud.login(inCorp('Dora', 'dora-secret'));
    const valid = async () =>
      (
        await cloud.request('GET', '/v3/auth/tokens', {
          as: cloud.admin,
          headers: { 'x-subject-token': token },
        })
      ).status === 200;
    assert.ok(await valid());
    const grant = `/v3/projects/${project}/users/${userId('dora')}/roles/${readerRole}`;
    assert.equal((await cloud.request('PUT', grant, { as: cloud.admin })).status, 204);
    await slapd.modify(`dn: uid=dora,${usersTree}\nchangetype: delete\n`);
    await until('the end of the token', async () => !(await valid()));
    assert.equal((await get(`/v3/users/${userId('dora')}`)).status, 404);
    assert.equal((await cloud.authenticate(inCorp('Dora', 'dora-secret'))).status, 401);
    assert.equal(
      (await cloud.request('DELETE', grant, { as: cloud.admin })).status,
      204,
      'it can be taken back',
    );
    // A token that was remembered by the service that it was shown to is no good either.
    await until('the end of its use', async () => (await get('/v3/auth/projects', token)).status === 401);
  });

  test('that cannot be asked is unavailable, while all others go on', async () => {
    const token = await cloud.login(inCorp('Bob', 'bob-secret'));
    await slapd.stop();
    for (const password of ['bob-secret', 'wrong']) {
      const refused = await cloud.authenticate(inCorp('Bob', password));
      assert.equal(refused.status, 503);
      assert.doesNotMatch(JSON.stringify(refused.body), /127\.0\.0\.1/);
    }
    assert.equal((await get(`/v3/users?domain_id=${corp}`)).status, 503);
    await until('the doubt about the token', async () => {
      const { status } = await get('/v3/auth/projects', token);
      assert.ok([200, 503].includes(status), `a token is not bad because nobody can say: ${status}`);
      return status === 503;
    });
    await cloud.login(inDefault('demo', secrets.demo));
    assert.equal((await get('/v3/users')).status, 200);
    await slapd.start();
    assert.equal((await get('/v3/auth/projects', token)).status, 200, 'the token is as good as before');
    await cloud.login(inCorp('Bob', 'bob-secret'));
  });

  test('that is configured wrongly has no users, and takes none from elsewhere', async () => {
    const broken = await cloud.make('/v3/domains', 'domain', { name: 'broken' });
    assert.equal((await get(`/v3/users?domain_id=${broken.id}`)).status, 503);
    const user = { name: 'x', password: 'x', domain: { name: 'broken' } };
    const { status, body } = await cloud.authenticate(user);
    assert.equal(status, 503);
    assert.doesNotMatch(JSON.stringify(body), /nonsense/);
  });

  test('takes with it, when it goes, what was granted to its users', async () => {
    const grant = `/v3/projects/${cloud.demoProjectId}/users/${userId('alice')}/roles/${readerRole}`;
    assert.equal((await cloud.request('PUT', grant, { as: cloud.admin })).status, 204);
    const change = { body: { domain: { enabled: false } }, as: cloud.admin };
    assert.equal((await cloud.request('PATCH', `/v3/domains/${corp}`, change)).status, 200);
    assert.equal((await cloud.request('DELETE', `/v3/domains/${corp}`, { as: cloud.admin })).status, 204);
    const left = await get(`/v3/role_assignments?user.id=${userId('alice')}`);
    assert.deepEqual(left.body.role_assignments, []);
    assert.equal((await get(`/v3/users/${userId('alice')}`)).status, 404);
  });
});

describe('a directory that may be written to', { skip }, () => {
  let slapd: Slapd;
  let folder: string;
  let cloud: IdentityCloud;

  before(async () => {
    slapd = await startSlapd({ ldif: company });
    folder = await mkdtemp(join(tmpdir(), 'cumulet-domains-'));
    const file = join(folder, 'keystone.corp.yaml');
    const allowed = ['user', 'group'].flatMap((kind) =>
      ['create', 'update', 'delete'].map((verb) => [`${kind}_allow_${verb}`, true]),
    );
    const options = {
      url: slapd.url,
      ...companyOptions,
      user: manager.dn,
      password: manager.password,
      use_dumb_member: true,
      ...Object.fromEntries(allowed),
    };
    await writeFile(file, stringify({ identity: { driver: 'ldap' }, ldap: options }), { mode: 0o600 });
    cloud = await startIdentity({ domain_specific_drivers_enabled: true, domain_config_dir: folder });
    await cloud.make('/v3/domains', 'domain', { name: 'corp', explicit_domain_id: corp });
  });
  after(async () => {
    await cloud[Symbol.asyncDispose]();
    await slapd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('has users made, changed, put into groups and deleted', async () => {
    const as = cloud.admin;
    const user = await cloud.make('/v3/users', 'user', {
      name: 'Dora',
      domain_id: corp,
      password: 'first',
      email: 'dora@example.org',
    });
    assert.match(user.id, /^[0-9a-f]{64}$/);
    assert.equal(user['email'], 'dora@example.org');
    const token = await cloud.login(inCorp('Dora', 'first'));
    const change = { original_password: 'first', password: 'second' };
    const changed = await cloud.request('POST', `/v3/users/${user.id}/password`, { body: { user: change } });
    assert.equal(changed.status, 204);
    assert.equal((await cloud.authenticate(inCorp('Dora', 'first'))).status, 401);
    assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: token })).status, 401);
    await cloud.login(inCorp('Dora', 'second'));

    const patched = await cloud.request('PATCH', `/v3/users/${user.id}`, {
      as,
      body: { user: { description: 'new', password: 'third' } },
    });
    assert.equal(patched.body.user.description, 'new');
    await cloud.login(inCorp('Dora', 'third'));
    const mass = await cloud.request('PATCH', `/v3/users/${user.id}`, {
      as,
      body: { user: { userPassword: 'x' } },
    });
    assert.equal(mass.status, 400);

    const group = await cloud.make('/v3/groups', 'group', { name: 'testers', domain_id: corp });
    const member = `/v3/groups/${group.id}/users/${user.id}`;
    assert.equal((await cloud.request('PUT', member, { as })).status, 204);
    assert.equal((await cloud.request('GET', member, { as })).status, 204);
    assert.equal((await cloud.request('DELETE', member, { as })).status, 204);
    assert.equal((await cloud.request('DELETE', member, { as })).status, 404);
    assert.equal((await cloud.request('DELETE', `/v3/users/${user.id}`, { as })).status, 204);
    assert.equal((await cloud.request('GET', `/v3/users/${user.id}`, { as })).status, 404);
    assert.equal((await cloud.request('DELETE', `/v3/groups/${group.id}`, { as })).status, 204);
    assert.equal(await slapd.entry(`cn=testers,${groupsTree}`), undefined);
  });

  test('has a name once', async () => {
    const again = { user: { name: 'Bob', domain_id: corp } };
    assert.equal((await cloud.request('POST', '/v3/users', { as: cloud.admin, body: again })).status, 409);
  });
});
