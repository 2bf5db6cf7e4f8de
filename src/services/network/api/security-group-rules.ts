import { type SqlBool, sql } from 'kysely';
import { Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import { rowsOf } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import { badRequest, conflict, securityGroupNotFound } from '../model/errors.ts';
import { checkRule, sameRule } from '../model/security-group-rules.ts';
import { checkAddressGroup } from '../store/address-groups.ts';
import type { Network } from '../store/network.ts';
import { claimQuota } from '../store/quotas.ts';
import { checkSecurityGroups } from '../store/security-groups.ts';
import { stamped, touch } from '../store/standard.ts';
import {
  type SecurityGroupRow,
  type SecurityGroupRuleRow,
  securityGroupRules,
  securityGroups,
} from '../store/tables.ts';
import {
  isAdmin,
  networkResources,
  own,
  projectOf,
  seesAll,
  shownTime,
  standardAttributes,
  toInteger,
} from './standard.ts';

interface OfGroup {
  group?: SecurityGroupRow | undefined;
}

const target = (row: object & OfGroup & { project_id: string }): object => ({
  ...row,
  tenant_id: row.project_id,
  ...(row.group
    ? {
        'security_group:project_id': row.group.project_id,
        'security_group:tenant_id': row.group.project_id,
      }
    : {}),
});

/** A rule as it is shown within its group. */
export const ruleView = (row: SecurityGroupRuleRow): Record<string, unknown> => {
  const { created_at, updated_at, ...rest } = row;
  return {
    ...rest,
    tenant_id: row.project_id,
    created_at: shownTime(created_at),
    updated_at: shownTime(updated_at),
  };
};

const nullable = (schema: ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>) =>
  Type.Union([schema, Type.Null()]);
const Port = nullable(Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }));
const emptyIsNull = (value: unknown): unknown => (value === '' ? null : value);

export function securityGroupRulesApi(network: Network) {
  const { store } = network;
  const rows = rowsOf(store, securityGroupRules);
  const groupOf = (id: string) => repository(store, securityGroups).get(id);
  const withGroup = async (row: SecurityGroupRuleRow | undefined) =>
    row && { ...row, group: await groupOf(row.security_group_id) };

  return networkResources(network)({
    one: 'security_group_rule',
    many: 'security_group_rules',
    path: '/security-group-rules',
    rows: {
      ...rows,
      find: async (where): Promise<(SecurityGroupRuleRow & OfGroup) | undefined> =>
        withGroup(await rows.find(where)),
    },
    attributes: {
      ...standardAttributes,
      description: { ...standardAttributes.description, update: false },
      tags: { ...standardAttributes.tags, hidden: true },
      security_group_id: {
        schema: Type.String({ maxLength: 255 }),
        create: 'required',
        filter: true,
        sort: true,
      },
      direction: {
        schema: Type.Union([Type.Literal('ingress'), Type.Literal('egress')]),
        create: 'required',
        filter: true,
        sort: true,
      },
      ethertype: {
        schema: Type.String({ maxLength: 40 }),
        convert: (value: unknown) => value ?? 'IPv4',
        create: 'optional',
        default: 'IPv4',
        filter: true,
        sort: true,
      },
      protocol: {
        schema: nullable(Type.String({ maxLength: 40 })),
        convert: (value: unknown) => emptyIsNull(typeof value === 'number' ? String(value) : value),
        create: 'optional',
        default: null,
        filter: true,
        sort: true,
      },
      port_range_min: { schema: Port, convert: toInteger, create: 'optional', default: null, filter: true },
      port_range_max: { schema: Port, convert: toInteger, create: 'optional', default: null, filter: true },
      remote_group_id: {
        schema: nullable(Type.String({ maxLength: 255 })),
        convert: emptyIsNull,
        create: 'optional',
        default: null,
        filter: true,
      },
      remote_ip_prefix: {
        schema: nullable(Type.String({ maxLength: 255 })),
        convert: emptyIsNull,
        create: 'optional',
        default: null,
        filter: true,
      },
      remote_address_group_id: {
        schema: nullable(Type.String({ maxLength: 255 })),
        convert: emptyIsNull,
        create: 'optional',
        default: null,
        filter: true,
      },
      normalized_cidr: { schema: Type.String() },
    },
    policy: {
      list: null,
      show: 'get_security_group_rule',
      create: 'create_security_group_rule',
      delete: 'delete_security_group_rule',
    },
    scope: (call) =>
      seesAll(call)
        ? []
        : [
            {
              any: [
                own(call),
                [
                  {
                    expression: sql<SqlBool>`security_group_rules.security_group_id in (select id from security_groups where project_id = ${projectOf(call)})`,
                  },
                ],
              ],
            },
          ],
    target,
    createTarget: async (body, call) => {
      const group = await visibleGroup(call, body.security_group_id);
      return target({ ...body, project_id: group.project_id, group });
    },

    create: (call, body) =>
      store.transaction(async () => {
        const group = await visibleGroup(call, body.security_group_id);
        const ethertype = (['IPv4', 'IPv6'] as const).find(
          (each) => each.toLowerCase() === body.ethertype.toLowerCase(),
        );
        if (!ethertype) {
          throw badRequest(
            'SecurityGroupRuleInvalidEtherType',
            `Security group rule for ethertype '${body.ethertype}' not supported. Allowed values are ['IPv4', 'IPv6'].`,
          );
        }
        const rule = checkRule({
          direction: body.direction,
          ethertype,
          protocol: body.protocol as string | null,
          port_range_min: body.port_range_min as number | null,
          port_range_max: body.port_range_max as number | null,
          remote_group_id: body.remote_group_id as string | null,
          remote_address_group_id: body.remote_address_group_id as string | null,
          remote_ip_prefix: body.remote_ip_prefix as string | null,
        });
        if (rule.remote_address_group_id !== null) {
          await checkAddressGroup(
            store,
            rule.remote_address_group_id,
            seesAll(call) ? undefined : projectOf(call),
          );
        }
        if (rule.remote_group_id !== null) {
          await checkSecurityGroups(
            store,
            [rule.remote_group_id],
            isAdmin(call) ? undefined : projectOf(call),
          );
        }
        const present = await repository(store, securityGroupRules).list({
          where: { security_group_id: group.id },
        });
        const same = present.find((each) => sameRule(each, rule));
        if (same) {
          throw conflict(
            'SecurityGroupRuleExists',
            `Security group rule already exists. Rule id is ${same.id}.`,
          );
        }
        await claimQuota(network, 'security_group_rule', group.project_id);
        const row: SecurityGroupRuleRow = {
          ...stamped(group.project_id),
          ...rule,
          description: body.description,
          security_group_id: group.id,
          tags: [],
        };
        await repository(store, securityGroupRules).insert(row);
        await touch(store, 'security_groups', group.id);
        network.hosts.ring({ securityGroups: [group.id] });
        return row;
      }),

    delete: (_call, row) =>
      store.transaction(async () => {
        await store.db.deleteFrom('security_group_rules').where('id', '=', row.id).execute();
        await touch(store, 'security_groups', row.security_group_id);
        network.hosts.ring({ securityGroups: [row.security_group_id] });
      }),
  });

  async function visibleGroup(call: Call, id: string): Promise<SecurityGroupRow> {
    const group = await groupOf(id);
    if (!group || !(seesAll(call) || group.project_id === projectOf(call))) throw securityGroupNotFound(id);
    return group;
  }
}
