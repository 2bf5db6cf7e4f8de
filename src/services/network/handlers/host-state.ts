import { repository } from '../../../platform/store/repository.ts';
import {
  emptyHostNetworkState,
  type HostAddress,
  type HostNetwork,
  type HostNetworkState,
  type HostPort,
  type HostSecurityGroup,
  type HostSegment,
} from '../drivers/driver.ts';
import { protocolNumber } from '../model/security-group-rules.ts';
import { agentTypes } from '../store/agents.ts';
import type { Network } from '../store/network.ts';
import { type Port, withDetails } from '../store/ports.ts';
import {
  addressGroups,
  agents,
  type NetworkRow,
  networks,
  ports,
  type SecurityGroupRuleRow,
  securityGroupRules,
  subnets,
} from '../store/tables.ts';
import { hostDhcp } from './host-dhcp.ts';
import { hostRouters } from './host-routers.ts';
import { isUp, type Scene } from './host-scene.ts';

/**
 * What should be on a host, worked out of the store by a fixed number of queries however much is there: its servers'
 * ports, their groups, and the DHCP servers and routers that are bound to it.
 */
export async function hostState(network: Network, host: string): Promise<HostNetworkState> {
  const { store } = network;
  const bound = (await repository(store, ports).list({ where: { binding_host_id: host } })).filter(
    ({ binding_vif_type }) => binding_vif_type === 'bridge' || binding_vif_type === 'binding_failed',
  );
  if (bound.length === 0) return emptyHostNetworkState();
  const local = await withDetails(store, bound);
  const guests = local.filter(
    (port) => !port.device_owner.startsWith('network:') && port.binding_vif_type === 'bridge',
  );
  const networkIds = [...new Set(local.map(({ network_id }) => network_id))];
  const [networkRows, subnetRows] = await Promise.all([
    repository(store, networks).list({ where: { id: networkIds } }),
    repository(store, subnets).list({ where: { network_id: networkIds } }),
  ]);
  const subnetById = new Map(subnetRows.map((row) => [row.id, row]));
  const addresses = (port: Port): HostAddress[] =>
    port.fixed_ips.flatMap(({ ip_address: ip, subnet_id }) => {
      const cidr = subnetById.get(subnet_id)?.cidr;
      return cidr === undefined ? [] : [{ ip, cidr }];
    });

  const scene: Scene = { network, host, local, networkRows, subnetRows, addresses };
  return {
    networks: await hostNetworks(scene),
    ports: guests.map(
      (port): HostPort => ({
        id: port.id,
        networkId: port.network_id,
        mac: port.mac_address,
        fixedIps: addresses(port),
        allowedAddressPairs: port.allowed_address_pairs.map(({ mac_address: mac, ip_address: ip }) => ({
          ...(mac ? { mac } : {}),
          ip,
        })),
        portSecurity: port.port_security_enabled,
        securityGroups: port.security_groups,
        adminStateUp: port.admin_state_up && isUp(networkRows, port.network_id),
      }),
    ),
    securityGroups: await hostSecurityGroups(network, [
      ...new Set(guests.flatMap((port) => port.security_groups)),
    ]),
    dhcp: await hostDhcp(scene),
    routers: await hostRouters(scene),
  };
}

function segmentOf(row: NetworkRow): HostSegment {
  const physicalNetwork = row.physical_network ?? '';
  const id = row.segmentation_id ?? 0;
  switch (row.network_type) {
    case 'vxlan':
      return { type: 'vxlan', id };
    case 'flat':
      return { type: 'flat', physicalNetwork };
    case 'vlan':
      return { type: 'vlan', physicalNetwork, id };
    default:
      return { type: 'local' };
  }
}

