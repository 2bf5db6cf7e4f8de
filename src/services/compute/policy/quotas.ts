import type { Rule } from '../../../platform/policy/rule.ts';
import { checks, projectRules } from './base.ts';

const { admin, anyone, reader } = checks;

/** Source: nova/policies/quota_sets.py, quota_class_sets.py, limits.py. */
export const quotaRules: Rule[] = projectRules({
  'os_compute_api:os-quota-sets:update': admin,
  'os_compute_api:os-quota-sets:defaults': anyone,
  'os_compute_api:os-quota-sets:show': reader,
  'os_compute_api:os-quota-sets:delete': admin,
  'os_compute_api:os-quota-sets:detail': reader,
  'os_compute_api:os-quota-class-sets:show': admin,
  'os_compute_api:os-quota-class-sets:update': admin,
  'os_compute_api:limits': anyone,
  'os_compute_api:limits:other_project': admin,
});
