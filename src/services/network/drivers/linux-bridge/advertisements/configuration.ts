import type { HostAdvertisement, HostRouter } from '../../driver.ts';
import { blockText, parseBlock } from '../addresses.ts';
import { routerDeviceName } from '../names.ts';

/** radvd says no more of one than this (RFC 8106 would allow it). */
const mostDnsServers = 3;
/** The least MTU that IPv6 has (RFC 8200); a smaller one is nothing to advertise. */
const leastMtu = 1280;

function interfaceLines(device: string, { subnets, mtu, interval }: HostAdvertisement): string[] {
  const has = (mode: string) => subnets.some((subnet) => subnet.mode === mode);
  const dns = subnets.filter(({ mode }) => mode === 'slaac').flatMap((subnet) => subnet.dns);
  return [
    `interface ${device}`,
    '{',
    '  AdvSendAdvert on;',
    `  MinRtrAdvInterval ${interval.min};`,
    `  MaxRtrAdvInterval ${interval.max};`,
    ...(mtu >= leastMtu ? [`  AdvLinkMTU ${mtu};`] : []),
    // Who asks for addresses by DHCPv6 asks for options with them.
    ...(has('dhcpv6-stateful') ? ['  AdvManagedFlag on;'] : []),
    ...(has('dhcpv6-stateless') ? ['  AdvOtherConfigFlag on;'] : []),
    ...(dns.length ? [`  RDNSS ${dns.slice(0, mostDnsServers).join(' ')} { };`] : []),
    ...subnets.flatMap(({ cidr, mode }) => [
      `  prefix ${blockText(parseBlock(cidr))}`,
      '  {',
      '    AdvOnLink on;',
      `    AdvAutonomous ${mode === 'dhcpv6-stateful' ? 'off' : 'on'};`,
      '  };',
    ]),
    '};',
  ];
}

/** What a router's radvd runs with, or nothing where the router advertises nothing. */
export function advertisementConfiguration(router: HostRouter): string | undefined {
  if (!router.adminStateUp) return undefined;
  const lines = router.interfaces.flatMap(({ portId, advertisement }) =>
    advertisement ? interfaceLines(routerDeviceName(portId), advertisement) : [],
  );
  return lines.length ? `${lines.join('\n')}\n` : undefined;
}
