import { BadRequest, Conflict, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import { isUuidLike } from '../model/query-values.ts';
import {
  ConcurrentUpdate,
  InvalidInventory,
  UnknownProvider,
  UnknownResourceClass,
} from '../model/refusals.ts';
import {
  type ConsumerAllocations,
  consumerAllocations,
  providerAllocations,
  releaseAllocations,
  setAllocations,
} from '../store/allocations.ts';
import { getProvider } from '../store/resource-providers.ts';
import type { AllocationRow, PlacementStore } from '../store/tables.ts';
import { type ConsumerBody, type Incomplete, postBodies, putBodies, toClaim } from './allocation-bodies.ts';
import { bodyOf, fresh, minorOf, newest, operation, schemaAt } from './operation.ts';
import { canonicalUuid, idOf } from './resource-providers.ts';

const consumerOf = (call: Call) => call.params['consumer_uuid'] ?? '';

export function allocationRoutes(store: PlacementStore, incomplete: Incomplete): Route[] {
  const item = '/allocations/:consumer_uuid';
  return [
    operation({
      method: 'POST',
      path: '/allocations',
      summary: 'Set the allocations of several consumers, all or none',
      since: '1.13',
      rule: 'allocations:manage',
      body: newestOf(postBodies),
      async answer(call) {
        const body = bodyOf(call, schemaAt(call, postBodies)) as Record<string, ConsumerBody>;
        const claims = Object.entries(body).map(([consumer, each]) => toClaim(consumer, each));
        await allocating('Unable to allocate inventory ', () => setAllocations(store, claims));
      },
    }),
    operation({
      method: 'GET',
      path: item,
      summary: 'List allocations of a consumer',
      rule: 'allocations:list',
      json: true,
      async answer(call) {
        const found = await consumerAllocations(store, consumerOf(call));
        return fresh(call, 200, ofConsumer(call, found), { modified: madeLast(found.rows) });
      },
    }),
    operation({
      method: 'PUT',
      path: item,
      summary: 'Set the allocations of a consumer',
      rule: 'allocations:update',
      body: newestOf(putBodies),
      async answer(call) {
        if (!isUuidLike(consumerOf(call)))
          throw new BadRequest(`Malformed consumer_uuid: ${consumerOf(call)}`);
        const consumer = canonicalUuid(consumerOf(call));
        const body = bodyOf(call, schemaAt(call, putBodies)) as ConsumerBody;
        await allocating(`Unable to allocate inventory for consumer ${consumer}: `, () =>
          setAllocations(store, [toClaim(consumer, body, incomplete)]),
        );
      },
    }),
    operation({
      method: 'DELETE',
      path: item,
      summary: 'Delete the allocations of a consumer',
      rule: 'allocations:delete',
      async answer(call) {
        const consumer = consumerOf(call);
        if (!(await releaseAllocations(store, consumer)))
          throw new NotFound(`No allocations for consumer '${consumer}'`);
      },
    }),
    operation({
      method: 'GET',
      path: '/resource_providers/:uuid/allocations',
      summary: 'List allocations from a resource provider',
      rule: 'resource_providers:allocations:list',
      json: true,
      async answer(call) {
        const id = idOf(call);
        const provider = await getProvider(store, id).catch((error: unknown) => {
          if (!(error instanceof UnknownProvider)) throw error;
          throw new NotFound(`Resource provider '${id}' not found: ${error.message}`);
        });
        const { rows, consumers } = await providerAllocations(store, id);
        const held: Record<string, { resources: Record<string, number>; consumer_generation?: number }> = {};
        for (const row of rows) {
          const each = (held[row.consumer_uuid] ??= { resources: {} });
          each.resources[row.resource_class] = row.used;
          const generation = consumers.get(row.consumer_uuid)?.generation;
          if (minorOf(call) >= 28 && generation !== undefined) each.consumer_generation = generation;
        }
        const body = { allocations: held, resource_provider_generation: provider.generation };
        return fresh(call, 200, body, { modified: madeLast(rows) });
      },
    }),
  ];
}

function newestOf<S>(schemas: readonly (readonly [number, S])[]): S {
  return (schemas.at(-1) as readonly [number, S])[1];
}

const madeLast = (rows: readonly AllocationRow[]) => newest(rows.map((row) => row.created_at));

function ofConsumer(call: Call, { consumer, rows, providers }: ConsumerAllocations): object {
  const minor = minorOf(call);
  const held: Record<string, { resources: Record<string, number>; generation: number | undefined }> = {};
  for (const { provider_uuid: uuid, resource_class, used } of rows) {
    const each = (held[uuid] ??= { resources: {}, generation: providers.get(uuid)?.generation });
    each.resources[resource_class] = used;
  }
  if (!consumer) return { allocations: held };
  return {
    allocations: held,
    ...(minor >= 12 ? { project_id: consumer.project_id, user_id: consumer.user_id } : {}),
    ...(minor >= 28 ? { consumer_generation: consumer.generation } : {}),
    ...(minor >= 38 ? { consumer_type: consumer.consumer_type ?? 'unknown' } : {}),
  };
}

/** A write of allocations, refused in the words of upstream's handlers. */
async function allocating(unknown: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof UnknownResourceClass) throw new BadRequest(`${unknown}${error.message}`);
    if (error instanceof InvalidInventory)
      throw new Conflict(`Unable to allocate inventory: ${error.message}`);
    if (error instanceof ConcurrentUpdate && !error.message.startsWith('consumer generation')) {
      throw new Conflict(
        `Inventory and/or allocations changed while attempting to allocate: ${error.message}`,
        { code: error.code },
      );
    }
    throw error;
  }
}
