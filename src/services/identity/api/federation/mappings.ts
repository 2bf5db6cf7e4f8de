import { Type } from 'typebox';
import { BadRequest } from '../../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../../platform/http/call.ts';
import { type Route, route } from '../../../../platform/http/route.ts';
import type { Identity } from '../../identity.ts';
import { mappingProblem } from '../../model/mapping/check.ts';
import type { MappingRule } from '../../model/mapping/mapping.ts';
import { countedRows } from '../../store/changes.ts';
import { type MappingRow, mappings } from '../../store/tables/federation.ts';
import { conflict } from '../style.ts';
import { FederationId, federationId } from './fields.ts';

const Given = Type.Object({
  mapping: Type.Object({
    rules: Type.Optional(Type.Unknown()),
    schema_version: Type.Optional(Type.Union([Type.Null(), Type.String()])),
  }),
});

/** Mappings: `/v3/OS-FEDERATION/mappings`. An update gives all of the rules. */
export function mappingRoutes(identity: Identity): Route[] {
  const rows = countedRows(identity.store, mappings, identity.changes);

  /** @throws BadRequest for what is no mapping */
  function read(given: { rules?: unknown; schema_version?: string | null }): Omit<MappingRow, 'id'> {
    const schema_version = given.schema_version || identity.settings.attribute_mapping_default_schema_version;
    const problem = mappingProblem({ rules: given.rules, schema_version });
    if (problem) throw new BadRequest(problem);
    return { rules: given.rules as MappingRule[], schema_version };
  }

  const resource = identity.resource({
    one: 'mapping',
    many: 'mappings',
    path: '/OS-FEDERATION/mappings',
    rows,
    attributes: {
      id: { schema: FederationId, filter: true },
      rules: { schema: Type.Unknown() },
      schema_version: { schema: Type.String() },
    },
    policy: {
      list: 'identity:list_mappings',
      show: 'identity:get_mapping',
      delete: 'identity:delete_mapping',
    },
  });
  const path = '/v3/OS-FEDERATION/mappings/:id';

  return [
    ...resource.routes,
    route({
      method: 'PUT',
      path,
      summary: 'Create a mapping',
      policy: 'identity:create_mapping',
      body: Given,
      async handler(call) {
        const id = federationId(call);
        const row = { id, ...read(call.body.mapping) };
        const made = await identity.atomically(async () => {
          if (await rows.find([{ column: 'id', op: 'eq', value: id }]))
            throw conflict('mapping', 'Duplicate entry');
          return rows.insert(row);
        });
        return answer(201, await resource.body(made, call));
      },
    }),
    route({
      method: 'PATCH',
      path,
      summary: 'Update a mapping',
      policy: 'identity:update_mapping',
      body: Given,
      async handler(call) {
        const row = await resource.find(call as Call, federationId(call), 'update');
        const changed = read(call.body.mapping);
        await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
        return resource.body({ ...row, ...changed }, call);
      },
    }),
  ];
}
