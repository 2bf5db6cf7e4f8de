import { policyDefaults, rule } from '../../../platform/policy/rule.ts';

const project = ['project'] as const;
const adminOrService = 'rule:admin_or_service_api';

const operation = (name: string, method: string, path: string, check = adminOrService) =>
  rule(`placement:${name}`, check, { scopes: project, operations: [{ method, path }] });

const provider = '/resource_providers/{uuid}';

/** Upstream's current defaults (`placement/policies/`), the deprecated ones left out. */
export const placementPolicy = policyDefaults('placement', [
  rule('admin_api', 'role:admin', { scopes: project }),
  rule('service_api', 'role:service', { scopes: project }),
  rule('admin_or_service_api', 'role:admin or role:service', { scopes: project }),
  rule('project_reader_api', 'role:reader and project_id:%(project_id)s'),
  rule('admin_or_project_reader_or_service_api', 'role:admin or rule:project_reader_api or role:service', {
    scopes: project,
  }),
  rule('context_is_admin', 'role:admin'),

  operation('resource_providers:list', 'GET', '/resource_providers'),
  operation('resource_providers:create', 'POST', '/resource_providers'),
  operation('resource_providers:show', 'GET', provider),
  operation('resource_providers:update', 'PUT', provider),
  operation('resource_providers:delete', 'DELETE', provider),
  operation('resource_providers:inventories:list', 'GET', `${provider}/inventories`),
  operation('resource_providers:inventories:create', 'POST', `${provider}/inventories`),
  operation('resource_providers:inventories:show', 'GET', `${provider}/inventories/{resource_class}`),
  operation('resource_providers:inventories:update', 'PUT', `${provider}/inventories/{resource_class}`),
  operation('resource_providers:inventories:delete', 'DELETE', `${provider}/inventories/{resource_class}`),
  operation('resource_providers:aggregates:list', 'GET', `${provider}/aggregates`),
  operation('resource_providers:aggregates:update', 'PUT', `${provider}/aggregates`),
  operation('resource_providers:traits:list', 'GET', `${provider}/traits`),
  operation('resource_providers:traits:update', 'PUT', `${provider}/traits`),
  operation('resource_providers:traits:delete', 'DELETE', `${provider}/traits`),
  operation('resource_providers:allocations:list', 'GET', `${provider}/allocations`),
  operation('resource_providers:usages', 'GET', `${provider}/usages`),
  operation('resource_classes:list', 'GET', '/resource_classes'),
  operation('resource_classes:create', 'POST', '/resource_classes'),
  operation('resource_classes:show', 'GET', '/resource_classes/{name}'),
  operation('resource_classes:update', 'PUT', '/resource_classes/{name}'),
  operation('resource_classes:delete', 'DELETE', '/resource_classes/{name}'),
  operation('traits:list', 'GET', '/traits'),
  operation('traits:show', 'GET', '/traits/{name}'),
  operation('traits:update', 'PUT', '/traits/{name}'),
  operation('traits:delete', 'DELETE', '/traits/{name}'),
  operation('allocations:manage', 'POST', '/allocations'),
  operation('allocations:list', 'GET', '/allocations/{consumer_uuid}'),
  operation('allocations:update', 'PUT', '/allocations/{consumer_uuid}'),
  operation('allocations:delete', 'DELETE', '/allocations/{consumer_uuid}'),
  operation('allocation_candidates:list', 'GET', '/allocation_candidates'),
  operation('usages', 'GET', '/usages', 'rule:admin_or_project_reader_or_service_api'),
  operation('reshaper:reshape', 'POST', '/reshaper', 'rule:service_api'),
]);