async function hostNetworks({ network, host, networkRows }: Scene): Promise<HostNetwork[]> {
  const { store } = network;
  const overlays = networkRows.filter((row) => row.network_type === 'vxlan').map(({ id }) => id);
  const elsewhere =
    overlays.length === 0
      ? []
      : await store.db
          .selectFrom('ports')
          .select(['network_id', 'binding_host_id'])
          .distinct()
          .where('network_id', 'in', overlays)
          .where('binding_host_id', 'not in', ['', host])
          .execute();
  const hosts = [...new Set(elsewhere.map((row) => row.binding_host_id))];
  const bridges =
    hosts.length === 0
      ? []
      : await repository(store, agents).list({ where: { agent_type: agentTypes.linuxBridge, host: hosts } });
  const underlay = new Map(bridges.map((agent) => [agent.host, agent.configurations['tunneling_ip']]));
  return networkRows.map((row) => ({
    id: row.id,
    segment: segmentOf(row),
    mtu: row.mtu,
    peers: elsewhere
      .filter(({ network_id }) => network_id === row.id)
      .flatMap(({ binding_host_id }) => {
        const address = underlay.get(binding_host_id);
        return typeof address === 'string' ? [address] : [];
      })
      .sort(),
  }));
}

/** The groups of a host's ports with their rules, and the members of the groups that those rules name. */
async function hostSecurityGroups(network: Network, ids: readonly string[]): Promise<HostSecurityGroup[]> {
  const { store } = network;
  if (ids.length === 0) return [];
  const rules = await repository(store, securityGroupRules).list({ where: { security_group_id: ids } });
  const remote = new Set(rules.flatMap((rule) => rule.remote_group_id ?? []));
  const members = await membersOf(network, [...remote]);
  // To a host, a group of addresses is one whose members are known.
  const addressed = [...new Set(rules.flatMap((rule) => rule.remote_address_group_id ?? []))];
  if (addressed.length > 0) {
    const isV6 = (address: string) => address.includes(':');
    for (const { id, addresses } of await repository(store, addressGroups).list({
      where: { id: addressed },
    })) {
      const of = { IPv4: addresses.filter((each) => !isV6(each)), IPv6: addresses.filter(isV6) };
      members.set(id, of);
      remote.add(id);
    }
  }
  const byGroup = Map.groupBy(rules, (rule: SecurityGroupRuleRow) => rule.security_group_id);
  return [...new Set([...ids, ...remote])].sort().map((id) => ({
    id,
    rules: (ids.includes(id) ? (byGroup.get(id) ?? []) : []).map((rule) => ({
      direction: rule.direction,
      ethertype: rule.ethertype,
      // Number 0 is upstream's other word for any.
      ...(rule.protocol === null || protocolNumber(rule.protocol) === 0 ? {} : { protocol: rule.protocol }),
      ...(rule.port_range_min === null ? {} : { portMin: rule.port_range_min }),
      ...(rule.port_range_max === null ? {} : { portMax: rule.port_range_max }),
      ...(rule.normalized_cidr === null ? {} : { remoteCidr: rule.normalized_cidr }),
      ...remoteGroupOf(rule),
    })),
    members: members.get(id) ?? { IPv4: [], IPv6: [] },
  }));
}

/** A rule about a group of addresses that is gone is one about no address, not about all. */
function remoteGroupOf(rule: SecurityGroupRuleRow): { remoteGroupId?: string } {
  const id = rule.remote_group_id ?? rule.remote_address_group_id;
  return id === null ? {} : { remoteGroupId: id };
}

async function membersOf({ store }: Network, ids: readonly string[]) {
  const members = new Map<string, { IPv4: string[]; IPv6: string[] }>();
  if (ids.length === 0) return members;
  const add = (group: string, ip: string) => {
    const of = members.get(group) ?? { IPv4: [], IPv6: [] };
    of[ip.includes(':') ? 'IPv6' : 'IPv4'].push(ip);
    members.set(group, of);
  };
  const rows = await store.db
    .selectFrom('port_security_groups')
    .innerJoin('ip_allocations', 'ip_allocations.port_id', 'port_security_groups.port_id')
    .select(['port_security_groups.security_group_id', 'ip_allocations.ip_address'])
    .where('port_security_groups.security_group_id', 'in', ids)
    .orderBy('ip_allocations.ip_address')
    .execute();
  for (const row of rows) add(row.security_group_id, row.ip_address);
  const paired = await store.db
    .selectFrom('port_security_groups')
    .innerJoin('ports', 'ports.id', 'port_security_groups.port_id')
    .select(['port_security_groups.security_group_id', 'ports.allowed_address_pairs'])
    .where('port_security_groups.security_group_id', 'in', ids)
    .where('ports.port_security_enabled', '=', true)
    .execute();
  for (const row of paired) {
    for (const { ip_address } of row.allowed_address_pairs) add(row.security_group_id, ip_address);
  }
  return members;
}
