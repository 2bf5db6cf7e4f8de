import type { HostDhcp, HostDhcpSubnet } from '../../driver.ts';
import { addressText, isInside, parseBlock } from '../addresses.ts';
import { dhcpDeviceName, revision } from '../names.ts';
import { metadataAddress } from '../router-rules.ts';

/** One network's dnsmasq, as files. */
export interface DhcpConfiguration {
  /** Where it reads hosts from; read again upon SIGHUP. */
  hosts: string;
  /** Read at start only. Its name carries its fingerprint, so that a process tells by its arguments what it runs with. */
  options: string;
  optionsName: string;
}

/** RFC 2132 and 3442; 249 is Microsoft's number for the latter. */
const option = { router: 3, dns: 6, mtu: 26, classlessRoutes: 121, microsoftRoutes: 249 } as const;

const netmask = (prefix: number): string =>
  addressText(4, ((1n << 32n) - 1n) ^ ((1n << BigInt(32 - prefix)) - 1n));

/**
 * Routes that a client is told. A client that gets any ignores the router option, so the default route is among them; the
 * metadata address is routed to the DHCP server where there is no router to answer it.
 */
function classlessRoutes(subnet: HostDhcpSubnet, dhcp: HostDhcp): string[] {
  const routes = subnet.hostRoutes.map(({ destination, nexthop }) => `${destination},${nexthop}`);
  const server = serverAddress(subnet, dhcp);
  if (dhcp.isolatedMetadata && server) routes.push(`${metadataAddress}/32,${server}`);
  const hasDefault = subnet.hostRoutes.some(({ destination }) => destination === '0.0.0.0/0');
  if (routes.length && subnet.gateway && !hasDefault) routes.push(`0.0.0.0/0,${subnet.gateway}`);
  return routes;
}

const leaseTime = ({ lease }: HostDhcp): string => (lease.duration < 0 ? 'infinite' : `${lease.duration}s`);

/** The server's own address on a subnet. */
const serverAddress = (subnet: HostDhcpSubnet, dhcp: HostDhcp): string | undefined =>
  dhcp.ips.find(({ ip }) => isInside(ip, subnet.cidr))?.ip;

function subnetLines(subnet: HostDhcpSubnet, dhcp: HostDhcp, mtu: number): string[] {
  const block = parseBlock(subnet.cidr);
  const tag = `s${subnet.id.slice(0, 11)}`;
  const base = addressText(block.version, block.first);
  if (subnet.ipVersion === 6) {
    const dns = subnet.dns.length
      ? [`dhcp-option=tag:${tag},option6:dns-server,${subnet.dns.map((ip) => `[${ip}]`).join(',')}`]
      : [];
    // dnsmasq leases nothing out of prefixes shorter than 64 bits.
    return [`dhcp-range=set:${tag},${base},static,${Math.max(64, block.prefix)},${leaseTime(dhcp)}`, ...dns];
  }
  const server = serverAddress(subnet, dhcp);
  const dns = subnet.dns.length ? subnet.dns : server ? [server] : [];
  const routes = classlessRoutes(subnet, dhcp).join(',');
  const line = (code: number, value: string) => `dhcp-option=tag:${tag},${code}${value ? `,${value}` : ''}`;
  return [
    `dhcp-range=set:${tag},${base},static,${netmask(block.prefix)},${leaseTime(dhcp)}`,
    // An option without a value keeps dnsmasq from making up its own.
    line(option.router, subnet.gateway ?? ''),
    ...(dns.length ? [line(option.dns, dns.join(','))] : []),
    ...(routes ? [line(option.classlessRoutes, routes), line(option.microsoftRoutes, routes)] : []),
    `dhcp-option-force=tag:${tag},${option.mtu},${mtu}`,
  ];
}

/** A host name as DNS allows it; anything else could add words to the line that it stands in. */
const hostLabel = (name: string): string => name.replaceAll(/[^A-Za-z0-9.-]/g, '-').slice(0, 63);
const domainName = (name: string): string => name.replaceAll(/[^A-Za-z0-9.-]/g, '').replace(/\.$/, '');

/**
 * @param directory where this network's files are
 * @param user as whom dnsmasq goes on once it has its sockets
 */
export function dhcpConfiguration(
  dhcp: HostDhcp,
  mtu: number,
  directory: string,
  user: string,
): DhcpConfiguration {
  const domain = domainName(dhcp.domain);
  const hosts = dhcp.hosts
    .map(({ mac, ip, hostname }) => {
      const name = hostLabel(hostname);
      const address = ip.includes(':') ? `[${ip}]` : ip;
      return `${mac.toLowerCase()},${address}${name ? `,${name}` : ''}\n`;
    })
    .toSorted()
    .join('');
  const options = `${[
    'no-hosts',
    'no-resolv',
    'no-poll',
    'bind-interfaces',
    `interface=${dhcpDeviceName(dhcp.portId)}`,
    'except-interface=lo',
    'dhcp-authoritative',
    'quiet-dhcp',
    'quiet-dhcp6',
    `user=${user}`,
    `dhcp-lease-max=${Math.min(65_536, subnetRoom(dhcp))}`,
    `dhcp-hostsfile=${directory}/hosts`,
    `dhcp-leasefile=${directory}/leases`,
    `pid-file=${directory}/pid`,
    `log-facility=${directory}/log`,
    ...(domain ? [`domain=${domain}`, `local=/${domain}/`] : []),
    ...(dhcp.lease.renewal > 0 ? [`dhcp-option-force=option:T1,${dhcp.lease.renewal}s`] : []),
    ...(dhcp.lease.rebinding > 0 ? [`dhcp-option-force=option:T2,${dhcp.lease.rebinding}s`] : []),
    ...dhcp.subnets.flatMap((subnet) => subnetLines(subnet, dhcp, mtu)),
  ].join('\n')}\n`;
  return { hosts, options, optionsName: `options-${revision(options)}.conf` };
}

/** As many leases as there are addresses. */
const subnetRoom = (dhcp: HostDhcp): number =>
  dhcp.subnets.reduce((sum, { cidr }) => {
    const { first, last } = parseBlock(cidr);
    return sum + Number(last - first > 65_536n ? 65_536n : last - first + 1n);
  }, 0);
