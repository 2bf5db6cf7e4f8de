import { ApiError } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { badRequest, conflict, macInUse, networkNotFound, portNotFound } from '../model/errors.ts';
import { isAutomatic } from '../model/subnets.ts';
import { vifTypeOn } from './bindings.ts';
import type { Network } from './network.ts';
import {
  type FixedIp,
  type FixedIpRequest,
  listens,
  replaceAddresses,
  takeAddresses,
  withoutAutomatic,
} from './port-addresses.ts';
import { claimQuota } from './quotas.ts';
import { checkSecurityGroups, defaultSecurityGroup } from './security-groups.ts';
import { changeRow, stamped, touch } from './standard.ts';
import {
  type AddressPair,
  type NetworkRow,
  type NetworkStore,
  networks,
  type PortRow,
  ports,
  type SubnetRow,
  subnets,
} from './tables.ts';

/** A port with what is kept beside its row. */
export interface Port extends PortRow {
  fixed_ips: FixedIp[];
  security_groups: string[];
}

export interface NewPort {
  network: NetworkRow;
  projectId: string;
  /** `undefined`: as the network's subnets have it; empty: none. */
  fixedIps?: readonly FixedIpRequest[] | undefined;
  /** `undefined`: the project's default group. */
  securityGroups?: readonly string[] | undefined;
  /** Who may use which groups; `undefined`: any (an administrator). */
  groupsOf?: string | undefined;
  /** The cloud's own ports are counted, but never refused for a limit. */
  unlimited?: boolean;
  row?: Partial<Omit<PortRow, 'id' | 'network_id' | 'project_id' | 'binding_vif_type' | 'status'>>;
}

/** Ports of the cloud's own devices are neither filtered nor in groups. */
export const isTrusted = (owner: string): boolean => owner.startsWith('network:');

/** Like `base`: its first three octets, the fourth where it is not 00, and chance. */
function randomMac(base: string): string {
  const octets = base.toLowerCase().split(':');
  const kept = octets.slice(0, octets[3] === '00' ? 3 : 4);
  const rest = Array.from({ length: 6 - kept.length }, () => Math.floor(Math.random() * 256));
  return [...kept, ...rest.map((octet) => octet.toString(16).padStart(2, '0'))].join(':');
}

/** A MAC address that no port of the network has. @throws Conflict when the one that is wanted is taken */
export async function takeMac(
  { store, settings }: Network,
  networkId: string,
  wanted: string | undefined,
): Promise<string> {
  for (let attempt = 0; attempt < 16; attempt++) {
    const mac = wanted ?? randomMac(settings.base_mac);
    const row = await store.db
      .selectFrom('ports')
      .select('id')
      .where('network_id', '=', networkId)
      .where('mac_address', '=', mac)
      .executeTakeFirst();
    if (!row) return mac;
    if (wanted) throw macInUse(networkId, wanted);
  }
  throw conflict('MacAddressGenerationFailure', `Unable to generate unique mac on network ${networkId}.`);
}

export const subnetsOf = (store: NetworkStore, networkId: string) =>
  repository(store, subnets).list({
    where: { network_id: networkId },
    sort: [{ column: 'created_at', direction: 'asc' }],
  });

/** Makes a port with its addresses and groups, all or nothing. @throws what stands in the way, in upstream's words */
export function createPort(network: Network, port: NewPort): Promise<Port> {
  const { store } = network;
  const { network: on, projectId, row: given = {} } = port;
  return store.transaction(async () => {
    if (!port.unlimited) await claimQuota(network, 'port', projectId);
    const owner = given.device_owner ?? '';
    const portSecurity = given.port_security_enabled ?? (isTrusted(owner) ? false : on.port_security_enabled);
    const pairs = given.allowed_address_pairs ?? [];
    checkPairs(pairs, portSecurity);
    const groups = await groupsFor(network, port, portSecurity);
    const host = given.binding_host_id ?? '';
    const row: PortRow = {
      ...stamped(projectId),
      description: '',
      tags: [],
      name: '',
      admin_state_up: true,
      device_id: '',
      extra_dhcp_opts: [],
      dns_name: '',
      binding_vnic_type: 'normal',
      binding_profile: {},
      attach_index: null,
      attach_tag: null,
      made_for_server: false,
      ...given,
      allowed_address_pairs: pairs,
      device_owner: owner,
      network_id: on.id,
      mac_address: await takeMac(network, on.id, given.mac_address),
      port_security_enabled: portSecurity,
      status: owner === 'network:floatingip' ? 'N/A' : 'DOWN',
      binding_host_id: host,
      binding_vif_type: await vifTypeOn(network, host),
    };
    await repository(store, ports).insert(row);
    const fixedIps = port.fixedIps?.length === 0 ? [] : await addressesFor(row);
    await addGroups(store, row.id, groups);
    network.hosts.ring({ networks: [on.id], hosts: [host], securityGroups: groups });
    return { ...row, fixed_ips: fixedIps, security_groups: groups };
  });

  async function addressesFor(row: PortRow): Promise<FixedIp[]> {
    try {
      return await takeAddresses(store, row, await subnetsOf(store, on.id), port.fixedIps);
    } catch (error) {
      // Whoever goes on without this port (the next subnet may have room) must not commit half of it.
      if (error instanceof ApiError) await store.db.deleteFrom('ports').where('id', '=', row.id).execute();
      throw error;
    }
  }
}

