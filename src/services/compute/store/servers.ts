import { boolean, integer, json, type Row, table, text, time, uuid } from '../../../platform/store/table.ts';

/** The flavor as it was when the server was made (or resized): later changes of flavors do not reach servers. */
export interface ServerFlavor {
  id: string;
  name: string;
  description: string | null;
  vcpus: number;
  ram: number;
  disk: number;
  ephemeral: number;
  swap: number;
  rxtx_factor: number;
  extra_specs: Record<string, string>;
}

export interface ServerFault {
  code: number;
  created: string;
  message: string;
  /** For administrators only, and for everybody where the code is below 500. */
  details?: string;
}

/** What a server was asked to be, beyond what its row shows: the scheduler's and the network's wishes. */
export interface ServerRequest {
  networks: { networkId: string; portId?: string; fixedIp?: string; tag?: string }[];
  securityGroupIds: string[];
  hints: Record<string, unknown>;
  zone?: string;
  /** Hosts that an administrator has asked for. */
  forceHost?: string;
  requestedHost?: string;
  requestedHypervisor?: string;
}

/** Deleted servers stay, marked, for `deleted=true` and their actions. */
export const servers = table(
  'servers',
  {
    id: uuid(),
    project_id: text({ length: 64 }),
    user_id: text({ length: 64 }),
    name: text({ length: 255 }),
    description: text({ nullable: true }),
    hostname: text({ length: 255 }),
    reservation_id: text({ length: 64 }),
    launch_index: integer({ default: 0 }),
    vm_state: text({ length: 32 }),
    task_state: text({ nullable: true, length: 32 }),
    power_state: integer({ default: 0 }),
    progress: integer({ default: 0 }),
    image_id: text({ nullable: true, length: 36 }),
    flavor_id: text({ length: 255 }),
    flavor: json<ServerFlavor>(),
    vcpus: integer(),
    memory_mib: integer(),
    key_name: text({ nullable: true, length: 255 }),
    keypair: json<{ name: string; type: string; public_key: string }>({ nullable: true }),
    user_data: text({ nullable: true }),
    metadata: json<Record<string, string>>({ default: {} }),
    config_drive: boolean({ default: false }),
    disk_config: text({ length: 8, default: 'MANUAL' }),
    availability_zone: text({ nullable: true, length: 255 }),
    host: text({ nullable: true, length: 255 }),
    node: text({ nullable: true, length: 255 }),
    access_ip_v4: text({ nullable: true, length: 64 }),
    access_ip_v6: text({ nullable: true, length: 64 }),
    locked: boolean({ default: false }),
    locked_by: text({ nullable: true, length: 16 }),
    locked_reason: text({ nullable: true, length: 255 }),
    trusted_certificates: json<string[]>({ nullable: true }),
    request: json<ServerRequest>(),
    fault: json<ServerFault>({ nullable: true }),
    created_at: time(),
    updated_at: time(),
    launched_at: time({ nullable: true }),
    terminated_at: time({ nullable: true }),
    deleted: boolean({ default: false }),
    deleted_at: time({ nullable: true }),
    /** What it is put back from while it is shelved. */
    shelved_image_id: text({ nullable: true, length: 36 }),
    shelved_at: time({ nullable: true }),
  },
  {
    primaryKey: ['id'],
    indexes: [
      ['project_id', 'deleted', 'created_at', 'id'],
      ['deleted', 'created_at', 'id'],
      ['host', 'deleted'],
      ['reservation_id'],
      ['updated_at'],
    ],
  },
);
export type Server = Row<typeof servers>;

export const serverTags = table(
  'server_tags',
  { server_id: uuid(), tag: text({ length: 60 }) },
  {
    primaryKey: ['server_id', 'tag'],
    references: [{ columns: ['server_id'], table: servers, onDelete: 'cascade' }],
    indexes: [['tag']],
  },
);

/** What was asked of a server, shown as its instance actions. */
export const serverActions = table(
  'server_actions',
  {
    id: uuid(),
    server_id: uuid(),
    action: text({ length: 64 }),
    request_id: text({ length: 64 }),
    user_id: text({ length: 64, nullable: true }),
    project_id: text({ length: 64, nullable: true }),
    start_time: time(),
    updated_at: time(),
    message: text({ nullable: true }),
  },
  {
    primaryKey: ['id'],
    unique: [['server_id', 'request_id']],
    references: [{ columns: ['server_id'], table: servers, onDelete: 'cascade' }],
  },
);

/** The steps of an action: what was done where, and how it ended. */
export const serverActionEvents = table(
  'server_action_events',
  {
    action_id: uuid(),
    event: text({ length: 128 }),
    start_time: time(),
    finish_time: time({ nullable: true }),
    result: text({ nullable: true, length: 32 }),
    traceback: text({ nullable: true }),
    details: text({ nullable: true }),
    host: text({ nullable: true, length: 255 }),
  },
  {
    primaryKey: ['action_id', 'event'],
    references: [{ columns: ['action_id'], table: serverActions, onDelete: 'cascade' }],
  },
);

/** Tokens that open a console once; only their hashes are kept. */
export const consoleTokens = table(
  'console_tokens',
  {
    token_hash: text({ length: 64 }),
    server_id: uuid(),
    host: text({ length: 255 }),
    console_type: text({ length: 16 }),
    expires_at: time(),
  },
  { primaryKey: ['token_hash'], indexes: [['expires_at'], ['server_id']] },
);

export const serverTables = { servers, serverTags, serverActions, serverActionEvents, consoleTokens };
