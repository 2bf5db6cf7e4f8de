import { BadRequest } from '../../../platform/errors/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { ComputeStore } from './schema.ts';
import { type ComputeNode, type Service, serviceDownTime } from './services.ts';

/** Where hosts are that no aggregate puts anywhere. */
export const defaultZone = 'nova';
/** Where the workers are that run no guests. */
export const internalZone = 'internal';

/** A compute host with the record of its worker and its availability zone. */
export interface Host {
  node: ComputeNode;
  service: Pick<Service, 'disabled' | 'forced_down' | 'last_seen_at'>;
  zone: string;
}

/** @throws BadRequest for a zone that has no host to put a server on */
export async function assertZone(store: ComputeStore, zone: string): Promise<void> {
  const hosts = await computeHosts(store);
  const known = hosts.some((host) => host.zone === zone && !host.service.disabled);
  // A cloud whose hosts have yet to be heard of has the default zone all the same.
  if (!known && !(zone === defaultZone && hosts.length === 0))
    throw new BadRequest('The requested availability zone is not available');
}

/** Whether a worker has been heard of lately enough, and nobody said that it is down. */
export const isUp = (service: Pick<Service, 'forced_down' | 'last_seen_at'>): boolean =>
  !service.forced_down && service.last_seen_at >= timestamp(new Date(Date.now() - serviceDownTime * 1000));

/** The availability zones of hosts, by host; those that are missing are in the default zone. */
export async function zonesByHost(store: ComputeStore): Promise<Map<string, string>> {
  const rows = await store.db
    .selectFrom('aggregate_hosts')
    .innerJoin('aggregates', 'aggregates.id', 'aggregate_hosts.aggregate_id')
    .select(['aggregate_hosts.host', 'aggregates.metadata'])
    .execute();
  return new Map(
    rows.flatMap(({ host, metadata }) =>
      metadata['availability_zone'] ? [[host, metadata['availability_zone']]] : [],
    ),
  );
}

/** All compute hosts: two queries however many there are. */
export async function computeHosts(store: ComputeStore): Promise<Host[]> {
  const zones = await zonesByHost(store);
  const nodes = await store.db.selectFrom('compute_nodes').selectAll().execute();
  const services = await store.db
    .selectFrom('services')
    .select(['id', 'disabled', 'forced_down', 'last_seen_at'])
    .where('binary', '=', 'nova-compute')
    .execute();
  const byId = new Map(services.map((each) => [each.id, each]));
  return nodes.flatMap((node) => {
    const service = byId.get(node.service_id);
    return service ? [{ node, service, zone: zones.get(node.host) ?? defaultZone }] : [];
  });
}
