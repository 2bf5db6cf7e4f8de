import { type SqlBool, sql } from 'kysely';
import { Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import { type Condition, type Rows, rowsOf } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import { canonicalAddress, parseAddress, parseCidr } from '../model/addresses.ts';
import { badRequest, invalidAttribute, servicePortInUse } from '../model/errors.ts';
import { vifDetails } from '../store/bindings.ts';
import { settleDhcp } from '../store/dhcp.ts';
import type { Network } from '../store/network.ts';
import type { FixedIpRequest } from '../store/port-addresses.ts';
import { changePort, createPort, deletePorts, type Port, withDetails } from '../store/ports.ts';
import {
  type AddressPair,
  type DhcpOption,
  type NetworkRow,
  networks,
  type PortRow,
  ports,
} from '../store/tables.ts';
import type { networksApi } from './networks.ts';
import {
  flag,
  Id,
  isAdmin,
  Name,
  name,
  networkResources,
  own,
  ownerOf,
  seesAll,
  standardAttributes,
} from './standard.ts';
import { emptyForNull, type OnNetwork, onOwnNetworks, parentTarget } from './subnets.ts';

const FixedIps = Type.Array(
  Type.Object(
    { subnet_id: Type.Optional(Id), ip_address: Type.Optional(Type.String({ format: 'ip' })) },
    { additionalProperties: false },
  ),
  { maxItems: 64 },
);
const Mac = Type.String({ format: 'mac' });
const Pairs = Type.Array(
  Type.Object(
    { mac_address: Type.Optional(Mac), ip_address: Type.String({ maxLength: 64 }) },
    { additionalProperties: false },
  ),
);
const DhcpOptions = Type.Array(
  Type.Object(
    {
      opt_name: Type.String({ minLength: 1, maxLength: 64 }),
      opt_value: Type.Union([Type.String({ maxLength: 255 }), Type.Null()]),
      ip_version: Type.Optional(
        Type.Union([Type.Literal(4), Type.Literal(6), Type.Literal('4'), Type.Literal('6')]),
      ),
    },
    { additionalProperties: false },
  ),
  { maxItems: 64 },
);

const vnicTypes = [
  'normal',
  'direct',
  'macvtap',
  'baremetal',
  'direct-physical',
  'virtio-forwarder',
  'smart-nic',
];

const policy = (attribute: string, show = false) => ({
  create: `create_port:${attribute}`,
  update: `update_port:${attribute}`,
  ...(show ? { show: `get_port:${attribute}` } : {}),
});

/** Ports whose router or floating IP would be left behind. */
const serviceOwners = /^network:(router_\w+|floatingip)$/;

type ShownPort = Port & OnNetwork;

export function portsApi(network: Network, onNetworks: ReturnType<typeof networksApi>) {
  const { store, settings } = network;
  const rows = rowsOf(store, ports);
  const resource = networkResources(network);
  const withParents: Rows<PortRow & OnNetwork, never> = {
    ...rows,
    find: async (where) => {
      const row = await rows.find(where);
      return row && { ...row, network: await repository(store, networks).get(row.network_id) };
    },
  };

  return resource({
    one: 'port',
    many: 'ports',
    path: '/ports',
    table: 'ports',
    rows: withParents,
    attributes: {
      ...standardAttributes,
      name,
      network_id: { schema: Id, create: 'required', filter: true, sort: true },
      mac_address: {
        schema: Mac,
        convert: (value: unknown) => (typeof value === 'string' ? value.toLowerCase() : value),
        create: 'optional',
        update: true,
        filter: true,
        sort: true,
        policy: policy('mac_address'),
      },
      admin_state_up: flag({ create: 'optional', update: true, default: true }),
      status: { schema: Type.String(), filter: true, sort: true },
      device_id: {
        schema: Name,
        create: 'optional',
        update: true,
        default: '',
        filter: true,
        sort: true,
        policy: policy('device_id'),
      },
      device_owner: {
        schema: Name,
        create: 'optional',
        update: true,
        default: '',
        filter: true,
        sort: true,
        policy: policy('device_owner'),
      },
      fixed_ips: {
        schema: FixedIps,
        convert: canonicalIps,
        create: 'optional',
        update: true,
        column: false,
        policy: policy('fixed_ips'),
      },
      security_groups: {
        schema: Type.Array(Id, { maxItems: 64 }),
        convert: emptyForNull,
        create: 'optional',
        update: true,
        column: false,
      },
      allowed_address_pairs: {
        schema: Pairs,
        convert: emptyForNull,
        create: 'optional',
        update: true,
        policy: policy('allowed_address_pairs'),
        from: (row: PortRow) =>
          row.allowed_address_pairs.map((pair) => ({ mac_address: row.mac_address, ...pair })),
      },
      port_security_enabled: flag({
        create: 'optional',
        update: true,
        policy: policy('port_security_enabled'),
      }),
      extra_dhcp_opts: { schema: DhcpOptions, convert: emptyForNull, create: 'optional', update: true },
      dns_name: { schema: Name, create: 'optional', update: true, default: '', filter: true },
      dns_assignment: {
        schema: Type.Array(Type.Object({})),
        column: false,
        from: (row: ShownPort) => row.fixed_ips.map(({ ip_address }) => assigned(row, ip_address)),
      },
      'binding:vnic_type': {
        schema: Type.Union(vnicTypes.map((each) => Type.Literal(each))),
        create: 'optional',
        update: true,
        default: 'normal',
        filter: true,
        policy: policy('binding:vnic_type'),
      },
      'binding:host_id': {
        schema: Name,
        convert: (value: unknown) => value ?? '',
        create: 'optional',
        update: true,
        default: '',
        filter: true,
        policy: policy('binding:host_id', true),
      },
      'binding:profile': {
        schema: Type.Record(Type.String(), Type.Unknown(), { maxProperties: 32 }),
        convert: (value: unknown) => value ?? {},
        create: 'optional',
        update: true,
        default: {},
        policy: policy('binding:profile', true),
      },
      'binding:vif_type': {
        schema: Type.String(),
        filter: true,
        policy: { show: 'get_port:binding:vif_type' },
      },
      'binding:vif_details': {
        schema: Type.Object({}),
        column: false,
        from: (row: PortRow) => vifDetails(row),
        policy: { show: 'get_port:binding:vif_details' },
      },
    },
    policy: {
      list: 'get_port',
      show: 'get_port',
      create: 'create_port',
      update: 'update_port',
      delete: 'delete_port',
    },
    scope: (call) => (seesAll(call) ? [] : [{ any: [own(call), [onOwnNetworks('ports', call)]] }]),
    target: parentTarget,
    createTarget: async (body, call) => {
      const on = await onNetworks.find(call, body.network_id);
      const project = ownerOf(call, body);
      return parentTarget({ ...body, project_id: project, network: on }, call);
    },
    filters: {
      fixed_ips: fixedIpFilter,
      security_groups: (values) => [
        {
          expression: sql<SqlBool>`ports.id in (select port_id from port_security_groups where security_group_id in (${sql.join(values)}))`,
        },
      ],
    },
    expand: (page) => withDetails(store, page as ShownPort[]),

    create: async (call, body) => {
      const on = (await repository(store, networks).get(body.network_id)) as NetworkRow;
      const projectId = ownerOf(call, body);
      const target = parentTarget({ ...body, project_id: projectId, network: on }, call);
      enforceParts(call, 'create', body, target);
      return createPort(network, {
        network: on,
        projectId,
        fixedIps: body.fixed_ips,
        securityGroups: body.security_groups,
        groupsOf: isAdmin(call) ? undefined : projectId,
        row: {
          name: body.name,
          description: body.description,
          admin_state_up: body.admin_state_up,
          device_id: body.device_id,
          device_owner: body.device_owner,
          dns_name: body.dns_name,
          binding_vnic_type: body['binding:vnic_type'] as string,
          binding_host_id: body['binding:host_id'],
          binding_profile: body['binding:profile'],
          extra_dhcp_opts: mergedOptions([], body.extra_dhcp_opts ?? []),
          allowed_address_pairs: checkedPairs(body.allowed_address_pairs ?? []),
          ...(body.mac_address === undefined ? {} : { mac_address: body.mac_address }),
          ...(body.port_security_enabled === undefined
            ? {}
            : { port_security_enabled: body.port_security_enabled }),
        },
      });
    },

    update: async (call, row, body) => {
      enforceParts(call, 'update', body, { ...parentTarget(row, call), ...body });
      const {
        fixed_ips: fixedIps,
        security_groups: securityGroups,
        extra_dhcp_opts: options,
        allowed_address_pairs: pairs,
        'binding:host_id': host,
        'binding:vnic_type': vnic,
        'binding:profile': profile,
        ...plain
      } = body;
      const after = await changePort(network, row.id, {
        fixedIps,
        securityGroups,
        groupsOf: isAdmin(call) ? undefined : row.project_id,
        row: {
          ...plain,
          ...(options ? { extra_dhcp_opts: mergedOptions(row.extra_dhcp_opts, options) } : {}),
          ...(pairs ? { allowed_address_pairs: checkedPairs(pairs) } : {}),
          ...(host === undefined ? {} : { binding_host_id: host }),
          ...(vnic === undefined ? {} : { binding_vnic_type: vnic as string }),
          ...(profile === undefined ? {} : { binding_profile: profile }),
        },
      });
      return { ...after, network: row.network };
    },

    delete: async (_call, row) => {
      if (serviceOwners.test(row.device_owner)) {
        const [full] = await withDetails(store, [row]);
        if (full && full.fixed_ips.length > 0) throw servicePortInUse(row.id, row.device_owner);
      }
      await deletePorts(network, [row]);
      // Whoever deletes a DHCP server's port gets it anew, as upstream's agents would see to.
      if (row.device_owner === 'network:dhcp') await settleDhcp(network, row.network_id);
    },
  });

  function assigned(row: PortRow, ip: string) {
    const hostname = row.dns_name || `host-${ip.replaceAll(/[.:]/g, '-')}`;
    const domain = settings.dns_domain.replace(/\.$/, '');
    return { ip_address: ip, hostname, fqdn: domain ? `${hostname}.${domain}.` : hostname };
  }

  /** Upstream asks rules of their own for parts of an attribute. */
  function enforceParts(
    call: Call,
    verb: 'create' | 'update',
    body: { fixed_ips?: FixedIpRequest[]; allowed_address_pairs?: AddressPair[] },
    target: object,
  ): void {
    const ask = (part: string) => call.enforce(`${verb}_port:${part}`, target);
    if (body.fixed_ips?.some((each) => each.ip_address !== undefined)) ask('fixed_ips:ip_address');
    if (body.fixed_ips?.some((each) => each.subnet_id !== undefined)) ask('fixed_ips:subnet_id');
    if (body.allowed_address_pairs?.some((each) => each.mac_address))
      ask('allowed_address_pairs:mac_address');
    if (body.allowed_address_pairs?.length) ask('allowed_address_pairs:ip_address');
  }

  function checkedPairs(pairs: readonly AddressPair[]): AddressPair[] {
    const most = settings.max_allowed_address_pair;
    if (pairs.length > most) {
      throw badRequest(
        'AllowedAddressPairExhausted',
        `The number of allowed address pair exceeds the maximum ${most}.`,
      );
    }
    return pairs.map(({ mac_address: mac, ip_address: ip }) => {
      if (!parseAddress(ip) && !parseCidr(ip)) {
        throw invalidAttribute('allowed_address_pairs', `'${ip}' is not a valid IP address or subnet`);
      }
      return { ...(mac ? { mac_address: mac.toLowerCase() } : {}), ip_address: ip };
    });
  }
}

function canonicalIps(value: unknown): unknown {
  if (!Array.isArray(value)) return emptyForNull(value);
  return value.map((each) =>
    typeof each === 'object' && each !== null && 'ip_address' in each
      ? { ...each, ip_address: canonicalAddress(each.ip_address) }
      : each,
  );
}

/** Options that say something by having no value: that there is none. */
const blank = new Set(['router', 'classless-static-route']);

/** Options by name and family: those given replace those there, and a null takes one away. */
function mergedOptions(
  present: readonly DhcpOption[],
  given: readonly { opt_name: string; opt_value: string | null; ip_version?: 4 | 6 | '4' | '6' }[],
): DhcpOption[] {
  const options = new Map(present.map((each) => [`${each.ip_version} ${each.opt_name}`, each]));
  for (const { opt_name, opt_value, ip_version = 4 } of given) {
    const version = Number(ip_version) as 4 | 6;
    const key = `${version} ${opt_name}`;
    if (opt_value === '' && !blank.has(opt_name)) {
      throw invalidAttribute('extra_dhcp_opts', `'${opt_value}' is no value of ${opt_name}`);
    }
    if (opt_value === null) options.delete(key);
    else options.set(key, { opt_name, opt_value, ip_version: version });
  }
  return [...options.values()];
}

/** `fixed_ips=subnet_id=…`, `fixed_ips=ip_address=…`, `fixed_ips=ip_address_substr=…`. */
function fixedIpFilter(values: string[]): readonly Condition[] {
  const byKey = Map.groupBy(values, (value) => value.split('=', 1)[0] ?? '');
  return [...byKey].map(([key, given]): Condition => {
    const wanted = given.map((value) => value.slice(key.length + 1));
    const among = (test: ReturnType<typeof sql>) => ({
      expression: sql<SqlBool>`ports.id in (select port_id from ip_allocations where ${test})`,
    });
    switch (key) {
      case 'subnet_id':
        return among(sql`subnet_id in (${sql.join(wanted)})`);
      case 'ip_address':
        return among(sql`ip_address in (${sql.join(wanted.map(canonicalAddress))})`);
      case 'ip_address_substr': {
        const like = wanted.map(
          (text) => sql`ip_address like ${`%${text.replaceAll(/[\\%_]/g, '\\$&')}%`} escape ${'\\'}`,
        );
        return among(sql`(${sql.join(like, sql` or `)})`);
      }
      default:
        throw badRequest('HTTPBadRequest', `Invalid filter for fixed_ips: '${key}'`);
    }
  });
}
