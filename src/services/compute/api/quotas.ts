import { Type } from 'typebox';
import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route, type VersionedSchema } from '../../../platform/http/route.ts';
import type { Compute } from '../compute.ts';
import { type QuotaLimits, type QuotaResource, quotaResources } from '../model/quotas.ts';
import {
  defaultLimits,
  defaultProject,
  ownLimits,
  quotaLimits,
  quotaUsage,
  serverGroupCount,
} from '../store/quota-claims.ts';
import { forgetLimits, givenToUsers, setLimits } from '../store/quota-limits.ts';
import { LooseBoolean, maxInteger, toBoolean, toInteger, wrapped } from './parameter-types.ts';
import { projectCheck } from './projects.ts';
import { assertQuery } from './query.ts';

const Limit = Type.Unsafe<number | string>({
  type: ['integer', 'string'],
  pattern: '^-?[0-9]{1,10}$',
  minimum: -1,
  maximum: maxInteger,
});
type Shown = { network: boolean; injection: boolean };
type Given = Partial<Record<QuotaResource | 'force', number | string | boolean>>;

const setSchema = (wrapper: string, shown: Shown, force: boolean) =>
  wrapped(
    wrapper,
    Type.Object(
      {
        ...Object.fromEntries(quotaResources(shown).map((each) => [each, Type.Optional(Limit)])),
        ...(force ? { force: Type.Optional(LooseBoolean) } : {}),
      },
      { additionalProperties: false },
    ),
  );
const everything = { network: true, injection: true };
const ofServers = { network: false, injection: true };
const least = { network: false, injection: false };

const UpdateSet: VersionedSchema = [
  ['2.1', setSchema('quota_set', everything, true)],
  ['2.36', setSchema('quota_set', ofServers, true)],
  ['2.57', setSchema('quota_set', least, true)],
];
const UpdateClass: VersionedSchema = [
  ['2.1', setSchema('quota_class_set', everything, false)],
  ['2.50', setSchema('quota_class_set', ofServers, false)],
  ['2.57', setSchema('quota_class_set', least, false)],
];

/** The limits that a request sets, as numbers. @throws BadRequest for numbers out of bounds that came as text */
function limitsOf(given: Given): Partial<QuotaLimits> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      if (name === 'force') return [];
      const limit = value === '-1' ? -1 : toInteger(value);
      if (typeof limit !== 'number' || limit < -1 || limit > maxInteger) {
        throw new BadRequest(`Invalid input for field/attribute ${name}. Value: ${String(value)}.`);
      }
      return [[name, limit]];
    }),
  );
}

const pick = (limits: QuotaLimits, shown: Shown) =>
  Object.fromEntries(quotaResources(shown).map((each) => [each, limits[each]]));

const atMost = (limit: number): number => (limit === -1 ? Number.POSITIVE_INFINITY : limit);

const rule = (verb: string): string => `os_compute_api:os-quota-sets:${verb}`;

