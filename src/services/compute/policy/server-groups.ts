import type { Rule } from '../../../platform/policy/rule.ts';
import { checks, projectRules } from './base.ts';

const { admin, member, reader } = checks;

/** Source: nova/policies/server_groups.py. */
export const serverGroupRules: Rule[] = projectRules({
  'os_compute_api:os-server-groups:create': member,
  'os_compute_api:os-server-groups:delete': member,
  'os_compute_api:os-server-groups:index': reader,
  'os_compute_api:os-server-groups:index:all_projects': admin,
  'os_compute_api:os-server-groups:show': reader,
});
