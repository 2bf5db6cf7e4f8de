import type { Migration } from '../../../platform/store/migrate.ts';
import {
  bigint,
  boolean,
  integer,
  json,
  type Row,
  table,
  text,
  uuid,
} from '../../../platform/store/table.ts';

/** What a resource carries beside its described attributes, kept as it was given. */
export type Extra = Record<string, unknown>;

/** Stands for "no domain" where a unique key needs a value: of global roles, and above the domains. */
export const noDomain = '-';

/** Domains are projects that act as one (`is_domain`), as upstream keeps them; their own `domain_id` is `noDomain`. */
export const projects = table(
  'projects',
  {
    id: text({ length: 64 }),
    name: text({ length: 64 }),
    domain_id: text({ length: 64 }),
    parent_id: text({ length: 64, nullable: true }),
    is_domain: boolean({ default: false }),
    enabled: boolean({ default: true }),
    description: text({ nullable: true }),
    options: json<Extra>({ default: {} }),
    extra: json<Extra>({ default: {} }),
  },
  {
    primaryKey: ['id'],
    unique: [['domain_id', 'name']],
    indexes: [['parent_id'], ['is_domain', 'id'], ['name'], ['domain_id', 'id']],
  },
);
export type ProjectRow = Row<typeof projects>;

export const projectTags = table(
  'project_tags',
  { project_id: text({ length: 64 }), name: text({ length: 255 }) },
  {
    primaryKey: ['project_id', 'name'],
    indexes: [['name', 'project_id']],
    references: [{ columns: ['project_id'], table: projects, onDelete: 'cascade' }],
  },
);

export const users = table(
  'users',
  {
    id: text({ length: 64 }),
    name: text({ length: 255 }),
    domain_id: text({ length: 64 }),
    enabled: boolean({ default: true }),
    default_project_id: text({ length: 64, nullable: true }),
    password_hash: text({ length: 255, nullable: true }),
    /** ISO 8601 with microseconds, as the API shows it. */
    password_expires_at: text({ length: 32, nullable: true }),
    password_created_at: text({ length: 32, nullable: true }),
    /** Whether the user chose his password himself. */
    password_self_service: boolean({ default: false }),
    user_created_at: text({ length: 32, nullable: true }),
    /** The last day, in UTC, on which he authenticated: `2026-01-31`. */
    last_active_at: text({ length: 10, nullable: true }),
    /** Wrong passwords since the last right one. */
    failed_auth_count: integer({ default: 0 }),
    failed_auth_at: text({ length: 32, nullable: true }),
    options: json<Extra>({ default: {} }),
    extra: json<Extra>({ default: {} }),
  },
  {
    primaryKey: ['id'],
    unique: [['domain_id', 'name']],
    indexes: [['name'], ['domain_id', 'id']],
    references: [{ columns: ['domain_id'], table: projects }],
  },
);
export type UserRow = Row<typeof users>;

export const groups = table(
  'groups',
  {
    id: text({ length: 64 }),
    name: text({ length: 64 }),
    domain_id: text({ length: 64 }),
    description: text({ nullable: true }),
    extra: json<Extra>({ default: {} }),
  },
  {
    primaryKey: ['id'],
    unique: [['domain_id', 'name']],
    indexes: [['name'], ['domain_id', 'id']],
    references: [{ columns: ['domain_id'], table: projects }],
  },
);
export type GroupRow = Row<typeof groups>;

export const memberships = table(
  'memberships',
  { group_id: text({ length: 64 }), user_id: text({ length: 64 }) },
  {
    primaryKey: ['group_id', 'user_id'],
    indexes: [['user_id']],
    references: [
      { columns: ['group_id'], table: groups, onDelete: 'cascade' },
      { columns: ['user_id'], table: users, onDelete: 'cascade' },
    ],
  },
);

export const roles = table(
  'roles',
  {
    id: text({ length: 64 }),
    name: text({ length: 255 }),
    domain_id: text({ length: 64, default: noDomain }),
    description: text({ nullable: true }),
    options: json<Extra>({ default: {} }),
    extra: json<Extra>({ default: {} }),
  },
  { primaryKey: ['id'], unique: [['domain_id', 'name']] },
);
export type RoleRow = Row<typeof roles>;

