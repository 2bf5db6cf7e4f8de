import { Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import { rowsOf } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import { type Cidr, formatCidr, overlap, parseCidr } from '../model/addresses.ts';
import { badRequest, conflict, invalidAttribute } from '../model/errors.ts';
import type { Network } from '../store/network.ts';
import { claimQuota } from '../store/quotas.ts';
import { forgetSharing, shareWithAll } from '../store/sharing.ts';
import { changeRow, stamped } from '../store/standard.ts';
import { type SubnetPoolRow, subnetpools } from '../store/tables.ts';
import {
  flag,
  isShared,
  name,
  networkResources,
  ownerOf,
  ownOrShared,
  sharedFilter,
  standardAttributes,
  toInteger,
} from './standard.ts';

const Prefix = Type.Integer({ minimum: 0, maximum: 128 });
const length = {
  schema: Prefix,
  convert: toInteger,
  create: 'optional',
  update: true,
  filter: true,
  sort: true,
} as const;

export function subnetpoolsApi(network: Network) {
  const { store } = network;
  return networkResources(network)({
    one: 'subnetpool',
    many: 'subnetpools',
    path: '/subnetpools',
    table: 'subnetpools',
    rows: rowsOf(store, subnetpools),
    attributes: {
      ...standardAttributes,
      name: { ...name, create: 'required' },
      prefixes: {
        schema: Type.Array(Type.String({ format: 'cidr' }), { minItems: 1, maxItems: 256 }),
        convert: (value: unknown) => (typeof value === 'string' ? [value] : value),
        create: 'required',
        update: true,
      },
      ip_version: { schema: Type.Integer(), filter: true, sort: true },
      default_prefixlen: length,
      min_prefixlen: length,
      max_prefixlen: length,
      default_quota: {
        schema: Type.Union([Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }), Type.Null()]),
        convert: toInteger,
        create: 'optional',
        update: true,
        default: null,
      },
      is_default: flag({
        create: 'optional',
        update: true,
        default: false,
        policy: { create: 'create_subnetpool:is_default', update: 'update_subnetpool:is_default' },
      }),
      shared: {
        schema: Type.Boolean(),
        create: 'optional',
        default: false,
        column: false,
        from: (row: SubnetPoolRow, call: Call) => isShared(row, call),
        policy: { create: 'create_subnetpool:shared' },
      },
      address_scope_id: {
        schema: Type.Null(),
        create: 'optional',
        update: true,
        column: false,
        from: () => null,
      },
    },
    policy: {
      list: 'get_subnetpool',
      show: 'get_subnetpool',
      create: 'create_subnetpool',
      update: 'update_subnetpool',
      delete: 'delete_subnetpool',
    },
    scope: ownOrShared('subnetpools', 'subnetpool'),
    target: (row, call) => ({ ...row, tenant_id: row.project_id, shared: isShared(row, call) }),
    filters: { shared: sharedFilter('subnetpools', 'subnetpool') },

    create: (call, body) =>
      store.transaction(async () => {
        const projectId = ownerOf(call, body);
        await claimQuota(network, 'subnetpool', projectId);
        const { version, prefixes } = checkedPrefixes(body.prefixes);
        const min = body.min_prefixlen ?? (version === 4 ? 8 : 64);
        const row: SubnetPoolRow = {
          ...stamped(projectId),
          name: body.name,
          description: body.description,
          tags: [],
          shared_with: body.shared ? ['*'] : [],
          ip_version: version,
          prefixes,
          default_prefixlen: body.default_prefixlen ?? min,
          min_prefixlen: min,
          max_prefixlen: body.max_prefixlen ?? (version === 4 ? 32 : 128),
          default_quota: body.default_quota as number | null,
          is_default: body.is_default,
        };
        checkLengths(row);
        if (row.is_default) await onlyDefault(row);
        await repository(store, subnetpools).insert(row);
        if (body.shared) await shareWithAll(store, 'subnetpool', row, 'access_as_shared', true);
        return row;
      }),

    update: (_call, row, body) =>
      store.transaction(async () => {
        const { prefixes: asked, address_scope_id: _, default_quota: quota, ...plain } = body;
        const changes: Partial<SubnetPoolRow> = { ...plain };
        if (quota !== undefined) changes.default_quota = quota as number | null;
        if (asked) {
          const { version, prefixes } = checkedPrefixes(asked);
          const present = row.prefixes.map((each) => parseCidr(each) as Cidr);
          const wanted = prefixes.map((each) => parseCidr(each) as Cidr);
          const kept = present.every((old) =>
            wanted.some((each) => each.first <= old.first && each.last >= old.last),
          );
          if (version !== row.ip_version || !kept) {
            throw badRequest(
              'IllegalSubnetPoolPrefixUpdate',
              'Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.',
            );
          }
          changes.prefixes = prefixes;
        }
        checkLengths({ ...row, ...changes });
        if (changes.is_default) await onlyDefault(row);
        return changeRow(store, subnetpools, row, changes);
      }),

    delete: (_call, row) =>
      store.transaction(async () => {
        const used = await store.db
          .selectFrom('subnets')
          .select('id')
          .where('subnetpool_id', '=', row.id)
          .executeTakeFirst();
        if (used) {
          throw conflict(
            'SubnetPoolDeleteError',
            'Unable to delete subnet pool: Subnet pool has existing allocations.',
          );
        }
        await forgetSharing(store, 'subnetpool', row.id);
        await store.db.deleteFrom('subnetpools').where('id', '=', row.id).execute();
      }),
  });

  async function onlyDefault(row: Pick<SubnetPoolRow, 'id' | 'ip_version'>): Promise<void> {
    const other = await repository(store, subnetpools).find({ is_default: true, ip_version: row.ip_version });
    if (!other || other.id === row.id) return;
    throw badRequest(
      'InvalidInput',
      `Invalid input for operation: A default subnetpool for this IP family has already been set. Only one default may exist per IP family.`,
    );
  }
}

/** Prefixes of one family in order, none within another. */
function checkedPrefixes(given: readonly string[]): { version: 4 | 6; prefixes: string[] } {
  const cidrs = given.map((each) => parseCidr(each) as Cidr);
  const version = cidrs[0]?.version ?? 4;
  if (cidrs.some((each) => each.version !== version)) {
    throw badRequest('PrefixVersionMismatch', 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.');
  }
  cidrs.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : a.prefix - b.prefix));
  const separate: Cidr[] = [];
  for (const each of cidrs) if (!separate.some((other) => overlap(other, each))) separate.push(each);
  return { version, prefixes: separate.map(formatCidr) };
}

function checkLengths(pool: SubnetPoolRow): void {
  const most = pool.ip_version === 4 ? 32 : 128;
  const { min_prefixlen: min, max_prefixlen: max, default_prefixlen: usual } = pool;
  if (max > most || min < (pool.ip_version === 4 ? 8 : 64)) {
    throw invalidAttribute('min_prefixlen', `prefix lengths must be at most ${most}`);
  }
  if (min > max || usual < min || usual > max) {
    throw badRequest(
      'IllegalSubnetPoolPrefixBounds',
      `Illegal prefix bounds: min_prefixlen=${min}, default_prefixlen=${usual}, max_prefixlen=${max}.`,
    );
  }
}
