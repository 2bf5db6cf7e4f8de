import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Route } from '../src/platform/http/route.ts';
import { type Answered, admin, startWorld, type World } from '../src/platform/service/testing/world.ts';
import { startIdentity } from '../src/services/identity/testing/cloud.ts';
import { image } from '../src/services/image/service.ts';
import { placement } from '../src/services/placement/service.ts';
import { tableOf } from './differential/run.ts';
import { isAsked, type Operation, readOperations, samePath } from './operations.ts';

type Options = Parameters<World['request']>[3];
/** Operations that answer otherwise than their like: the status, and why. */
type Otherwise = Readonly<Record<string, readonly [status: number, why: string]>>;

/** What is walked: a service whose administrator asks. */
interface Walked {
  service: string;
  start(): Promise<{
    routes: readonly Route[];
    request(method: string, path: string, options: Options): Promise<Answered>;
    /** Who may do everything. */
    admin: NonNullable<Options>['as'];
    close(): Promise<void>;
  }>;
  /** Documented operations that the service does not have yet. What is built is taken out; nothing is put in. */
  notYet: readonly string[];
  /** Operations that nothing is compared of, and why. */
  uncompared: Readonly<Record<string, string>>;
  /** Where the answer is something else than 404 though nothing has the ids. */
  missingIsElse: Otherwise;
  /** Where the answer is something else than 400 though the body is no object. */
  listIsElse: Otherwise;
}

const alone =
  (definition: typeof image, who: NonNullable<Options>['as']): Walked['start'] =>
  async () => {
    const world = await startWorld([definition]);
    return {
      routes: world.apis.get(definition.name)?.routes ?? [],
      request: (method, path, options) => world.request(definition.name, method, path, options),
      admin: who,
      close: () => world[Symbol.asyncDispose](),
    };
  };

const identityWalk: Walked = {
  service: 'identity',
  async start() {
    const cloud = await startIdentity();
    return {
      routes: cloud.world.apis.get('identity')?.routes ?? [],
      request: (method, path, options) => cloud.world.request('identity', method, path, options),
      admin: cloud.admin,
      close: () => cloud[Symbol.asyncDispose](),
    };
  },
  notYet: [],
  uncompared: {},
  missingIsElse: {
    'GET /v3/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects': [200, 'nothing looks for the group'],
    'GET /v3/OS-FEDERATION/identity_providers/{id}/protocols': [200, 'nothing looks for the provider'],
    'GET /v3/auth/OS-FEDERATION/websso/{protocol_id}': [401, 'nobody is connected by it'],
    'GET /v3/domains/config/{group}/default': [403, 'there is no such group of options'],
    'GET /v3/domains/config/{group}/{option}/default': [403, 'there is no such group of options'],
    'GET /v3/domains/{domain_id}/config/{group}': [403, 'there is no such group of options'],
    'GET /v3/domains/{domain_id}/config/{group}/{option}': [403, 'there is no such group of options'],
    'GET /v3/users/{user_id}/access_rules': [403, 'a user’s own, whoever asks'],
    'GET /v3/users/{user_id}/access_rules/{access_rule_id}': [403, 'a user’s own, whoever asks'],
    'DELETE /v3/users/{user_id}/access_rules/{access_rule_id}': [403, 'a user’s own, whoever asks'],
    'GET /v3/users/{user_id}/OS-OAUTH1/access_tokens': [200, 'nothing looks for the user'],
    'GET /v3/users/{user_id}/application_credentials': [200, 'nothing looks for the user'],
  },
  listIsElse: {},
};

const imageWalk: Walked = {
  service: 'image',
  start: alone(image, admin),
  notYet: [],
  uncompared: {
    'POST /v2/images/{image_id}/locations': 'Zed does not have it',
    'DELETE /v2/metadefs/namespaces/{namespace_name}/objects': 'the table asks for one at a time',
    'DELETE /v2/metadefs/namespaces/{namespace_name}/properties': 'the table asks for one at a time',
  },
  missingIsElse: {
    'DELETE /v2/stores/{store_id}/{image_id}': [409, 'there is no such store'],
  },
  listIsElse: {
    'POST /v2/cache/clean': [200, 'no body is wanted'],
    'POST /v2/cache/prune': [200, 'no body is wanted'],
    'PUT /v2/cache/{image_id}': [404, 'no body is wanted'],
    'PATCH /v2/images/{image_id}': [415, 'a patch says which kind of patch it is'],
    'POST /v2/images/{image_id}/actions/deactivate': [404, 'no body is wanted'],
    'POST /v2/images/{image_id}/actions/reactivate': [404, 'no body is wanted'],
    'PUT /v2/images/{image_id}/file': [404, 'any bytes are good, were there an image'],
    'PUT /v2/images/{image_id}/stage': [404, 'any bytes are good, were there an image'],
    'PUT /v2/images/{image_id}/tags/{tag}': [404, 'no body is wanted'],
    'POST /v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}': [404, 'no body is wanted'],
  },
};

