import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LdapBackend } from './backend.ts';
import { trees, usersTree } from './testing/people.ts';
import { manager, missingSlapd, startSlapd, suffix } from './testing/slapd.ts';

/** What of Active Directory's schema is needed; that of OpenLDAP has no rule to compare GUIDs by. */
const schema = `
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP person STRUCTURAL
  MAY ( objectGUID $ userAccountControl $ sAMAccountName ) )
`;

/** As Active Directory keeps a user. */
const account = (name: string, control: number, guid: string): string =>
  [
    `dn: cn=${name},${usersTree}`,
    'objectClass: user',
    `cn: ${name}`,
    `sn: ${name}`,
    `sAMAccountName: ${name.toLowerCase()}`,
    `userAccountControl: ${control}`,
    `objectGUID:: ${Buffer.from(guid, 'hex').toString('base64')}`,
    '',
    '',
  ].join('\n');

describe('the users of Active Directory', { skip: missingSlapd() ?? false }, () => {
  test('are known by their GUIDs, as its own tools write them, and enabled by a bit', async () => {
    await using slapd = await startSlapd({
      global: schema,
      ldif: [
        trees,
        account('Alice', 512, '00112233445566778899aabbccddeeff'),
        // Bytes that are text by chance are a GUID all the same.
        account('Bob', 514, Buffer.from('abcdefghijklmnop').toString('hex')),
      ].join(''),
    });
    const backend = new LdapBackend({
      url: slapd.url,
      user: manager.dn,
      password: manager.password,
      suffix,
      user_objectclass: 'user',
      user_id_attribute: 'objectGUID',
      user_name_attribute: 'sAMAccountName',
      user_enabled_attribute: 'userAccountControl',
      user_enabled_mask: 2,
      user_enabled_default: 512,
    });
    try {
      const users = await backend.users({});
      assert.deepEqual(
        users
          .map(({ id, name, enabled }) => ({ id, name, enabled }))
          .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        [
          { id: '33221100-5544-7766-8899-aabbccddeeff', name: 'alice', enabled: true },
          { id: '64636261-6665-6867-696a-6b6c6d6e6f70', name: 'bob', enabled: false },
        ],
      );
      for (const { id, name } of users) assert.equal((await backend.user(id))?.name, name);
      assert.equal((await backend.usersById(users.map(({ id }) => id))).length, 2);
      assert.equal(await backend.user('33221100-5544-7766-8899-aabbccddee00'), undefined);
      assert.equal(await backend.user('abcdefghijklmnop'), undefined);
    } finally {
      backend.close();
    }
  });
});
