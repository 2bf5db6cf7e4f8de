import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Forbidden } from '../../../../platform/errors/errors.ts';
import type { LocalUser } from '../../model/backend.ts';
import { LdapBackend } from './backend.ts';
import { company, companyOptions, groupsTree, person, usersTree } from './testing/people.ts';
import { manager, missingSlapd, type Slapd, startSlapd, suffix } from './testing/slapd.ts';

const skip = missingSlapd() ?? false;
const admin = { user: manager.dn, password: manager.password };
const names = (all: readonly { name: string }[]) => all.map((each) => each.name).toSorted();

describe('users and groups of an LDAP directory', { skip }, () => {
  let slapd: Slapd;
  const opened: LdapBackend[] = [];
  const open = (options: Record<string, unknown> = {}): LdapBackend => {
    const backend = new LdapBackend({ url: slapd.url, pool_retry_max: 1, ...companyOptions, ...options });
    opened.push(backend);
    return backend;
  };

  before(async () => {
    slapd = await startSlapd({ ldif: company });
  });
  after(async () => {
    for (const each of opened) each.close();
    await slapd[Symbol.asyncDispose]();
  });

  test('a user is found by his id, with what the directory says of him and nothing of his password', async () => {
    const backend = open();
    assert.deepEqual(await backend.user('alice'), {
      id: 'alice',
      name: 'Alice Example',
      enabled: true,
      defaultProjectId: null,
      extra: { email: 'alice@example.org', description: 'writes' },
    } satisfies LocalUser);
    assert.equal(await backend.user('nobody'), undefined);
    assert.equal(await backend.user('ALICE'), undefined, 'one entry has one id');
    assert.equal(await backend.authenticate('ALICE', 'alice-secret'), false);
  });

  test('users are found by name: all of it, its beginning, its end, or a part', async () => {
    const backend = open();
    assert.deepEqual(names(await backend.users({})), ['Alice Example', 'Bob', 'Carol']);
    const found = async (op: 'equals' | 'contains' | 'startswith' | 'endswith', value: string) =>
      names(await backend.users({ name: { op, value } }));
    assert.deepEqual(await found('equals', 'Bob'), ['Bob']);
    assert.deepEqual(await found('startswith', 'Al'), ['Alice Example']);
    assert.deepEqual(await found('endswith', 'ol'), ['Carol']);
    assert.deepEqual(await found('contains', 'o'), ['Bob', 'Carol']);
    assert.deepEqual(await found('contains', ''), ['Alice Example', 'Bob', 'Carol']);
    assert.deepEqual(await found('equals', ''), []);
    assert.equal((await backend.users({ limit: 2 })).length, 2);
    assert.deepEqual(names(await backend.usersById(['bob', 'carol', 'nobody', 'bob'])), ['Bob', 'Carol']);
  });

  test('no name or id is more than a name or id', async () => {
    const backend = open();
    const attacks = [
      '*',
      'a*',
      '*)(uid=*',
      'alice)(objectClass=*',
      '*))(|(uid=*',
      ')(|(userPassword=*)',
      'alice,ou=Users,dc=example,dc=org',
      String.raw`\2a`,
      'alice\0',
      '\0',
      '(uid=alice)',
      '&',
      'EXTERNAL',
    ];
    for (const attack of attacks) {
      const label = JSON.stringify(attack);
      assert.equal(await backend.user(attack), undefined, label);
      assert.equal(await backend.group(attack), undefined, label);
      assert.deepEqual(await backend.usersById([attack]), [], label);
      for (const op of ['equals', 'contains', 'startswith', 'endswith'] as const) {
        if (op !== 'equals' && ['a*', '&'].includes(attack)) continue;
        assert.deepEqual(await backend.users({ name: { op, value: attack } }), [], `${op} ${label}`);
        assert.deepEqual(await backend.groups({ name: { op, value: attack } }), [], `${op} ${label}`);
      }
      assert.deepEqual(await backend.groupsOfUser(attack), [], label);
      assert.deepEqual(await backend.usersOfGroup(attack), [], label);
      assert.equal(await backend.authenticate(attack, 'alice-secret'), false, label);
      assert.equal(await backend.authenticate('alice', attack), false, label);
    }
  });

  test('names that look like filters and DNs are ordinary names', async () => {
    const strange = ['star*', 'a)(b', 'back\\slash', 'comma, inc', 'plus+uid=alice', '#hash', 'ünï—码'];
    const backend = open({
      ...admin,
      user_allow_create: true,
      user_allow_delete: true,
      group_allow_create: true,
      group_allow_update: true,
      group_allow_delete: true,
      use_dumb_member: true,
    });
    for (const name of strange) {
      const user = await backend.createUser({ id: `id ${name}`, name, enabled: true, extra: {} });
      const group = await backend.createGroup({ id: name, name, extra: {} });
      assert.equal(user.name, name);
      assert.deepEqual(names(await backend.users({ name: { op: 'equals', value: name } })), [name]);
      await backend.addMember(group.id, user.id);
      assert.deepEqual(names(await backend.usersOfGroup(group.id)), [name]);
      assert.deepEqual(names(await backend.groupsOfUser(user.id)), [name]);
      await backend.deleteUser(user.id);
      await backend.deleteGroup(group.id);
    }
    assert.deepEqual(names(await backend.users({})), ['Alice Example', 'Bob', 'Carol']);
  });

  test('groups know their users and users their groups; who has left is left out', async () => {
    const backend = open();
    assert.deepEqual(await backend.group('developers'), {
      id: 'developers',
      name: 'developers',
      description: 'who write',
      extra: {},
    });
    assert.deepEqual(names(await backend.groups({})), ['developers', 'operators']);
    assert.deepEqual(names(await backend.usersOfGroup('developers')), ['Alice Example', 'Bob']);
    assert.deepEqual(names(await backend.usersOfGroup('operators')), ['Carol']);
    assert.deepEqual(names(await backend.groupsOfUser('alice')), ['developers']);
    assert.deepEqual(await backend.groupsOfUser('nobody'), []);
    assert.deepEqual(await backend.usersOfGroup('nothing'), []);
  });

  test('a password is right when the directory takes it, and only then', async () => {
    for (const backend of [open(), open({ use_auth_pool: false }), open({ use_pool: false })]) {
      assert.equal(await backend.authenticate('alice', 'alice-secret'), true);
      assert.equal(await backend.authenticate('alice', 'bob-secret'), false);
      assert.equal(await backend.authenticate('bob', 'bob-secret'), true);
      // An LDAP server lets everybody in who says a name and no password (RFC 4513 section 5.1.2).
      assert.equal(await backend.authenticate('alice', ''), false);
      assert.equal(await backend.authenticate('nobody', 'alice-secret'), false);
    }
  });

  test('a password that was changed is wrong at once, on connections that are kept too', async () => {
    const backend = open();
    await slapd.add(person('dora'));
    assert.equal(await backend.authenticate('dora', 'dora-secret'), true);
    const dn = `uid=dora,${usersTree}`;
    await slapd.modify(`dn: ${dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: other\n`);
    assert.equal(await backend.authenticate('dora', 'dora-secret'), false);
    assert.equal(await backend.authenticate('dora', 'other'), true);
    await slapd.modify(`dn: ${dn}\nchangetype: delete\n`);
    assert.equal(await backend.authenticate('dora', 'other'), false);
  });

  test('many ask at once, and wait for the few connections there are', async () => {
    const backend = open({ pool_size: 2, auth_pool_size: 2 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => backend.authenticate('alice', n % 2 ? 'alice-secret' : 'wrong')),
    );
    assert.equal(answers.filter(Boolean).length, 25);
  });

  test('users who match the filter, and have a name, are the users there are', async () => {
    assert.deepEqual(names(await open({ user_filter: '(|(uid=alice)(uid=bob))' }).users({})), [
      'Alice Example',
      'Bob',
    ]);
    assert.deepEqual(names(await open({ user_filter: '(employeeType=*)' }).users({})), ['Carol']);
    assert.equal(await open({ user_filter: '(employeeType=*)' }).user('alice'), undefined);
    assert.deepEqual(names(await open({ user_name_attribute: 'employeeType' }).users({})), ['FALSE']);
    assert.deepEqual(names(await open({ group_filter: '(cn=dev*)' }).groups({})), ['developers']);
  });

  test('more attributes are shown as they are mapped, and those to be ignored are not', async () => {
    const backend = open({
      user_additional_attribute_mapping: ['employeeType:kind', 'sn:surname'],
      user_attribute_ignore: ['email'],
    });
    assert.deepEqual((await backend.user('carol'))?.extra, { kind: 'FALSE', surname: 'Carol' });
    const project = { user_default_project_id_attribute: 'employeeType' };
    assert.equal(
      (await open(project).user('carol'))?.defaultProjectId,
      null,
      'ignored unless said otherwise',
    );
    const read = open({ ...project, user_attribute_ignore: [] });
    assert.equal((await read.user('carol'))?.defaultProjectId, 'FALSE');
    assert.throws(() => open({ user_additional_attribute_mapping: ['uid:id'] }), TypeError);
    assert.throws(() => open({ user_additional_attribute_mapping: ['nonsense'] }), TypeError);
  });

  test('one level or the whole tree is searched, and a tree that is not there is empty', async () => {
    assert.deepEqual(names(await open({ user_tree_dn: suffix }).users({})), []);
    assert.deepEqual(names(await open({ user_tree_dn: suffix, query_scope: 'sub' }).users({})), [
      'Alice Example',
      'Bob',
      'Carol',
    ]);
    assert.deepEqual(await open({ user_tree_dn: `ou=None,${suffix}` }).users({}), []);
    const backend = open({ user_tree_dn: suffix, query_scope: 'sub' });
    assert.deepEqual(names(await backend.usersOfGroup('developers')), ['Alice Example', 'Bob']);
  });

  test('options that cannot be meant are refused by name, and without their value', () => {
    const message = (options: Record<string, unknown>) => {
      try {
        open(options);
      } catch (error) {
        return (error as Error).message;
      }
      return undefined;
    };
    assert.match(message({ user_id_atribute: 'x' }) ?? '', /did you mean user_id_attribute/);
    assert.match(message({ url: 'http://secret-host' }) ?? '', /ldap\.url must/);
    assert.match(message({ page_size: 'many' }) ?? '', /ldap\.page_size must/);
    assert.match(message({ user_filter: '(uid=a' }) ?? '', /ldap\.user_filter must/);
    assert.match(message({ use_tls: true, url: 'ldaps://x' }) ?? '', /use_tls is not for/);
    assert.doesNotMatch(message({ url: 'http://secret-host' }) ?? '', /secret-host/);
  });

  test('referrals to other servers are left out', async () => {
    await slapd.add(
      `dn: ou=Away,${usersTree}\nobjectClass: referral\nobjectClass: extensibleObject\nou: Away\nref: ldap://192.0.2.1/${suffix}\n`,
    );
    const backend = open({ query_scope: 'sub', chase_referrals: true });
    assert.deepEqual(names(await backend.users({})), ['Alice Example', 'Bob', 'Carol']);
    await slapd.modify(
      `dn: ou=Away,${usersTree}\ncontrol: 2.16.840.1.113730.3.4.2 true\nchangetype: delete\n`,
    );
  });

  test('aliases are followed when it is asked for', async () => {
    await slapd.add(
      `dn: ou=Linked,${suffix}\nobjectClass: organizationalUnit\nou: Linked\n\n` +
        `dn: uid=link,ou=Linked,${suffix}\nobjectClass: alias\nobjectClass: extensibleObject\nuid: link\naliasedObjectName: uid=bob,${usersTree}\n`,
    );
    const linked = { user_tree_dn: `ou=Linked,${suffix}` };
    assert.deepEqual(names(await open(linked).users({})), []);
    for (const alias_dereferencing of ['searching', 'always']) {
      assert.deepEqual(names(await open({ ...linked, alias_dereferencing }).users({})), ['Bob']);
    }
    assert.deepEqual(names(await open({ ...linked, alias_dereferencing: 'finding' }).users({})), []);
  });

  test('members may be ids', async () => {
    await slapd.add(
      `dn: cn=posix,${groupsTree}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 1000\nmemberUid: alice\nmemberUid: gone\n`,
    );
    const backend = open({
      group_objectclass: 'posixGroup',
      group_member_attribute: 'memberUid',
      group_members_are_ids: true,
    });
    assert.deepEqual(names(await backend.usersOfGroup('posix')), ['Alice Example']);
    assert.deepEqual(names(await backend.groupsOfUser('alice')), ['posix']);
    assert.deepEqual(names(await backend.groupsOfUser('bob')), []);
  });

  test('nothing is written that is not allowed', async () => {
    const backend = open(admin);
    const writes: [string, () => Promise<unknown>][] = [
      ['createUser', () => backend.createUser({ id: 'x', name: 'x', enabled: true, extra: {} })],
      ['updateUser', () => backend.updateUser('alice', { extra: { email: 'x' } })],
      ['setPassword', () => backend.setPassword('alice', 'x')],
      ['deleteUser', () => backend.deleteUser('alice')],
      ['createGroup', () => backend.createGroup({ id: 'x', name: 'x', extra: {} })],
      ['updateGroup', () => backend.updateGroup('developers', { description: 'x' })],
      ['deleteGroup', () => backend.deleteGroup('developers')],
      ['addMember', () => backend.addMember('developers', 'carol')],
      ['removeMember', () => backend.removeMember('developers', 'alice')],
    ];
    for (const [name, write] of writes) await assert.rejects(write(), Forbidden, name);
    assert.equal(await backend.authenticate('alice', 'alice-secret'), true);
  });
});
