import { type Row, table, text } from '../../../../platform/store/table.ts';
import { projects } from '../tables.ts';

/** Which id the API shows for a user or group that some backend knows by another. A public id is never taken again. */
export const idMapping = table(
  'id_mapping',
  {
    public_id: text({ length: 64 }),
    domain_id: text({ length: 64 }),
    local_id: text({ length: 255 }),
    entity_type: text({ length: 5, values: ['user', 'group'] }),
  },
  {
    primaryKey: ['public_id'],
    unique: [['domain_id', 'local_id', 'entity_type']],
    references: [{ columns: ['domain_id'], table: projects, onDelete: 'cascade' }],
  },
);
export type IdMappingRow = Row<typeof idMapping>;

export const idMappingTables = { idMapping };
