import { json, type Row, table, text } from '../../../../platform/store/table.ts';
import type { EndpointFilter } from '../../model/endpoint-filter.ts';
import { endpoints, projects } from '../tables.ts';

export const endpointGroups = table(
  'endpoint_groups',
  {
    id: text({ length: 64 }),
    name: text({ length: 255 }),
    description: text({ nullable: true }),
    filters: json<EndpointFilter>(),
  },
  { primaryKey: ['id'] },
);
export type EndpointGroupRow = Row<typeof endpointGroups>;

export const projectEndpoints = table(
  'project_endpoints',
  { project_id: text({ length: 64 }), endpoint_id: text({ length: 64 }) },
  {
    primaryKey: ['project_id', 'endpoint_id'],
    indexes: [['endpoint_id']],
    references: [
      { columns: ['project_id'], table: projects, onDelete: 'cascade' },
      { columns: ['endpoint_id'], table: endpoints, onDelete: 'cascade' },
    ],
  },
);

export const projectEndpointGroups = table(
  'project_endpoint_groups',
  { project_id: text({ length: 64 }), endpoint_group_id: text({ length: 64 }) },
  {
    primaryKey: ['project_id', 'endpoint_group_id'],
    indexes: [['endpoint_group_id']],
    references: [
      { columns: ['project_id'], table: projects, onDelete: 'cascade' },
      { columns: ['endpoint_group_id'], table: endpointGroups, onDelete: 'cascade' },
    ],
  },
);

/** Which endpoints a project's catalog shows (OS-EP-FILTER). Parents come before their children. */
export const endpointFilterTables = { endpointGroups, projectEndpoints, projectEndpointGroups };
