import { repository } from '../../../platform/store/repository.ts';
import type { HostDhcp, HostDhcpHost, HostDhcpSubnet } from '../drivers/driver.ts';
import { type DhcpOption, dhcpBindings, type SubnetRow } from '../store/tables.ts';
import { isUp, type Scene } from './host-scene.ts';

/** The DHCP servers that should be on a host: those of networks that are bound to it, with all that they know. */
export async function hostDhcp(scene: Scene): Promise<HostDhcp[]> {
  const { network, host, local, subnetRows, networkRows, addresses } = scene;
  const { settings, store } = network;
  const servers = local.filter((port) => port.device_owner === 'network:dhcp');
  if (servers.length === 0) return [];
  const bindings = await repository(store, dhcpBindings).list({ where: { host } });
  const mine = new Set(bindings.map(({ network_id }) => network_id));
  const served = servers.filter((port) => mine.has(port.network_id) && isUp(networkRows, port.network_id));
  if (served.length === 0) return [];
  const networkIds = served.map(({ network_id }) => network_id);
  const leases = await store.db
    .selectFrom('ip_allocations')
    .innerJoin('ports', 'ports.id', 'ip_allocations.port_id')
    .select([
      'ip_allocations.network_id',
      'ip_allocations.subnet_id',
      'ip_allocations.ip_address',
      'ports.id',
      'ports.mac_address',
      'ports.dns_name',
      'ports.device_owner',
      'ports.extra_dhcp_opts',
    ])
    .where('ip_allocations.network_id', 'in', networkIds)
    .orderBy('ip_allocations.address_key')
    .execute();
  // A router on the network answers for metadata; where there is none, the DHCP server does.
  const routed = new Set(
    leases
      .filter(({ device_owner }) => device_owner === 'network:router_interface')
      .map(({ network_id }) => network_id),
  );
  const dhcpSubnets = new Map(subnetRows.filter((row) => row.enable_dhcp).map((row) => [row.id, row]));
  return served.map(
    (port): HostDhcp => ({
      networkId: port.network_id,
      portId: port.id,
      portMac: port.mac_address,
      ips: addresses(port),
      subnets: [...dhcpSubnets.values()]
        .filter((row) => row.network_id === port.network_id)
        .map((row) => ({
          id: row.id,
          cidr: row.cidr,
          ipVersion: row.ip_version as 4 | 6,
          ...(row.gateway_ip === null ? {} : { gateway: row.gateway_ip }),
          ...dhcp6Of(row),
          dns: row.dns_nameservers,
          hostRoutes: row.host_routes,
        })),
      hosts: dhcpHosts(
        leases.filter(
          (lease) =>
            lease.network_id === port.network_id &&
            dhcpSubnets.has(lease.subnet_id) &&
            lease.device_owner !== 'network:dhcp',
        ),
      ),
      domain: network.settings.dns_domain,
      lease: {
        duration: settings.dhcp_lease_duration,
        renewal: settings.dhcp_renewal_time,
        rebinding: settings.dhcp_rebinding_time,
      },
      isolatedMetadata:
        settings.force_metadata || (settings.enable_isolated_metadata && !routed.has(port.network_id)),
    }),
  );
}

interface Lease {
  id: string;
  mac_address: string;
  ip_address: string;
  subnet_id: string;
  dns_name: string;
  extra_dhcp_opts: DhcpOption[];
}

/** The ports of addresses, in the order of their first. */
const dhcpHosts = (leases: readonly Lease[]): HostDhcpHost[] =>
  [...Map.groupBy(leases, ({ id }) => id)].map(([portId, [first, ...more]]) => {
    const { mac_address: mac, extra_dhcp_opts: options } = first as Lease;
    return {
      portId,
      mac,
      addresses: [first as Lease, ...more].map(({ ip_address: ip, subnet_id: subnetId, dns_name: name }) => ({
        ip,
        subnetId,
        hostname: name || `host-${ip.replaceAll(/[.:]/g, '-')}`,
      })),
      options: options.map(({ opt_name: name, opt_value: value, ip_version: ipVersion }) => ({
        name,
        value,
        ipVersion,
      })),
    };
  });

/** What is answered by DHCPv6. A subnet that says nothing of its modes gives addresses, as it always did upstream. */
function dhcp6Of(row: SubnetRow): Pick<HostDhcpSubnet, 'dhcp6'> {
  const { ipv6_address_mode: mode, ipv6_ra_mode: ra } = row;
  if (row.ip_version !== 6) return {};
  if (mode === 'dhcpv6-stateless') return { dhcp6: 'stateless' };
  return mode === 'dhcpv6-stateful' || (mode === null && ra === null) ? { dhcp6: 'stateful' } : {};
}
