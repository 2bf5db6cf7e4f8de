import { type Static, Type } from 'typebox';
import { BadRequest, Conflict, MethodNotAllowed, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import type { Platform } from '../../../platform/service/service.ts';
import { capacityOf, type Inventory, inventoryDefaults } from '../model/capacity.ts';
import {
  ConcurrentUpdate,
  InventoryInUse,
  UnknownProvider,
  UnknownResourceClass,
} from '../model/refusals.ts';
import {
  addInventory,
  deleteInventory,
  type Inventories,
  inventoriesOf,
  overused,
  setInventories,
  updateInventory,
} from '../store/inventories.ts';
import { getProvider } from '../store/resource-providers.ts';
import type { PlacementStore, ProviderRow } from '../store/tables.ts';
import { bodyOf, fresh, minorOf, newest, operation } from './operation.ts';
import { idOf, providerPath } from './resource-providers.ts';

const largest = inventoryDefaults.max_unit;
const unit = Type.Optional(Type.Integer({ minimum: 1, maximum: largest }));
const closed = { additionalProperties: false };
const fields = {
  total: Type.Integer({ minimum: 1, maximum: largest }),
  reserved: Type.Optional(Type.Integer({ minimum: 0, maximum: largest })),
  min_unit: unit,
  max_unit: unit,
  step_size: unit,
  allocation_ratio: Type.Optional(Type.Number({ maximum: 3.402_82e38 })),
};
const generation = Type.Integer();
const one = Type.Object({ resource_provider_generation: generation, ...fields }, closed);
const added = Type.Object(
  {
    resource_provider_generation: Type.Optional(generation),
    resource_class: Type.String({ pattern: '^[A-Z0-9_]+$' }),
    ...fields,
  },
  closed,
);
const record = Type.Object({ resource_provider_generation: Type.Optional(generation), ...fields }, closed);
/** What a provider's inventories are to be: also part of the reshaper's body. */
export const inventoriesBody = Type.Object(
  {
    resource_provider_generation: generation,
    inventories: Type.Record(Type.String({ pattern: '^[A-Z0-9_]+$' }), record),
  },
  closed,
);

/** The six fields, those left out filled in. */
export function toInventory(given: Static<typeof record>): Inventory {
  const { reserved, allocation_ratio, min_unit, max_unit, step_size } = inventoryDefaults;
  return {
    total: given.total,
    reserved: given.reserved ?? reserved,
    allocation_ratio: given.allocation_ratio ?? allocation_ratio,
    min_unit: given.min_unit ?? min_unit,
    max_unit: given.max_unit ?? max_unit,
    step_size: given.step_size ?? step_size,
  };
}

export function toInventories(given: Record<string, Static<typeof record>>): Record<string, Inventory> {
  return Object.fromEntries(Object.entries(given).map(([name, each]) => [name, toInventory(each)]));
}

function toView(inventory: Inventory): Record<string, number> {
  const { total, reserved, min_unit, max_unit, step_size, allocation_ratio } = inventory;
  return { total, reserved, min_unit, max_unit, step_size, allocation_ratio };
}

const allOf = (provider: ProviderRow, rows: Inventories) => ({
  resource_provider_generation: provider.generation,
  inventories: Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, toView(row)])),
});

/** Upstream leaves a generation of 0 out, here only. */
const oneOf = ({ generation: now }: ProviderRow, inventory: Inventory) => ({
  ...toView(inventory),
  ...(now ? { resource_provider_generation: now } : {}),
});

/** Reserving everything is allowed from microversion 1.26 on. */
function assertCapacity(call: Call, wanted: Inventories, before: string): void {
  const wholeMayBeReserved = minorOf(call) >= 26;
  for (const [name, inventory] of Object.entries(wanted)) {
    const capacity = capacityOf(inventory);
    if (capacity > 0 || (capacity === 0 && wholeMayBeReserved)) continue;
    throw new BadRequest(
      `${before}Invalid inventory for '${name}' on resource provider '${idOf(call)}'. The reserved value is ` +
        `${wholeMayBeReserved ? 'greater than' : 'greater than or equal to'} total.`,
    );
  }
}

const generationConflict = () =>
  new Conflict('resource provider generation conflict', { code: 'placement.concurrent_update' });

function assertGeneration(row: ProviderRow, seen: number): void {
  if (row.generation !== seen) throw generationConflict();
}

/**
 * A conflict keeps its code; something that does not exist is a mistake in the request.
 *
 * @param addressed errors that say that what the path names does not exist: these stay
 */
async function worded<T>(
  conflict: string,
  unknown: string,
  work: () => Promise<T>,
  addressed: readonly (new (name: string) => NotFound)[] = [UnknownProvider],
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConcurrentUpdate || error instanceof InventoryInUse)
      throw new Conflict(`${conflict}${error.message}`, { code: error.code });
    if (error instanceof NotFound && !addressed.some((kind) => error instanceof kind))
      throw new BadRequest(`${unknown}${error.message}`);
    throw error;
  }
}

const classOf = (call: Call): string => call.params['resource_class'] ?? '';

