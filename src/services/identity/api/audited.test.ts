import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Settings } from '../../../platform/service/service.ts';
import type { AuditNotification } from '../contract.ts';
import type { CadfEvent } from '../model/cadf.ts';
import { type IdentityCloud, secrets, startIdentity } from '../testing/cloud.ts';
import { meaningOf } from './audited.ts';

interface Told extends AuditNotification {
  payload: CadfEvent & Record<string, unknown>;
}

/** Identity, and what it tells. */
async function listening(settings: Partial<Settings> = {}) {
  const cloud = await startIdentity({ notification_opt_out: [], ...settings });
  const told: Told[] = [];
  let woken = () => {};
  await cloud.world.bus.subscribe('audit.identity.#', ({ event, payload }) => {
    const notification = payload as Told;
    assert.equal(event, `audit.${notification.event_type}`);
    told.push(notification);
    woken();
  });
  return {
    cloud,
    told,
    /** What comes of the work, as many as are asked for, and nothing more than these. */
    async during(count: number, work: () => Promise<unknown>): Promise<Told[]> {
      told.length = 0;
      await work();
      while (told.length < count) {
        await new Promise<void>((resolve) => {
          woken = resolve;
        });
      }
      await new Promise(setImmediate);
      assert.equal(told.length, count, told.map((each) => each.event_type).join(' '));
      return [...told];
    },
    [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose](),
  };
}

const as = (cloud: IdentityCloud) => ({ as: cloud.admin });

