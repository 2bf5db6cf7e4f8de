import { NotFound } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { NetworkService, ServerPort } from '../contract.ts';
import {
  bindingFailed,
  conflict,
  networkNotFound,
  portNotFound,
  securityGroupNotFound,
} from '../model/errors.ts';
import type { Network } from '../store/network.ts';
import { changePort, createPort, deletePorts, type Port, withDetails } from '../store/ports.ts';
import { floatingips, networks, type PortRow, ports, subnets } from '../store/tables.ts';
import { securityGroupIds } from './security-groups.ts';

type Served = Pick<
  NetworkService,
  | 'attachPort'
  | 'detachPorts'
  | 'bindPorts'
  | 'unbindPorts'
  | 'serverPorts'
  | 'securityGroupsOf'
  | 'changeSecurityGroup'
>;

/** The tap device of a port, as the driver names it: Linux lets a device have 15 characters. */
const tapOf = (portId: string): string => `tap${portId.slice(0, 11)}`;

/** A server's name as a host name: letters, digits and hyphens (RFC 1123). */
export const hostName = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[ _.]/g, '-')
    .replaceAll(/[^a-z0-9-]/g, '')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);

/** What compute asks of the ports of its servers. */
export function serverPorts(network: Network): Served {
  const { store } = network;
  const portsOf = async (serverIds: readonly string[]): Promise<PortRow[]> => {
    if (serverIds.length === 0) return [];
    const rows = await repository(store, ports).list({ where: { device_id: [...serverIds] } });
    return rows
      .filter(({ device_owner }) => device_owner.startsWith('compute:'))
      .sort(
        (a, b) => (a.attach_index ?? 1e9) - (b.attach_index ?? 1e9) || (a.created_at < b.created_at ? -1 : 1),
      );
  };

  /** Deletes what was made for the server, and gives back the rest as it was. */
  const detach = (serverId: string, portIds?: readonly string[]): Promise<void> =>
    store.transaction(async () => {
      const of = (await portsOf([serverId])).filter(({ id }) => portIds?.includes(id) ?? true);
      await deletePorts(
        network,
        of.filter((port) => port.made_for_server),
      );
      const free = {
        device_id: '',
        device_owner: '',
        binding_host_id: '',
        attach_index: null,
        attach_tag: null,
        dns_name: '',
      };
      for (const port of of) if (!port.made_for_server) await changePort(network, port.id, { row: free });
    });

  /** Changes all of a server's ports, or none. */
  const rebind = (
    serverId: string,
    row: Pick<Partial<PortRow>, 'binding_host_id' | 'device_owner'>,
  ): Promise<Port[]> =>
    store.transaction(async () => {
      const all: Port[] = [];
      for (const port of await portsOf([serverId])) all.push(await changePort(network, port.id, { row }));
      return all;
    });

  return {
    async attachPort({
      serverId,
      serverName,
      projectId,
      index,
      host,
      zone,
      request,
      securityGroupIds: groups,
    }) {
      const made = await store.transaction(async (): Promise<Port> => {
        const attach: Partial<PortRow> = {
          device_id: serverId,
          device_owner: `compute:${zone}`,
          binding_host_id: host,
          attach_index: index,
          attach_tag: request.tag ?? null,
        };
        const present = (await portsOf([serverId])).find((port) => port.attach_index === index);
        if (present) return changePort(network, present.id, { row: attach });
        if (request.portId !== undefined) {
          const port = await repository(store, ports).get(request.portId);
          if (!port) throw portNotFound(request.portId);
          if (port.device_id !== '' && port.device_id !== serverId) throw portInUse(port.id);
          const dns = port.dns_name || hostName(serverName);
          return changePort(network, port.id, { row: { ...attach, dns_name: dns } });
        }
        const on = await repository(store, networks).get(request.networkId);
        if (!on) throw networkNotFound(request.networkId);
        return createPort(network, {
          network: on,
          projectId,
          fixedIps: request.fixedIp === undefined ? undefined : [{ ip_address: request.fixedIp }],
          securityGroups: on.port_security_enabled && groups.length > 0 ? groups : undefined,
          row: { ...attach, dns_name: hostName(serverName), made_for_server: true },
        });
      });
      if (made.binding_vif_type !== 'bridge') {
        await detach(serverId, [made.id]);
        throw bindingFailed(made.id);
      }
      const [shown] = await shownPorts(network, [made]);
      return shown as ServerPort;
    },

    detachPorts: ({ serverId, portIds }) => detach(serverId, portIds),

    async bindPorts({ serverId, host, zone }) {
      const bound = await rebind(serverId, {
        binding_host_id: host,
        ...(zone === undefined ? {} : { device_owner: `compute:${zone}` }),
      });
      const failed = bound.find((port) => port.binding_vif_type !== 'bridge');
      if (failed) throw bindingFailed(failed.id);
      return shownPorts(network, bound);
    },

    async unbindPorts({ serverId }) {
      await rebind(serverId, { binding_host_id: '' });
    },

    async serverPorts({ serverIds }) {
      const of = await portsOf(serverIds);
      const shown = await shownPorts(network, await withDetails(store, of));
      const result: Record<string, ServerPort[]> = Object.fromEntries(serverIds.map((id) => [id, []]));
      for (const [i, port] of of.entries()) result[port.device_id]?.push(shown[i] as ServerPort);
      return result;
    },

    async securityGroupsOf({ serverIds }) {
      const result: Record<string, { id: string; name: string }[]> = Object.fromEntries(
        serverIds.map((id) => [id, []]),
      );
      if (serverIds.length === 0) return result;
      const rows = await store.db
        .selectFrom('ports')
        .innerJoin('port_security_groups', 'port_security_groups.port_id', 'ports.id')
        .innerJoin('security_groups', 'security_groups.id', 'port_security_groups.security_group_id')
        .select(['ports.device_id', 'security_groups.id', 'security_groups.name'])
        .distinct()
        .where('ports.device_id', 'in', serverIds)
        .execute();
      for (const { device_id, id, name } of rows) result[device_id]?.push({ id, name });
      return result;
    },

    changeSecurityGroup: ({ serverId, projectId, group, change }) =>
      store.transaction(async () => {
        const [id] = await securityGroupIds(network, projectId, [group]);
        if (id === undefined) throw securityGroupNotFound(group);
        const of = (await withDetails(store, await portsOf([serverId]))).filter(
          (port) => port.port_security_enabled,
        );
        if (change === 'add') {
          if (of.length === 0) {
            throw conflict(
              'SecurityGroupCannotBeApplied',
              `Network requires port_security_enabled and subnet associated in order to apply security groups.`,
            );
          }
          for (const port of of) {
            if (port.security_groups.includes(id)) continue;
            await changePort(network, port.id, { securityGroups: [...port.security_groups, id] });
          }
          return;
        }
        const holding = of.filter((port) => port.security_groups.includes(id));
        if (holding.length === 0) {
          throw new NotFound(`Security group ${group} not associated with the instance ${serverId}`);
        }
        for (const port of holding) {
          const rest = port.security_groups.filter((each) => each !== id);
          await changePort(network, port.id, { securityGroups: rest });
        }
      }),
  };
}

