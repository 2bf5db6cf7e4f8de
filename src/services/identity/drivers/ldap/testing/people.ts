import { suffix } from './slapd.ts';

export const usersTree = `ou=Users,${suffix}`;
export const groupsTree = `ou=UserGroups,${suffix}`;

/** A person as OpenLDAP's users mostly are: `uid` is the id, `cn` the name. */
export const person = (
  uid: string,
  {
    name = uid,
    password = `${uid}-secret`,
    more = [],
  }: { name?: string; password?: string; more?: string[] } = {},
): string =>
  [
    `dn: uid=${uid},${usersTree}`,
    'objectClass: inetOrgPerson',
    `uid: ${uid}`,
    `cn: ${name}`,
    `sn: ${name}`,
    `mail: ${uid}@example.org`,
    `userPassword: ${password}`,
    ...more,
    '',
    '',
  ].join('\n');

export const group = (cn: string, members: readonly string[], more: readonly string[] = []): string =>
  [
    `dn: cn=${cn},${groupsTree}`,
    'objectClass: groupOfNames',
    `cn: ${cn}`,
    ...members.map((uid) => `member: uid=${uid},${usersTree}`),
    ...more,
    '',
    '',
  ].join('\n');

export const trees = [
  `dn: ${usersTree}\nobjectClass: organizationalUnit\nou: Users\n\n`,
  `dn: ${groupsTree}\nobjectClass: organizationalUnit\nou: UserGroups\n\n`,
].join('');

/** Alice, Bob and Carol; Alice and Bob are developers, Carol and one who has left are operators. */
export const company = [
  trees,
  person('alice', { name: 'Alice Example', more: ['description: writes'] }),
  person('bob', { name: 'Bob' }),
  person('carol', { name: 'Carol', more: ['employeeType: FALSE'] }),
  group('developers', ['alice', 'bob'], ['description: who write']),
  group('operators', ['carol', 'gone']),
].join('');

/** The options that fit it. */
export const companyOptions = {
  suffix,
  user_id_attribute: 'uid',
  user_name_attribute: 'cn',
  group_name_attribute: 'cn',
};
