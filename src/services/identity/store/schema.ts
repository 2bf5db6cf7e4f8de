import type { Migration } from '../../../platform/store/migrate.ts';
import { defineSchema } from '../../../platform/store/schema.ts';
import type { Table } from '../../../platform/store/table.ts';
import { coreTables } from './tables.ts';

/** A migration that makes the tables of one topic, parents first. */
const creation = (name: string, tables: Readonly<Record<string, Table>>): Migration => ({
  name,
  up: async (m) => {
    for (const each of Object.values(tables)) await m.createTable(each);
  },
});

/** Every topic has a file of tables and a migration that makes them. */
export const identitySchema = defineSchema('identity', {
  tables: {
    ...coreTables,
  },
  migrations: [creation('0001-identity', coreTables)],
});
export type IdentityTables = typeof identitySchema.tables;
