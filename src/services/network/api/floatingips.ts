import { Type } from 'typebox';
import { rowsOf } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import { canonicalAddress } from '../model/addresses.ts';
import { badRequest } from '../model/errors.ts';
import { associate, takeFloatingPort, unassociated } from '../store/floatingips.ts';
import type { Network } from '../store/network.ts';
import { deletePorts, ringRouters } from '../store/ports.ts';
import { claimQuota } from '../store/quotas.ts';
import { changeRow, stamped } from '../store/standard.ts';
import { type FloatingIpRow, floatingips, type PortRow, ports } from '../store/tables.ts';
import type { networksApi } from './networks.ts';
import { Id, isAdmin, Name, networkResources, ownerOf, standardAttributes } from './standard.ts';

interface ShownFloatingIp extends FloatingIpRow {
  port?: PortRow | undefined;
}

const Address = Type.String({ format: 'ipv4' });

export function floatingipsApi(network: Network, onNetworks: ReturnType<typeof networksApi>) {
  const { store } = network;
  return networkResources(network)({
    one: 'floatingip',
    many: 'floatingips',
    path: '/floatingips',
    table: 'floatingips',
    rows: rowsOf(store, floatingips),
    attributes: {
      ...standardAttributes,
      floating_network_id: { schema: Id, create: 'required', filter: true, sort: true },
      floating_ip_address: {
        schema: Address,
        convert: canonicalAddress,
        create: 'optional',
        filter: true,
        sort: true,
        policy: { create: 'create_floatingip:floating_ip_address' },
      },
      subnet_id: { schema: Type.Union([Id, Type.Null()]), create: 'optional', column: false, hidden: true },
      port_id: {
        schema: Type.Union([Id, Type.Null()]),
        create: 'optional',
        update: true,
        filter: true,
        sort: true,
      },
      fixed_ip_address: {
        schema: Type.Union([Address, Type.Null()]),
        convert: canonicalAddress,
        create: 'optional',
        update: true,
        filter: true,
        sort: true,
      },
      router_id: { schema: Id, filter: true, sort: true },
      status: { schema: Type.String(), filter: true, sort: true },
      dns_name: { schema: Name, create: 'optional', default: '', filter: true },
      dns_domain: { schema: Name, create: 'optional', default: '', filter: true },
      port_details: {
        schema: Type.Object({}),
        column: false,
        from: ({ port }: ShownFloatingIp) =>
          port
            ? {
                name: port.name,
                network_id: port.network_id,
                mac_address: port.mac_address,
                admin_state_up: port.admin_state_up,
                status: port.status,
                device_id: port.device_id,
                device_owner: port.device_owner,
              }
            : null,
      },
    },
    policy: {
      list: 'get_floatingip',
      show: 'get_floatingip',
      create: 'create_floatingip',
      update: 'update_floatingip',
      delete: 'delete_floatingip',
    },

    async expand(page) {
      const ids = page.flatMap(({ port_id }) => port_id ?? []);
      const found = ids.length === 0 ? [] : await repository(store, ports).list({ where: { id: ids } });
      const byId = new Map(found.map((port) => [port.id, port]));
      return page.map((row): ShownFloatingIp => ({ ...row, port: byId.get(row.port_id ?? '') }));
    },

    create: async (call, body) => {
      const projectId = ownerOf(call, body);
      const on = await onNetworks.find(call, body.floating_network_id);
      return store.transaction(async () => {
        await claimQuota(network, 'floatingip', projectId);
        const stamp = stamped(projectId);
        const holder = await takeFloatingPort(network, on, stamp.id, {
          ip_address: body.floating_ip_address,
          subnet_id: body.subnet_id ?? undefined,
        });
        const floating = {
          ...stamp,
          description: body.description,
          tags: [],
          floating_network_id: on.id,
          floating_ip_address: holder.fixed_ips[0]?.ip_address ?? '',
          floating_port_id: holder.id,
          dns_name: body.dns_name,
          dns_domain: body.dns_domain,
        };
        assertPortForFixed(body);
        const leads = body.port_id
          ? await associate(network, floating, {
              port_id: body.port_id,
              fixed_ip_address: body.fixed_ip_address,
              admin: isAdmin(call),
            })
          : unassociated;
        const row: FloatingIpRow = { ...floating, ...leads };
        await repository(store, floatingips).insert(row);
        await ringRouters(network, leads.router_id ? [leads.router_id] : []);
        return row;
      });
    },

    update: (call, row, body) =>
      store.transaction(async () => {
        const { port_id: portId, fixed_ip_address: fixed, ...plain } = body;
        if (portId === undefined && fixed)
          assertPortForFixed({ port_id: row.port_id, fixed_ip_address: fixed });
        const target = portId === undefined && fixed ? row.port_id : portId;
        const leads =
          target === undefined
            ? {}
            : target === null
              ? unassociated
              : await associate(network, row, {
                  port_id: target,
                  fixed_ip_address: fixed,
                  admin: isAdmin(call),
                });
        const after = await changeRow(store, floatingips, row, { ...plain, ...leads });
        await ringRouters(
          network,
          [row.router_id, after.router_id].flatMap((id) => id ?? []),
        );
        return after;
      }),

    delete: (_call, row) =>
      store.transaction(async () => {
        await store.db.deleteFrom('floatingips').where('id', '=', row.id).execute();
        await deletePorts(
          network,
          await repository(store, ports).list({ where: { id: row.floating_port_id } }),
        );
        await ringRouters(network, row.router_id ? [row.router_id] : []);
      }),
  });
}

function assertPortForFixed(body: { port_id?: string | null; fixed_ip_address?: string | null }): void {
  if (body.fixed_ip_address && !body.port_id) {
    throw badRequest(
      'BadRequest',
      'Bad floatingip request: fixed_ip_address cannot be specified without a port_id.',
    );
  }
}
