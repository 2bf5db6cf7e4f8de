import type { Migration } from '../../../platform/store/migrate.ts';
import { defineSchema } from '../../../platform/store/schema.ts';
import type { Table } from '../../../platform/store/table.ts';
import { applicationCredentialTables } from './tables/application-credentials.ts';
import { credentialTables } from './tables/credentials.ts';
import { domainConfigurationTables } from './tables/domain-configurations.ts';
import { endpointFilterTables } from './tables/endpoint-filter.ts';
import { federationTables } from './tables/federation.ts';
import { idMappingTables } from './tables/id-mapping.ts';
import { limitTables } from './tables/limits.ts';
import { oauth1Tables } from './tables/oauth1.ts';
import { passwordsMigration, passwordTables } from './tables/passwords.ts';
import { policyTables } from './tables/policies.ts';
import { trustTables } from './tables/trusts.ts';
import { coreTables, listIndexes, saidDescriptions } from './tables.ts';

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
    ...passwordTables,
    ...idMappingTables,
    ...endpointFilterTables,
    ...policyTables,
    ...federationTables,
    ...applicationCredentialTables,
    ...trustTables,
    ...oauth1Tables,
    ...credentialTables,
    ...limitTables,
    ...domainConfigurationTables,
  },
  migrations: [
    creation('0001-identity', coreTables),
    creation('0002-application-credentials', applicationCredentialTables),
    creation('0003-trusts', trustTables),
    creation('0004-credentials', credentialTables),
    creation('0020-endpoint-filter', endpointFilterTables),
    creation('0021-policies', policyTables),
    creation('0030-federation', federationTables),
    passwordsMigration,
    creation('0040-id-mapping', idMappingTables),
    creation('0022-limits', limitTables),
    creation('0023-domain-configurations', domainConfigurationTables),
    creation('0005-oauth1', oauth1Tables),
    listIndexes,
    saidDescriptions,
  ],
});
export type IdentityTables = typeof identitySchema.tables;
