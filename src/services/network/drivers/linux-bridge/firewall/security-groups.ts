import { protocols } from '../../../model/protocols.ts';
import type { Ethertype, HostPort, HostSecurityGroup, HostSecurityGroupRule } from '../../driver.ts';
import { blockText, distinctBlocks, isBlockOf, parseBlock } from '../addresses.ts';
import { revision } from '../names.ts';
import { markIn, markOut } from './anti-spoofing.ts';
import type { AddressSet, Chain, Match, Rule, Verdict } from './rules.ts';

/** The protocols that have ports, as nftables names them. */
const withPorts: Readonly<Record<number, string>> = {
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  132: 'sctp',
  136: 'udplite',
};

/** The protocol's number as the packet carries it: `icmp` means ICMPv6 in an IPv6 rule, as upstream has it. */
export function protocolNumber(protocol: string, ethertype: Ethertype): number {
  const number = protocols[protocol.toLowerCase()] ?? Number(protocol);
  if (!Number.isInteger(number) || number < 0 || number > 255)
    throw new Error(`${protocol} is no IP protocol`);
  return number === 1 && ethertype === 'IPv6' ? 58 : number;
}

export const memberSetName = (groupId: string, ethertype: Ethertype): string =>
  `members_${groupId.replaceAll('-', '')}_${ethertype === 'IPv4' ? 4 : 6}`;

function protocolMatches({ protocol, ethertype, portMin, portMax }: HostSecurityGroupRule): Match[] {
  if (protocol === undefined || protocol === 'any' || protocol === '0') return [];
  const number = protocolNumber(protocol, ethertype);
  const match: Match[] = [{ field: 'meta l4proto', in: [String(number)] }];
  const ported = withPorts[number];
  if (ported && (portMin !== undefined || portMax !== undefined)) {
    const [first, last] = [portMin ?? portMax ?? 0, portMax ?? portMin ?? 65_535];
    match.push({ field: `${ported} dport`, in: [first === last ? `${first}` : `${first}-${last}`] });
  } else if (number === 1 || number === 58) {
    const field = number === 1 ? 'icmp' : 'icmpv6';
    if (portMin !== undefined) match.push({ field: `${field} type`, in: [`${portMin}`] });
    if (portMin !== undefined && portMax !== undefined)
      match.push({ field: `${field} code`, in: [`${portMax}`] });
  }
  return match;
}

/** The rule as matches, or nothing when it can never match. */
function ruleMatches(rule: HostSecurityGroupRule): Match[] | undefined {
  const { ethertype, direction, remoteCidr, remoteGroupId } = rule;
  const address = `${ethertype === 'IPv4' ? 'ip' : 'ip6'} ${direction === 'ingress' ? 'saddr' : 'daddr'}`;
  const match: Match[] = [
    { field: 'meta nfproto', in: [ethertype === 'IPv4' ? 'ipv4' : 'ipv6'] },
    ...protocolMatches(rule),
  ];
  if (remoteGroupId) match.push({ field: address, in: [`@${memberSetName(remoteGroupId, ethertype)}`] });
  else if (remoteCidr && !isBlockOf(ethertype, remoteCidr)) return undefined;
  else if (remoteCidr && !remoteCidr.endsWith('/0'))
    match.push({ field: address, in: [blockText(parseBlock(remoteCidr))] });
  return match;
}

const ipv4: Match = { field: 'meta nfproto', in: ['ipv4'] };
const ipv6: Match = { field: 'meta nfproto', in: ['ipv6'] };
const udp = (sport: number, dport: number): Match[] => [
  { field: 'udp sport', in: [`${sport}`] },
  { field: 'udp dport', in: [`${dport}`] },
];
const icmpv6 = (...types: number[]): Match => ({ field: 'icmpv6 type', in: types.map(String) });

