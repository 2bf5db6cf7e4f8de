import type { HostPort } from '../../driver.ts';
import { distinctBlocks, isBlockOf, linkLocal, parseBlock } from '../addresses.ts';
import { tapName } from '../names.ts';
import type { Chain, Match, Rule } from './rules.ts';

/** The number by which a port's rules are found: in the mark's lower half where a frame leaves, in the upper where it enters. */
export const markIn = (number: number): string => `0x${(number * 0x10000).toString(16).padStart(8, '0')}`;
export const markOut = (number: number): string => `0x${number.toString(16).padStart(8, '0')}`;

const isEther = (type: 'arp' | 'ip' | 'ip6'): Match => ({ field: 'ether type', in: [type] });
const everything = (blocks: readonly string[]): boolean => blocks.some((block) => block.endsWith('/0'));
/** `field in blocks`, or nothing to check when the blocks are all there is. */
const within = (field: string, blocks: readonly string[]): Match[] =>
  everything(blocks) ? [] : [{ field, in: blocks }];

/** Which addresses a port may use with each of its MACs: its own, its fixed IPs', its allowed pairs'. */
export function permittedSources(port: HostPort): Map<string, { IPv4: string[]; IPv6: string[] }> {
  const own = port.mac.toLowerCase();
  const byMac = new Map<string, string[]>([[own, port.fixedIps.map(({ ip }) => ip)]]);
  for (const { mac, ip } of port.allowedAddressPairs) {
    const key = (mac ?? own).toLowerCase();
    byMac.set(key, [...(byMac.get(key) ?? []), ip]);
  }
  return new Map(
    [...byMac].map(([mac, ips]) => [
      mac,
      {
        IPv4: distinctBlocks(ips.filter((ip) => isBlockOf('IPv4', ip))),
        IPv6: distinctBlocks([...ips.filter((ip) => isBlockOf('IPv6', ip)), linkLocal(mac)]),
      },
    ]),
  );
}

/**
 * What a guest may say of itself, checked on the frame as it comes from its tap: MAC, ARP sender, IP source, and that it
 * plays neither DHCP server nor IPv6 router. Frames that are neither ARP nor IP are dropped, VLAN tags included, which
 * would else hide an address. DHCP requests and duplicate address detection pass without an address.
 */
export function antiSpoofing(port: HostPort, number: number): Chain[] {
  const chain = `from_${number}`;
  const sources = [...permittedSources(port)];
  return [
    {
      name: chain,
      rules: [
        {
          lookup: 'ether saddr',
          verdicts: new Map(sources.map(([mac], index) => [mac, `jump ${chain}_${index}` as const])),
        },
        { match: [], verdict: 'drop' },
      ],
    },
    ...sources.map(([mac, { IPv4, IPv6 }], index): Chain => {
      const v4: Rule[] =
        IPv4.length === 0
          ? []
          : [
              {
                match: [
                  isEther('arp'),
                  { field: 'arp saddr ether', in: [mac] },
                  ...within('arp saddr ip', everything(IPv4) ? IPv4 : distinctBlocks([...IPv4, '0.0.0.0'])),
                ],
                verdict: 'accept',
              },
              { match: [isEther('ip'), ...within('ip saddr', IPv4)], verdict: 'accept' },
            ];
      return {
        name: `${chain}_${index}`,
        rules: [
          { match: [], set: `meta mark set ${markIn(number)}` },
          {
            match: [
              isEther('ip'),
              { field: 'ip saddr', in: ['0.0.0.0'] },
              { field: 'udp sport', in: ['68'] },
              { field: 'udp dport', in: ['67'] },
            ],
            verdict: 'accept',
          },
          {
            match: [isEther('ip'), { field: 'udp sport', in: ['67'] }, { field: 'udp dport', in: ['68'] }],
            verdict: 'drop',
          },
          ...v4,
          {
            match: [isEther('ip6'), { field: 'icmpv6 type', in: ['134', '137'] }],
            verdict: 'drop',
          },
          {
            match: [isEther('ip6'), { field: 'udp sport', in: ['547'] }, { field: 'udp dport', in: ['546'] }],
            verdict: 'drop',
          },
          // A neighbour advertisement names its target in the payload: that too must be the guest's own.
          ...(everything(IPv6)
            ? []
            : [
                {
                  match: [
                    isEther('ip6'),
                    { field: 'icmpv6 type', in: ['136'] },
                    { field: '@th,64,128', in: IPv6.map(asNumber), not: true },
                  ],
                  verdict: 'drop',
                } as const,
              ]),
          {
            match: [
              isEther('ip6'),
              { field: 'ip6 saddr', in: ['::'] },
              { field: 'icmpv6 type', in: ['131', '132', '133', '135', '143'] },
            ],
            verdict: 'accept',
          },
          { match: [isEther('ip6'), ...within('ip6 saddr', IPv6)], verdict: 'accept' },
          { match: [], verdict: 'drop' },
        ],
      };
    }),
  ];
}

const hex = (value: bigint): string => `0x${value.toString(16).padStart(32, '0')}`;

/** Raw payload matches take numbers, not addresses. */
function asNumber(block: string): string {
  const { first, last } = parseBlock(block);
  return first === last ? hex(first) : `${hex(first)}-${hex(last)}`;
}

const device = (port: HostPort): string => `"${tapName(port.id)}"`;

/** Where a frame enters and leaves, seen in the bridge: which port's rules are to be asked. */
export function bridgeChains(ports: readonly HostPort[], numberOf: (portId: string) => number): Chain[] {
  const guarded = ports.filter((port) => port.portSecurity);
  return [
    ...guarded.flatMap((port) => antiSpoofing(port, numberOf(port.id))),
    ...guarded.map((port): Chain => {
      const number = numberOf(port.id);
      return {
        name: `to_${number}`,
        rules: [{ match: [], set: `meta mark set meta mark and 0xffff0000 or ${markOut(number)}` }],
      };
    }),
    {
      name: 'prerouting',
      hook: 'type filter hook prerouting priority -300; policy accept;',
      rules: [
        {
          lookup: 'iifname',
          verdicts: new Map(guarded.map((port) => [device(port), `jump from_${numberOf(port.id)}` as const])),
        },
      ],
    },
    {
      name: 'forward',
      hook: 'type filter hook forward priority -200; policy accept;',
      rules: [
        {
          lookup: 'oifname',
          verdicts: new Map(guarded.map((port) => [device(port), `jump to_${numberOf(port.id)}` as const])),
        },
      ],
    },
  ];
}
