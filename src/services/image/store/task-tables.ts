import { json, table, text, time, uuid } from '../../../platform/store/table.ts';

/** What an import was asked to do and came to, as `/v2/tasks` shows it. The work itself is a flow. */
export const imageTasks = table(
  'image_tasks',
  {
    id: uuid(),
    type: text({ length: 32 }),
    status: text({ length: 16, values: ['pending', 'processing', 'success', 'failure'] }),
    owner: text({ nullable: true, length: 255 }),
    user_id: text({ nullable: true, length: 64 }),
    request_id: text({ nullable: true, length: 64 }),
    image_id: uuid({ nullable: true }),
    input: json<Record<string, unknown>>(),
    result: json<Record<string, unknown>>({ nullable: true }),
    message: text({ length: 4096, default: '' }),
    /** Set when it is over: it is forgotten then. */
    expires_at: time({ nullable: true }),
    created_at: time(),
    updated_at: time(),
  },
  { primaryKey: ['id'], indexes: [['image_id', 'created_at'], ['created_at', 'id'], ['expires_at']] },
);
