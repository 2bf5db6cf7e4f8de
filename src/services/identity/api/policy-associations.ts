import { NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Condition } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Identity } from '../identity.ts';
import { endpointsForPolicy, policyFor } from '../model/endpoint-policy.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { type PolicyRow, policies, policyAssociations } from '../store/tables/policies.ts';
import { regions } from '../store/tables.ts';
import { endpointResource } from './endpoints.ts';
import { policyResource } from './policies.ts';
import { collection, notFound } from './style.ts';

/** What a policy may hold for, by the end of the path that says it. */
const kinds = [
  { path: 'endpoints/:endpoint_id', rule: 'endpoint', what: 'an endpoint' },
  { path: 'services/:service_id', rule: 'service', what: 'a service' },
  {
    path: 'services/:service_id/regions/:region_id',
    rule: 'region_and_service',
    what: 'a service in a region',
  },
] as const;

/** Policies, and OS-ENDPOINT-POLICY: what they hold for, and which one holds for an endpoint. */
export function policyRoutes(identity: Identity): Route[] {
  const { store, changes, directory } = identity;
  const resource = policyResource(identity);
  const endpoints = endpointResource(identity);
  const policyRows = repository(store, policies);
  const regionRows = repository(store, regions);
  const rows = countedRows(store, policyAssociations, changes);

  async function policy(id: string): Promise<PolicyRow> {
    const found = await policyRows.get(id);
    if (!found) throw notFound('policy', id);
    return found;
  }
  async function endpoint(id: string) {
    const found = (await directory.shared()).endpoints.find((each) => each.id === id);
    if (!found) throw notFound('endpoint', id);
    return found;
  }
  /** What the path names, once all of it is known to be there. @throws NotFound */
  async function named({ params }: Call) {
    const { policy_id = '', endpoint_id, service_id, region_id } = params;
    await policy(policy_id);
    if (endpoint_id !== undefined) await endpoint(endpoint_id);
    if (service_id !== undefined) {
      const { services } = await directory.shared();
      if (!services.some((each) => each.id === service_id)) throw notFound('service', service_id);
    }
    if (region_id !== undefined && !(await regionRows.get(region_id))) throw notFound('region', region_id);
    const target = {
      endpoint_id: endpoint_id ?? null,
      service_id: service_id ?? null,
      region_id: region_id ?? null,
    };
    const where: Condition[] = Object.entries(target).map(([column, value]) => ({ column, op: 'eq', value }));
    const ofPolicy: Condition = { column: 'policy_id', op: 'eq', value: policy_id };
    return { policy_id, target, where, ofPolicy };
  }

  const associations = kinds.flatMap(({ path: end, rule, what }) => {
    const path = `/v3/policies/:policy_id/OS-ENDPOINT-POLICY/${end}`;
    const about = (verb: string) => `identity:${verb}_policy_association_for_${rule}`;
    return [
      route({
        method: 'GET',
        path,
        summary: `Check that a policy holds for ${what}`,
        policy: about('check'),
        async handler(call) {
          const { where, ofPolicy } = await named(call);
          if (!(await rows.find([ofPolicy, ...where])))
            throw new NotFound('Could not find policy association.');
        },
      }),
      route({
        method: 'PUT',
        path,
        summary: `Let a policy hold for ${what}, instead of another that did`,
        policy: about('create'),
        handler: (call) =>
          identity.atomically(async () => {
            const { policy_id, target, where } = await named(call);
            if ((await rows.update(where, { policy_id })) === 0) {
              await rows.insert({ id: newId(), policy_id, ...target });
            }
          }),
      }),
      route({
        method: 'DELETE',
        path,
        summary: `Let a policy no longer hold for ${what}`,
        policy: about('delete'),
        async handler(call) {
          const { where, ofPolicy } = await named(call);
          await rows.delete([ofPolicy, ...where]);
        },
      }),
    ];
  });

  return [
    ...resource.routes,
    ...associations,
    route({
      method: 'GET',
      path: '/v3/policies/:policy_id/OS-ENDPOINT-POLICY/endpoints',
      summary: 'List the endpoints that a policy holds for',
      policy: 'identity:list_endpoints_for_policy',
      async handler(call) {
        const { id } = await policy(call.params['policy_id'] as string);
        const found = endpointsForPolicy(
          await rows.list({ where: [{ column: 'policy_id', op: 'eq', value: id }] }),
          (await directory.shared()).endpoints,
          await regionRows.list(),
        );
        const shown = await endpoints.views(found, call);
        // Here the old name of the region is left out, as upstream does.
        return collection(
          call,
          'endpoints',
          shown.map((view) => {
            const { region: _region, ...rest } = view;
            return rest;
          }),
        );
      },
    }),
    route({
      method: 'GET',
      path: '/v3/endpoints/:endpoint_id/OS-ENDPOINT-POLICY/policy',
      summary: 'Show the policy that holds for an endpoint',
      policy: 'identity:get_policy_for_endpoint',
      async handler(call) {
        const of = await endpoint(call.params['endpoint_id'] as string);
        const about = await rows.list({
          where: [
            {
              any: [
                [{ column: 'endpoint_id', op: 'eq', value: of.id }],
                [{ column: 'service_id', op: 'eq', value: of.service_id }],
              ],
            },
          ],
        });
        const id = policyFor(of, about, await regionRows.list());
        if (id === undefined) throw new NotFound(`No policy is associated with endpoint ${of.id}.`);
        return resource.body(await policy(id), call);
      },
    }),
  ];
}
