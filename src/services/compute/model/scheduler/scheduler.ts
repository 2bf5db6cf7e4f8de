import { hostFilters } from './filters.ts';
import type { HostRequest, HostState } from './request.ts';

/** Hosts that may do, best first, and how many each filter turned away. */
export interface Ranking {
  hosts: HostState[];
  refused: Record<string, number>;
}

/**
 * Filters hosts and puts them in order: those with the most free memory and processors first (each on a scale from
 * 0 to 1 over the hosts that are left), soft group policies before that; which of equals comes first is chance.
 * A forced host passes no filter, as upstream.
 *
 * @param random gives numbers in [0, 1)
 */
export function rankHosts(
  hosts: readonly HostState[],
  request: HostRequest,
  random: () => number = Math.random,
): Ranking {
  const refused: Record<string, number> = {};
  let left = hosts.filter(({ host }) => !request.forceHost || host === request.forceHost);
  if (!request.forceHost) {
    for (const { name, passes } of hostFilters) {
      const passed = left.filter((host) => passes(host, request));
      if (passed.length < left.length) refused[name] = left.length - passed.length;
      left = passed;
    }
  }
  const ram = scale(left.map((host) => host.freeRamMib));
  const cpu = scale(left.map((host) => host.freeVcpus));
  const weighed = left.map((host) => ({
    host,
    weight: ram(host.freeRamMib) + cpu(host.freeVcpus) + groupWeight(host, request),
    chance: random(),
  }));
  weighed.sort((a, b) => b.weight - a.weight || a.chance - b.chance);
  return { hosts: weighed.map(({ host }) => host), refused };
}

/** More than the other weights together: soft policies are about who else is there, not about what is free. */
function groupWeight({ host }: HostState, { group }: HostRequest): number {
  if (!group) return 0;
  const there = group.hosts.filter((each) => each === host).length;
  const share = group.hosts.length === 0 ? 0 : there / group.hosts.length;
  if (group.policy === 'soft-affinity') return 4 * share;
  if (group.policy === 'soft-anti-affinity') return -4 * share;
  return 0;
}

/** Brings values to 0 … 1; all the same value is 0. */
function scale(values: readonly number[]): (value: number) => number {
  const least = Math.min(...values);
  const span = Math.max(...values) - least;
  return (value) => (span > 0 ? (value - least) / span : 0);
}
