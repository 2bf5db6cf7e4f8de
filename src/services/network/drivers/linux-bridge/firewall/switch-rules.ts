import type { HostNetworkState } from '../../driver.ts';
import { bridgeName, revision } from '../names.ts';
import { bridgeChains } from './anti-spoofing.ts';
import { replaceTables, type Table } from './rules.ts';
import { memberSets, securityGroupChains } from './security-groups.ts';

/** Small numbers that stay with a port or network as long as it is here: nft and conntrack know them by these. */
export interface Numbers {
  ofPort(portId: string): number;
  /** The conntrack zone: addresses of different networks may be the same, their connections are not. */
  ofNetwork(networkId: string): number;
}

const revisionPrefix = 'cumulet_revision_';

export function switchTables(wanted: HostNetworkState, numbers: Numbers): Table[] {
  const zones = wanted.networks.map(({ id }) => `"${bridgeName(id)}" : ${numbers.ofNetwork(id)}`);
  return [
    { family: 'bridge', name: 'cumulet', chains: bridgeChains(wanted.ports, numbers.ofPort) },
    {
      family: 'inet',
      name: 'cumulet',
      sets: memberSets(wanted.securityGroups),
      chains: [
        {
          name: 'zones',
          hook: 'type filter hook prerouting priority raw; policy accept;',
          rules: zones.length ? [{ match: [], set: `ct zone set iifname map { ${zones.join(', ')} }` }] : [],
        },
        ...securityGroupChains(wanted.ports, wanted.securityGroups, numbers.ofPort),
      ],
    },
  ];
}

/**
 * One transaction for the whole switch. It leaves an empty table whose name is a fingerprint of the rest, by which the
 * next reconciliation sees, at the price of `nft list tables`, that there is nothing to do.
 *
 * @param present tables of the switch as `nft list tables` names them, e.g. `inet cumulet`
 */
export function switchTransaction(
  wanted: HostNetworkState,
  numbers: Numbers,
  present: readonly string[],
): string | undefined {
  const text = replaceTables(switchTables(wanted, numbers));
  const mark = `inet ${revisionPrefix}${revision(text)}`;
  if (present.includes(mark) && present.includes('bridge cumulet') && present.includes('inet cumulet'))
    return undefined;
  const old = present.filter((table) => table.startsWith(`inet ${revisionPrefix}`) && table !== mark);
  return `${old.map((table) => `delete table ${table}\n`).join('')}${text}table ${mark} {\n}\n`;
}
