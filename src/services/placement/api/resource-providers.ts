import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import { filterProviders } from '../model/provider-filter.ts';
import type { Provider } from '../model/providers.ts';
import { assertNamesExist, type ProviderQuery, parseProviderQuery } from '../model/query.ts';
import { ImpossibleTree, UnknownProvider } from '../model/refusals.ts';
import type { CloudView, IndexFollower } from '../store/provider-index.ts';
import { createProvider, deleteProvider, getProvider, updateProvider } from '../store/resource-providers.ts';
import type { PlacementStore, ProviderRow } from '../store/tables.ts';
import { bodyOf, fresh, minorOf, newest, operation } from './operation.ts';

const providerName = Type.String({ maxLength: 200 });
const providerUuid = Type.String({ format: 'uuid' });
const parent = Type.Union([providerUuid, Type.Null()]);
const closed = { additionalProperties: false };
const create = Type.Object({ name: providerName, uuid: Type.Optional(providerUuid) }, closed);
const createNested = Type.Object(
  { name: providerName, uuid: Type.Optional(providerUuid), parent_provider_uuid: Type.Optional(parent) },
  closed,
);
const update = Type.Object({ name: providerName }, closed);
const updateNested = Type.Object({ name: providerName, parent_provider_uuid: Type.Optional(parent) }, closed);

/** First microversion (1.x) with each of the links that a provider has. */
const links: readonly (readonly [since: number, name: string])[] = [
  [0, 'inventories'],
  [0, 'usages'],
  [1, 'aggregates'],
  [6, 'traits'],
  [11, 'allocations'],
];

export const providerPath = (id: string): string => `/resource_providers/${id}`;

function toView(row: ProviderRow, minor: number): Record<string, unknown> {
  const href = providerPath(row.uuid);
  return {
    uuid: row.uuid,
    name: row.name,
    generation: row.generation,
    links: [
      { rel: 'self', href },
      ...links.filter(([since]) => minor >= since).map(([, rel]) => ({ rel, href: `${href}/${rel}` })),
    ],
    ...(minor >= 14 ? { parent_provider_uuid: row.parent_uuid, root_provider_uuid: row.root_uuid } : {}),
  };
}

export function resourceProviderRoutes(store: PlacementStore, follower: IndexFollower): Route[] {
  return [
    operation({
      method: 'GET',
      path: '/resource_providers',
      summary: 'List resource providers',
      rule: 'resource_providers:list',
      json: true,
      async answer(call) {
        const query = parseProviderQuery(queryOf(call), minorOf(call));
        const view = await follower.current();
        assertNamesExist(query, view);
        const rows: ProviderRow[] = [];
        for (const { uuid } of namedProviders(view, query)) {
          const row = view.rowOf(uuid);
          if (row) rows.push(row);
        }
        const text = `{"resource_providers":[${rows.map((row) => viewText(row, minorOf(call))).join()}]}`;
        return fresh(call, 200, Buffer.from(text), {
          'content-type': 'application/json',
          modified: newest(rows.map((row) => row.updated_at)),
        });
      },
    }),
    operation({
      method: 'POST',
      path: '/resource_providers',
      summary: 'Create a resource provider',
      rule: 'resource_providers:create',
      body: createNested,
      async answer(call) {
        const body = bodyOf(call, minorOf(call) >= 14 ? createNested : create) as {
          name: string;
          uuid?: string;
          parent_provider_uuid?: string | null;
        };
        const id = body.uuid ? canonicalUuid(body.uuid) : randomUUID();
        const made = await treeWords(`Unable to create resource provider "${body.name}", ${id}: `, () =>
          createProvider(store, {
            uuid: id,
            name: body.name,
            parentUuid: body.parent_provider_uuid ?? null,
          }),
        );
        const location = `${call.origin}${providerPath(id)}`;
        if (minorOf(call) < 20) return new Answer(201, undefined, { location });
        return fresh(call, 200, toView(made, minorOf(call)), { location, modified: made.updated_at });
      },
    }),
    operation({
      method: 'GET',
      path: '/resource_providers/:uuid',
      summary: 'Show a resource provider',
      rule: 'resource_providers:show',
      json: true,
      async answer(call) {
        const row = await getProvider(store, idOf(call));
        return fresh(call, 200, toView(row, minorOf(call)), { modified: row.updated_at });
      },
    }),
    operation({
      method: 'PUT',
      path: '/resource_providers/:uuid',
      summary: 'Update a resource provider',
      rule: 'resource_providers:update',
      body: updateNested,
      async answer(call) {
        const id = idOf(call);
        await getProvider(store, id);
        const body = bodyOf(call, minorOf(call) >= 14 ? updateNested : update) as {
          name: string;
          parent_provider_uuid?: string | null;
        };
        const { name, parent_provider_uuid: parentUuid } = body;
        const row = await treeWords(`Unable to save resource provider ${id}: `, () =>
          updateProvider(
            store,
            id,
            { name, ...(parentUuid === undefined ? {} : { parentUuid }) },
            minorOf(call) >= 37,
          ),
        );
        return fresh(call, 200, toView(row, minorOf(call)), { modified: row.updated_at });
      },
    }),
    operation({
      method: 'DELETE',
      path: '/resource_providers/:uuid',
      summary: 'Delete a resource provider',
      rule: 'resource_providers:delete',
      async answer(call) {
        const id = idOf(call);
        try {
          await deleteProvider(store, id);
        } catch (error) {
          if (!(error instanceof UnknownProvider)) throw error;
          throw new NotFound(`No resource provider with uuid ${id} found for delete`);
        }
      },
    }),
  ];
}

export const idOf = (call: Call): string => call.params['uuid'] ?? '';

/** The query as it was sent, repeated names in their order. */
export const queryOf = (call: Call): URLSearchParams =>
  new URLSearchParams(call.url.includes('?') ? call.url.slice(call.url.indexOf('?') + 1) : '');

/** With hyphens, in small letters. */
export function canonicalUuid(text: string): string {
  const digits = text.replaceAll('-', '').toLowerCase();
  return [8, 12, 16, 20, 32].map((end, i) => digits.slice([0, 8, 12, 16, 20][i], end)).join('-');
}

/** A tree that cannot be is the client's fault. */
async function treeWords<T>(before: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ImpossibleTree) throw new BadRequest(`${before}${error.message}`);
    throw error;
  }
}

function namedProviders(view: CloudView, query: ProviderQuery): Provider[] {
  const { name, uuid } = query;
  if (name === undefined && uuid === undefined) return filterProviders(view.index, query);
  const found = name === undefined ? uuid : view.uuidNamed(name);
  const only =
    found === undefined || (uuid !== undefined && uuid !== found) ? undefined : view.index.get(found);
  return only ? filterProviders(view.index, query, only) : [];
}

/** Views as JSON, in the form of microversion 1.14 and newer: rows are the index's own, new ones after each change. */
const views = new WeakMap<ProviderRow, string>();

function viewText(row: ProviderRow, minor: number): string {
  if (minor < 14) return JSON.stringify(toView(row, minor));
  let text = views.get(row);
  if (text === undefined) views.set(row, (text = JSON.stringify(toView(row, minor))));
  return text;
}
