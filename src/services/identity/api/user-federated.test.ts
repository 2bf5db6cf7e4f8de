import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

describe('users whom identity providers know', () => {
  let cloud: IdentityCloud;
  const secret = 'a secret that is long enough';

  before(async () => {
    cloud = await startIdentity({ federation: { 'acme/mapped': { type: 'headers', secret } } });
    const rules = [
      { local: [{ user: { name: 'Same', id: '{0}' } }], remote: [{ type: 'x-federation-user' }] },
    ];
    for (const [path, body] of [
      ['identity_providers/acme', { identity_provider: { enabled: true } }],
      ['mappings/m', { mapping: { rules } }],
      ['identity_providers/acme/protocols/mapped', { protocol: { mapping_id: 'm' } }],
    ] as const) {
      await cloud.request('PUT', `/v3/OS-FEDERATION/${path}`, { as: cloud.admin, body });
    }
  });
  after(() => cloud[Symbol.asyncDispose]());

  const enter = async (user: string) =>
    (
      await cloud.request('GET', '/v3/OS-FEDERATION/identity_providers/acme/protocols/mapped/auth', {
        headers: { 'x-federation-secret': secret, 'x-federation-user': user },
      })
    ).body.token.user;
  const get = (path: string) => cloud.request('GET', `/v3/users${path}`, { as: cloud.admin });
  const link = (unique_id: string, idp_id = 'acme', protocol_id = 'mapped') => [
    { idp_id, protocols: [{ protocol_id, unique_id }] },
  ];

  it('are listed by the names that these give them, two of one name if it must be', async () => {
    const [one, two] = [await enter('one'), await enter('two')];
    assert.notEqual(one.id, two.id);
    const { users } = (await get(`?domain_id=${one.domain.id}`)).body;
    assert.deepEqual(
      users.map((each: { name: string }) => each.name),
      ['Same', 'Same'],
    );
    const shown = (await get(`/${one.id}`)).body.user;
    assert.equal(shown.name, 'Same');
    assert.deepEqual(shown.federated, link('one'));
  });

  it('are found by provider, protocol and unique id', async () => {
    const three = await enter('three');
    const found = async (query: string) =>
      (await get(query)).body.users.map((each: { id: string }) => each.id) as string[];
    assert.deepEqual(await found('?unique_id=three'), [three.id]);
    assert.deepEqual(await found('?idp_id=acme&protocol_id=mapped&unique_id=three'), [three.id]);
    assert.deepEqual(await found('?idp_id=other&unique_id=three'), []);
    assert.ok((await found('?idp_id=acme')).includes(three.id));
  });

  it('can be made before they come, and are then those who come', async () => {
    const made = await cloud.make('/v3/users', 'user', { name: 'expected', federated: link('later') });
    const come = await enter('later');
    assert.equal(come.id, made.id);
    assert.equal(come.name, 'expected');
    assert.equal(come.domain.id, 'default');
    const update = { user: { federated: link('other') } };
    const changed = await cloud.request('PATCH', `/v3/users/${made.id}`, { as: cloud.admin, body: update });
    assert.deepEqual(changed.body.user.federated, link('other'));
    assert.notEqual((await enter('later')).id, made.id);
    assert.equal((await enter('other')).id, made.id);
  });

  it('are not made by providers that are not there, or by what somebody else is called', async () => {
    await enter('taken');
    for (const [federated, status] of [
      [link('x', 'absent'), 400],
      [link('x', 'acme', 'absent'), 400],
      [[{ idp_id: 'acme', protocols: [] }], 400],
      [[{ idp_id: 'acme' }], 400],
      ['acme', 400],
      [link('taken'), 409],
    ] as const) {
      const user = { name: 'refused', federated };
      const answered = await cloud.request('POST', '/v3/users', { as: cloud.admin, body: { user } });
      assert.equal(answered.status, status, JSON.stringify(federated));
    }
    assert.deepEqual((await get('?name=refused')).body.users, []);
  });
});
