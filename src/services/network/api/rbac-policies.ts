import { randomUUID } from 'node:crypto';
import { resourcesIn } from '../../../platform/resource/resource.ts';
import { rowsOf } from '../../../platform/resource/rows.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { badRequest, conflict, notFound } from '../model/errors.ts';
import type { Network } from '../store/network.ts';
import { claimQuota } from '../store/quotas.ts';
import { refreshSharing, type SharedType, sharedTables } from '../store/sharing.ts';
import { type RbacPolicyRow, rbacPolicies } from '../store/tables.ts';
import { Id, isAdmin, Name, own, ownerOf, projectOf } from './standard.ts';
import { networkStyle } from './style.ts';

const actions: Record<SharedType, readonly string[]> = {
  network: ['access_as_shared', 'access_as_external'],
  security_group: ['access_as_shared'],
  subnetpool: ['access_as_shared'],
  address_group: ['access_as_shared'],
};

const text = { schema: Name, filter: true, sort: true } as const;

export function rbacPoliciesApi(network: Network) {
  const { store } = network;
  return resourcesIn(networkStyle(network.settings), (work) => store.transaction(work))({
    one: 'rbac_policy',
    many: 'rbac_policies',
    path: '/rbac-policies',
    rows: rowsOf(store, rbacPolicies),
    attributes: {
      id: { ...text, schema: Id },
      project_id: { ...text, create: 'optional' },
      tenant_id: { ...text, create: 'optional', column: 'project_id' },
      object_type: { ...text, create: 'required' },
      object_id: { ...text, schema: Id, create: 'required' },
      action: { ...text, create: 'required' },
      target_tenant: {
        ...text,
        create: 'required',
        update: true,
        column: 'target_project',
        policy: {
          create: 'create_rbac_policy:target_project',
          update: 'update_rbac_policy:target_project',
        },
      },
    },
    policy: {
      list: 'get_rbac_policy',
      show: 'get_rbac_policy',
      create: 'create_rbac_policy',
      update: 'update_rbac_policy',
      delete: 'delete_rbac_policy',
    },
    scope: own,
    createTarget: (body, call) => ({
      ...body,
      project_id: ownerOf(call, body),
      target_project: body.target_tenant,
    }),

    create: (call, body) =>
      store.transaction(async () => {
        const type = body.object_type as SharedType;
        if (!Object.hasOwn(sharedTables, type)) {
          throw badRequest(
            'RbacPolicyInvalid',
            `'${body.object_type}' cannot be shared. Valid object types are: ${Object.keys(sharedTables).join(', ')}`,
          );
        }
        if (!actions[type].includes(body.action)) {
          throw badRequest(
            'InvalidInput',
            `Invalid action '${body.action}' for object type '${type}'. Valid actions: ${actions[type].join(', ')}`,
          );
        }
        if (body.action === 'access_as_external' && !isAdmin(call)) {
          throw badRequest('InvalidInput', 'Only admins can manipulate policies on objects they do not own.');
        }
        const object = await store.db
          .selectFrom(sharedTables[type])
          .select(['id', 'project_id'])
          .where('id', '=', body.object_id)
          .executeTakeFirst();
        if (!object || !(isAdmin(call) || object.project_id === projectOf(call))) {
          throw notFound('ObjectNotFound', `Object ${body.object_id} not found.`);
        }
        const projectId = ownerOf(call, body);
        await claimQuota(network, 'rbac_policy', projectId);
        const row: RbacPolicyRow = {
          id: randomUUID(),
          project_id: projectId,
          object_type: type,
          object_id: object.id,
          action: body.action,
          target_project: body.target_tenant,
        };
        try {
          await repository(store, rbacPolicies).insert(row);
        } catch (error) {
          if (error instanceof UniqueViolation) {
            throw conflict('DuplicateRbacPolicy', 'An RBAC policy already exists with those values.');
          }
          throw error;
        }
        await refreshSharing(store, type, object.id);
        return row;
      }),

    update: (_call, row, changes) =>
      store.transaction(async () => {
        const target = changes.target_tenant;
        if (target === undefined || target === row.target_project) return row;
        await assertUnused(row);
        await repository(store, rbacPolicies).update({ id: row.id }, { target_project: target });
        await refreshSharing(store, row.object_type as SharedType, row.object_id);
        return { ...row, target_project: target };
      }),

    delete: (_call, row) =>
      store.transaction(async () => {
        await assertUnused(row);
        await repository(store, rbacPolicies).delete({ id: row.id });
        await refreshSharing(store, row.object_type as SharedType, row.object_id);
      }),
  });

  /** A network stays shared with those who have ports on it. */
  async function assertUnused(row: RbacPolicyRow): Promise<void> {
    if (row.object_type !== 'network' || row.action !== 'access_as_shared') return;
    const port = await store.db
      .selectFrom('ports')
      .innerJoin('networks', 'networks.id', 'ports.network_id')
      .select('ports.id')
      .where('ports.network_id', '=', row.object_id)
      .whereRef('ports.project_id', '<>', 'networks.project_id')
      .where('ports.device_owner', 'not like', 'network:%')
      .$if(row.target_project !== '*', (query) => query.where('ports.project_id', '=', row.target_project))
      .executeTakeFirst();
    if (!port) return;
    throw conflict(
      'RbacPolicyInUse',
      `RBAC policy on object ${row.object_id} cannot be removed because other objects depend on it.`,
    );
  }
}
