import { defineSchema } from '../../../platform/store/schema.ts';
import type { Store } from '../../../platform/store/store.ts';
import { bigint, integer, type Row, real, table, text, time, uuid } from '../../../platform/store/table.ts';

const name = () => text({ length: 255 });

/** `last_change` is the number of the change (see `changes`) after which the provider is as it is. */
export const resourceProviders = table(
  'resource_providers',
  {
    uuid: uuid(),
    name: text({ length: 200 }),
    generation: integer({ default: 0 }),
    parent_uuid: uuid({ nullable: true }),
    root_uuid: uuid(),
    last_change: bigint(),
    created_at: time(),
    updated_at: time(),
  },
  {
    primaryKey: ['uuid'],
    unique: [['name']],
    indexes: [['root_uuid'], ['parent_uuid'], ['last_change']],
  },
);
export type ProviderRow = Row<typeof resourceProviders>;

const ofProvider = { columns: ['provider_uuid'], table: resourceProviders, onDelete: 'cascade' } as const;

export const inventories = table(
  'inventories',
  {
    provider_uuid: uuid(),
    resource_class: name(),
    total: integer(),
    reserved: integer(),
    min_unit: integer(),
    max_unit: integer(),
    step_size: integer(),
    allocation_ratio: real(),
    created_at: time(),
    updated_at: time(),
  },
  {
    primaryKey: ['provider_uuid', 'resource_class'],
    indexes: [['resource_class']],
    references: [ofProvider],
  },
);
export type InventoryRow = Row<typeof inventories>;

export const providerTraits = table(
  'provider_traits',
  { provider_uuid: uuid(), trait: name() },
  { primaryKey: ['provider_uuid', 'trait'], indexes: [['trait']], references: [ofProvider] },
);

export const providerAggregates = table(
  'provider_aggregates',
  { provider_uuid: uuid(), aggregate_uuid: uuid() },
  {
    primaryKey: ['provider_uuid', 'aggregate_uuid'],
    indexes: [['aggregate_uuid']],
    references: [ofProvider],
  },
);

/** Only those that users made: the standard ones are in the program. */
export const resourceClasses = table(
  'resource_classes',
  { name: name(), created_at: time(), updated_at: time() },
  { primaryKey: ['name'] },
);

/** Only those that users made. */
export const traits = table('traits', { name: name(), created_at: time() }, { primaryKey: ['name'] });

/** A consumer is there exactly as long as it has allocations. No type: made before microversion 1.38. */
export const consumers = table(
  'consumers',
  {
    uuid: uuid(),
    generation: integer(),
    project_id: name(),
    user_id: name(),
    consumer_type: text({ length: 255, nullable: true }),
    created_at: time(),
    updated_at: time(),
  },
  { primaryKey: ['uuid'], indexes: [['project_id', 'user_id']] },
);
export type ConsumerRow = Row<typeof consumers>;

export const allocations = table(
  'allocations',
  {
    consumer_uuid: uuid(),
    provider_uuid: uuid(),
    resource_class: name(),
    used: integer(),
    created_at: time(),
  },
  {
    primaryKey: ['consumer_uuid', 'provider_uuid', 'resource_class'],
    indexes: [['provider_uuid', 'resource_class']],
    references: [
      { columns: ['consumer_uuid'], table: consumers, onDelete: 'cascade' },
      { columns: ['provider_uuid'], table: resourceProviders },
    ],
  },
);
export type AllocationRow = Row<typeof allocations>;

/**
 * One row that every write advances, in its own transaction: whoever keeps a copy in memory compares it.
 * `structure` is the number of the last change that an index cannot follow provider by provider (a deletion, another
 * parent), `names` of the last one to resource classes and traits.
 */
export const changes = table(
  'changes',
  { id: integer(), latest: bigint(), structure: bigint(), names: bigint() },
  { primaryKey: ['id'] },
);

const tables = {
  resourceProviders,
  inventories,
  providerTraits,
  providerAggregates,
  resourceClasses,
  traits,
  consumers,
  allocations,
  changes,
};

export const schema = defineSchema('placement', {
  tables,
  migrations: [
    {
      name: '0001-placement',
      async up(m) {
        for (const each of Object.values(tables)) await m.createTable(each);
        const [row] = await m.query('SELECT id FROM changes WHERE id = 1');
        if (row) return;
        await m.execute('INSERT INTO changes (id, latest, structure, names) VALUES (1, 0, 0, 0)');
      },
    },
  ],
});

export type PlacementStore = Store<typeof tables>;
