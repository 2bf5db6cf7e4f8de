import type { HostAddress } from '../drivers/driver.ts';
import type { Network } from '../store/network.ts';
import type { Port } from '../store/ports.ts';
import type { NetworkRow, SubnetRow } from '../store/tables.ts';

/** What is read once of all that concerns a host, for each part of its state to be made of. */
export interface Scene {
  network: Network;
  host: string;
  local: Port[];
  networkRows: NetworkRow[];
  subnetRows: SubnetRow[];
  addresses(port: Port): HostAddress[];
}

export const isUp = (rows: readonly NetworkRow[], id: string): boolean =>
  rows.find((row) => row.id === id)?.admin_state_up ?? false;
