import { json, type Row, table, text } from '../../../../platform/store/table.ts';
import { type Extra, endpoints, regions, services } from '../tables.ts';

/** Documents that other services may take as their rules; identity keeps them and never reads them. */
export const policies = table(
  'policies',
  {
    id: text({ length: 64 }),
    type: text({ length: 255 }),
    blob: text(),
    extra: json<Extra>({ default: {} }),
  },
  { primaryKey: ['id'] },
);
export type PolicyRow = Row<typeof policies>;

/** A policy holds for an endpoint, for a service, or for a service in a region: the columns that are not null. */
export const policyAssociations = table(
  'policy_associations',
  {
    id: text({ length: 64 }),
    policy_id: text({ length: 64 }),
    endpoint_id: text({ length: 64, nullable: true }),
    service_id: text({ length: 64, nullable: true }),
    region_id: text({ length: 255, nullable: true }),
  },
  {
    primaryKey: ['id'],
    indexes: [['policy_id'], ['endpoint_id'], ['service_id'], ['region_id']],
    references: [
      { columns: ['policy_id'], table: policies, onDelete: 'cascade' },
      { columns: ['endpoint_id'], table: endpoints, onDelete: 'cascade' },
      { columns: ['service_id'], table: services, onDelete: 'cascade' },
      { columns: ['region_id'], table: regions, onDelete: 'cascade' },
    ],
  },
);

/** Policies and what they hold for (OS-ENDPOINT-POLICY). Parents come before their children. */
export const policyTables = { policies, policyAssociations };
