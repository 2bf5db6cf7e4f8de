import type { Rule } from '../../../platform/policy/rule.ts';
import { checks, projectRules } from './base.ts';

const { admin, anyone, reader } = checks;

/** Source: nova/policies/migrations.py, simple_tenant_usage.py, instance_usage_audit_log.py, extensions.py. */
export const reportRules: Rule[] = projectRules({
  'os_compute_api:os-migrations:index': 'rule:project_manager_or_admin',
  'os_compute_api:os-migrations:index:all_projects': admin,
  'os_compute_api:os-migrations:index:host': admin,
  'os_compute_api:os-simple-tenant-usage:show': reader,
  'os_compute_api:os-simple-tenant-usage:list': admin,
  'os_compute_api:os-instance-usage-audit-log:list': admin,
  'os_compute_api:os-instance-usage-audit-log:show': admin,
  'os_compute_api:extensions': anyone,
});
