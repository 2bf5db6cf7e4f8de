import type { NetworkSettings } from '../settings.ts';
import type { HostBell } from './host-bell.ts';
import type { NetworkStore } from './tables.ts';

/** What every part of the service works with. */
export interface Network {
  store: NetworkStore;
  settings: NetworkSettings;
  /** Wakes the agents of hosts on which something should change. */
  hosts: HostBell;
}
