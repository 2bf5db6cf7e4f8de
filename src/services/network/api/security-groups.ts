import { Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import { rowsOf } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import { conflict } from '../model/errors.ts';
import type { Network } from '../store/network.ts';
import { claimQuota } from '../store/quotas.ts';
import { defaultSecurityGroup, insertSecurityGroup } from '../store/security-groups.ts';
import { forgetSharing } from '../store/sharing.ts';
import { changeRow } from '../store/standard.ts';
import {
  type SecurityGroupRow,
  type SecurityGroupRuleRow,
  securityGroupRules,
  securityGroups,
} from '../store/tables.ts';
import { ruleView } from './security-group-rules.ts';
import {
  flag,
  isAdmin,
  isShared,
  name,
  networkResources,
  ownerOf,
  ownOrShared,
  projectOf,
  sharedFilter,
  standardAttributes,
} from './standard.ts';

export const securityGroupTarget = (row: SecurityGroupRow, call: Call): object => ({
  ...row,
  tenant_id: row.project_id,
  shared: isShared(row, call),
});

export function securityGroupsApi(network: Network) {
  const { store } = network;
  const rows = rowsOf(store, securityGroups);
  /** A project's default group is made when it is first looked for. */
  const present = async (call: Call): Promise<void> => {
    const projectId = projectOf(call);
    if (projectId) await defaultSecurityGroup(network, projectId);
  };
  const made = networkResources(network)({
    one: 'security_group',
    many: 'security_groups',
    path: '/security-groups',
    table: 'security_groups',
    rows,
    attributes: {
      ...standardAttributes,
      name,
      stateful: flag({ create: 'optional', update: true, default: true }),
      shared: {
        schema: Type.Boolean(),
        column: false,
        from: (row: SecurityGroupRow, call: Call) => isShared(row, call),
      },
      security_group_rules: { schema: Type.Array(Type.Object({})), column: false },
    },
    policy: {
      list: 'get_security_group',
      show: 'get_security_group',
      create: 'create_security_group',
      update: 'update_security_group',
      delete: 'delete_security_group',
    },
    scope: ownOrShared('security_groups', 'security_group'),
    target: securityGroupTarget,
    filters: { shared: sharedFilter('security_groups', 'security_group') },

    async expand(page) {
      if (page.length === 0) return [];
      const rules = await repository(store, securityGroupRules).list({
        where: { security_group_id: page.map(({ id }) => id) },
      });
      const byGroup = Map.groupBy(rules, (rule: SecurityGroupRuleRow) => rule.security_group_id);
      return page.map((row) => ({
        ...row,
        security_group_rules: (byGroup.get(row.id) ?? []).map(ruleView),
      }));
    },

    create: (call, body) =>
      store.transaction(async () => {
        const projectId = ownerOf(call, body);
        await defaultSecurityGroup(network, projectId);
        if (body.name === 'default') {
          throw conflict('SecurityGroupDefaultAlreadyExists', 'Default security group already exists.');
        }
        await claimQuota(network, 'security_group', projectId);
        await claimQuota(network, 'security_group_rule', projectId, 2);
        return insertSecurityGroup(store, projectId, {
          name: body.name,
          description: body.description,
          stateful: body.stateful,
        });
      }),

    update: (_call, row, changes) =>
      store.transaction(async () => {
        if (changes.name !== undefined && changes.name !== row.name) {
          if (await isDefault(row)) {
            throw conflict(
              'SecurityGroupCannotUpdateDefault',
              'Updating default security group not allowed.',
            );
          }
          if (changes.name === 'default') {
            throw conflict('SecurityGroupDefaultAlreadyExists', 'Default security group already exists.');
          }
        }
        if (changes.stateful !== undefined && changes.stateful !== row.stateful && (await inUse(row))) {
          throw conflict('SecurityGroupInUse', `Security Group ${row.id} in use.`);
        }
        return changeRow(store, securityGroups, row, changes);
      }),

    delete: (call, row) =>
      store.transaction(async () => {
        if ((await isDefault(row)) && !isAdmin(call)) {
          throw conflict(
            'SecurityGroupCannotRemoveDefault',
            'Insufficient rights for removing default security group.',
          );
        }
        if (await inUse(row)) throw conflict('SecurityGroupInUse', `Security Group ${row.id} in use.`);
        network.hosts.ring({ securityGroups: [row.id] });
        await store.db.deleteFrom('security_group_rules').where('remote_group_id', '=', row.id).execute();
        await forgetSharing(store, 'security_group', row.id);
        await store.db.deleteFrom('security_groups').where('id', '=', row.id).execute();
      }),
  });

  async function isDefault(row: SecurityGroupRow): Promise<boolean> {
    const found = await store.db
      .selectFrom('default_security_groups')
      .select('security_group_id')
      .where('project_id', '=', row.project_id)
      .executeTakeFirst();
    return found?.security_group_id === row.id;
  }

  async function inUse(row: SecurityGroupRow): Promise<boolean> {
    const found = await store.db
      .selectFrom('port_security_groups')
      .select('port_id')
      .where('security_group_id', '=', row.id)
      .executeTakeFirst();
    return found !== undefined;
  }

  const routes = made.routes.map((each) =>
    each.method === 'GET' && each.path === made.names.path
      ? {
          ...each,
          handler: async (call: Call) => {
            await present(call);
            return each.handler(call);
          },
        }
      : each,
  );
  return { ...made, routes };
}
