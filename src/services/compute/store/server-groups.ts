import { integer, json, type Row, table, text, time, uuid } from '../../../platform/store/table.ts';

/** Servers that are to be together, or apart. */
export const serverGroups = table(
  'server_groups',
  {
    id: uuid(),
    project_id: text({ length: 64 }),
    user_id: text({ length: 64 }),
    name: text({ length: 255 }),
    policy: text({
      length: 32,
      values: ['affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'],
    }),
    rules: json<{ max_server_per_host?: number }>({ default: {} }),
    created_at: time(),
  },
  { primaryKey: ['id'], indexes: [['project_id', 'created_at', 'id']] },
);
export type ServerGroup = Row<typeof serverGroups>;

export const serverGroupMembers = table(
  'server_group_members',
  { group_id: uuid(), server_id: uuid(), position: integer({ default: 0 }) },
  {
    primaryKey: ['group_id', 'server_id'],
    references: [{ columns: ['group_id'], table: serverGroups, onDelete: 'cascade' }],
    indexes: [['server_id']],
  },
);

export const serverGroupTables = { serverGroups, serverGroupMembers };
