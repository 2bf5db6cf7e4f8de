import { type SqlBool, sql } from 'kysely';
import { Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import { rowsOf } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import { conflict, invalidInput, networkInUse } from '../model/errors.ts';
import { agentTypes, aliveAgents } from '../store/agents.ts';
import type { Network } from '../store/network.ts';
import { deletePorts, subnetsOf } from '../store/ports.ts';
import { claimQuota } from '../store/quotas.ts';
import { defaultSecurityGroup } from '../store/security-groups.ts';
import { chooseSegment, mtuOf, takeSegment } from '../store/segments.ts';
import { forgetSharing, refreshSharing, shareWithAll } from '../store/sharing.ts';
import { changeRow, stamped } from '../store/standard.ts';
import { floatingips, type NetworkRow, networks, type PortRow, ports } from '../store/tables.ts';
import {
  flag,
  isShared,
  Name,
  name,
  networkResources,
  ownerOf,
  ownOrShared,
  sharedFilter,
  standardAttributes,
  toInteger,
} from './standard.ts';

interface ShownNetwork extends NetworkRow {
  subnets: string[];
  availability_zones: string[];
}

/** What policy sees of a network. */
export const networkTarget = (row: NetworkRow, call: Call): object => ({
  ...row,
  tenant_id: row.project_id,
  shared: isShared(row, call),
  'router:external': row.router_external,
  'network:project_id': row.project_id,
  'network:tenant_id': row.project_id,
});

const provider = (attribute: string) =>
  ({
    create: `create_network:provider:${attribute}`,
    show: `get_network:provider:${attribute}`,
  }) as const;
const guarded = (attribute: string) =>
  ({ create: `create_network:${attribute}`, update: `update_network:${attribute}` }) as const;

export function networksApi(network: Network) {
  const { store } = network;
  const resource = networkResources(network);
  return resource({
    one: 'network',
    many: 'networks',
    path: '/networks',
    table: 'networks',
    rows: rowsOf(store, networks),
    attributes: {
      ...standardAttributes,
      name,
      admin_state_up: flag({ create: 'optional', update: true, default: true }),
      status: { schema: Type.String(), filter: true, sort: true },
      subnets: { schema: Type.Array(Type.String()), column: false },
      shared: {
        schema: Type.Boolean(),
        convert: flag({}).convert,
        create: 'optional',
        update: true,
        default: false,
        column: false,
        from: (row: NetworkRow, call: Call) => isShared(row, call),
        policy: guarded('shared'),
      },
      'router:external': flag({
        create: 'optional',
        update: true,
        default: false,
        policy: guarded('router:external'),
      }),
      is_default: flag({
        create: 'optional',
        update: true,
        default: false,
        policy: guarded('is_default'),
        from: (row: NetworkRow) => (row.router_external ? row.is_default : undefined),
      }),
      mtu: {
        schema: Type.Integer({ minimum: 0, maximum: 65_535 }),
        convert: toInteger,
        create: 'optional',
        update: true,
        filter: true,
        sort: true,
      },
      port_security_enabled: flag({
        create: 'optional',
        update: true,
        default: true,
        policy: guarded('port_security_enabled'),
      }),
      availability_zone_hints: {
        schema: Type.Array(Name, { maxItems: 16 }),
        create: 'optional',
        default: [],
      },
      availability_zones: { schema: Type.Array(Type.String()), column: false },
      ipv4_address_scope: { schema: Type.Null(), column: false, from: () => null },
      ipv6_address_scope: { schema: Type.Null(), column: false, from: () => null },
      'provider:network_type': {
        schema: Type.String({ maxLength: 16 }),
        column: 'network_type',
        create: 'optional',
        filter: true,
        policy: provider('network_type'),
      },
      'provider:physical_network': {
        schema: Type.String({ maxLength: 64 }),
        column: 'physical_network',
        create: 'optional',
        filter: true,
        policy: provider('physical_network'),
      },
      'provider:segmentation_id': {
        schema: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
        convert: toInteger,
        column: 'segmentation_id',
        create: 'optional',
        filter: true,
        policy: provider('segmentation_id'),
      },
    },
    policy: {
      list: 'get_network',
      show: 'get_network',
      create: 'create_network',
      update: 'update_network',
      delete: 'delete_network',
    },
    scope: ownOrShared('networks', 'network'),
    target: networkTarget,
    filters: {
      shared: sharedFilter('networks', 'network'),
      subnets: (values) => [
        {
          expression: sql<SqlBool>`networks.id in (select network_id from subnets where id in (${sql.join(values)}))`,
        },
      ],
    },

    async expand(rows) {
      if (rows.length === 0) return [];
      const of = await store.db
        .selectFrom('subnets')
        .select(['id', 'network_id'])
        .where(
          'network_id',
          'in',
          rows.map(({ id }) => id),
        )
        .orderBy('created_at')
        .execute();
      const zones = (await aliveAgents(network, agentTypes.dhcp)).map((agent) => agent.availability_zone);
      const byNetwork = Map.groupBy(of, ({ network_id }) => network_id);
      return rows.map((row): ShownNetwork => {
        const subnets = (byNetwork.get(row.id) ?? []).map(({ id }) => id);
        return { ...row, subnets, availability_zones: subnets.length > 0 ? [...new Set(zones)] : [] };
      });
    },

    create: (call, body) =>
      store.transaction(async () => {
        const projectId = ownerOf(call, body);
        await claimQuota(network, 'network', projectId);
        if (projectId) await defaultSecurityGroup(network, projectId);
        const segment = await chooseSegment(
          network,
          {
            network_type: body['provider:network_type'],
            physical_network: body['provider:physical_network'],
            segmentation_id: body['provider:segmentation_id'],
          },
          body['router:external'],
        );
        const most = mtuOf(network, segment);
        if (body.mtu !== undefined) checkMtu(body.mtu, most);
        const row: NetworkRow = {
          ...stamped(projectId),
          ...segment,
          name: body.name,
          description: body.description,
          admin_state_up: body.admin_state_up,
          status: 'ACTIVE',
          mtu: body.mtu || most,
          router_external: body['router:external'],
          is_default: body.is_default,
          port_security_enabled: body.port_security_enabled,
          availability_zone_hints: body.availability_zone_hints,
          dns_domain: '',
          tags: [],
          shared_with: body.shared ? ['*'] : [],
        };
        await repository(store, networks).insert(row);
        await takeSegment(network, row.id, segment);
        if (body.shared) await shareWithAll(store, 'network', row, 'access_as_shared', true);
        if (body['router:external']) await shareWithAll(store, 'network', row, 'access_as_external', true);
        if (body.is_default) await onlyDefault(row);
        return row;
      }),

    update: (_call, row, changes) =>
      store.transaction(async () => {
        const { shared, 'router:external': external, ...plain } = changes;
        if (plain.mtu !== undefined) checkMtu(plain.mtu, mtuOf(network, row));
        if (shared === false && row.shared_with.length > 0) await assertUnshareable(row);
        if (external === false && row.router_external) await assertNotExternalInUse(row);
        if (shared !== undefined) await shareWithAll(store, 'network', row, 'access_as_shared', shared);
        if (external !== undefined) await shareWithAll(store, 'network', row, 'access_as_external', external);
        if (plain.is_default) await onlyDefault(row);
        const after = await changeRow(store, networks, row, {
          ...plain,
          ...(external === undefined ? {} : { router_external: external }),
        });
        const shared_with = await refreshSharing(store, 'network', row.id);
        network.hosts.ring({ networks: [row.id] });
        return { ...after, shared_with };
      }),

    delete: (_call, row) =>
      store.transaction(async () => {
        // Floating IPs that lead nowhere go with their network.
        const idle = await repository(store, floatingips).list({
          where: { floating_network_id: row.id, port_id: null },
        });
        const holders = new Set(idle.map(({ floating_port_id }) => floating_port_id));
        const on = await repository(store, ports).list({ where: { network_id: row.id } });
        const goes = ({ id, device_owner }: PortRow) => device_owner === 'network:dhcp' || holders.has(id);
        if (!on.every(goes)) throw networkInUse(row.id);
        for (const { id } of idle) await store.db.deleteFrom('floatingips').where('id', '=', id).execute();
        await deletePorts(network, on);
        const subnets = await subnetsOf(store, row.id);
        if (subnets.length > 0)
          await store.db.deleteFrom('subnets').where('network_id', '=', row.id).execute();
        await forgetSharing(store, 'network', row.id);
        await store.db.deleteFrom('networks').where('id', '=', row.id).execute();
      }),
  });

  /** There is one default external network at most. */
  async function onlyDefault(row: NetworkRow): Promise<void> {
    const other = await store.db
      .selectFrom('networks')
      .select('id')
      .where('is_default', '=', true)
      .where('id', '<>', row.id)
      .executeTakeFirst();
    if (!other) return;
    throw conflict('DefaultExternalNetworkExists', `A default external network already exists: ${other.id}.`);
  }

  async function assertUnshareable(row: NetworkRow): Promise<void> {
    const foreign = await store.db
      .selectFrom('ports')
      .select('id')
      .where('network_id', '=', row.id)
      .where('project_id', 'not in', [row.project_id, ''])
      .where('device_owner', 'not like', 'network:%')
      .executeTakeFirst();
    if (!foreign) return;
    throw conflict(
      'InvalidSharedSetting',
      `Unable to reconfigure sharing settings for network ${row.name}. Multiple projects are using it.`,
    );
  }

  async function assertNotExternalInUse(row: NetworkRow): Promise<void> {
    const gateway = await store.db
      .selectFrom('ports')
      .select('id')
      .where('network_id', '=', row.id)
      .where('device_owner', 'in', ['network:router_gateway', 'network:floatingip'])
      .executeTakeFirst();
    if (!gateway) return;
    throw conflict(
      'ExternalNetworkInUse',
      `External network ${row.id} cannot be updated to be made non-external, since it has existing gateway ports.`,
    );
  }
}

/** 68 is the least that IPv4 needs (RFC 791). */
function checkMtu(mtu: number, most: number): void {
  if (mtu !== 0 && mtu < 68) throw invalidInput('Requested MTU is too small, minimum is 68');
  if (mtu > most) throw invalidInput(`Requested MTU is too big, maximum is ${most}`);
}
