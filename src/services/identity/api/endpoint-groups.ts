import { Type } from 'typebox';
import { BadRequest } from '../../../platform/errors/errors.ts';
import { type Resource, resourcesIn } from '../../../platform/resource/resource.ts';
import type { Identity } from '../identity.ts';
import type { EndpointFilter } from '../model/endpoint-filter.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { type EndpointGroupRow, endpointGroups } from '../store/tables/endpoint-filter.ts';
import { Interface } from './endpoints.ts';
import { Name, NullableText } from './fields.ts';
import { expecting, identityStyle, notFound } from './style.ts';

const Filters = Type.Object(
  {
    service_id: Type.Optional(Type.String({ maxLength: 64 })),
    region_id: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 255 })])),
    interface: Type.Optional(Interface),
    enabled: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: true },
);

/** @throws BadRequest for a filter of another name */
function knownFilters(filters: object): EndpointFilter {
  if (Object.keys(filters).some((name) => !Object.hasOwn(Filters.properties, name)))
    throw expecting('service_id or region_id or interface', 'endpoint_group');
  return filters as EndpointFilter;
}

/** Endpoints by what they are, so that a project can be given all of a kind (OS-EP-FILTER). */
export function endpointGroupResource(identity: Identity): Resource<EndpointGroupRow> {
  const rows = countedRows(identity.store, endpointGroups, identity.changes);
  return resourcesIn(
    {
      ...identityStyle,
      unknownProperties: 'refuse',
      notFound: (_names, id) => notFound('Endpoint Group', id),
    },
    identity.atomically,
  )({
    one: 'endpoint_group',
    many: 'endpoint_groups',
    path: '/OS-EP-FILTER/endpoint_groups',
    rows,
    attributes: {
      id: { schema: Type.String() },
      name: { schema: Name(255), create: 'required', update: true, filter: true },
      description: { schema: NullableText, create: 'optional', update: true },
      filters: { schema: Filters, create: 'required', update: true },
    },
    policy: {
      list: 'identity:list_endpoint_groups',
      show: 'identity:get_endpoint_group',
      create: 'identity:create_endpoint_group',
      update: 'identity:update_endpoint_group',
      delete: 'identity:delete_endpoint_group',
    },
    async create(_call, { name, description = null, filters }) {
      if (Object.keys(filters).length === 0) {
        throw new BadRequest('filters field is required and cannot be empty');
      }
      return rows.insert({ id: newId(), name, description, filters: knownFilters(filters) });
    },
    async update(_call, row, { name, description, filters }) {
      const changed: Partial<EndpointGroupRow> = {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(filters === undefined ? {} : { filters: knownFilters(filters) }),
      };
      if (Object.keys(changed).length > 0)
        await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
      return { ...row, ...changed };
    },
  });
}
