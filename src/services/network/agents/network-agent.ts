import { type PeriodicReport, periodic } from '../../../platform/agent/periodic.ts';
import { ServiceUnavailable } from '../../../platform/errors/errors.ts';
import type { HostNetworkReport, HostNetworkState, NetworkDriver } from '../drivers/driver.ts';

export interface NetworkAgentOptions {
  driver: NetworkDriver;
  /** What should be on this host: the network service's `hostState`. */
  source: { wanted(): Promise<HostNetworkState> };
  /** Told what came up or went down since the last run (after a start: everything). It is told again if it throws. */
  report?: (change: HostNetworkChange) => Promise<void>;
  /** Told of what could not be made, and of runs that failed. */
  onFault?: (words: string) => void;
  /** Milliseconds between runs that nobody asked for. Default 60,000. */
  every?: number;
}

/** Ids that are up and were not before, and those that are wanted but are not up. */
export interface HostNetworkChange {
  ports: { up: string[]; down: string[] };
  routers: { up: string[]; down: string[] };
  dhcp: { up: string[]; down: string[] };
}

/** Keeps the network of one host as the network service wants it. */
export interface HostNetworkAgent {
  start(): void;
  /** Something that concerns this host has changed: a run begins soon. */
  wake(): void;
  /**
   * Waits until what was wanted at the time of the call is in place.
   *
   * @param portIds ports without which the caller can't go on
   * @throws ServiceUnavailable when one of them is not up afterwards; the error of a run that failed whole
   */
  sync(portIds?: readonly string[]): Promise<HostNetworkReport>;
  status(): PeriodicReport<HostNetworkReport>;
  /** Ends the runs and lets go of the driver; the network goes on. */
  close(): Promise<void>;
}

type Kind = keyof HostNetworkChange;
const kinds: readonly Kind[] = ['ports', 'routers', 'dhcp'];

export function networkAgent(options: NetworkAgentOptions): HostNetworkAgent {
  const { driver, source, onFault = () => {} } = options;
  /** What the service was last told, by kind and id. */
  const told: Record<Kind, Map<string, boolean>> = {
    ports: new Map(),
    routers: new Map(),
    dhcp: new Map(),
  };

  async function tell(wanted: HostNetworkState, { up }: HostNetworkReport): Promise<void> {
    const now: Record<Kind, Map<string, boolean>> = {
      ports: states(
        wanted.ports.map(({ id }) => id),
        up.ports,
      ),
      routers: states(
        wanted.routers.map(({ id }) => id),
        up.routers,
      ),
      dhcp: states(
        wanted.dhcp.map(({ networkId }) => networkId),
        up.dhcp,
      ),
    };
    const changed = (kind: Kind, state: boolean) =>
      [...now[kind]].filter(([id, is]) => is === state && told[kind].get(id) !== is).map(([id]) => id);
    const change = Object.fromEntries(
      kinds.map((kind) => [kind, { up: changed(kind, true), down: changed(kind, false) }]),
    ) as unknown as HostNetworkChange;
    if (kinds.some((kind) => change[kind].up.length + change[kind].down.length > 0))
      await options.report?.(change);
    for (const kind of kinds) told[kind] = now[kind];
  }

  const runs = periodic<HostNetworkReport>(
    'host network',
    options.every ?? 60_000,
    async (signal) => {
      const wanted = await source.wanted();
      signal.throwIfAborted();
      const report = await driver.reconcile(wanted);
      for (const fault of report.faults) onFault(fault);
      await tell(wanted, report);
      return report;
    },
    { onError: (error) => onFault(error instanceof Error ? error.message : String(error)) },
  );

  return {
    start: () => runs.start(),
    wake: () => runs.wake(),
    async sync(portIds = []) {
      const report = await runs.sync();
      const missing = portIds.filter((id) => !report.up.ports.includes(id));
      if (missing.length)
        throw new ServiceUnavailable(
          `Port ${missing.join(', ')} is not up on this host${report.faults[0] ? `: ${report.faults[0]}` : ''}.`,
        );
      return report;
    },
    status: () => runs.report(),
    async close() {
      await runs.close();
      await driver.close();
    },
  };
}

const states = (wanted: readonly string[], up: readonly string[]): Map<string, boolean> => {
  const isUp = new Set(up);
  return new Map(wanted.map((id) => [id, isUp.has(id)]));
};
