import { integer, type Row, table, text } from '../../../../platform/store/table.ts';
import { projects, regions, services } from '../tables.ts';

/** What of a service's resources can be limited, and how much each project has unless it has a limit of its own. */
export const registeredLimits = table(
  'registered_limits',
  {
    id: text({ length: 64 }),
    service_id: text({ length: 64 }),
    /** Null: everywhere. */
    region_id: text({ length: 255, nullable: true }),
    resource_name: text({ length: 255 }),
    /** -1: any number. */
    default_limit: integer(),
    description: text({ nullable: true }),
  },
  {
    primaryKey: ['id'],
    indexes: [['service_id', 'resource_name'], ['region_id']],
    references: [
      { columns: ['service_id'], table: services },
      { columns: ['region_id'], table: regions },
    ],
  },
);
export type RegisteredLimitRow = Row<typeof registeredLimits>;

/**
 * How much a project or a domain has instead. Service, region and name stand here as in the registered limit, which
 * cannot change while there is a limit for it; `owner_domain_id` is the domain itself, or that of the project.
 */
export const limits = table(
  'limits',
  {
    id: text({ length: 64 }),
    registered_limit_id: text({ length: 64 }),
    project_id: text({ length: 64, nullable: true }),
    domain_id: text({ length: 64, nullable: true }),
    owner_domain_id: text({ length: 64 }),
    service_id: text({ length: 64 }),
    region_id: text({ length: 255, nullable: true }),
    resource_name: text({ length: 255 }),
    resource_limit: integer(),
    description: text({ nullable: true }),
  },
  {
    primaryKey: ['id'],
    indexes: [['registered_limit_id'], ['project_id'], ['domain_id'], ['owner_domain_id', 'id']],
    references: [
      { columns: ['registered_limit_id'], table: registeredLimits },
      { columns: ['project_id'], table: projects, onDelete: 'cascade' },
      { columns: ['domain_id'], table: projects, onDelete: 'cascade' },
    ],
  },
);
export type LimitRow = Row<typeof limits>;

/** Unified limits. Parents come before their children. */
export const limitTables = { registeredLimits, limits };
