import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityAdmin } from './contract.ts';
import { catalog, inDefault, region, secrets, startIdentity } from './testing/cloud.ts';

test('bootstrap may run at every start: it moves endpoints, and leaves the rest', async () => {
  await using cloud = await startIdentity();
  const admin = cloud.world.bus.client(identityAdmin, { host: 'host-1' });
  const everything = async () => {
    const paths = [
      'users',
      'projects',
      'domains',
      'roles',
      'role_inferences',
      'role_assignments',
      'services',
    ];
    const answers = await Promise.all(
      paths.map((path) => cloud.request('GET', `/v3/${path}`, { as: cloud.admin })),
    );
    return answers.map(({ body }) => body);
  };
  const before = await everything();
  const moved = catalog.map((each) => ({ ...each, url: each.url.replace('127.0.0.1', '127.0.0.2') }));
  const request = { adminPassword: secrets.admin, demoPassword: secrets.demo, region };
  const again = await admin.bootstrap({ ...request, endpoints: moved });
  assert.equal(again.adminProjectId, cloud.adminProjectId);
  assert.deepEqual(await everything(), before);
  const { body } = await cloud.request('GET', '/v3/endpoints', { as: cloud.admin });
  assert.equal(body.endpoints.length, 6);
  for (const { url } of body.endpoints) assert.match(url, /127\.0\.0\.2/);
});

test('a bootstrapped user has the password that bootstrap was given last', async () => {
  await using cloud = await startIdentity();
  const admin = cloud.world.bus.client(identityAdmin, { host: 'host-1' });
  await admin.bootstrap({ adminPassword: 'other', demoPassword: secrets.demo, region, endpoints: catalog });
  assert.equal((await cloud.authenticate(inDefault('admin', secrets.admin))).status, 401);
  assert.equal((await cloud.authenticate(inDefault('admin', 'other'))).status, 201);
  assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: cloud.admin })).status, 401);
  assert.equal((await cloud.request('GET', '/v3/auth/projects', { as: cloud.demo })).status, 200);
});

test('the system’s administrator, the demo user and the implied roles are there', async () => {
  await using cloud = await startIdentity();
  const system = await cloud.authenticate(inDefault('admin', secrets.admin), { system: { all: true } });
  assert.deepEqual(system.body.token.roles.map((role: { name: string }) => role.name).toSorted(), [
    'admin',
    'manager',
    'member',
    'reader',
  ]);
});
