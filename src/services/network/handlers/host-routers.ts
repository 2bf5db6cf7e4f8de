import { repository } from '../../../platform/store/repository.ts';
import type { HostAdvertisement, HostNetworkState } from '../drivers/driver.ts';
import type { Port } from '../store/ports.ts';
import { floatingips, type RouterRow, routerBindings, routers } from '../store/tables.ts';
import type { Scene } from './host-scene.ts';

/** The routers that should be on a host, with their translations and routes. */
export async function hostRouters(scene: Scene): Promise<HostNetworkState['routers']> {
  const { network, host, local, networkRows, subnetRows, addresses } = scene;
  const { store } = network;
  const bindings = await repository(store, routerBindings).list({ where: { host } });
  if (bindings.length === 0) return [];
  const ids = bindings.map(({ router_id }) => router_id);
  const [rows, floating] = await Promise.all([
    repository(store, routers).list({ where: { id: ids } }),
    repository(store, floatingips).list({ where: { router_id: ids } }),
  ]);
  const portsOf = Map.groupBy(
    local.filter((port) => /^network:router_(interface|gateway)$/.test(port.device_owner)),
    (port: Port) => port.device_id,
  );
  const subnetById = new Map(subnetRows.map((row) => [row.id, row]));
  const gatewayOf = (router: RouterRow, own: readonly Port[]) => {
    const port = own.find(({ id }) => id === router.gateway_port_id);
    if (!port) return {};
    const nexthop = port.fixed_ips
      .map(({ subnet_id }) => subnetById.get(subnet_id))
      .find((subnet) => subnet?.ip_version === 4 && subnet.gateway_ip !== null)?.gateway_ip;
    return {
      gateway: {
        networkId: port.network_id,
        portId: port.id,
        mac: port.mac_address,
        ips: addresses(port),
        ...(nexthop ? { nexthop } : {}),
      },
    };
  };
  const { min_rtr_adv_interval: min, max_rtr_adv_interval: max } = network.settings;
  const mtuOf = new Map(networkRows.map((row) => [row.id, row.mtu]));
  /** What a router says on a port: of the subnets whose advertisements are its business. */
  const advertised = (port: Port): { advertisement?: HostAdvertisement } => {
    const said = port.fixed_ips.flatMap(({ subnet_id }) => {
      const subnet = subnetById.get(subnet_id);
      const mode = subnet?.ipv6_ra_mode as HostAdvertisement['subnets'][number]['mode'] | null | undefined;
      return subnet && mode ? [{ cidr: subnet.cidr, mode, dns: subnet.dns_nameservers }] : [];
    });
    if (said.length === 0) return {};
    return { advertisement: { subnets: said, mtu: mtuOf.get(port.network_id) ?? 0, interval: { min, max } } };
  };
  return rows.map((router) => {
    const own = portsOf.get(router.id) ?? [];
    return {
      id: router.id,
      adminStateUp: router.admin_state_up,
      enableSnat: router.enable_snat,
      ...gatewayOf(router, own),
      interfaces: own
        .filter((port) => port.device_owner === 'network:router_interface')
        .map((port) => ({
          portId: port.id,
          networkId: port.network_id,
          mac: port.mac_address,
          ips: addresses(port),
          ...advertised(port),
        })),
      floatingIps: floating.flatMap((row) =>
        row.router_id === router.id && row.fixed_ip_address !== null
          ? [{ floating: row.floating_ip_address, fixed: row.fixed_ip_address }]
          : [],
      ),
      routes: router.routes,
    };
  });
}
