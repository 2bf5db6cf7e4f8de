import { bigint, boolean, integer, json, type Row, table, text } from '../../../../platform/store/table.ts';
import type { MappingRule } from '../../model/mapping/mapping.ts';
import { groups, projects, users } from '../tables.ts';

/** Who says elsewhere who somebody is. Its users are made in its domain. */
export const identityProviders = table(
  'identity_providers',
  {
    id: text({ length: 64 }),
    domain_id: text({ length: 64 }),
    enabled: boolean({ default: false }),
    description: text({ nullable: true }),
    /** Minutes that memberships in groups last after a login. */
    authorization_ttl: integer({ nullable: true }),
  },
  {
    primaryKey: ['id'],
    indexes: [['domain_id']],
    references: [{ columns: ['domain_id'], table: projects, onDelete: 'cascade' }],
  },
);
export type IdentityProviderRow = Row<typeof identityProviders>;

/** The names by which assertions say who made them: SAML's entity id, OpenID Connect's issuer. Each means one provider. */
export const remoteIds = table(
  'remote_ids',
  { remote_id: text({ length: 255 }), identity_provider_id: text({ length: 64 }) },
  {
    primaryKey: ['remote_id'],
    indexes: [['identity_provider_id']],
    references: [{ columns: ['identity_provider_id'], table: identityProviders, onDelete: 'cascade' }],
  },
);

export const mappings = table(
  'mappings',
  {
    id: text({ length: 64 }),
    rules: json<readonly MappingRule[]>(),
    schema_version: text({ length: 5, default: '1.0' }),
  },
  { primaryKey: ['id'] },
);
export type MappingRow = Row<typeof mappings>;

/** How a provider is spoken with, and by which mapping its assertions are read. */
export const federationProtocols = table(
  'federation_protocols',
  {
    identity_provider_id: text({ length: 64 }),
    id: text({ length: 64 }),
    /** Not a reference: a mapping may be deleted while it is in use, as upstream lets it. */
    mapping_id: text({ length: 64 }),
    remote_id_attribute: text({ length: 64, nullable: true }),
  },
  {
    primaryKey: ['identity_provider_id', 'id'],
    references: [{ columns: ['identity_provider_id'], table: identityProviders, onDelete: 'cascade' }],
  },
);
export type FederationProtocolRow = Row<typeof federationProtocols>;

/** Other clouds to which this one says who its users are. */
export const serviceProviders = table(
  'service_providers',
  {
    id: text({ length: 64 }),
    auth_url: text({ length: 256 }),
    sp_url: text({ length: 256 }),
    description: text({ nullable: true }),
    enabled: boolean({ default: false }),
    relay_state_prefix: text({ length: 256 }),
  },
  { primaryKey: ['id'] },
);
export type ServiceProviderRow = Row<typeof serviceProviders>;

/** Users whom a provider has named. */
export const federatedUsers = table(
  'federated_users',
  {
    identity_provider_id: text({ length: 64 }),
    protocol_id: text({ length: 64 }),
    /** What the provider calls him, for good. */
    unique_id: text({ length: 255 }),
    user_id: text({ length: 64 }),
    display_name: text({ length: 255 }),
  },
  {
    primaryKey: ['identity_provider_id', 'protocol_id', 'unique_id'],
    indexes: [['user_id']],
    references: [
      {
        columns: ['identity_provider_id', 'protocol_id'],
        table: federationProtocols,
        onDelete: 'cascade',
      },
      { columns: ['user_id'], table: users, onDelete: 'cascade' },
    ],
  },
);

/** Memberships that a provider has vouched for, until they are too old. */
export const expiringMemberships = table(
  'expiring_memberships',
  {
    user_id: text({ length: 64 }),
    group_id: text({ length: 64 }),
    identity_provider_id: text({ length: 64 }),
    /** Whole seconds since 1970. */
    last_verified: bigint(),
  },
  {
    primaryKey: ['user_id', 'group_id', 'identity_provider_id'],
    references: [
      { columns: ['user_id'], table: users, onDelete: 'cascade' },
      { columns: ['group_id'], table: groups, onDelete: 'cascade' },
      { columns: ['identity_provider_id'], table: identityProviders, onDelete: 'cascade' },
    ],
  },
);

/** Logins that have ended well and assertions that have been used: each counts once. */
export const federationTickets = table(
  'federation_tickets',
  {
    /** SHA-256 of what names it, in hexadecimal. */
    id: text({ length: 64 }),
    content: json<Record<string, unknown>>({ default: {} }),
    /** Whole seconds since 1970. */
    forget_at: bigint(),
  },
  { primaryKey: ['id'], indexes: [['forget_at']] },
);

/** Parents first. */
export const federationTables = {
  identityProviders,
  remoteIds,
  mappings,
  federationProtocols,
  serviceProviders,
  federatedUsers,
  expiringMemberships,
  federationTickets,
} as const;
