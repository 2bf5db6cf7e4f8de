import { randomUUID } from 'node:crypto';
import { repository } from '../../../platform/store/repository.ts';
import { bigint, json, type Row, table, text, time, timestamp, uuid } from '../../../platform/store/table.ts';
import { nextNumber } from './numbers.ts';
import type { ComputeStore } from './schema.ts';
import { type Server, type ServerFlavor, servers } from './servers.ts';

/** Servers on their way to another size or another host, and those that have been. */
export const migrations = table(
  'migrations',
  {
    id: uuid(),
    /** What the API shows as the id. */
    number: bigint(),
    server_id: uuid(),
    project_id: text({ length: 64 }),
    user_id: text({ length: 64 }),
    /** `resize` */
    type: text({ length: 32 }),
    status: text({ length: 32 }),
    source_host: text({ length: 255 }),
    source_node: text({ length: 255 }),
    dest_host: text({ length: 255 }),
    dest_node: text({ length: 255 }),
    old_flavor: json<ServerFlavor>(),
    new_flavor: json<ServerFlavor>(),
    /** What the server was before. */
    vm_state: text({ length: 32 }),
    created_at: time(),
    updated_at: time({ nullable: true }),
  },
  {
    primaryKey: ['id'],
    unique: [['number']],
    references: [{ columns: ['server_id'], table: servers, onDelete: 'cascade' }],
    indexes: [
      ['server_id', 'status'],
      ['created_at', 'id'],
    ],
  },
);
export type ServerMigration = Row<typeof migrations>;

export const migrationTables = { migrations };

/** Migrations as flows and actions change them. */
export function migrationChanges(store: ComputeStore) {
  const rows = repository(store, migrations);
  return {
    rows,
    /** The first of a resize where the server is. In the transaction that starts its flow. */
    async begin(server: Server & { host: string; node: string }, newFlavor: ServerFlavor): Promise<string> {
      const id = randomUUID();
      // One that nobody has settled is over: somebody has set the server's state by hand since.
      await rows.update({ server_id: server.id, status: 'finished' }, { status: 'confirmed' });
      await rows.insert({
        id,
        number: await nextNumber(store, 'migrations'),
        server_id: server.id,
        project_id: server.project_id,
        user_id: server.user_id,
        type: 'resize',
        status: 'pre-migrating',
        source_host: server.host,
        source_node: server.node,
        dest_host: server.host,
        dest_node: server.node,
        old_flavor: server.flavor,
        new_flavor: newFlavor,
        vm_state: server.vm_state,
        created_at: timestamp(),
      });
      return id;
    },
    /** Changes a status, where one is given from that alone. @returns whether it did */
    async to(id: string, status: string, from?: string): Promise<boolean> {
      const where = from === undefined ? { id } : { id, status: from };
      return (await rows.update(where, { status, updated_at: timestamp() })) > 0;
    },
    /** The resize of a server that nobody has confirmed or reverted yet. */
    finished: (serverId: string) => rows.find({ server_id: serverId, status: 'finished' }),
    async get(id: string): Promise<ServerMigration> {
      const found = await rows.get(id);
      if (!found) throw new Error(`there is no migration ${id}`);
      return found;
    },
  };
}

export type MigrationChanges = ReturnType<typeof migrationChanges>;
