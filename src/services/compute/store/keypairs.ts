import { bigint, type Row, table, text, time } from '../../../platform/store/table.ts';

/** Public keys, which belong to users and not to projects. */
export const keypairs = table(
  'keypairs',
  {
    id: text({ length: 36 }),
    /** The `id` that the API shows. */
    number: bigint(),
    user_id: text({ length: 64 }),
    name: text({ length: 255 }),
    type: text({ length: 8, values: ['ssh', 'x509'], default: 'ssh' }),
    public_key: text(),
    fingerprint: text({ length: 255 }),
    created_at: time(),
  },
  { primaryKey: ['id'], unique: [['user_id', 'name'], ['number']] },
);
export type Keypair = Row<typeof keypairs>;

export const keypairTables = { keypairs };
