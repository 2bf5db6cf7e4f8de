import { json, type Row, table, text } from '../../../../platform/store/table.ts';
import type { Extra } from '../tables.ts';

/** Secrets that identity keeps for users: EC2 key pairs, TOTP seeds, certificates, and what else they give it. */
export const credentials = table(
  'credentials',
  {
    id: text({ length: 64 }),
    user_id: text({ length: 64 }),
    project_id: text({ length: 64, nullable: true }),
    type: text({ length: 255 }),
    encrypted_blob: text(),
    extra: json<Extra>({ default: {} }),
  },
  { primaryKey: ['id'], indexes: [['user_id', 'type'], ['project_id']] },
);
export type CredentialRow = Row<typeof credentials>;

export const credentialTables = { credentials };