async function groupsFor(network: Network, port: NewPort, portSecurity: boolean): Promise<string[]> {
  const asked = port.securityGroups;
  if (!portSecurity) {
    if (asked && asked.length > 0) {
      throw badRequest(
        'PortSecurityAndIPRequiredForSecurityGroups',
        'Port security must be enabled and port must have an IP address in order to use security groups.',
      );
    }
    return [];
  }
  if (asked) return checkSecurityGroups(network.store, asked, port.groupsOf);
  return isTrusted(port.row?.device_owner ?? '') ? [] : [await defaultSecurityGroup(network, port.projectId)];
}

/** @throws where pairs and port security do not go together, or a pair is there twice */
export function checkPairs(pairs: readonly AddressPair[], portSecurity: boolean): void {
  if (pairs.length === 0) return;
  if (!portSecurity) {
    throw conflict(
      'AddressPairAndPortSecurityRequired',
      'Port Security must be enabled in order to have allowed address pairs on a port.',
    );
  }
  const seen = new Set<string>();
  for (const { mac_address: mac = '', ip_address: ip } of pairs) {
    if (seen.has(`${mac} ${ip}`)) {
      throw badRequest(
        'DuplicateAddressPairInRequest',
        `Request contains duplicate address pair: mac_address ${mac} ip_address ${ip}.`,
      );
    }
    seen.add(`${mac} ${ip}`);
  }
}

async function addGroups(store: NetworkStore, portId: string, groups: readonly string[]): Promise<void> {
  if (groups.length === 0) return;
  await store.db
    .insertInto('port_security_groups')
    .values(groups.map((id) => ({ port_id: portId, security_group_id: id })))
    .execute();
}

export interface PortChanges {
  row?: Partial<PortRow>;
  fixedIps?: readonly FixedIpRequest[] | undefined;
  securityGroups?: readonly string[] | undefined;
  groupsOf?: string | undefined;
}

/** Changes a port and what is beside its row, all or nothing. */
export function changePort(network: Network, id: string, changes: PortChanges): Promise<Port> {
  const { store } = network;
  return store.transaction(async () => {
    const [before] = await withDetails(store, await repository(store, ports).list({ where: { id } }));
    if (!before) throw portNotFound(id);
    const given = changes.row ?? {};
    const host = given.binding_host_id;
    const rebinds = host !== undefined && host !== before.binding_host_id;
    const after: PortRow = { ...before, ...given };
    if (given.mac_address !== undefined && given.mac_address !== before.mac_address) {
      if (before.binding_host_id !== '' && before.binding_vif_type === 'bridge') {
        throw conflict(
          'PortBound',
          `Unable to complete operation on port ${id}, port is already bound, port type: ${before.binding_vif_type}, old_mac ${before.mac_address}, new_mac ${given.mac_address}.`,
        );
      }
      await takeMac(network, before.network_id, given.mac_address);
    }
    checkPairs(after.allowed_address_pairs, after.port_security_enabled);
    let groups = before.security_groups;
    if (changes.securityGroups !== undefined) {
      if (changes.securityGroups.length > 0 && !after.port_security_enabled) {
        throw badRequest(
          'PortSecurityAndIPRequiredForSecurityGroups',
          'Port security must be enabled and port must have an IP address in order to use security groups.',
        );
      }
      groups = await checkSecurityGroups(store, changes.securityGroups, changes.groupsOf);
      await store.db.deleteFrom('port_security_groups').where('port_id', '=', id).execute();
      await addGroups(store, id, groups);
    } else if (!after.port_security_enabled && before.port_security_enabled && groups.length > 0) {
      throw conflict(
        'PortSecurityPortHasSecurityGroup',
        'Port has security group associated. Cannot disable port security or IP address until security group is removed.',
      );
    }
    let fixedIps = before.fixed_ips;
    const moved = after.mac_address !== before.mac_address;
    if (changes.fixedIps !== undefined || moved) {
      const on = await subnetsOf(store, before.network_id);
      const asked = changes.fixedIps ?? withoutAutomatic(before, on, before.fixed_ips);
      fixedIps = await replaceAddresses(store, after, on, { present: before.fixed_ips, asked });
    }
    const row = await changeRow(store, ports, before as PortRow, {
      ...given,
      ...(rebinds ? { binding_vif_type: await vifTypeOn(network, host), status: 'DOWN' } : {}),
      // Addresses and groups are part of what the port is, though they have tables of their own.
      ...(changes.fixedIps || changes.securityGroups ? { name: after.name } : {}),
    });
    network.hosts.ring({
      networks: [before.network_id],
      hosts: [before.binding_host_id, row.binding_host_id],
      securityGroups: [...before.security_groups, ...groups],
    });
    return { ...row, fixed_ips: fixedIps, security_groups: groups };
  });
}