/** What projects, and users within them, may have. */
export function quotaRoutes(compute: Compute): Route[] {
  const { store } = compute;
  const assertProject = projectCheck(compute);

  const shownAt = (call: Call): Shown => ({ network: !call.since('2.36'), injection: !call.since('2.57') });

  /** The project and the user that a request is about, once policy lets the caller ask. */
  async function subject(call: Call, verb: string): Promise<{ id: string; userId: string | undefined }> {
    const id = call.params['id'] as string;
    call.enforce(rule(verb), { project_id: id });
    assertQuery(call, ['user_id']);
    if (verb !== 'delete') await assertProject(call, id);
    return { id, userId: call.queryValues('user_id')[0] || undefined };
  }

  async function usageOf(id: string, userId?: string): Promise<Partial<Record<QuotaResource, number>>> {
    return {
      ...(await quotaUsage(store, id, userId)),
      server_groups: await serverGroupCount(store, id, userId),
    };
  }

  /** A limit may not be below what is used already, nor a user's above the project's, unless it is forced. */
  async function assertSensible(limits: Partial<QuotaLimits>, id: string, userId?: string): Promise<void> {
    const used = await usageOf(id, userId);
    const ofProject = await quotaLimits(store, id);
    for (const [name, limit] of Object.entries(limits) as [QuotaResource, number][]) {
      const given = userId ? 0 : await givenToUsers(store, id, name);
      const minimum = Math.max(used[name] ?? 0, given);
      if (atMost(limit) < minimum) {
        throw new BadRequest(
          `Quota limit ${limit} for ${name} must be greater than or equal to already used and reserved ${minimum}.`,
        );
      }
      if (userId && atMost(limit) > atMost(ofProject[name])) {
        throw new BadRequest(
          `Quota limit ${limit} for ${name} must be less than or equal to ${ofProject[name]}.`,
        );
      }
    }
  }

  const set = '/v2.1/os-quota-sets/:id';
  return [
    route({
      method: 'GET',
      path: set,
      summary: 'Show a quota',
      async handler(call) {
        const { id, userId } = await subject(call, 'show');
        return { quota_set: { id, ...pick(await quotaLimits(store, id, userId), shownAt(call)) } };
      },
    }),
    route({
      method: 'GET',
      path: `${set}/defaults`,
      summary: 'Show the default quota',
      async handler(call) {
        const id = call.params['id'] as string;
        call.enforce(rule('defaults'), { project_id: id });
        await assertProject(call, id);
        return { quota_set: { id, ...pick(await defaultLimits(store), shownAt(call)) } };
      },
    }),
    route({
      method: 'GET',
      path: `${set}/detail`,
      summary: 'Show a quota and what is used of it',
      async handler(call) {
        const { id, userId } = await subject(call, 'detail');
        const limits = await quotaLimits(store, id, userId);
        const used = await usageOf(id, userId);
        const details = quotaResources(shownAt(call)).map((each) => [
          each,
          { limit: limits[each], in_use: used[each] ?? 0, reserved: 0 },
        ]);
        return { quota_set: { id, ...Object.fromEntries(details) } };
      },
    }),
    route<{ quota_set: Given }>({
      method: 'PUT',
      path: set,
      summary: 'Update a quota',
      body: UpdateSet,
      async handler(call) {
        const { id, userId } = await subject(call, 'update');
        const limits = limitsOf(call.body.quota_set);
        const forced = toBoolean(call.body.quota_set.force) === true;
        await store.transaction(async () => {
          if (!forced) await assertSensible(limits, id, userId);
          await setLimits(store, id, limits, userId);
        });
        return { quota_set: pick(await quotaLimits(store, id, userId), shownAt(call)) };
      },
    }),
    route({
      method: 'DELETE',
      path: set,
      summary: 'Set a quota back to the default',
      status: 202,
      async handler(call) {
        const { id, userId } = await subject(call, 'delete');
        await forgetLimits(store, id, userId);
      },
    }),
  ];
}

/** The default quota, as the class `default`; limits of other classes are kept and bind nobody. */
export function quotaClassRoutes({ store }: Compute): Route[] {
  const keyOf = (call: Call): string => {
    const name = call.params['name'] as string;
    // Beside the projects' limits, under names that no project has.
    const key = name === defaultProject ? defaultProject : `class:${name}`;
    if (key.length > 64) throw new BadRequest(`The name of a quota class has at most 58 characters.`);
    return key;
  };
  async function shown(call: Call): Promise<Record<string, number>> {
    const limits = { ...(await defaultLimits(store)), ...(await ownLimits(store, keyOf(call))) };
    const view = pick(limits, { network: !call.since('2.50'), injection: !call.since('2.57') });
    if (call.since('2.50')) return view;
    const { server_groups: _groups, server_group_members: _members, ...rest } = view;
    return rest;
  }
  const path = '/v2.1/os-quota-class-sets/:name';
  return [
    route({
      method: 'GET',
      path,
      summary: 'Show the quota of a class',
      policy: 'os_compute_api:os-quota-class-sets:show',
      handler: async (call) => ({ quota_class_set: { id: call.params['name'], ...(await shown(call)) } }),
    }),
    route<{ quota_class_set: Given }>({
      method: 'PUT',
      path,
      summary: 'Update the quota of a class',
      policy: 'os_compute_api:os-quota-class-sets:update',
      body: UpdateClass,
      async handler(call) {
        await setLimits(store, keyOf(call), limitsOf(call.body.quota_class_set));
        return { quota_class_set: await shown(call) };
      },
    }),
  ];
}