/** What upstream lets through whatever the groups say: DHCP, and of ICMPv6 what addresses and multicast can't do without. */
const alwaysAllowed = {
  ingress: [
    [ipv4, ...udp(67, 68)],
    [ipv6, ...udp(547, 546)],
    [ipv6, icmpv6(130, 134, 135, 136)],
  ],
  egress: [
    [ipv4, ...udp(68, 67)],
    [ipv6, ...udp(546, 547)],
    [ipv6, icmpv6(130, 131, 132, 133, 135, 136, 143)],
  ],
} as const;

/** Ports in the same groups share their chains. */
const profile = (port: HostPort): string => revision([...new Set(port.securityGroups)].toSorted().join(' '));

function profileChain(
  name: string,
  direction: 'ingress' | 'egress',
  groups: readonly HostSecurityGroup[],
): Chain {
  // What may leave one port must still be asked whether it may enter the next, so egress returns to the caller.
  const verdict: Verdict = direction === 'ingress' ? 'accept' : 'return';
  const rules = groups
    .flatMap((group) => group.rules)
    .filter((rule) => rule.direction === direction)
    .flatMap((rule): Rule[] => {
      const match = ruleMatches(rule);
      return match ? [{ match, verdict }] : [];
    });
  return {
    name,
    rules: [
      ...alwaysAllowed[direction].map((match): Rule => ({ match, verdict })),
      ...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values(),
      { match: [], verdict: 'drop' },
    ],
  };
}

/**
 * Stateful filtering of what the bridges forward (fed by br_netfilter). Replies to what was let through pass; packets of
 * a connection's own direction are asked again each time, so that a rule's removal cuts connections that it had allowed.
 */
export function securityGroupChains(
  ports: readonly HostPort[],
  groups: readonly HostSecurityGroup[],
  numberOf: (portId: string) => number,
): Chain[] {
  const guarded = ports.filter((port) => port.portSecurity);
  const byId = new Map(groups.map((group) => [group.id, group]));
  const profiles = new Map<string, HostSecurityGroup[]>();
  for (const port of guarded)
    profiles.set(
      profile(port),
      [...new Set(port.securityGroups)].toSorted().flatMap((id) => byId.get(id) ?? []),
    );
  return [
    ...[...profiles].flatMap(([name, members]) => [
      profileChain(`in_${name}`, 'ingress', members),
      profileChain(`out_${name}`, 'egress', members),
    ]),
    {
      name: 'forward',
      hook: 'type filter hook forward priority filter; policy accept;',
      rules: [
        { match: [{ field: 'meta mark', in: ['0'] }], verdict: 'accept' },
        { match: [{ field: 'ct state', in: ['related'] }], verdict: 'accept' },
        {
          match: [
            { field: 'ct state', in: ['established'] },
            { field: 'ct direction', in: ['reply'] },
          ],
          verdict: 'accept',
        },
        { match: [{ field: 'ct state', in: ['invalid'] }], verdict: 'drop' },
        {
          lookup: 'meta mark & 0xffff0000',
          verdicts: new Map(
            guarded.map((port) => [markIn(numberOf(port.id)), `jump out_${profile(port)}` as const]),
          ),
        },
        {
          lookup: 'meta mark & 0x0000ffff',
          verdicts: new Map(
            guarded.map((port) => [markOut(numberOf(port.id)), `jump in_${profile(port)}` as const]),
          ),
        },
      ],
    },
  ];
}

/** Members of every group that a rule here refers to. A group of which nothing is known has none. */
export function memberSets(groups: readonly HostSecurityGroup[]): AddressSet[] {
  const byId = new Map(groups.map((group) => [group.id, group]));
  const referred = new Set(
    groups.flatMap((group) => group.rules.flatMap((rule) => rule.remoteGroupId ?? [])),
  );
  return [...referred].toSorted().flatMap((id) =>
    (['IPv4', 'IPv6'] as const).map((ethertype) => ({
      name: memberSetName(id, ethertype),
      ethertype,
      elements: distinctBlocks(
        (byId.get(id)?.members[ethertype] ?? []).filter((ip) => isBlockOf(ethertype, ip)),
      ),
    })),
  );
}