/** Gives the ports that a network has the addresses that their guests make themselves in a subnet that is new. */
export async function takeInNewSubnet(network: Network, subnet: SubnetRow): Promise<void> {
  const { store } = network;
  if (!isAutomatic(subnet)) return;
  const rows = await repository(store, ports).list({ where: { network_id: subnet.network_id } });
  const listening = await withDetails(store, rows.filter(listens));
  for (const port of listening) {
    const { fixed_ips: keeps } = port;
    const taken = await takeAddresses(store, port, [subnet], [], { keeps, positionFrom: keeps.length });
    if (taken.length > 0) await touch(store, 'ports', port.id);
  }
  network.hosts.ring({ securityGroups: new Set(listening.flatMap((port) => port.security_groups)) });
}

/** Takes ports away, with their addresses; floating IPs that pointed to them point nowhere. */
export function deletePorts(network: Network, gone: readonly PortRow[]): Promise<void> {
  const { store } = network;
  if (gone.length === 0) return Promise.resolve();
  return store.transaction(async () => {
    const ids = gone.map(({ id }) => id);
    const groups = await store.db
      .selectFrom('port_security_groups')
      .select('security_group_id')
      .distinct()
      .where('port_id', 'in', ids)
      .execute();
    const floating = await store.db
      .selectFrom('floatingips')
      .select(['id', 'router_id'])
      .where('port_id', 'in', ids)
      .execute();
    if (floating.length > 0) {
      await store.db
        .updateTable('floatingips')
        .set({ port_id: null, fixed_ip_address: null, router_id: null, status: 'DOWN' })
        .where('port_id', 'in', ids)
        .execute();
      await ringRouters(
        network,
        floating.flatMap(({ router_id }) => router_id ?? []),
      );
    }
    await store.db.deleteFrom('ports').where('id', 'in', ids).execute();
    network.hosts.ring({
      networks: new Set(gone.map(({ network_id }) => network_id)),
      hosts: gone.map(({ binding_host_id }) => binding_host_id),
      securityGroups: groups.map(({ security_group_id }) => security_group_id),
    });
  });
}

/** Wakes the hosts that routers are on. */
export async function ringRouters(network: Network, routerIds: readonly string[]): Promise<void> {
  if (routerIds.length === 0) return;
  const rows = await network.store.db
    .selectFrom('router_bindings')
    .select('host')
    .where('router_id', 'in', [...new Set(routerIds)])
    .execute();
  network.hosts.ring({ hosts: rows.map(({ host }) => host) });
}

/** Adds to ports what is kept beside their rows, with one query each for all of them. */
export async function withDetails<R extends PortRow>(
  store: NetworkStore,
  rows: readonly R[],
): Promise<(R & { fixed_ips: FixedIp[]; security_groups: string[] })[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const addresses = await store.db
    .selectFrom('ip_allocations')
    .select(['port_id', 'subnet_id', 'ip_address'])
    .where('port_id', 'in', ids)
    .orderBy('position')
    .execute();
  const groups = await store.db
    .selectFrom('port_security_groups')
    .selectAll()
    .where('port_id', 'in', ids)
    .execute();
  const byPort = new Map(
    rows.map((row) => [row.id, { fixed_ips: [] as FixedIp[], security_groups: [] as string[] }]),
  );
  for (const { port_id, subnet_id, ip_address } of addresses) {
    byPort.get(port_id)?.fixed_ips.push({ subnet_id, ip_address });
  }
  for (const { port_id, security_group_id } of groups)
    byPort.get(port_id)?.security_groups.push(security_group_id);
  return rows.map(
    (row) => ({ ...row, ...byPort.get(row.id) }) as R & { fixed_ips: FixedIp[]; security_groups: string[] },
  );
}

/** A network by id, whoever owns it. @throws NotFound */
export async function networkOf(store: NetworkStore, id: string): Promise<NetworkRow> {
  const row = await repository(store, networks).get(id);
  if (!row) throw networkNotFound(id);
  return row;
}
