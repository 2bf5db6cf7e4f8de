import { boolean, type Row, table, text } from '../../../../platform/store/table.ts';
import { projects } from '../tables.ts';

/** What is configured for single domains. `option_value` is JSON; of sensitive options it is encrypted (Fernet). */
export const domainOptions = table(
  'domain_options',
  {
    domain_id: text({ length: 64 }),
    option_group: text({ length: 64 }),
    option_name: text({ length: 128 }),
    sensitive: boolean({ default: false }),
    option_value: text(),
  },
  {
    primaryKey: ['domain_id', 'option_group', 'option_name'],
    references: [{ columns: ['domain_id'], table: projects, onDelete: 'cascade' }],
  },
);
export type DomainOptionRow = Row<typeof domainOptions>;

export const domainConfigurationTables = { domainOptions };
