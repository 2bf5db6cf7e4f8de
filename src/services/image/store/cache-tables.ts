import { bigint, integer, table, text, time, uuid } from '../../../platform/store/table.ts';

/** Images of remote stores that a host of the image service keeps copies of, or is to fetch. */
export const imageCache = table(
  'image_cache',
  {
    host: text({ length: 255 }),
    image_id: uuid(),
    state: text({ length: 16, values: ['queued', 'cached'] }),
    size: bigint({ default: 0 }),
    hits: integer({ default: 0 }),
    last_accessed: time(),
    last_modified: time(),
  },
  { primaryKey: ['host', 'image_id'], indexes: [['host', 'state', 'last_accessed']] },
);
