import { Type } from 'typebox';
import { BadRequest } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { invalidAttribute } from '../model/errors.ts';
import { defaultQuotas, type QuotaResource, quotaResources } from '../model/quotas.ts';
import type { Network } from '../store/network.ts';
import { countOf, limitsOf } from '../store/quotas.ts';
import { projectOf, toInteger } from './standard.ts';

const Quota = Type.Object({ quota: Type.Record(Type.String({ maxLength: 64 }), Type.Unknown()) });
/** What `openstack quota set` may say beside limits. */
const options = new Set(['force', 'check_limit', 'tenant_id', 'project_id']);

/** Limits of projects: `/v2.0/quotas`. */
export function quotaRoutes(network: Network): Route[] {
  const { store, settings } = network;
  const path = '/v2.0/quotas';
  const idOf = (call: Call): string => call.params['id'] as string;
  const asked = (call: Call, rule: string): string => {
    const id = idOf(call);
    call.enforce(rule, { project_id: id, tenant_id: id });
    return id;
  };

  /** The limits that a body gives. @throws BadRequest for what is not counted or no limit */
  function limitsIn(body: Record<string, unknown>): [QuotaResource, number][] {
    return Object.entries(body).flatMap(([name, value]): [QuotaResource, number][] => {
      if (options.has(name)) return [];
      if (!(quotaResources as readonly string[]).includes(name)) {
        throw new BadRequest(`Unrecognized attribute(s) '${name}'`);
      }
      const limit = toInteger(value);
      if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < -1 || limit > 2 ** 31 - 1) {
        throw invalidAttribute(name, `'${String(value)}' is not a limit: -1 or a number of resources`);
      }
      return [[name as QuotaResource, limit]];
    });
  }

  return [
    route({
      method: 'GET',
      path,
      summary: 'List the limits of projects that have their own',
      handler: async (call) => {
        call.enforce('get_quota', {});
        const rows = await store.db
          .selectFrom('quotas')
          .select(['project_id', 'resource', 'quota'])
          .execute();
        const byProject = Map.groupBy(rows, ({ project_id }) => project_id);
        return {
          quotas: [...byProject].map(([project, own]) => ({
            ...defaultQuotas(settings),
            ...Object.fromEntries(own.map(({ resource, quota }) => [resource, quota])),
            project_id: project,
            tenant_id: project,
          })),
        };
      },
    }),
    ...(['tenant', 'project'] as const).map((word) =>
      route({
        method: 'GET',
        path: `${path}/${word}`,
        summary: "Show the caller's project",
        handler: (call) => ({ [word]: { tenant_id: projectOf(call), project_id: projectOf(call) } }),
      }),
    ),
    route({
      method: 'GET',
      path: `${path}/:id`,
      summary: 'Show the limits of a project',
      handler: async (call) => ({ quota: await limitsOf(network, asked(call, 'get_quota')) }),
    }),
    route({
      method: 'GET',
      path: `${path}/:id/default`,
      summary: 'Show the limits of projects without their own',
      handler: (call) => {
        asked(call, 'get_quota');
        return { quota: defaultQuotas(settings) };
      },
    }),
    ...['details', 'details.json'].map((word) =>
      route({
        method: 'GET',
        path: `${path}/:id/${word}`,
        summary: 'Show the limits of a project and how much of them it uses',
        handler: async (call) => {
          const id = asked(call, 'get_quota');
          const limits = await limitsOf(network, id);
          const details = await Promise.all(
            quotaResources.map(async (resource) => [
              resource,
              { limit: limits[resource], used: await countOf(store, resource, id), reserved: 0 },
            ]),
          );
          return { quota: Object.fromEntries(details) };
        },
      }),
    ),
    route({
      method: 'PUT',
      path: `${path}/:id`,
      body: Quota,
      summary: 'Set limits of a project',
      handler: (call) =>
        store.transaction(async () => {
          const id = asked(call, 'update_quota');
          for (const [resource, quota] of limitsIn(call.body.quota)) {
            await store.db
              .deleteFrom('quotas')
              .where('project_id', '=', id)
              .where('resource', '=', resource)
              .execute();
            await store.db.insertInto('quotas').values({ project_id: id, resource, quota }).execute();
          }
          return { quota: await limitsOf(network, id) };
        }),
    }),
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      summary: "Take a project's own limits away",
      handler: async (call) => {
        await store.db.deleteFrom('quotas').where('project_id', '=', asked(call, 'delete_quota')).execute();
        return answer(204);
      },
    }),
  ];
}
