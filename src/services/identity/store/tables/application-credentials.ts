import { boolean, json, type Row, table, text } from '../../../../platform/store/table.ts';

export const applicationCredentials = table(
  'application_credentials',
  {
    id: text({ length: 64 }),
    name: text({ length: 255 }),
    user_id: text({ length: 64 }),
    project_id: text({ length: 64 }),
    description: text({ nullable: true }),
    secret_hash: text({ length: 255 }),
    /** ISO 8601 with microseconds, as the API shows it. */
    expires_at: text({ length: 32, nullable: true }),
    unrestricted: boolean({ default: false }),
    role_ids: json<string[]>(),
  },
  { primaryKey: ['id'], unique: [['user_id', 'name']], indexes: [['project_id']] },
);
export type ApplicationCredentialRow = Row<typeof applicationCredentials>;

export const accessRules = table(
  'access_rules',
  {
    id: text({ length: 64 }),
    user_id: text({ length: 64 }),
    service: text({ length: 64 }),
    path: text({ length: 225 }),
    method: text({ length: 6 }),
  },
  { primaryKey: ['id'], unique: [['user_id', 'service', 'path', 'method']] },
);
export type AccessRuleRow = Row<typeof accessRules>;

export const applicationCredentialAccessRules = table(
  'application_credential_access_rules',
  { application_credential_id: text({ length: 64 }), access_rule_id: text({ length: 64 }) },
  {
    primaryKey: ['application_credential_id', 'access_rule_id'],
    indexes: [['access_rule_id']],
    references: [
      { columns: ['application_credential_id'], table: applicationCredentials, onDelete: 'cascade' },
      { columns: ['access_rule_id'], table: accessRules },
    ],
  },
);

export const applicationCredentialTables = {
  applicationCredentials,
  accessRules,
  applicationCredentialAccessRules,
};
