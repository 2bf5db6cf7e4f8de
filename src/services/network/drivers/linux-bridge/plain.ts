import type { HostNetworkState } from '../driver.ts';
import { parseBlock } from './addresses.ts';
import { protocolNumber } from './firewall/security-groups.ts';

/** What people choose freely; it is hashed, or cleaned where it is used. */
const free = new Set(['hostname', 'domain', 'physicalNetwork', 'options']);

/**
 * Ids, addresses and the like become words of commands for ip, nft and dnsmasq, so none may be more than a word. The
 * network service has validated them; this is the second lock on the same door.
 *
 * @throws Error naming the first that is not plain
 */
export function assertPlain(value: unknown, path = 'state'): void {
  if (typeof value === 'string') {
    if (!/^[A-Za-z0-9.:/_-]*$/.test(value)) throw new Error(`${path} holds what no id or address does`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, part] of Object.entries(value)) if (!free.has(key)) assertPlain(part, `${path}.${key}`);
  }
}

/**
 * Leaves out security group rules that can't be said in nft, and says which: one of them must not cost all others theirs.
 * Without a rule less is let through, never more.
 */
export function withoutUnspeakableRules(wanted: HostNetworkState): {
  state: HostNetworkState;
  faults: string[];
} {
  const faults: string[] = [];
  const securityGroups = wanted.securityGroups.map((group) => ({
    ...group,
    rules: group.rules.filter(({ protocol, ethertype, remoteCidr }) => {
      try {
        if (protocol !== undefined && protocol !== 'any') protocolNumber(protocol, ethertype);
        if (remoteCidr !== undefined) parseBlock(remoteCidr);
        return true;
      } catch (error) {
        faults.push(`security group ${group.id}: ${error instanceof Error ? error.message : String(error)}`);
        return false;
      }
    }),
  }));
  return { state: { ...wanted, securityGroups }, faults };
}
