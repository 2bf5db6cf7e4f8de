import type { InstanceMetadata, InstancePort } from '../../contract.ts';

type Subnet = InstancePort['subnets'][number];
type Service = { type: 'dns'; address: string };

/**
 * `network_data.json`: links (the ports), the networks on them, and name servers.
 * A port shows its first IPv4 and its first IPv6 subnet; where DHCP tells the guest its address and MTU, they are
 * not told here. Source: nova/virt/netutils.py `get_network_metadata`, doc/api_schemas/network_data.json.
 */
export function networkData(meta: InstanceMetadata): object {
  if (meta.ports.length === 0) return {};
  const links: object[] = [];
  const networks: object[] = [];
  const services = new Map<string, Service>();
  for (const port of meta.ports) {
    const subnets = ([4, 6] as const).flatMap(
      (version) => port.subnets.find((each) => each.version === version) ?? [],
    );
    if (subnets.length === 0) continue;
    const link = `tap${port.id.slice(0, 11)}`;
    links.push({
      id: link,
      vif_id: port.id,
      type: 'bridge',
      mtu: port.subnets.some((each) => each.dhcp) ? null : port.mtu,
      ethernet_mac_address: port.mac,
    });
    for (const subnet of subnets) {
      const address = port.fixedIps.find((each) => each.subnetId === subnet.id);
      if (!address) continue;
      networks.push({
        id: `network${networks.length}`,
        link,
        network_id: port.networkId,
        ...(subnet.dhcp ? { type: `ipv${subnet.version}_dhcp` } : staticNetwork(subnet, address.ip)),
      });
      for (const each of nameServers(subnet)) services.set(each.address, each);
    }
  }
  return { links, networks, services: [...services.values()] };
}

function staticNetwork(subnet: Subnet, ip: string): object {
  const everything = subnet.version === 4 ? '0.0.0.0' : '::';
  return {
    type: `ipv${subnet.version}`,
    ip_address: ip,
    netmask: netmask(subnet),
    routes: subnet.gateway ? [{ network: everything, netmask: everything, gateway: subnet.gateway }] : [],
    services: nameServers(subnet),
  };
}

const nameServers = (subnet: Subnet): Service[] => subnet.dns.map((address) => ({ type: 'dns', address }));

/** The mask of a subnet's prefix as an address: `255.255.255.0`, `ffff:ffff:ffff:ffff::`. */
export function netmask({ cidr, version }: Pick<Subnet, 'cidr' | 'version'>): string {
  const prefix = Number(cidr.split('/')[1]);
  const [groups, bits] = version === 4 ? [4, 8] : [8, 16];
  const values = Array.from({ length: groups }, (_, i) => {
    const set = Math.min(Math.max(prefix - i * bits, 0), bits);
    return (2 ** set - 1) * 2 ** (bits - set);
  });
  if (version === 4) return values.join('.');
  const zero = values.indexOf(0);
  const shown = values.map((each) => each.toString(16));
  // One zero alone is written out (RFC 5952, 4.2.2).
  return zero < 0 || zero === groups - 1 ? shown.join(':') : `${shown.slice(0, zero).join(':')}::`;
}
