import { NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import { longestName } from '../model/names.ts';
import { failed } from '../model/query-values.ts';
import { UnknownProvider } from '../model/refusals.ts';
import { getProvider } from '../store/resource-providers.ts';
import type { PlacementStore } from '../store/tables.ts';
import { projectUsages, providerUsages } from '../store/usages.ts';
import { fresh, minorOf, operation } from './operation.ts';
import { assertOnly, invalidQuery } from './query-names.ts';
import { idOf } from './resource-providers.ts';

export function usageRoutes(store: PlacementStore): Route[] {
  return [
    operation({
      method: 'GET',
      path: '/resource_providers/:uuid/usages',
      summary: 'List usages of a resource provider',
      rule: 'resource_providers:usages',
      json: true,
      async answer(call) {
        const id = idOf(call);
        const provider = await getProvider(store, id).catch((error: unknown) => {
          if (!(error instanceof UnknownProvider)) throw error;
          throw new NotFound(`No resource provider with uuid ${id} found: ${error.message}`);
        });
        return fresh(call, 200, {
          resource_provider_generation: provider.generation,
          usages: await providerUsages(store, id),
        });
      },
    }),
    operation({
      method: 'GET',
      path: '/usages',
      summary: 'List usages of a project',
      since: '1.9',
      json: true,
      async answer(call) {
        const projectId = call.queryValue('project_id');
        call.enforce('placement:usages', { project_id: projectId ?? null });
        const grouped = minorOf(call) >= 38;
        assertOnly(call, ['project_id', 'user_id', ...(grouped ? ['consumer_type'] : [])]);
        if (projectId === undefined)
          throw invalidQuery(`'project_id' is a required property${failed('required', call.query)}`);
        for (const name of ['project_id', 'user_id', 'consumer_type']) assertLength(call, name);
        const userId = call.queryValue('user_id');
        if (!grouped) {
          const { all } = await projectUsages(store, projectId, userId);
          return fresh(call, 200, { usages: all.sums });
        }
        return fresh(call, 200, { usages: await groupedUsages(store, call, projectId, userId) });
      },
    }),
  ];
}

async function groupedUsages(
  store: PlacementStore,
  call: Call,
  projectId: string,
  userId: string | undefined,
): Promise<Record<string, object>> {
  const wanted = call.queryValue('consumer_type');
  if (wanted !== undefined && !/^[A-Z0-9_]+$|^all|^unknown$/.test(wanted))
    throw invalidQuery(
      `'${wanted}' does not match '^[A-Z0-9_]+$|^all|^unknown$'${failed('pattern', wanted, 'consumer_type')}`,
    );
  const { all, byType } = await projectUsages(store, projectId, userId);
  const groups = wanted === 'all' ? new Map([['all', all]]) : byType;
  return Object.fromEntries(
    [...groups]
      .filter(([type, { consumers }]) => consumers > 0 && (wanted === undefined || type === wanted))
      .map(([type, { consumers, sums }]) => [type, { ...sums, consumer_count: consumers }]),
  );
}

function assertLength(call: Call, name: string): void {
  const value = call.queryValue(name);
  if (value === undefined) return;
  if (value === '') throw invalidQuery(`'' is too short${failed('minLength', value, name)}`);
  if (value.length > longestName)
    throw invalidQuery(`'${value}' is too long${failed('maxLength', value, name)}`);
}
