import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Forbidden } from '../../../../platform/errors/errors.ts';
import { LdapBackend } from './backend.ts';
import { company, companyOptions, groupsTree, usersTree } from './testing/people.ts';
import { manager, missingSlapd, type Slapd, startSlapd } from './testing/slapd.ts';

const skip = missingSlapd() ?? false;
const admin = { user: manager.dn, password: manager.password };
const names = (all: readonly { name: string }[]) => all.map((each) => each.name).toSorted();

describe('writing to an LDAP directory', { skip }, () => {
  let slapd: Slapd;
  let backend: LdapBackend;

  before(async () => {
    slapd = await startSlapd({ ldif: company });
    backend = new LdapBackend({
      url: slapd.url,
      ...companyOptions,
      ...admin,
      use_dumb_member: true,
      user_enabled_attribute: 'employeeType',
      user_additional_attribute_mapping: 'title:job',
      ...Object.fromEntries(
        ['user', 'group'].flatMap((kind) =>
          ['create', 'update', 'delete'].map((verb) => [`${kind}_allow_${verb}`, true]),
        ),
      ),
    });
  });
  after(async () => {
    backend.close();
    await slapd[Symbol.asyncDispose]();
  });

  test('a user is made, authenticates, is changed and deleted', async () => {
    const made = await backend.createUser({
      id: 'a1b2',
      name: 'Dora',
      enabled: true,
      password: 'first',
      extra: { email: 'dora@example.org', description: null, job: 'clerk' },
    });
    assert.deepEqual(made, {
      id: 'a1b2',
      name: 'Dora',
      enabled: true,
      defaultProjectId: null,
      extra: { email: 'dora@example.org', job: 'clerk' },
    });
    assert.equal(await backend.authenticate('a1b2', 'first'), true);
    const kept = await slapd.entry(`uid=a1b2,${usersTree}`);
    assert.match(kept?.['userPassword']?.[0] ?? '', /^\{SSHA\}/, 'the directory keeps no password in clear');

    const changed = await backend.updateUser('a1b2', {
      enabled: false,
      extra: { email: null, description: 'new', job: 'chief' },
    });
    assert.equal(changed.enabled, false);
    assert.deepEqual(changed.extra, { description: 'new', job: 'chief' });
    await backend.setPassword('a1b2', 'second');
    assert.equal(await backend.authenticate('a1b2', 'first'), false);
    assert.equal(await backend.authenticate('a1b2', 'second'), true);

    await backend.addMember('developers', 'a1b2');
    await backend.deleteUser('a1b2');
    assert.equal(await backend.user('a1b2'), undefined);
    const members = (await slapd.entry(`cn=developers,${groupsTree}`))?.['member'];
    assert.ok(!members?.some((dn) => dn.startsWith('uid=a1b2')), 'no group has him any more');
  });

  test('what the directory has no place for is refused, whatever it is called', async () => {
    for (const name of [
      'objectClass',
      'userPassword',
      'uidNumber',
      'cn',
      'nonsense',
      '__proto__',
      'constructor',
    ]) {
      const extra = Object.fromEntries([[name, 'x']]);
      const user = { id: 'evil', name: 'Evil', enabled: true, extra };
      await assert.rejects(backend.createUser(user), { status: 400 }, name);
      await assert.rejects(backend.updateUser('alice', { extra }), { status: 400 }, name);
      await assert.rejects(backend.createGroup({ id: 'evil', name: 'evil', extra }), { status: 400 }, name);
    }
    await assert.rejects(backend.updateUser('alice', { extra: { email: { a: 1 } } }), { status: 400 });
    assert.equal(await backend.user('evil'), undefined);
  });

  test('names are taken once and do not change', async () => {
    const twin = { id: 'twin', name: 'Bob', enabled: true, extra: {} };
    await assert.rejects(backend.createUser(twin), { status: 409 });
    await assert.rejects(backend.createUser({ ...twin, id: 'bob', name: 'Other' }), { status: 409 });
    await assert.rejects(backend.updateUser('bob', { name: 'Robert' }), { status: 409 });
    await backend.updateUser('bob', { name: 'Bob' });
    await assert.rejects(backend.createGroup({ id: 'developers', name: 'developers', extra: {} }), {
      status: 409,
    });
    await assert.rejects(backend.updateGroup('developers', { name: 'other' }), { status: 400 });
    await assert.rejects(backend.updateUser('nobody', {}), { status: 404 });
    await assert.rejects(backend.deleteUser('nobody'), { status: 404 });
    await assert.rejects(backend.deleteGroup('nothing'), { status: 404 });
  });

  test('a group is made, filled, emptied and deleted', async () => {
    const made = await backend.createGroup({ id: 'g1', name: 'testers', description: 'try', extra: {} });
    // Where one attribute is both, the name is the id.
    assert.deepEqual(made, { id: 'testers', name: 'testers', description: 'try', extra: {} });
    await backend.addMember('testers', 'alice');
    await backend.addMember('testers', 'alice');
    assert.deepEqual(names(await backend.usersOfGroup('testers')), ['Alice Example']);
    await backend.removeMember('testers', 'alice');
    await assert.rejects(backend.removeMember('testers', 'alice'), { status: 404 });
    assert.deepEqual(await backend.usersOfGroup('testers'), []);
    assert.equal((await backend.updateGroup('testers', { description: null })).description, null);
    await backend.deleteGroup('testers');
    assert.equal(await backend.group('testers'), undefined);
  });

  test('a group that would be left without members keeps the one that nobody is', async () => {
    await backend.removeMember('operators', 'carol');
    await slapd.modify(
      `dn: cn=operators,${groupsTree}\nchangetype: modify\nreplace: member\nmember: uid=carol,${usersTree}\n`,
    );
    await backend.removeMember('operators', 'carol');
    assert.deepEqual(await backend.usersOfGroup('operators'), []);
  });

  test('what the server refuses is forbidden, not broken', async () => {
    const asAlice = new LdapBackend({
      url: slapd.url,
      ...companyOptions,
      user: `uid=alice,${usersTree}`,
      password: 'alice-secret',
      user_allow_update: true,
    });
    try {
      await assert.rejects(asAlice.updateUser('bob', { extra: { description: 'x' } }), Forbidden);
    } finally {
      asAlice.close();
    }
  });
});
