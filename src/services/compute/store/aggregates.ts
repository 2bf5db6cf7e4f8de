import { bigint, json, type Row, table, text, time, uuid } from '../../../platform/store/table.ts';

/** Hosts that have something in common; `metadata.availability_zone` makes one an availability zone. */
export const aggregates = table(
  'aggregates',
  {
    id: uuid(),
    /** The `id` that the API shows. */
    number: bigint(),
    name: text({ length: 255 }),
    metadata: json<Record<string, string>>({ default: {} }),
    created_at: time(),
    updated_at: time({ nullable: true }),
  },
  { primaryKey: ['id'], unique: [['name'], ['number']] },
);
export type Aggregate = Row<typeof aggregates>;

export const aggregateHosts = table(
  'aggregate_hosts',
  { aggregate_id: uuid(), host: text({ length: 255 }) },
  {
    primaryKey: ['aggregate_id', 'host'],
    references: [{ columns: ['aggregate_id'], table: aggregates, onDelete: 'cascade' }],
    indexes: [['host']],
  },
);

export const aggregateTables = { aggregates, aggregateHosts };
