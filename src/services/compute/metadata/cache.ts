import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { ComputeService, InstanceMetadata } from '../contract.ts';

/** How old what a guest reads may be: upstream's `metadata_cache_expiration`. */
const lifetime = 15_000;
/** A guest reads some twenty files when it boots, and seldom later: the cache holds those that boot. */
const most = 1000;

/**
 * Asks compute about servers, once for the many requests that a booting guest makes: also while they are under way.
 * A server that is not there is asked for again.
 */
export function metadataCache(
  compute: Pick<ComputeService, 'instanceMetadata'>,
  clock: Pick<Clock, 'now'>,
): (serverId: string) => Promise<InstanceMetadata | undefined> {
  const cache = new LRUCache<string, InstanceMetadata>({
    max: most,
    ttl: lifetime,
    // Without it the cache would remember the time for a millisecond of its own.
    ttlResolution: 0,
    perf: clock,
    fetchMethod: async (serverId) => (await compute.instanceMetadata({ serverId })) ?? undefined,
  });
  return (serverId) => cache.fetch(serverId);
}
