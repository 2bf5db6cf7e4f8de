import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LdapBackend } from './backend.ts';
import { companyOptions, person, trees, usersTree } from './testing/people.ts';
import { manager, missingSlapd, type Slapd, startSlapd } from './testing/slapd.ts';

const skip = missingSlapd() ?? false;
const admin = { user: manager.dn, password: manager.password };

describe('whether users are enabled', { skip }, () => {
  let slapd: Slapd;
  const opened: LdapBackend[] = [];
  const open = (options: Record<string, unknown>): LdapBackend => {
    const backend = new LdapBackend({ url: slapd.url, ...companyOptions, ...admin, ...options });
    opened.push(backend);
    return backend;
  };
  const enabledOf = async (backend: LdapBackend) => {
    const users = await backend.users({});
    for (const { id, enabled } of users) assert.equal((await backend.user(id))?.enabled, enabled, id);
    return users
      .filter(({ enabled }) => enabled)
      .map(({ id }) => id)
      .toSorted();
  };

  before(async () => {
    slapd = await startSlapd({
      ldif: [
        trees,
        person('plain'),
        person('yes', { more: ['employeeType: TRUE', 'employeeNumber: 512'] }),
        person('no', { more: ['employeeType: false', 'employeeNumber: 514'] }),
      ].join(''),
    });
  });
  after(async () => {
    for (const each of opened) each.close();
    await slapd[Symbol.asyncDispose]();
  });

  test('by an attribute, or its opposite, or without one', async () => {
    assert.deepEqual(await enabledOf(open({})), ['no', 'plain', 'yes']);
    const attribute = { user_enabled_attribute: 'employeeType' };
    assert.deepEqual(await enabledOf(open(attribute)), ['plain', 'yes']);
    assert.deepEqual(await enabledOf(open({ ...attribute, user_enabled_default: 'False' })), ['yes']);
    const inverted = { ...attribute, user_enabled_invert: true, user_enabled_default: false };
    assert.deepEqual(await enabledOf(open(inverted)), ['no', 'plain']);
    assert.deepEqual(await enabledOf(open({ ...attribute, user_attribute_ignore: 'enabled' })), [
      'no',
      'plain',
      'yes',
    ]);
  });

  test('by a bit of a number, as Active Directory has it', async () => {
    const mask = {
      user_enabled_attribute: 'employeeNumber',
      user_enabled_mask: 2,
      user_enabled_default: 512,
    };
    assert.deepEqual(await enabledOf(open(mask)), ['plain', 'yes']);
    const backend = open({ ...mask, user_allow_update: true });
    await backend.updateUser('yes', { enabled: false });
    await backend.updateUser('no', { enabled: true });
    assert.deepEqual((await slapd.entry(`uid=yes,${usersTree}`))?.['employeeNumber'], ['514']);
    assert.deepEqual((await slapd.entry(`uid=no,${usersTree}`))?.['employeeNumber'], ['512']);
  });

  test('by a group, which comes with its first member and goes with its last', async () => {
    const backend = open({ user_enabled_emulation: true, user_allow_update: true, user_allow_delete: true });
    assert.deepEqual(await enabledOf(backend), []);
    await backend.updateUser('yes', { enabled: true });
    await backend.updateUser('yes', { enabled: true });
    await backend.updateUser('no', { enabled: true });
    assert.deepEqual(await enabledOf(backend), ['no', 'yes']);
    await backend.updateUser('no', { enabled: false });
    await backend.updateUser('no', { enabled: false });
    assert.deepEqual(await enabledOf(backend), ['yes']);
    await backend.deleteUser('yes');
    assert.equal(await slapd.entry(`cn=enabled_users,${usersTree}`), undefined);
  });
});
