import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Route } from '../src/platform/http/route.ts';
import { type IdentityCloud, startIdentity } from '../src/services/identity/testing/cloud.ts';
import { tableOf } from './differential/run.ts';
import { isAsked, type Operation, readOperations, samePath } from './operations.ts';

const nothing = 'f'.repeat(32);
const all = readOperations('identity');
const answered = all.filter((one) => one.unanswered === undefined);
const named = ({ method, path }: Operation): string => `${method} ${path}`;

/** Documented operations that identity does not have yet. What is built is taken out; nothing is put in. */
const notYet: readonly string[] = [];

/** Where the answer is something else than 404 though nothing has the ids: the status, and why. */
const missingIsElse: Readonly<Record<string, readonly [status: number, why: string]>> = {
  'GET /v3/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects': [200, 'nothing looks for the group'],
  'GET /v3/OS-FEDERATION/identity_providers/{id}/protocols': [200, 'nothing looks for the provider'],
  'GET /v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/auth': [401, 'no assertion'],
  'GET /v3/auth/OS-FEDERATION/websso/{protocol_id}': [400, 'no origin'],
  'GET /v3/domains/config/{group}/default': [403, 'there is no such group of options'],
  'GET /v3/domains/config/{group}/{option}/default': [403, 'there is no such group of options'],
  'GET /v3/domains/{domain_id}/config/{group}': [403, 'there is no such group of options'],
  'GET /v3/domains/{domain_id}/config/{group}/{option}': [403, 'there is no such group of options'],
  'GET /v3/users/{user_id}/access_rules': [403, 'a user’s own, whoever asks'],
  'GET /v3/users/{user_id}/access_rules/{access_rule_id}': [403, 'a user’s own, whoever asks'],
  'DELETE /v3/users/{user_id}/access_rules/{access_rule_id}': [403, 'a user’s own, whoever asks'],
  'GET /v3/users/{user_id}/OS-OAUTH1/access_tokens': [200, 'nothing looks for the user'],
  'GET /v3/users/{user_id}/application_credentials': [200, 'nothing looks for the user'],
};

describe('the documented operations of identity', () => {
  let cloud: IdentityCloud;
  let routes: readonly Route[] = [];
  before(async () => {
    cloud = await startIdentity();
    routes = cloud.world.apis.get('identity')?.routes ?? [];
  });
  after(() => cloud[Symbol.asyncDispose]());

  const routeOf = ({ method, path }: Operation): Route | undefined =>
    routes.find((route) => route.method === method && samePath(route.path, path)) ??
    (method === 'HEAD' ? routeOf({ method: 'GET', path }) : undefined);
  const there = (): Operation[] => answered.filter((one) => routeOf(one) !== undefined);
  const ask = (one: Operation, as?: string, body?: unknown) =>
    cloud.request(one.method, one.path.replaceAll(/\{\w+\}/g, nothing), {
      ...(as ? { as } : {}),
      ...(body === undefined ? {} : { body }),
    });
  /** What each operation answered otherwise than it should, all at once: one failure would hide the others. */
  const unlike = async (
    operations: readonly Operation[],
    right: (one: Operation) => Promise<string | undefined>,
  ): Promise<string[]> => {
    const wrong: string[] = [];
    for (const one of operations) {
      const said = await right(one);
      if (said !== undefined) wrong.push(`${named(one)}: ${said}`);
    }
    return wrong;
  };

  test('are all there but those that are known to be missing', () => {
    const missing = answered.filter((one) => routeOf(one) === undefined).map(named);
    assert.deepEqual(missing, notYet);
  });

  test('that upstream does not answer are not answered here either', () => {
    const odd = all.filter((one) => one.unanswered !== undefined && routeOf(one) !== undefined);
    assert.deepEqual(odd.map(named), []);
  });

  test('are all compared with upstream', () => {
    const { rows } = tableOf('identity');
    const uncompared = answered.filter(
      ({ method, path }) =>
        !rows.some((row) => {
          const [asked, askedPath = ''] = row.ask.split(/ (.*)/s);
          return asked === method && isAsked(path, askedPath);
        }),
    );
    assert.deepEqual(uncompared.map(named), []);
  });

  test('want a token, but for those that are anybody’s', async () => {
    const guarded = there().filter((one) => !routeOf(one)?.public);
    const wrong = await unlike(guarded, async (one) => {
      const { status, headers } = await ask(one);
      if (status !== 401) return String(status);
      return headers.get('www-authenticate')?.startsWith('Keystone uri="http') ? undefined : 'no challenge';
    });
    assert.deepEqual(wrong, []);
  });

  test('refuse a body that is no object', async () => {
    const writing = there().filter(({ method }) => ['POST', 'PUT', 'PATCH'].includes(method));
    const wrong = await unlike(writing, async (one) => {
      const { status } = await ask(one, cloud.admin, [1]);
      return status === 400 ? undefined : String(status);
    });
    assert.deepEqual(wrong, []);
  });

  test('say of ids that nothing has that they are not found', async () => {
    const looking = there().filter(
      ({ method, path }) => path.includes('{') && ['GET', 'HEAD', 'DELETE'].includes(method),
    );
    const wrong = await unlike(looking, async (one) => {
      const { status } = await ask(one, cloud.admin);
      const [expected] = missingIsElse[named(one)] ?? [404];
      return status === expected ? undefined : `${status}, not ${expected}`;
    });
    assert.deepEqual(wrong, []);
  });
});
