import type { HostDhcp, HostDhcpHost, HostDhcpSubnet } from '../../driver.ts';
import { addressText, parseBlock } from '../addresses.ts';
import { dhcpDeviceName, revision } from '../names.ts';
import { clientIdOf, hostTag, mtuOption, optionsFile, subnetTag } from './options.ts';

/** One network's dnsmasq, as files. */
export interface DhcpConfiguration {
  /** By name, what it reads again upon SIGHUP: who has which address, what clients are told, what names mean. */
  reread: Readonly<Record<'hosts' | 'opts' | 'names', string>>;
  /** Read at start only. Its name carries its fingerprint, so that a process tells by its arguments what it runs with. */
  options: string;
  optionsName: string;
}

const netmask = (prefix: number): string =>
  addressText(4, ((1n << 32n) - 1n) ^ ((1n << BigInt(32 - prefix)) - 1n));

const leaseTime = ({ lease }: HostDhcp): string => (lease.duration < 0 ? 'infinite' : `${lease.duration}s`);

/** The addresses of a subnet are given to those to whom they belong, and to nobody else: it is `static`. */
function range(subnet: HostDhcpSubnet, dhcp: HostDhcp): string[] {
  const { version, first, prefix } = parseBlock(subnet.cidr);
  const start = `dhcp-range=set:${subnetTag(subnet)},${addressText(version, first)},static`;
  if (version === 4) return [`${start},${netmask(prefix)},${leaseTime(dhcp)}`];
  // dnsmasq leases nothing out of prefixes shorter than 64 bits.
  return subnet.dhcp6 && prefix >= 64 ? [`${start},${prefix},${leaseTime(dhcp)}`] : [];
}

/** A host name as DNS allows it; anything else could add words to the line that it stands in. */
const hostLabel = (name: string): string => name.replaceAll(/[^A-Za-z0-9.-]/g, '-').slice(0, 63);
const domainName = (name: string): string => name.replaceAll(/[^A-Za-z0-9.-]/g, '').replace(/\.$/, '');

/** A host's lines: one for each IPv4 address, and one for all that it gets by DHCPv6. */
function hostLines(host: HostDhcpHost, subnets: ReadonlyMap<string, HostDhcpSubnet>): string[] {
  const mac = host.mac.toLowerCase();
  const client = clientIdOf(host);
  const given = host.addresses.filter(({ subnetId, ip }) => {
    const subnet = subnets.get(subnetId);
    return subnet && (!ip.includes(':') || subnet.dhcp6 === 'stateful');
  });
  const lines = given
    .filter(({ ip }) => !ip.includes(':'))
    .map(({ ip, hostname }) => [...(client ? [`id:${client}`] : []), ip, hostLabel(hostname)]);
  const v6 = given.filter(({ ip }) => ip.includes(':'));
  // Lines with this tag are for DHCPv6 alone.
  if (v6[0]) lines.push(['tag:dhcpv6', ...v6.map(({ ip }) => `[${ip}]`), hostLabel(v6[0].hostname)]);
  return lines.map((words) => [mac, ...words.filter(Boolean)].join(','));
}

/**
 * Ports with options of their own are known by their MAC. Not by a tag in the hosts file: dnsmasq (2.90) does not live
 * to read that file again once it has served a host with one.
 */
const tagLines = ({ hosts }: HostDhcp): string[] =>
  hosts
    .filter(({ options }) => options.length > 0)
    .map((host) => `dhcp-mac=set:${hostTag(host)},${host.mac.toLowerCase()}`)
    .toSorted();

/** Names of all addresses of the network, whoever gave them; the full one first, so that a reverse look-up finds it. */
const nameLines = ({ hosts }: HostDhcp, domain: string): string[] =>
  hosts.flatMap(({ addresses }) =>
    addresses.map(({ ip, hostname }) => {
      const name = hostLabel(hostname);
      return `${ip} ${domain ? `${name}.${domain} ` : ''}${name}`;
    }),
  );

const file = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

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
  const subnets = new Map(dhcp.subnets.map((subnet) => [subnet.id, subnet]));
  const { renewal, rebinding } = dhcp.lease;
  const options = file([
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
    `dhcp-optsfile=${directory}/opts`,
    `addn-hosts=${directory}/names`,
    `dhcp-leasefile=${directory}/leases`,
    `pid-file=${directory}/pid`,
    `log-facility=${directory}/log`,
    // As upstream, so that options can be for those alone who boot by iPXE.
    'dhcp-match=set:ipxe,175',
    'dhcp-userclass=set:ipxe6,iPXE',
    ...(domain ? [`domain=${domain}`, `local=/${domain}/`] : []),
    ...(renewal > 0 ? [`dhcp-option-force=option:T1,${renewal}s`] : []),
    ...(rebinding > 0 ? [`dhcp-option-force=option:T2,${rebinding}s`] : []),
    mtuOption(mtu),
    ...tagLines(dhcp),
    ...dhcp.subnets.flatMap((subnet) => range(subnet, dhcp)),
  ]);
  return {
    reread: {
      hosts: file(dhcp.hosts.flatMap((host) => hostLines(host, subnets)).toSorted()),
      opts: optionsFile(dhcp, domain),
      names: file(nameLines(dhcp, domain).toSorted()),
    },
    options,
    optionsName: `options-${revision(options)}.conf`,
  };
}

/** As many leases as there are addresses. */
const subnetRoom = (dhcp: HostDhcp): number =>
  dhcp.subnets.reduce((sum, { cidr }) => {
    const { first, last } = parseBlock(cidr);
    return sum + Number(last - first > 65_536n ? 65_536n : last - first + 1n);
  }, 0);