export const impliedRoles = table(
  'implied_roles',
  { prior_role_id: text({ length: 64 }), implied_role_id: text({ length: 64 }) },
  {
    primaryKey: ['prior_role_id', 'implied_role_id'],
    references: [
      { columns: ['prior_role_id'], table: roles, onDelete: 'cascade' },
      { columns: ['implied_role_id'], table: roles, onDelete: 'cascade' },
    ],
  },
);

/** Who has which role where. `inherited`: on the projects below the target instead of on itself (OS-INHERIT). */
export const assignments = table(
  'assignments',
  {
    actor_kind: text({ length: 5, values: ['user', 'group'] }),
    actor_id: text({ length: 64 }),
    target_kind: text({ length: 7, values: ['project', 'domain', 'system'] }),
    target_id: text({ length: 64 }),
    role_id: text({ length: 64 }),
    inherited: boolean({ default: false }),
  },
  {
    primaryKey: ['actor_id', 'target_id', 'role_id', 'inherited', 'actor_kind', 'target_kind'],
    indexes: [['target_id'], ['role_id']],
    references: [{ columns: ['role_id'], table: roles, onDelete: 'cascade' }],
  },
);
export type AssignmentRow = Row<typeof assignments>;

export const regions = table(
  'regions',
  {
    id: text({ length: 255 }),
    description: text({ default: '' }),
    parent_region_id: text({ length: 255, nullable: true }),
    extra: json<Extra>({ default: {} }),
  },
  { primaryKey: ['id'], indexes: [['parent_region_id']] },
);
export type RegionRow = Row<typeof regions>;

export const services = table(
  'services',
  {
    id: text({ length: 64 }),
    type: text({ length: 255 }),
    name: text({ length: 255, nullable: true }),
    description: text({ nullable: true }),
    enabled: boolean({ default: true }),
    extra: json<Extra>({ default: {} }),
  },
  { primaryKey: ['id'] },
);
export type ServiceRow = Row<typeof services>;

export const endpoints = table(
  'endpoints',
  {
    id: text({ length: 64 }),
    service_id: text({ length: 64 }),
    interface: text({ length: 8, values: ['public', 'internal', 'admin'] }),
    region_id: text({ length: 255, nullable: true }),
    url: text(),
    enabled: boolean({ default: true }),
    extra: json<Extra>({ default: {} }),
  },
  {
    primaryKey: ['id'],
    indexes: [['service_id']],
    references: [{ columns: ['service_id'], table: services, onDelete: 'cascade' }],
  },
);
export type EndpointRow = Row<typeof endpoints>;

/** What must no longer be trusted, until every token that it could mean has ended. Null means any. */
export const revocations = table(
  'revocations',
  {
    id: uuid(),
    user_id: text({ length: 64, nullable: true }),
    project_id: text({ length: 64, nullable: true }),
    domain_id: text({ length: 64, nullable: true }),
    audit_id: text({ length: 22, nullable: true }),
    /** Whole seconds since 1970: tokens that were issued until then, this second included. */
    issued_before: bigint(),
    /** Whole seconds since 1970, after which no token that it means is left. */
    forget_at: bigint(),
  },
  { primaryKey: ['id'], indexes: [['forget_at']] },
);

/** What there was from the first: directory, assignments, catalog, revocations. Parents come before their children. */
export const coreTables = {
  projects,
  projectTags,
  users,
  groups,
  memberships,
  roles,
  impliedRoles,
  assignments,
  regions,
  services,
  endpoints,
  revocations,
};

/** Lists by name alone, and pages of a domain, which are in the order of ids. */
export const listIndexes: Migration = {
  name: '0006-list-indexes',
  async up(m) {
    for (const each of [users, groups, projects] as const) {
      await m.createIndex(each, ['name']);
      await m.createIndex(each, ['domain_id', 'id']);
    }
  },
};

/** Null once stood for what was never said, which is an empty text; it now is what somebody said. */
export const saidDescriptions: Migration = {
  name: '0007-said-descriptions',
  async up(m) {
    for (const name of ['projects', 'groups'])
      await m.execute(`UPDATE "${name}" SET "description" = '' WHERE "description" IS NULL`);
  },
};
