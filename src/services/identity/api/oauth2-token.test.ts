import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

describe('OAuth 2.0 clients', () => {
  let cloud: IdentityCloud;
  let id: string;
  let secret: string;
  before(async () => {
    cloud = await startIdentity();
    const { body } = await cloud.request('GET', '/v3/users?name=demo', { as: cloud.admin });
    const made = await cloud.request('POST', `/v3/users/${body.users[0].id}/application_credentials`, {
      as: cloud.demo,
      body: { application_credential: { name: 'a-client' } },
    });
    ({ id, secret } = made.body.application_credential);
  });
  after(() => cloud[Symbol.asyncDispose]());

  const basic = (user: string, password: string) =>
    `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const ask = (authorization: string | undefined, form: string) =>
    cloud.request('POST', '/v3/OS-OAUTH2/token', {
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: form,
    });
  const grant = 'grant_type=client_credentials';

  it('get tokens for application credentials', async () => {
    const { status, body } = await ask(basic(id, secret), grant);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.token_type, 'Bearer');
    assert.equal(body.expires_in, 3600);
    const shown = await cloud.request('GET', '/v3/auth/tokens', {
      as: cloud.admin,
      headers: { 'x-subject-token': body.access_token },
    });
    assert.equal(shown.body.token.application_credential.id, id);
    assert.equal(shown.body.token.project.id, cloud.demoProjectId);
  });

  it('are told in the words of OAuth what is wrong', async () => {
    for (const [authorization, form, status, error] of [
      [undefined, grant, 401, 'invalid_client'],
      ['Bearer x', grant, 401, 'invalid_client'],
      ['Basic %%%', grant, 401, 'invalid_client'],
      [basic(id, 'wrong'), grant, 401, 'invalid_client'],
      [basic('nobody', secret), grant, 401, 'invalid_client'],
      [basic(id, secret), '', 400, 'invalid_request'],
      [basic(id, secret), 'x'.repeat(20_000), 400, 'invalid_request'],
      [basic(id, secret), 'grant_type=password', 400, 'unsupported_grant_type'],
    ] as const) {
      const answered = await ask(authorization, form);
      assert.deepEqual([answered.status, answered.body.error], [status, error], String(authorization));
      assert.equal(typeof answered.body.error_description, 'string');
      assert.equal(answered.headers.has('www-authenticate'), status === 401);
    }
  });
});