export const portInUse = (id: string) => conflict('PortInUse', `Port ${id} is still in use.`);

/** Ports as compute needs them, with three queries for all of them. */
async function shownPorts({ store }: Network, all: readonly Port[]): Promise<ServerPort[]> {
  if (all.length === 0) return [];
  const networkIds = [...new Set(all.map(({ network_id }) => network_id))];
  const [networkRows, subnetRows, floatingRows] = await Promise.all([
    repository(store, networks).list({ where: { id: networkIds } }),
    repository(store, subnets).list({ where: { network_id: networkIds } }),
    repository(store, floatingips).list({ where: { port_id: all.map(({ id }) => id) } }),
  ]);
  const networkById = new Map(networkRows.map((row) => [row.id, row]));
  const subnetById = new Map(subnetRows.map((row) => [row.id, row]));
  return all.map((port): ServerPort => {
    const on = networkById.get(port.network_id);
    const ips = port.fixed_ips.flatMap(({ ip_address: ip, subnet_id }) => {
      const subnet = subnetById.get(subnet_id);
      if (!subnet) return [];
      const floating = floatingRows.filter((row) => row.port_id === port.id && row.fixed_ip_address === ip);
      return [
        {
          ip,
          version: subnet.ip_version as 4 | 6,
          subnetId: subnet_id,
          floatingIps: floating.map((row) => row.floating_ip_address),
        },
      ];
    });
    const used = [...new Set(ips.map(({ subnetId }) => subnetId))].flatMap((id) => subnetById.get(id) ?? []);
    return {
      id: port.id,
      networkId: port.network_id,
      networkName: on?.name ?? '',
      mac: port.mac_address,
      mtu: on?.mtu ?? 1500,
      tap: tapOf(port.id),
      status: port.status,
      fixedIps: ips,
      subnets: used.map((subnet) => ({
        id: subnet.id,
        cidr: subnet.cidr,
        version: subnet.ip_version as 4 | 6,
        gateway: subnet.gateway_ip,
        dns: subnet.dns_nameservers,
        dhcp: subnet.enable_dhcp,
      })),
      tag: port.attach_tag,
    };
  });
}
