import { type SqlBool, sql } from 'kysely';
import { Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import { type Condition, rowsOf } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import { type Cidr, canonicalAddress, formatCidr, parseCidr } from '../model/addresses.ts';
import {
  badRequest,
  conflict,
  invalidAttribute,
  invalidInput,
  notFound,
  subnetInUse,
} from '../model/errors.ts';
import {
  checkFamily,
  checkGateway,
  checkOverlap,
  checkPools,
  defaultPools,
  firstHost,
  ipv6Modes,
  isAutomatic,
} from '../model/subnets.ts';
import { settleDhcp } from '../store/dhcp.ts';
import type { Network } from '../store/network.ts';
import { takeInNewSubnet } from '../store/ports.ts';
import { claimQuota } from '../store/quotas.ts';
import { changeRow, stamped, touch } from '../store/standard.ts';
import { takePrefix } from '../store/subnetpools.ts';
import {
  type NetworkRow,
  networks,
  type SubnetPoolRow,
  type SubnetRow,
  subnetpools,
  subnets,
} from '../store/tables.ts';
import type { networksApi } from './networks.ts';
import {
  flag,
  Id,
  isShared,
  Name,
  name,
  networkResources,
  own,
  ownerOf,
  projectOf,
  seesAll,
  sharedWith,
  standardAttributes,
  toInteger,
} from './standard.ts';

/** A row that knows its network, where one row was looked for. */
export interface OnNetwork {
  network?: NetworkRow | undefined;
}

/** What policy asks of the network of a row. */
export const parentTarget = (row: OnNetwork & { project_id: string }, call: Call): object => ({
  ...row,
  tenant_id: row.project_id,
  ...(row.network
    ? {
        'network:project_id': row.network.project_id,
        'network:tenant_id': row.network.project_id,
        shared: isShared(row.network, call),
        'router:external': row.network.router_external,
      }
    : {}),
});

/** Rows on networks that the caller owns. */
export const onOwnNetworks = (table: string, call: Call): Condition => ({
  expression: sql<SqlBool>`${sql.ref(`${table}.network_id`)} in (select id from networks where project_id = ${projectOf(call)})`,
});

const Address = Type.String({ format: 'ip' });
const Mode = Type.Union([Type.Null(), ...ipv6Modes.map((each) => Type.Literal(each))]);
const Routes = Type.Array(
  Type.Object(
    { destination: Type.String({ format: 'cidr' }), nexthop: Address },
    { additionalProperties: false },
  ),
);
const Pools = Type.Array(
  Type.Object({ start: Type.String(), end: Type.String() }, { additionalProperties: false }),
);

/** Upstream reads null as an empty list. */
export const emptyForNull = (value: unknown): unknown => (value === null ? [] : value);

export function subnetsApi(network: Network, onNetworks: ReturnType<typeof networksApi>) {
  const { store, settings } = network;
  const resource = networkResources(network);
  const rows = rowsOf(store, subnets);
  const withNetwork = async (row: SubnetRow | undefined): Promise<(SubnetRow & OnNetwork) | undefined> =>
    row && { ...row, network: await repository(store, networks).get(row.network_id) };

  const resourceOf = resource({
    one: 'subnet',
    many: 'subnets',
    path: '/subnets',
    table: 'subnets',
    rows: { ...rows, find: async (where) => withNetwork(await rows.find(where)) },
    attributes: {
      ...standardAttributes,
      name,
      network_id: { schema: Id, create: 'required', filter: true, sort: true },
      ip_version: {
        schema: Type.Union([Type.Literal(4), Type.Literal(6)]),
        convert: toInteger,
        create: 'required',
        filter: true,
        sort: true,
      },
      cidr: {
        schema: Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
        create: 'optional',
        filter: true,
        sort: true,
      },
      prefixlen: {
        schema: Type.Integer({ minimum: 0, maximum: 128 }),
        convert: toInteger,
        create: 'optional',
        column: false,
        hidden: true,
      },
      subnetpool_id: { schema: Type.Union([Id, Type.Null()]), create: 'optional', filter: true },
      use_default_subnetpool: {
        schema: Type.Boolean(),
        create: 'optional',
        default: false,
        column: false,
        hidden: true,
      },
      gateway_ip: {
        schema: Type.Union([Address, Type.Null()]),
        convert: canonicalAddress,
        create: 'optional',
        update: true,
        filter: true,
        sort: true,
      },
      allocation_pools: { schema: Pools, create: 'optional', update: true },
      dns_nameservers: {
        schema: Type.Array(Address, { uniqueItems: true }),
        convert: emptyForNull,
        create: 'optional',
        update: true,
        default: [],
      },
      host_routes: { schema: Routes, convert: emptyForNull, create: 'optional', update: true, default: [] },
      enable_dhcp: flag({ create: 'optional', update: true, default: true }),
      ipv6_ra_mode: { schema: Mode, create: 'optional', default: null, filter: true },
      ipv6_address_mode: { schema: Mode, create: 'optional', default: null, filter: true },
      service_types: {
        schema: Type.Array(Name, { uniqueItems: true, maxItems: 32 }),
        create: 'optional',
        update: true,
        default: [],
        policy: { create: 'create_subnet:service_types', update: 'update_subnet:service_types' },
      },
      dns_publish_fixed_ip: flag({ create: 'optional', update: true, default: false }),
    },
    policy: {
      list: 'get_subnet',
      show: 'get_subnet',
      create: 'create_subnet',
      update: 'update_subnet',
      delete: 'delete_subnet',
    },
    scope: (call) =>
      seesAll(call)
        ? []
        : [
            {
              any: [
                own(call),
                [onOwnNetworks('subnets', call)],
                [
                  {
                    expression: sql<SqlBool>`subnets.network_id in (${sharedWith('network', projectOf(call))} and action = 'access_as_shared')`,
                  },
                ],
              ],
            },
          ],
    target: parentTarget,
    createTarget: async (body, call) => {
      const on = await onNetworks.find(call, body.network_id);
      return parentTarget({ ...body, project_id: ownerOf(call, body), network: on }, call);
    },

    create: (call, body) =>
      store.transaction(async () => {
        const on = (await repository(store, networks).get(body.network_id)) as NetworkRow;
        const projectId = body.project_id ?? body.tenant_id ?? (on.project_id || ownerOf(call, body));
        await claimQuota(network, 'subnet', projectId);
        const pool = await poolOf(call, body);
        const cidr = await cidrOf(body, pool);
        checkFamily({ ...body, cidr });
        checkOverlap(cidr, on.id, await repository(store, subnets).list({ where: { network_id: on.id } }));
        checkLists(body);
        const gateway = body.gateway_ip === undefined ? firstHost(cidr) : body.gateway_ip;
        const pools = body.allocation_pools
          ? checkPools(body.allocation_pools, cidr)
          : defaultPools(cidr, gateway);
        if (gateway !== null) checkGateway(gateway, cidr, pools);
        const row: SubnetRow = {
          ...stamped(projectId),
          name: body.name,
          description: body.description,
          tags: [],
          network_id: on.id,
          ip_version: body.ip_version,
          cidr: formatCidr(cidr),
          gateway_ip: gateway,
          enable_dhcp: body.enable_dhcp,
          allocation_pools: pools,
          dns_nameservers: body.dns_nameservers,
          host_routes: body.host_routes,
          service_types: body.service_types,
          dns_publish_fixed_ip: body.dns_publish_fixed_ip,
          ipv6_ra_mode: body.ipv6_ra_mode as string | null,
          ipv6_address_mode: body.ipv6_address_mode as string | null,
          subnetpool_id: pool?.id ?? null,
        };
        await repository(store, subnets).insert(row);
        await takeInNewSubnet(network, row);
        await changed(row);
        return row;
      }),

    update: (_call, row, changes) =>
      store.transaction(async () => {
        const cidr = parseCidr(row.cidr) as Cidr;
        const dhcp = changes.enable_dhcp ?? row.enable_dhcp;
        checkFamily({ ...row, cidr, enable_dhcp: dhcp });
        checkLists(changes);
        const pools = changes.allocation_pools
          ? checkPools(changes.allocation_pools, cidr)
          : row.allocation_pools;
        const gateway = changes.gateway_ip === undefined ? row.gateway_ip : changes.gateway_ip;
        if (gateway !== null) checkGateway(gateway, cidr, pools);
        if (gateway !== row.gateway_ip && row.gateway_ip !== null) await assertGatewayFree(row);
        const after = await changeRow(store, subnets, row, {
          ...changes,
          ...(changes.allocation_pools ? { allocation_pools: pools } : {}),
        });
        await changed(row);
        return after;
      }),

    delete: (_call, row) =>
      store.transaction(async () => {
        const used = await store.db
          .selectFrom('ip_allocations')
          .innerJoin('ports', 'ports.id', 'ip_allocations.port_id')
          .select('ports.device_owner')
          .distinct()
          .where('ip_allocations.subnet_id', '=', row.id)
          .execute();
        // Addresses that guests make themselves go with their subnet, but not those of routers.
        const holds = (owner: string) =>
          isAutomatic(row) ? owner.startsWith('network:router_') : owner !== 'network:dhcp';
        if (used.some(({ device_owner }) => holds(device_owner))) throw subnetInUse(row.id);
        await store.db.deleteFrom('ip_allocations').where('subnet_id', '=', row.id).execute();
        await store.db.deleteFrom('subnets').where('id', '=', row.id).execute();
        await changed(row);
      }),
  });
  return resourceOf;

  /** What a change of a subnet means for its network. */
  async function changed(row: SubnetRow): Promise<void> {
    await touch(store, 'networks', row.network_id);
    await settleDhcp(network, row.network_id);
    network.hosts.ring({ networks: [row.network_id] });
  }

  async function poolOf(
    call: Call,
    body: { subnetpool_id?: string | null; use_default_subnetpool: boolean; ip_version: number },
  ): Promise<SubnetPoolRow | undefined> {
    const pools = repository(store, subnetpools);
    if (body.use_default_subnetpool) {
      if (body.subnetpool_id) {
        throw invalidInput('subnetpool_id and use_default_subnetpool cannot both be specified');
      }
      const found = await pools.find({ is_default: true, ip_version: body.ip_version });
      if (!found) throw notFound('NotFound', `No default subnetpool found for IPv${body.ip_version}`);
      return found;
    }
    if (!body.subnetpool_id) return undefined;
    const found = await pools.get(body.subnetpool_id);
    const visible = found && (seesAll(call) || found.project_id === projectOf(call) || isShared(found, call));
    if (!visible)
      throw notFound('SubnetPoolNotFound', `Subnet pool ${body.subnetpool_id} could not be found.`);
    if (found.ip_version !== body.ip_version) {
      throw badRequest(
        'BadRequest',
        'Cannot allocate IPv4 or IPv6 subnet from a subnet pool of the other version.',
      );
    }
    return found;
  }

  async function cidrOf(
    body: { cidr?: string | null; prefixlen?: number },
    pool: SubnetPoolRow | undefined,
  ): Promise<Cidr> {
    const asked = body.cidr ?? undefined;
    const cidr = asked === undefined ? undefined : parseCidr(asked);
    if (asked !== undefined && !cidr) throw invalidAttribute('cidr', `'${asked}' is not a valid IP subnet`);
    if (asked !== undefined && cidr && cidr.version === 4 && formatCidr(cidr) !== asked) {
      throw invalidAttribute(
        'cidr',
        `'${asked}' isn't a recognized IP subnet cidr, '${formatCidr(cidr)}' is recommended`,
      );
    }
    if (cidr && body.prefixlen !== undefined) {
      throw badRequest(
        'BadRequest',
        'Bad subnets request: cidr and prefixlen must not be supplied together.',
      );
    }
    if (pool) return takePrefix(store, pool, { cidr, prefixlen: body.prefixlen });
    if (!cidr) {
      throw badRequest(
        'BadRequest',
        'Bad subnets request: a subnetpool must be specified in the absence of a cidr.',
      );
    }
    return cidr;
  }

  function checkLists(body: { dns_nameservers?: string[]; host_routes?: unknown[] }): void {
    if ((body.dns_nameservers?.length ?? 0) > settings.max_dns_nameservers) {
      throw badRequest(
        'DNSNameServersExhausted',
        `Unable to complete operation. The number of DNS nameservers exceeds the limit ${settings.max_dns_nameservers}.`,
      );
    }
    if ((body.host_routes?.length ?? 0) > settings.max_subnet_host_routes) {
      throw badRequest(
        'HostRoutesExhausted',
        `Unable to complete operation. The number of host routes exceeds the limit ${settings.max_subnet_host_routes}.`,
      );
    }
  }

  /** A router that is the gateway keeps its address. */
  async function assertGatewayFree(row: SubnetRow): Promise<void> {
    const port = await store.db
      .selectFrom('ip_allocations')
      .innerJoin('ports', 'ports.id', 'ip_allocations.port_id')
      .select('ports.id')
      .where('ip_allocations.subnet_id', '=', row.id)
      .where('ip_allocations.ip_address', '=', row.gateway_ip)
      .where('ports.device_owner', '=', 'network:router_interface')
      .executeTakeFirst();
    if (!port) return;
    throw conflict(
      'GatewayIpInUse',
      `Current gateway ip ${row.gateway_ip} already in use by port ${port.id}. Unable to update.`,
    );
  }
}
