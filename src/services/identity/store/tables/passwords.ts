import type { Migration } from '../../../../platform/store/migrate.ts';
import { boolean, integer, table, text } from '../../../../platform/store/table.ts';
import { users } from '../tables.ts';

/** The passwords that a user had before the present one, which stands in `users`; a higher number is a later one. */
export const pastPasswords = table(
  'past_passwords',
  {
    user_id: text({ length: 64 }),
    number: integer(),
    password_hash: text({ length: 255, nullable: true }),
    password_created_at: text({ length: 32, nullable: true }),
    password_expires_at: text({ length: 32, nullable: true }),
    password_self_service: boolean({ default: false }),
  },
  {
    primaryKey: ['user_id', 'number'],
    references: [{ columns: ['user_id'], table: users, onDelete: 'cascade' }],
  },
);

export const passwordTables = { pastPasswords };

/** What is known of a user's password and of his attempts to use it. */
export const passwordsMigration: Migration = {
  name: '0030-passwords',
  async up(m) {
    await m.addColumn(users, 'user_created_at');
    await m.addColumn(users, 'last_active_at');
    await m.addColumn(users, 'failed_auth_count');
    await m.addColumn(users, 'failed_auth_at');
    await m.addColumn(users, 'password_created_at');
    await m.addColumn(users, 'password_self_service');
    await m.createTable(pastPasswords);
  },
};