export function inventoryRoutes(store: PlacementStore, log: Platform['log']): Route[] {
  const warnOfOveruse = async (provider: string, now: Inventories): Promise<void> => {
    for (const resourceClass of await overused(store, provider, now))
      log.warn({ provider, resourceClass }, 'more of an inventory is used than there is now');
  };
  const path = '/resource_providers/:uuid/inventories';
  const item = `${path}/:resource_class`;
  return [
    operation({
      method: 'GET',
      path,
      summary: 'List inventories of a resource provider',
      rule: 'resource_providers:inventories:list',
      json: true,
      async answer(call) {
        const provider = await shown(store, call);
        const rows = await inventoriesOf(store, provider.uuid);
        const all = Object.fromEntries(rows.map((row) => [row.resource_class, row]));
        return fresh(call, 200, allOf(provider, all), {
          modified: rows.length === 0 ? null : newest(rows.map((row) => row.updated_at)),
        });
      },
    }),
    operation({
      method: 'POST',
      path,
      summary: 'Create an inventory of a resource provider',
      rule: 'resource_providers:inventories:create',
      body: added,
      async answer(call) {
        await getProvider(store, idOf(call));
        const body = bodyOf(call, added);
        const inventory = toInventory(body);
        const before = `Unable to create inventory for resource provider ${idOf(call)}: `;
        assertCapacity(call, { [body.resource_class]: inventory }, before);
        const provider = await worded('Update conflict: ', before, () =>
          addInventory(store, idOf(call), body.resource_class, inventory),
        );
        const location = `${call.origin}${providerPath(provider.uuid)}/inventories/${body.resource_class}`;
        return fresh(call, 201, oneOf(provider, inventory), { location });
      },
    }),
    operation({
      method: 'PUT',
      path,
      summary: 'Set the inventories of a resource provider',
      rule: 'resource_providers:inventories:update',
      body: inventoriesBody,
      async answer(call) {
        const id = idOf(call);
        const seen = await getProvider(store, id);
        const body = bodyOf(call, inventoriesBody);
        assertGeneration(seen, body.resource_provider_generation);
        const wanted = toInventories(body.inventories);
        assertCapacity(call, wanted, `Unable to update inventory for resource provider ${id}: `);
        const provider = await worded(
          'update conflict: ',
          `Unknown resource class in inventory for resource provider ${id}: `,
          () => setInventories(store, id, wanted, body.resource_provider_generation),
        );
        await warnOfOveruse(id, wanted);
        const modified = Object.keys(wanted).length === 0 ? null : undefined;
        return fresh(call, 200, allOf(provider, wanted), { modified });
      },
    }),
    operation({
      method: 'DELETE',
      path,
      summary: 'Delete all inventories of a resource provider',
      async answer(call) {
        if (minorOf(call) < 5) throw new MethodNotAllowed(['GET', 'POST', 'PUT']);
        call.enforce('placement:resource_providers:inventories:delete');
        await setInventories(store, idOf(call), {});
      },
    }),
    operation({
      method: 'GET',
      path: item,
      summary: 'Show an inventory of a resource provider',
      rule: 'resource_providers:inventories:show',
      json: true,
      async answer(call) {
        const provider = await shown(store, call);
        const rows = await inventoriesOf(store, provider.uuid);
        const row = rows.find(({ resource_class }) => resource_class === classOf(call));
        if (!row) throw new NotFound(`No inventory of class ${classOf(call)} for ${provider.uuid}`);
        return fresh(call, 200, oneOf(provider, row), { modified: row.updated_at });
      },
    }),
    operation({
      method: 'PUT',
      path: item,
      summary: 'Update an inventory of a resource provider',
      rule: 'resource_providers:inventories:update',
      body: one,
      async answer(call) {
        const id = idOf(call);
        const seen = await getProvider(store, id);
        const body = bodyOf(call, one);
        assertGeneration(seen, body.resource_provider_generation);
        const inventory = toInventory(body);
        assertCapacity(
          call,
          { [classOf(call)]: inventory },
          `Unable to update inventory for resource provider ${id}: `,
        );
        const provider = await worded(
          'update conflict: ',
          `No inventory record with resource class for resource provider ${id}: `,
          () => updateInventory(store, id, classOf(call), inventory, body.resource_provider_generation),
          [UnknownProvider, UnknownResourceClass],
        );
        await warnOfOveruse(id, { [classOf(call)]: inventory });
        return fresh(call, 200, oneOf(provider, inventory));
      },
    }),
    operation({
      method: 'DELETE',
      path: item,
      summary: 'Delete an inventory of a resource provider',
      rule: 'resource_providers:inventories:delete',
      async answer(call) {
        await getProvider(store, idOf(call));
        try {
          await deleteInventory(store, idOf(call), classOf(call));
        } catch (error) {
          if (error instanceof ConcurrentUpdate || error instanceof InventoryInUse) {
            // One code for both, as upstream.
            throw new Conflict(`Unable to delete inventory of class ${classOf(call)}: ${error.message}`, {
              code: 'placement.concurrent_update',
            });
          }
          if (!(error instanceof NotFound)) throw error;
          throw new NotFound(`No inventory of class ${classOf(call)} found for delete: ${error.message}`);
        }
      },
    }),
  ];
}

async function shown(store: PlacementStore, call: Call): Promise<ProviderRow> {
  try {
    return await getProvider(store, idOf(call));
  } catch (error) {
    if (!(error instanceof UnknownProvider)) throw error;
    throw new NotFound(`No resource provider with uuid ${idOf(call)} found : ${error.message}`);
  }
}
