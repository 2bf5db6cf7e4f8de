import { boolean, integer, json, type Row, table, text } from '../../../../platform/store/table.ts';
import type { Extra } from '../tables.ts';

/** What a user lets another do in his place. */
export const trusts = table(
  'trusts',
  {
    id: text({ length: 64 }),
    trustor_user_id: text({ length: 64 }),
    trustee_user_id: text({ length: 64 }),
    project_id: text({ length: 64, nullable: true }),
    impersonation: boolean(),
    role_ids: json<string[]>(),
    /** ISO 8601 with microseconds, as the API shows it. */
    expires_at: text({ length: 32, nullable: true }),
    remaining_uses: integer({ nullable: true }),
    /** The trust that this one hands on. */
    redelegated_trust_id: text({ length: 64, nullable: true }),
    redelegation_count: integer(),
    extra: json<Extra>({ default: {} }),
    /** A hash of what no two trusts may have alike. */
    sameness: text({ length: 64 }),
  },
  {
    primaryKey: ['id'],
    unique: [['sameness']],
    indexes: [
      ['trustor_user_id'],
      ['trustee_user_id'],
      ['project_id'],
      ['redelegated_trust_id'],
      ['expires_at'],
    ],
  },
);
export type TrustRow = Row<typeof trusts>;

export const trustTables = { trusts };
