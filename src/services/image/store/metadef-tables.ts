import type { Migration } from '../../../platform/store/migrate.ts';
import { boolean, json, type Row, table, text, time, uuid } from '../../../platform/store/table.ts';
import type { PropertyType } from '../model/metadefs/property-type.ts';

/** A catalog of properties that things may be described with: `OS::Compute::Watchdog`. */
export const metadefNamespaces = table(
  'metadef_namespaces',
  {
    /** The API knows namespaces by their names only, and lets them change. */
    id: uuid(),
    namespace: text({ length: 80 }),
    display_name: text({ nullable: true, length: 80 }),
    description: text({ nullable: true, length: 65_535 }),
    visibility: text({ length: 16, values: ['public', 'private'] }),
    protected: boolean({ default: false }),
    owner: text({ nullable: true, length: 255 }),
    created_at: time(),
    updated_at: time(),
  },
  {
    primaryKey: ['id'],
    unique: [['namespace']],
    indexes: [
      ['created_at', 'id'],
      ['owner', 'created_at'],
      ['visibility', 'created_at'],
    ],
  },
);

const ofNamespace = [{ columns: ['namespace_id'], table: metadefNamespaces, onDelete: 'cascade' }] as const;

/** Properties that go together, under a name of their own. */
export const metadefObjects = table(
  'metadef_objects',
  {
    namespace_id: uuid(),
    name: text({ length: 80 }),
    description: text({ nullable: true, length: 65_535 }),
    required: json<string[]>({ default: [] }),
    properties: json<Record<string, PropertyType>>({ default: {} }),
    created_at: time(),
    updated_at: time(),
  },
  { primaryKey: ['namespace_id', 'name'], references: ofNamespace },
);

export const metadefProperties = table(
  'metadef_properties',
  {
    namespace_id: uuid(),
    name: text({ length: 80 }),
    json_schema: json<PropertyType>(),
    created_at: time(),
    updated_at: time(),
  },
  { primaryKey: ['namespace_id', 'name'], references: ofNamespace },
);

export const metadefTags = table(
  'metadef_tags',
  { namespace_id: uuid(), name: text({ length: 80 }), created_at: time(), updated_at: time() },
  { primaryKey: ['namespace_id', 'name'], references: ofNamespace },
);

/** What can be described: `OS::Nova::Flavor`. A name stays known when nothing is associated with it any more. */
export const metadefResourceTypes = table(
  'metadef_resource_types',
  {
    name: text({ length: 80 }),
    protected: boolean({ default: false }),
    created_at: time(),
    updated_at: time(),
  },
  { primaryKey: ['name'] },
);

/** Which namespaces describe what, and what their properties' names begin with there. */
export const metadefAssociations = table(
  'metadef_associations',
  {
    namespace_id: uuid(),
    resource_type: text({ length: 80 }),
    prefix: text({ nullable: true, length: 80 }),
    properties_target: text({ nullable: true, length: 80 }),
    created_at: time(),
    updated_at: time(),
  },
  {
    primaryKey: ['namespace_id', 'resource_type'],
    indexes: [['resource_type', 'namespace_id']],
    references: [...ofNamespace, { columns: ['resource_type'], table: metadefResourceTypes }],
  },
);

export const metadefTables = {
  metadefNamespaces,
  metadefObjects,
  metadefProperties,
  metadefTags,
  metadefResourceTypes,
  metadefAssociations,
};

export const metadefMigration: Migration = {
  name: '0010-metadefs',
  async up(m) {
    for (const each of Object.values(metadefTables)) await m.createTable(each);
  },
};

export type NamespaceRow = Row<typeof metadefNamespaces>;
export type ObjectRow = Row<typeof metadefObjects>;
export type PropertyRow = Row<typeof metadefProperties>;
export type TagRow = Row<typeof metadefTags>;
export type AssociationRow = Row<typeof metadefAssociations>;
export type ResourceTypeRow = Row<typeof metadefResourceTypes>;
