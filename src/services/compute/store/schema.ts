import { flowMigrations, flowTables } from '../../../platform/flow/tables.ts';
import { defineSchema } from '../../../platform/store/schema.ts';
import type { Store } from '../../../platform/store/store.ts';
import { aggregateTables } from './aggregates.ts';
import { makeFirstFlavors } from './first-flavors.ts';
import { flavorTables } from './flavors.ts';
import { keypairTables } from './keypairs.ts';
import { migrationTables } from './migrations.ts';
import { quotaTables } from './quotas.ts';
import { serverGroupTables } from './server-groups.ts';
import { servers, serverTables } from './servers.ts';
import { serviceTables } from './services.ts';

/** Tables of the first migration, in the order in which they are made: what is referred to comes first. */
const tables = {
  ...flavorTables,
  ...keypairTables,
  ...quotaTables,
  ...serverGroupTables,
  ...aggregateTables,
  ...serviceTables,
  ...serverTables,
};

/** All that compute keeps: one file for each resource, one line above for each file. */
export const computeSchema = defineSchema('compute', {
  tables: { ...tables, ...migrationTables, ...flowTables },
  migrations: [
    {
      name: '0001-compute',
      up: async (m) => {
        for (const each of Object.values(tables)) await m.createTable(each);
      },
    },
    { name: '0002-first-flavors', up: makeFirstFlavors },
    ...flowMigrations,
    {
      name: '0003-migrations',
      up: async (m) => {
        for (const each of Object.values(migrationTables)) await m.createTable(each);
      },
    },
    {
      name: '0004-shelving',
      up: async (m) => {
        await m.addColumn(servers, 'shelved_image_id');
        await m.addColumn(servers, 'shelved_at');
      },
    },
  ],
});

export type ComputeStore = Store<typeof computeSchema.tables>;
