import type { HostDhcp, HostDhcpHost, HostDhcpSubnet } from '../../driver.ts';
import { isInside } from '../addresses.ts';
import { metadataAddress } from '../router-rules.ts';

/** RFC 2132 and 3442; 249 is Microsoft's number for the latter. */
const numbers = { router: '3', dns: '6', mtu: '26', classlessRoutes: '121', microsoftRoutes: '249' } as const;

/** By which dnsmasq knows that a request came in on a subnet, and who sent it; the second counts for more. */
export const subnetTag = (subnet: { id: string }): string => `s${subnet.id.slice(0, 11)}`;
export const hostTag = (host: HostDhcpHost): string => `p${host.portId.slice(0, 11)}`;

/** What the client says it is called (option 61), by which it is then known; no option of its answer. */
const clientId = /^(client-id|61)$/;

/** A line of dnsmasq's options file; one without a value keeps it from making up its own. */
const line = (tags: readonly string[], name: string, value: string): string =>
  [...tags.map((tag) => `tag:${tag}`), name, ...(value ? [value] : [])].join(',');

/**
 * An option as its port's owner has it: by name or number, with tags of their own in front. Upstream hands all of it to
 * dnsmasq; here what could be more than one line or no name is left out. An option that dnsmasq does not know it logs
 * and leaves out, too.
 */
function hostLines(host: HostDhcpHost): string[] {
  const versions = new Set(host.addresses.map(({ ip }) => (ip.includes(':') ? 6 : 4)));
  return host.options.flatMap(({ name, value, ipVersion }) => {
    const [, tags = '', plain = ''] = /^((?:tag:!?[\w-]+,)*)([a-z0-9-]+)$/i.exec(name) ?? [];
    if (!plain || clientId.test(plain) || !versions.has(ipVersion)) return [];
    const prefix = ipVersion === 6 ? 'option6:' : /^\d+$/.test(plain) ? '' : 'option:';
    const own = tags.split(',').flatMap((tag) => (tag ? [tag.slice('tag:'.length)] : []));
    return [line([hostTag(host), ...own], `${prefix}${plain}`, oneLine(value))];
  });
}

/** Up to the first line's end, without what does not print. */
const oneLine = (value: string): string => (value.split(/[\r\n]/, 1)[0] ?? '').replaceAll(/\p{Cc}/gu, '');

/** The client id by which a host is known, if its port has one that can be said. */
export function clientIdOf(host: HostDhcpHost): string | undefined {
  const value = host.options.find(({ name, ipVersion }) => ipVersion === 4 && clientId.test(name))?.value;
  return value !== undefined && /^[\w.:*@-]+$/.test(value) ? value : undefined;
}

/**
 * Routes that a client is told. A client that gets any ignores the router option, so the default route is among them; the
 * metadata address is routed to the DHCP server where there is no router to answer it. The network's other subnets are
 * on the same wire.
 */
function classlessRoutes(subnet: HostDhcpSubnet, dhcp: HostDhcp, gateway: string | undefined): string[] {
  const routes = dhcp.subnets
    .filter((other) => other.ipVersion === 4 && other.id !== subnet.id)
    .map(({ cidr }) => `${cidr},0.0.0.0`);
  for (const { destination, nexthop } of subnet.hostRoutes)
    if (!isDefault(destination)) routes.push(`${destination},${nexthop}`);
  const server = serverAddress(subnet, dhcp);
  if (dhcp.isolatedMetadata && server) routes.push(`${metadataAddress}/32,${server}`);
  if (routes.length && gateway) routes.push(`0.0.0.0/0,${gateway}`);
  return routes;
}

const isDefault = (destination: string): boolean => destination === '0.0.0.0/0';

/** The server's own address on a subnet. */
const serverAddress = (subnet: HostDhcpSubnet, dhcp: HostDhcp): string | undefined =>
  dhcp.ips.find(({ ip }) => isInside(ip, subnet.cidr))?.ip;

/** Who says that any address is a DNS server means that there is none. */
const saysNone = (dns: readonly string[]): boolean => dns.some((ip) => ip === '0.0.0.0' || ip === '::');

function subnetLines(subnet: HostDhcpSubnet, dhcp: HostDhcp, domain: string): string[] {
  const tag = subnetTag(subnet);
  if (subnet.ipVersion === 6) {
    if (!subnet.dhcp6) return [];
    const dns = saysNone(subnet.dns) ? '' : subnet.dns.map((ip) => `[${ip}]`).join(',');
    return [
      ...(subnet.dns.length ? [line([tag], 'option6:dns-server', dns)] : []),
      ...(domain ? [line([tag], 'option6:domain-search', domain)] : []),
    ];
  }
  const server = serverAddress(subnet, dhcp);
  const dns = subnet.dns.length ? subnet.dns : server ? [server] : [];
  const byRoute = subnet.hostRoutes.find(({ destination }) => isDefault(destination))?.nexthop;
  const gateway = subnet.gateway ?? byRoute;
  const routes = classlessRoutes(subnet, dhcp, gateway).join(',');
  return [
    line([tag], numbers.router, gateway ?? ''),
    ...(dns.length ? [line([tag], numbers.dns, saysNone(dns) ? '' : dns.join(','))] : []),
    ...(routes
      ? [line([tag], numbers.classlessRoutes, routes), line([tag], numbers.microsoftRoutes, routes)]
      : []),
  ];
}

/** What clients are told beside their address, as dnsmasq's options file; read again upon SIGHUP. */
export const optionsFile = (dhcp: HostDhcp, domain: string): string =>
  [...dhcp.subnets.flatMap((subnet) => subnetLines(subnet, dhcp, domain)), ...dhcp.hosts.flatMap(hostLines)]
    .map((each) => `${each}\n`)
    .join('');

/** The MTU is forced on clients that do not ask for it; only the configuration itself can say so. */
export const mtuOption = (mtu: number): string => `dhcp-option-force=${numbers.mtu},${mtu}`;
