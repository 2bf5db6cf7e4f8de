import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { inDefault, secrets, startIdentity } from '../testing/cloud.ts';

const cloud = await startIdentity();
after(() => cloud[Symbol.asyncDispose]());

describe('revocation events', () => {
  const list = (query = '', as = cloud.admin) => cloud.request('GET', `/v3/OS-REVOKE/events${query}`, { as });

  it('say which tokens are no longer good', async () => {
    const token = await cloud.login(inDefault('demo', secrets.demo));
    const shown = await cloud.request('GET', '/v3/auth/tokens', {
      as: cloud.admin,
      headers: { 'x-subject-token': token },
    });
    const [auditId] = shown.body.token.audit_ids;
    await cloud.request('DELETE', '/v3/auth/tokens', {
      as: cloud.admin,
      headers: { 'x-subject-token': token },
    });
    const { body } = await list();
    const event = body.events.find((each: { audit_id?: string }) => each.audit_id === auditId);
    assert.deepEqual(Object.keys(event).sort(), ['audit_id', 'issued_before', 'revoked_at']);
    assert.match(event.issued_before, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    assert.deepEqual((await list('?since=2099-01-01T00:00:00Z')).body.events, []);
    assert.equal((await list(`?since=${event.issued_before}`)).body.events.length > 0, true);
    assert.equal((await list('?since=yesterday')).status, 400);
    assert.equal((await list('', cloud.demo)).status, 403);
  });
});

describe('what was there for signed tokens', () => {
  it('is gone, and says so to anybody', async () => {
    for (const path of ['ca', 'certificates']) {
      assert.equal((await cloud.request('GET', `/v3/OS-SIMPLE-CERT/${path}`)).status, 410);
    }
    assert.equal(
      (await cloud.request('GET', '/v3/auth/tokens/OS-PKI/revoked', { as: cloud.admin })).status,
      403,
    );
  });
});
