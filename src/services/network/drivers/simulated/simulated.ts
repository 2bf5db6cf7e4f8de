import type { HostNetworkState, NetworkDriver } from '../driver.ts';
import { emptyHostNetworkState } from '../driver.ts';

/** A host's network in memory: what is wanted is there at once, and no packet flows. */
export interface SimulatedNetwork extends NetworkDriver {
  /** What is "on the host". */
  present(): HostNetworkState;
}

export function simulatedNetwork(): SimulatedNetwork {
  let present = emptyHostNetworkState();
  return {
    present: () => structuredClone(present),
    async reconcile(wanted) {
      const start = performance.now();
      const changes = countDifferences(present, wanted);
      if (changes > 0) present = structuredClone(wanted);
      return {
        changes,
        up: {
          ports: wanted.ports.filter(({ adminStateUp }) => adminStateUp).map(({ id }) => id),
          routers: wanted.routers.filter(({ adminStateUp }) => adminStateUp).map(({ id }) => id),
          dhcp: wanted.dhcp.map(({ networkId }) => networkId),
        },
        faults: [],
        took: performance.now() - start,
      };
    },
    async close() {},
    async destroyAll() {
      present = emptyHostNetworkState();
    },
    namespace: undefined,
    attachment: (portId) => ({ command: [], tap: `tap${portId.slice(0, 11)}` }),
  };
}

const key = (item: { id: string } | { networkId: string }): string =>
  'id' in item ? item.id : item.networkId;

/** How many things appeared, vanished or became different. */
function countDifferences(before: HostNetworkState, after: HostNetworkState): number {
  const kinds = ['networks', 'ports', 'securityGroups', 'dhcp', 'routers'] as const;
  return kinds.reduce((sum, kind) => {
    const [old, now] = [before, after].map(
      (state) => new Map(state[kind].map((item) => [key(item), JSON.stringify(item)])),
    );
    const ids = new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])]);
    return sum + [...ids].filter((id) => old?.get(id) !== now?.get(id)).length;
  }, 0);
}
