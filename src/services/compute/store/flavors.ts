import { boolean, integer, json, type Row, real, table, text, time } from '../../../platform/store/table.ts';

/** Sizes that servers come in. A server keeps a copy of its flavor, so that deleting one hurts nobody. */
export const flavors = table(
  'flavors',
  {
    id: text({ length: 255 }),
    name: text({ length: 255 }),
    description: text({ nullable: true }),
    /** MiB */
    ram: integer(),
    /** GiB */
    disk: integer(),
    /** GiB */
    ephemeral: integer({ default: 0 }),
    /** MiB */
    swap: integer({ default: 0 }),
    vcpus: integer(),
    rxtx_factor: real({ default: 1 }),
    is_public: boolean({ default: true }),
    disabled: boolean({ default: false }),
    extra_specs: json<Record<string, string>>({ default: {} }),
    created_at: time(),
    updated_at: time({ nullable: true }),
  },
  { primaryKey: ['id'], unique: [['name']] },
);
export type Flavor = Row<typeof flavors>;

/** Which projects may use a flavor that is not public. */
export const flavorProjects = table(
  'flavor_projects',
  { flavor_id: text({ length: 255 }), project_id: text({ length: 64 }) },
  {
    primaryKey: ['flavor_id', 'project_id'],
    references: [{ columns: ['flavor_id'], table: flavors, onDelete: 'cascade' }],
    indexes: [['project_id']],
  },
);

export const flavorTables = { flavors, flavorProjects };
