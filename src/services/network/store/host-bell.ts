import { setTimeout as delay } from 'node:timers/promises';
import type { NetworkStore } from './tables.ts';

/** Milliseconds between two rounds of telling hosts while changes go on. */
const pause = 25;

/** What has changed, named by what it belongs to. */
export interface Changed {
  hosts?: Iterable<string>;
  networks?: Iterable<string>;
  /** Groups whose rules or members are others now. */
  securityGroups?: Iterable<string>;
}

/** Tells hosts that what should be on them has changed. */
export interface HostBell {
  /** Inside a transaction the hosts hear of it once it has committed; changes that follow closely are told together. */
  ring(changed: Changed): void;
  /** Comes back when everything that was rung for has been told. */
  settled(): Promise<void>;
}

/**
 * @param wake tells one host; where nobody serves it the host will ask for its state when it starts
 * @param onError told of what else goes wrong, which nobody waits for
 */
export function hostBell(
  store: NetworkStore,
  wake: (host: string) => Promise<void>,
  onError: (error: unknown) => void,
): HostBell {
  const hosts = new Set<string>();
  const networks = new Set<string>();
  const groups = new Set<string>();
  let running: Promise<void> | undefined;

  async function affected(): Promise<Set<string>> {
    const found = new Set(hosts);
    const networkIds = [...networks];
    const groupIds = [...groups];
    hosts.clear();
    networks.clear();
    groups.clear();
    if (networkIds.length > 0) {
      const rows = await store.db
        .selectFrom('ports')
        .select('binding_host_id')
        .distinct()
        .where('network_id', 'in', networkIds)
        .execute();
      for (const row of rows) found.add(row.binding_host_id);
    }
    if (groupIds.length > 0) {
      // Ports that are in a group, and ports whose rules let its members in.
      const rows = await store.db
        .selectFrom('port_security_groups')
        .innerJoin('ports', 'ports.id', 'port_security_groups.port_id')
        .select('ports.binding_host_id')
        .distinct()
        .where((where) =>
          where.or([
            where('port_security_groups.security_group_id', 'in', groupIds),
            where(
              'port_security_groups.security_group_id',
              'in',
              where
                .selectFrom('security_group_rules')
                .select('security_group_rules.security_group_id')
                .where('security_group_rules.remote_group_id', 'in', groupIds),
            ),
          ]),
        )
        .execute();
      for (const row of rows) found.add(row.binding_host_id);
    }
    found.delete('');
    return found;
  }

  async function tell(): Promise<void> {
    for (;;) {
      for (const host of await affected()) await wake(host).catch(onError);
      if (hosts.size === 0 && networks.size === 0 && groups.size === 0) return;
      // The first change is told at once; in a burst many are told together, as finding who is concerned has its price.
      await delay(pause);
    }
  }

  function begin(): void {
    running ??= new Promise<void>((resolve) => setImmediate(resolve))
      .then(tell)
      .catch(onError)
      .finally(() => {
        running = undefined;
      });
  }

  return {
    ring(changed) {
      store.afterCommit(() => {
        for (const each of changed.hosts ?? []) if (each) hosts.add(each);
        for (const each of changed.networks ?? []) networks.add(each);
        for (const each of changed.securityGroups ?? []) groups.add(each);
        if (hosts.size > 0 || networks.size > 0 || groups.size > 0) begin();
      });
    },
    async settled() {
      while (running) await running;
    },
  };
}
