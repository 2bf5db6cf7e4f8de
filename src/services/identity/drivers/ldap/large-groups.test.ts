import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ServiceUnavailable } from '../../../../platform/errors/errors.ts';
import { LdapBackend } from './backend.ts';
import { type DirectoryEntry, startActiveDirectory } from './testing/active-directory.ts';

const suffix = 'dc=corp,dc=example';
const dnOf = (name: string, unit = 'Users') => `cn=${name},ou=${unit},${suffix}`;
const user = (name: string): DirectoryEntry => ({
  dn: dnOf(name),
  objectclass: ['person', 'user'],
  cn: name,
  samaccountname: name,
});
const group = (name: string, member: readonly string[]): DirectoryEntry => ({
  dn: dnOf(name, 'Groups'),
  objectclass: 'group',
  cn: name,
  samaccountname: name,
  member,
});
const options = {
  suffix,
  user_tree_dn: `ou=Users,${suffix}`,
  group_tree_dn: `ou=Groups,${suffix}`,
  user_objectclass: 'person',
  user_id_attribute: 'sAMAccountName',
  user_name_attribute: 'sAMAccountName',
  group_objectclass: 'group',
  group_id_attribute: 'sAMAccountName',
  group_name_attribute: 'sAMAccountName',
};
const names = (all: { name: string }[]) => all.map((each) => each.name).toSorted();

describe('a group of Active Directory with more members than it tells at once', () => {
  const people = Array.from({ length: 250 }, (_, at) => `user${String(at).padStart(3, '0')}`);
  const entries = (members: readonly string[]) => [
    ...people.map(user),
    group(
      'large',
      members.map((each) => dnOf(each)),
    ),
  ];

  for (const count of [0, 1, 99, 100, 101, 200, 250]) {
    test(`is whole with ${count}`, async () => {
      await using directory = await startActiveDirectory(entries(people.slice(0, count)), 100);
      const backend = new LdapBackend({ ...options, url: directory.url });
      try {
        assert.deepEqual(names(await backend.usersOfGroup('large')), people.slice(0, count));
      } finally {
        backend.close();
      }
    });
  }

  test('is asked for range by range', async () => {
    await using directory = await startActiveDirectory(entries(people), 100);
    const backend = new LdapBackend({ ...options, url: directory.url });
    try {
      await backend.usersOfGroup('large');
      const asked = directory.asked.filter(({ base }) => base === dnOf('large', 'Groups'));
      assert.deepEqual(
        asked.map(({ attributes }) => attributes),
        [['member'], ['member;range=100-*'], ['member;range=200-*']],
      );
    } finally {
      backend.close();
    }
  });

  test('says who of many users is enabled, where that is by being in it', async () => {
    await using directory = await startActiveDirectory(entries(people.slice(0, 150)), 100);
    const backend = new LdapBackend({
      ...options,
      url: directory.url,
      user_enabled_emulation: true,
      user_enabled_emulation_dn: dnOf('large', 'Groups'),
    });
    try {
      const enabled = (await backend.users({})).filter((each) => each.enabled);
      assert.deepEqual(names(enabled), people.slice(0, 150));
    } finally {
      backend.close();
    }
  });

  const odd: [string, Record<string, string[]>][] = [
    ['begin elsewhere', { 'member;range=5-9': ['a', 'b', 'c', 'd', 'e'] }],
    ['have fewer values than they say', { 'member;range=0-9': ['a'] }],
    ['are empty', { 'member;range=0-0': [] }],
    ['begin anew', { 'member;range=0-0': ['a'] }],
  ];
  for (const [title, attributes] of odd) {
    test(`is nobody’s where ranges ${title}, and is not asked for ever`, async () => {
      await using directory = await startActiveDirectory(entries([]), 100);
      const backend = new LdapBackend({ ...options, url: directory.url });
      try {
        directory.answerOddly((asked) =>
          asked.some((each) => each.startsWith('member'))
            ? [{ dn: dnOf('large', 'Groups'), ...attributes }]
            : [group('large', [])],
        );
        await assert.rejects(backend.usersOfGroup('large'), ServiceUnavailable);
      } finally {
        backend.close();
      }
    });
  }
});

describe('groups in groups, as Active Directory nests them', () => {
  const entries = [
    user('ann'),
    user('bob'),
    user('eve'),
    group('staff', [dnOf('engineers', 'Groups'), dnOf('bob')]),
    group('engineers', [dnOf('ann'), dnOf('inner (1)', 'Groups')]),
    // Groups may be in each other.
    group('inner (1)', [dnOf('staff', 'Groups')]),
  ];

  test('are followed by its matching rule, both ways', async () => {
    await using directory = await startActiveDirectory(entries);
    const backend = new LdapBackend({ ...options, url: directory.url, group_ad_nesting: true });
    try {
      assert.deepEqual(names(await backend.groupsOfUser('ann')), ['engineers', 'inner (1)', 'staff']);
      assert.deepEqual(names(await backend.groupsOfUser('eve')), []);
      assert.deepEqual(names(await backend.usersOfGroup('staff')), ['ann', 'bob']);
      const filters = directory.asked.map(({ filter }) => filter);
      const rule = ':1.2.840.113556.1.4.1941:=';
      assert.ok(
        filters.some((each) => each.includes(`(member${rule}${dnOf('ann')})`)),
        filters.join('\n'),
      );
      assert.ok(filters.some((each) => each.includes(`(memberOf${rule}${dnOf('staff', 'Groups')})`)));
    } finally {
      backend.close();
    }
  });

  test('are not, without the option', async () => {
    await using directory = await startActiveDirectory(entries);
    const backend = new LdapBackend({ ...options, url: directory.url });
    try {
      assert.deepEqual(names(await backend.groupsOfUser('ann')), ['engineers']);
      assert.deepEqual(names(await backend.usersOfGroup('staff')), ['bob']);
    } finally {
      backend.close();
    }
  });
});

describe('a password of nobody', () => {
  test('takes the directory as many questions as that of somebody, and is tried on nobody’s account', async () => {
    await using directory = await startActiveDirectory([user('ann')]);
    const backend = new LdapBackend({ ...options, url: directory.url });
    const cost = async (id: string) => {
      const before = [directory.asked.length, directory.binds.length];
      const right = await backend.authenticate(id, 'wrong');
      return [right, directory.asked.length - (before[0] ?? 0), directory.binds.length - (before[1] ?? 0)];
    };
    try {
      // Opens what is kept open.
      assert.equal(await backend.authenticate('ann', 'secret'), true);
      assert.deepEqual(await cost('nobody'), await cost('ann'));
      assert.match(directory.binds.at(-2) ?? '', /^sAMAccountName=[0-9a-f-]{36},ou=Users,/);
      assert.equal(directory.binds.at(-1), dnOf('ann'));
    } finally {
      backend.close();
    }
  });
});
