import {
  bigint,
  boolean,
  integer,
  json,
  type Row,
  table,
  text,
  time,
  uuid,
} from '../../../platform/store/table.ts';

/** The workers of compute, as `openstack compute service list` shows them; those that beat are up. */
export const services = table(
  'services',
  {
    id: uuid(),
    /** Before 2.53 the API shows this as the id. */
    number: bigint(),
    host: text({ length: 255 }),
    /** `nova-compute`, `nova-scheduler`, `nova-conductor` */
    binary: text({ length: 64 }),
    disabled: boolean({ default: false }),
    disabled_reason: text({ nullable: true, length: 255 }),
    forced_down: boolean({ default: false }),
    started_at: time({ nullable: true }),
    last_seen_at: time(),
    created_at: time(),
    updated_at: time({ nullable: true }),
  },
  { primaryKey: ['id'], unique: [['host', 'binary'], ['number']] },
);
export type Service = Row<typeof services>;

/** What a host has to give; its uuid is that of its resource provider in placement. */
export const computeNodes = table(
  'compute_nodes',
  {
    id: uuid(),
    /** Before 2.53 the API shows this as the id. */
    number: bigint(),
    service_id: uuid(),
    host: text({ length: 255 }),
    hypervisor_hostname: text({ length: 255 }),
    hypervisor_type: text({ length: 64 }),
    hypervisor_version: integer(),
    host_ip: text({ length: 64 }),
    vcpus: integer(),
    memory_mb: bigint(),
    local_gb: bigint(),
    free_disk_gb: bigint(),
    cpu_info: json<object>({ default: {} }),
    traits: json<string[]>({ default: [] }),
    running_vms: integer({ default: 0 }),
    created_at: time(),
    updated_at: time(),
  },
  {
    primaryKey: ['id'],
    unique: [['host'], ['number']],
    references: [{ columns: ['service_id'], table: services, onDelete: 'cascade' }],
  },
);
export type ComputeNode = Row<typeof computeNodes>;

/** In seconds: a service that has not been heard of for so long is down. */
export const serviceDownTime = 60;

export const serviceTables = { services, computeNodes };
