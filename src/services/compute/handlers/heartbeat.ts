import { randomUUID } from 'node:crypto';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { ComputeHeartbeat } from '../contract.ts';
import type { FlowParts } from '../flows/parts.ts';
import { providerReport, type Ratios } from '../model/provider-report.ts';

/**
 * Takes down that a compute host lives and what it has: its worker, its compute node, and its resource provider.
 * A host is known from its first heartbeat on.
 */
export async function takeHeartbeat(
  { store, placement }: Pick<FlowParts, 'store' | 'placement'>,
  beat: ComputeHeartbeat,
  ratios: Ratios,
): Promise<void> {
  const write = () => store.transaction(() => writeRows(store, beat));
  // Two first heartbeats at once: the second finds what the first has written.
  const uuid = await write().catch((error: unknown) => {
    if (error instanceof UniqueViolation) return write();
    throw error;
  });
  await placement.ensureProvider(providerReport(uuid, beat, ratios));
}

/** @returns the id of the compute node, which is that of its resource provider */
async function writeRows(store: FlowParts['store'], beat: ComputeHeartbeat): Promise<string> {
  const now = timestamp();
  const { host } = beat;
  const { db } = store;
  const seen = { last_seen_at: now, started_at: timestamp(new Date(beat.startedAt)) };
  const service = await db
    .selectFrom('services')
    .select('id')
    .where('host', '=', host)
    .where('binary', '=', 'nova-compute')
    .executeTakeFirst();
  const serviceId = service?.id ?? randomUUID();
  if (service) await db.updateTable('services').set(seen).where('id', '=', serviceId).execute();
  else {
    await db
      .insertInto('services')
      .values({
        id: serviceId,
        number: await nextNumber(store, 'services'),
        host,
        binary: 'nova-compute',
        created_at: now,
        ...seen,
      })
      .execute();
  }
  const has = {
    service_id: serviceId,
    hypervisor_hostname: host,
    hypervisor_type: beat.hypervisorType,
    hypervisor_version: beat.hypervisorVersion,
    host_ip: beat.hostIp,
    vcpus: beat.cpus,
    memory_mb: beat.memoryMib,
    local_gb: beat.diskGib,
    free_disk_gb: beat.freeDiskGib,
    cpu_info: beat.cpu,
    traits: beat.traits,
    running_vms: beat.running,
    updated_at: now,
  };
  const node = await db.selectFrom('compute_nodes').select('id').where('host', '=', host).executeTakeFirst();
  if (node) {
    await db.updateTable('compute_nodes').set(has).where('id', '=', node.id).execute();
    return node.id;
  }
  const id = randomUUID();
  await db
    .insertInto('compute_nodes')
    .values({ id, number: await nextNumber(store, 'compute_nodes'), host, created_at: now, ...has })
    .execute();
  return id;
}

/** The number that old clients know a row by. Within a transaction. */
async function nextNumber({ db }: FlowParts['store'], table: 'services' | 'compute_nodes'): Promise<number> {
  const row = await db
    .selectFrom(table)
    .select(({ fn }) => fn.max('number').as('number'))
    .executeTakeFirst();
  return Number(row?.number ?? 0) + 1;
}
