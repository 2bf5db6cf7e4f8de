import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startActiveDirectory } from '../drivers/ldap/testing/active-directory.ts';
import { inDefault, secrets, startIdentity } from '../testing/cloud.ts';

test('in a domain whose users are in a directory, names that nobody has are tried there too', async () => {
  const suffix = 'dc=corp,dc=example';
  const ann = `cn=ann,ou=Users,${suffix}`;
  await using directory = await startActiveDirectory([
    { dn: ann, objectclass: 'inetOrgPerson', cn: 'ann', sn: 'ann' },
  ]);
  await using cloud = await startIdentity({
    driver: 'ldap',
    ldap: { url: directory.url, suffix, user_id_attribute: 'cn', user_name_attribute: 'cn' },
  });
  const tried = async (name: string, password: string) => {
    const before = directory.binds.length;
    const { status } = await cloud.authenticate(inDefault(name, password));
    return { status, binds: directory.binds.slice(before).filter((dn) => dn !== '') };
  };
  assert.deepEqual(await tried('ann', 'secret'), { status: 201, binds: [ann] });
  assert.deepEqual(await tried('ann', 'wrong'), { status: 401, binds: [ann] });
  for (const password of ['wrong', 'secret']) {
    const { status, binds } = await tried('nobody', password);
    assert.deepEqual([status, binds.length], [401, 1]);
    assert.match(binds[0] ?? '', /^cn=[0-9a-f-]{36},ou=Users,/);
  }
  // Who is in the tables is not looked for in the directory.
  assert.deepEqual(await tried('admin', secrets.admin), { status: 201, binds: [] });
});
