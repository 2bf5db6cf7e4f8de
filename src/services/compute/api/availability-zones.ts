import { type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Compute } from '../compute.ts';
import { defaultZone, internalZone, isUp, zonesByHost } from '../store/host-states.ts';
import { services } from '../store/services.ts';
import { shownTime } from './query.ts';

/** What is said of a worker in the detailed list. */
interface Worker {
  available: boolean;
  active: boolean;
  updated_at: string | null;
}

/** Where servers can be asked to go: zones made of aggregates, and one for the hosts that are in none. */
export function availabilityZoneRoutes({ store }: Compute): Route[] {
  const rows = repository(store, services);

  /** Zones with the workers in them that are enabled; a zone with none of these is not available. */
  async function zones() {
    const all = await rows.list({ sort: [{ column: 'number', direction: 'asc' }] });
    const byHost = await zonesByHost(store);
    const found = new Map<string, Record<string, Record<string, Worker>>>();
    for (const row of all) {
      const zone = row.binary === 'nova-compute' ? (byHost.get(row.host) ?? defaultZone) : internalZone;
      const hosts = found.get(zone) ?? {};
      found.set(zone, hosts);
      if (row.disabled) continue;
      hosts[row.host] ??= {};
      (hosts[row.host] as Record<string, Worker>)[row.binary] = {
        available: isUp(row),
        active: true,
        updated_at: shownTime(row.last_seen_at),
      };
    }
    return [...found]
      .map(([zoneName, hosts]) => ({ zoneName, hosts, available: Object.keys(hosts).length > 0 }))
      .toSorted((a, b) => Number(b.available) - Number(a.available));
  }

  return [
    route({
      method: 'GET',
      path: '/v2.1/os-availability-zone',
      summary: 'List availability zones',
      policy: 'os_compute_api:os-availability-zone:list',
      handler: async () => ({
        availabilityZoneInfo: (await zones())
          .filter(({ zoneName }) => zoneName !== internalZone)
          .map(({ zoneName, available }) => ({ zoneName, zoneState: { available }, hosts: null })),
      }),
    }),
    route({
      method: 'GET',
      path: '/v2.1/os-availability-zone/detail',
      summary: 'List availability zones and the hosts in them',
      policy: 'os_compute_api:os-availability-zone:detail',
      handler: async () => ({
        availabilityZoneInfo: (await zones()).map(({ zoneName, available, hosts }) => ({
          zoneName,
          zoneState: { available },
          hosts: available ? hosts : null,
        })),
      }),
    }),
  ];
}