const placementWalk: Walked = {
  service: 'placement',
  start: alone(placement, { ...admin, roles: [...(admin.roles ?? []), 'service'] }),
  notYet: [],
  uncompared: {
    'GET /resource_classes': 'it lists what every release has more of',
  },
  missingIsElse: {
    'GET /allocations/{consumer_uuid}': [200, 'a consumer that nobody knows has nothing'],
  },
  listIsElse: {
    'PUT /resource_providers/{uuid}': [404, 'the provider is looked for first'],
    'PUT /resource_providers/{uuid}/aggregates': [404, 'the provider is looked for first'],
    'PUT /resource_providers/{uuid}/inventories': [404, 'the provider is looked for first'],
    'PUT /resource_providers/{uuid}/inventories/{resource_class}': [404, 'the provider is looked for first'],
  },
};

const named = ({ method, path }: Operation): string => `${method} ${path}`;

for (const { service, start, notYet, uncompared, missingIsElse, listIsElse } of [
  identityWalk,
  imageWalk,
  placementWalk,
]) {
  const all = readOperations(service);
  const answered = all.filter((one) => one.unanswered === undefined);
  const { rows, nowhere, headers } = tableOf(service);

  describe(`the documented operations of ${service}`, () => {
    let running: Awaited<ReturnType<Walked['start']>>;
    before(async () => {
      running = await start();
    });
    after(() => running.close());

    const routeOf = ({ method, path }: Operation): Route | undefined =>
      running.routes.find((route) => route.method === method && samePath(route.path, path)) ??
      (method === 'HEAD' ? routeOf({ method: 'GET', path }) : undefined);
    const there = (): Operation[] => answered.filter((one) => routeOf(one) !== undefined);
    const ask = (one: Operation, as?: NonNullable<Options>['as'], body?: unknown) =>
      running.request(one.method, one.path.replaceAll(/\{\w+\}/g, nowhere), {
        ...(as ? { as } : {}),
        ...(body === undefined ? {} : { body }),
        ...(headers ? { headers } : {}),
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
    const unless = (otherwise: Otherwise, one: Operation, usual: number, status: number) => {
      const [expected] = otherwise[named(one)] ?? [usual];
      return status === expected ? undefined : `${status}, not ${expected}`;
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
      const not = answered.filter(
        ({ method, path }) =>
          !rows.some((row) => {
            const [asked, askedPath = ''] = row.ask.split(/ (.*)/s);
            return asked === method && isAsked(path, askedPath);
          }),
      );
      assert.deepEqual(not.map(named).toSorted(), Object.keys(uncompared).toSorted());
    });

    test('want a token, but for those that are anybody’s', async () => {
      const guarded = there().filter((one) => !routeOf(one)?.public);
      const wrong = await unlike(guarded, async (one) => {
        const { status, headers: said } = await ask(one);
        if (status !== 401) return String(status);
        return said.get('www-authenticate')?.startsWith('Keystone uri="http') ? undefined : 'no challenge';
      });
      assert.deepEqual(wrong, []);
    });

    test('refuse a body that is no object', async () => {
      const writing = there().filter(({ method }) => ['POST', 'PUT', 'PATCH'].includes(method));
      const wrong = await unlike(writing, async (one) => {
        const { status } = await ask(one, running.admin, [1]);
        return unless(listIsElse, one, 400, status);
      });
      assert.deepEqual(wrong, []);
    });

    test('say of ids that nothing has that they are not found', async () => {
      const looking = there().filter(
        ({ method, path }) => path.includes('{') && ['GET', 'HEAD', 'DELETE'].includes(method),
      );
      const wrong = await unlike(looking, async (one) => {
        const { status } = await ask(one, running.admin);
        return unless(missingIsElse, one, 404, status);
      });
      assert.deepEqual(wrong, []);
    });
  });
}