describe('what is told for audit', () => {
  it('is who did what to what in which request, as CADF', async () => {
    await using here = await listening();
    const { cloud } = here;
    let id = '';
    let requestId: string | null = null;
    const [told] = await here.during(1, async () => {
      const answered = await cloud.request('POST', '/v3/users', {
        ...as(cloud),
        body: { user: { name: 'told', password: 'never told' } },
        headers: { 'user-agent': 'a test/1' },
      });
      id = answered.body.user.id;
      requestId = answered.headers.get('x-openstack-request-id');
    });
    assert.ok(told);
    assert.equal(told.event_type, 'identity.user.created');
    assert.equal(told.publisher_id, 'identity.host-1');
    assert.equal(told.priority, 'INFO');
    const { payload } = told;
    assert.equal(payload.typeURI, 'http://schemas.dmtf.org/cloud/audit/1.0/event');
    assert.equal(payload.eventType, 'activity');
    assert.match(payload.eventTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000$/);
    assert.equal(payload.action, 'created.user');
    assert.equal(payload.outcome, 'success');
    assert.deepEqual(payload.target, { typeURI: 'data/security/account/user', id });
    assert.equal(payload['resource_info'], id);
    assert.equal(payload.observer.typeURI, 'service/security');
    const services = await cloud.request('GET', '/v3/services?type=identity', as(cloud));
    assert.equal(payload.observer.id, services.body.services[0].id);
    const { initiator } = payload;
    const me = (await cloud.request('GET', '/v3/users?name=admin', as(cloud))).body.users[0].id;
    assert.deepEqual(
      [initiator.typeURI, initiator.id, initiator['user_id'], initiator['username'], initiator['project_id']],
      ['service/security/account/user', me, me, 'admin', cloud.adminProjectId],
    );
    assert.deepEqual(initiator['host'], { address: '127.0.0.1', agent: 'a test/1' });
    assert.equal(initiator['request_id'], requestId);
    assert.equal(JSON.stringify(told).includes('never told'), false);
  });

  it('is every write of every resource, once it is done, and none that is refused', async () => {
    await using here = await listening();
    const { cloud } = here;
    const { request } = cloud;
    const types = (all: Told[]) => all.map((each) => each.event_type);
    for (const [path, one, body, change] of [
      ['/v3/projects', 'project', { name: 'p' }, { description: 'x' }],
      ['/v3/domains', 'domain', { name: 'd', enabled: false }, { description: 'x' }],
      ['/v3/groups', 'group', { name: 'g' }, { description: 'x' }],
      ['/v3/roles', 'role', { name: 'r' }, { description: 'x' }],
      ['/v3/regions', 'region', { id: 'there' }, { description: 'x' }],
      ['/v3/services', 'service', { type: 't' }, { description: 'x' }],
    ] as const) {
      const seen = await here.during(3, async () => {
        const { id } = await cloud.make(path, one, body);
        await request('PATCH', `${path}/${id}`, { ...as(cloud), body: { [one]: change } });
        await request('GET', `${path}/${id}`, as(cloud));
        await request('PATCH', `${path}/${id}`, { as: cloud.demo, body: { [one]: change } });
        await request('DELETE', `${path}/${id}`, { as: cloud.demo });
        await request('DELETE', `${path}/${id}`, as(cloud));
        await request('DELETE', `${path}/${id}`, as(cloud));
      });
      assert.deepEqual(
        types(seen),
        ['created', 'updated', 'deleted'].map((operation) => `identity.${one}.${operation}`),
      );
      assert.equal(new Set(seen.map((each) => each.payload.target.id)).size, 1);
      assert.ok(seen.every((each) => each.payload.target.typeURI === `data/security/${one}`));
    }
  });

  it('is forgotten by no route that writes, but by those of which upstream says nothing either', async () => {
    await using cloud = await startIdentity();
    const silent = [
      /^\/v3\/auth\//,
      /^\/v3\/(ec2|s3)tokens$/,
      /\/OS-EP-FILTER\/.*\/(projects|endpoints)\/:\w+$/,
      /\/OS-ENDPOINT-POLICY\//,
      /\/roles\/:id\/implies\//,
      /\/config(\/|$)/,
      /\/protocols\/:protocol_id\/auth$/,
      /\/OS-OAUTH1\/authorize\//,
      /\/OS-OAUTH2\//,
    ];
    const writes = (cloud.world.apis.get('identity')?.routes ?? []).filter(({ method }) =>
      ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method),
    );
    assert.ok(writes.length > 80);
    const teller = { wrote() {}, assigned() {} };
    const untold = writes.filter(
      (each) => !meaningOf(each, teller) && !silent.some((pattern) => pattern.test(each.path)),
    );
    assert.deepEqual(
      untold.map(({ method, path }) => `${method} ${path}`),
      [],
    );
  });

  it('is who joins a group, what a project is tagged with, and which role is given to whom', async () => {
    await using here = await listening();
    const { cloud } = here;
    const put = (path: string) => cloud.request('PUT', path, as(cloud));
    const remove = (path: string) => cloud.request('DELETE', path, as(cloud));
    const user = await cloud.make('/v3/users', 'user', { name: 'u' });
    const group = await cloud.make('/v3/groups', 'group', { name: 'g' });
    const role = await cloud.make('/v3/roles', 'role', { name: 'r' });
    const project = cloud.demoProjectId;
    const seen = await here.during(7, async () => {
      await put(`/v3/groups/${group.id}/users/${user.id}`);
      await remove(`/v3/groups/${group.id}/users/${user.id}`);
      await put(`/v3/projects/${project}/tags/blue`);
      await put(`/v3/projects/${project}/users/${user.id}/roles/${role.id}`);
      await put(`/v3/OS-INHERIT/domains/default/groups/${group.id}/roles/${role.id}/inherited_to_projects`);
      await remove(`/v3/projects/${project}/users/${user.id}/roles/${role.id}`);
      assert.equal((await put(`/v3/projects/${project}/users/${user.id}/roles/nothing`)).status, 404);
    });
    assert.deepEqual(
      seen.map(({ event_type, payload }) => [event_type, payload.action, payload.outcome]),
      [
        ['identity.group.updated', 'updated.group', 'success'],
        ['identity.group.updated', 'updated.group', 'success'],
        ['identity.project.updated', 'updated.project', 'success'],
        ['identity.role_assignment.created', 'created.role_assignment', 'success'],
        ['identity.role_assignment.created', 'created.role_assignment', 'success'],
        ['identity.role_assignment.deleted', 'deleted.role_assignment', 'success'],
        ['identity.role_assignment.created', 'created.role_assignment', 'failure'],
      ],
    );
    const parts = (told: Told | undefined) =>
      ['project', 'domain', 'user', 'group', 'role', 'inherited_to_projects'].map(
        (each) => told?.payload[each],
      );
    assert.deepEqual(parts(seen[3]), [project, undefined, user.id, undefined, role.id, false]);
    assert.deepEqual(parts(seen[4]), [undefined, 'default', undefined, group.id, role.id, true]);
  });

  it('is every password that is tried, with the reason where it failed', async () => {
    await using here = await listening({ lockout_failure_attempts: 2 });
    const { cloud } = here;
    const user = await cloud.make('/v3/users', 'user', { name: 'u', password: 'right' });
    const seen = await here.during(6, async () => {
      await cloud.authenticate({ id: user.id, password: 'right' });
      await cloud.authenticate({ name: 'no such', domain: { id: 'default' }, password: 'x' });
      for (const password of ['wrong', 'wrong', 'right']) await cloud.authenticate({ id: user.id, password });
      await cloud.authenticate({ name: 'demo', domain: { name: 'Default' }, password: secrets.demo });
    });
    assert.ok(seen.every((each) => each.event_type === 'identity.authenticate'));
    assert.deepEqual(
      seen.map(({ payload }) => [payload.outcome, payload.initiator['user_id'], payload.reason?.reasonType]),
      [
        ['success', user.id, undefined],
        ['failure', undefined, 'Could not find user: no such.'],
        ['failure', user.id, undefined],
        ['failure', user.id, undefined],
        ['failure', user.id, `The account is locked for user: ${user.id}.`],
        ['success', seen[5]?.payload.initiator.id, undefined],
      ],
    );
    assert.equal(seen[1]?.payload.initiator['user_name'], 'no such');
    assert.equal(seen[1]?.payload.initiator['domain_id'], 'default');
    assert.equal(seen[5]?.payload.initiator['username'], 'demo');
  });

  it('is every login that an identity provider stands behind, and which', async () => {
    const secret = 'a secret that is long enough';
    await using here = await listening({ federation: { 'acme/mapped': { type: 'headers', secret } } });
    const { cloud } = here;
    const put = (path: string, body: object) =>
      cloud.request('PUT', `/v3/OS-FEDERATION/${path}`, { ...as(cloud), body });
    await put('identity_providers/acme', { identity_provider: { enabled: true } });
    const rules = [
      { local: [{ user: { name: '{0}' } }], remote: [{ type: 'HTTP_X_FEDERATION_USER' }] },
      {
        local: [{ groups: '{0}', domain: { id: 'default' } }],
        remote: [{ type: 'HTTP_X_FEDERATION_GROUPS' }],
      },
    ];
    await put('mappings/rules', { mapping: { rules } });
    await put('identity_providers/acme/protocols/mapped', { protocol: { mapping_id: 'rules' } });
    const group = await cloud.make('/v3/groups', 'group', { name: 'developers' });
    const enter = (attributes: Record<string, string>) =>
      cloud.request('GET', '/v3/OS-FEDERATION/identity_providers/acme/protocols/mapped/auth', {
        headers: { 'x-federation-secret': secret, ...attributes },
      });
    const again = (method: string, id: string) =>
      cloud.request('POST', '/v3/auth/tokens', {
        body: { auth: { identity: { methods: [method], [method]: { id } } } },
      });
    let userId = '';
    let auditId = '';
    const seen = await here.during(4, async () => {
      const entered = await enter({ 'x-federation-user': 'ann', 'x-federation-groups': 'developers' });
      assert.equal(entered.status, 201, JSON.stringify(entered.body));
      userId = entered.body.token.user.id;
      [auditId] = entered.body.token.audit_ids;
      const id = entered.headers.get('x-subject-token') as string;
      for (const method of ['token', 'mapped']) assert.equal((await again(method, id)).status, 201);
      // The rules give nobody.
      assert.equal((await enter({})).status, 401);
      await again('token', cloud.demo);
    });
    assert.deepEqual(
      seen.map(({ event_type, payload }) => [event_type, payload.action, payload.outcome]),
      ['success', 'success', 'success', 'failure'].map((outcome) => [
        'identity.authenticate',
        'authenticate',
        outcome,
      ]),
    );
    const of = {
      type: 'http://docs.oasis-open.org/security/saml/v2.0',
      identity_provider: 'acme',
      protocol: 'mapped',
    };
    const known = { ...of, user: userId, groups: [group.id] };
    const shown = { ...known, token: `${auditId.slice(0, 3)} xxxxxxxx ${auditId.slice(-3)}` };
    const unknown = { token: 'u xxxxxxxx n' };
    assert.deepEqual(
      seen.map(({ payload }) => payload.initiator['credential']),
      [{ ...known, ...unknown }, shown, shown, { ...of, ...unknown, user: 'unknown', groups: [] }],
    );
  });

  it('is why a password could not be changed', async () => {
    await using here = await listening({ unique_last_password_count: 1 });
    const { cloud } = here;
    const user = await cloud.make('/v3/users', 'user', { name: 'u', password: 'right' });
    const change = (password: string) =>
      cloud.request('POST', `/v3/users/${user.id}/password`, {
        body: { user: { original_password: 'right', password } },
      });
    const seen = await here.during(4, async () => {
      assert.equal((await change('right')).status, 400);
      assert.equal((await change('left')).status, 204);
    });
    assert.deepEqual(
      seen.map(({ event_type, payload }) => [event_type, payload.outcome, payload.reason?.reasonCode]),
      [
        ['identity.authenticate', 'success', undefined],
        ['identity.user.updated', 'failure', '400'],
        ['identity.authenticate', 'success', undefined],
        ['identity.user.updated', 'success', undefined],
      ],
    );
  });

  it('is not what was opted out of: by default that passwords were right', async () => {
    await using here = await listening({
      notification_opt_out: undefined,
    });
    const { cloud } = here;
    const [told] = await here.during(1, async () => {
      await cloud.authenticate({ name: 'demo', domain: { id: 'default' }, password: secrets.demo });
      await cloud.authenticate({ name: 'demo', domain: { id: 'default' }, password: 'wrong' });
    });
    assert.equal(told?.payload.outcome, 'failure');
  });

  it('is the id alone in the basic format', async () => {
    await using here = await listening({ notification_format: 'basic' });
    const { cloud } = here;
    const group = await cloud.make('/v3/groups', 'group', { name: 'g' });
    const user = await cloud.make('/v3/users', 'user', { name: 'u' });
    const [told] = await here.during(1, () =>
      cloud.request('PUT', `/v3/groups/${group.id}/users/${user.id}`, as(cloud)),
    );
    assert.ok(told);
    const { request_id, ...payload } = told.payload as Record<string, unknown>;
    assert.match(String(request_id), /^req-/);
    assert.deepEqual(payload, {
      resource_info: group.id,
      actor_id: user.id,
      actor_type: 'user',
      actor_operation: 'added',
    });
  });
});
