import type { NetworkService } from '../contract.ts';
import { canonicalAddress } from '../model/addresses.ts';
import type { Network } from '../store/network.ts';

/** Finds the server of an address that was seen on one network, or on the networks of one router. */
export function serverByAddress({ store }: Network): NetworkService['serverByAddress'] {
  return async ({ ip, routerId, networkId }) => {
    if (routerId === undefined && networkId === undefined) return null;
    const row = await store.db
      .selectFrom('ip_allocations')
      .innerJoin('ports', 'ports.id', 'ip_allocations.port_id')
      .select(['ports.device_id', 'ports.project_id'])
      .where('ip_allocations.ip_address', '=', String(canonicalAddress(ip)))
      .where('ports.device_owner', 'like', 'compute:%')
      .where(
        'ip_allocations.network_id',
        'in',
        networkId === undefined
          ? store.db
              .selectFrom('ports as interfaces')
              .select('interfaces.network_id')
              .where('interfaces.device_id', '=', routerId as string)
              .where('interfaces.device_owner', '=', 'network:router_interface')
          : [networkId],
      )
      .executeTakeFirst();
    return row ? { serverId: row.device_id, projectId: row.project_id } : null;
  };
}
