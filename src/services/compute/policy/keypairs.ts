import type { Rule } from '../../../platform/policy/rule.ts';
import { checks, projectRules } from './base.ts';

const ownerOrAdmin = `(${checks.admin}) or user_id:%(user_id)s`;

/** Key pairs belong to users. Source: nova/policies/keypairs.py. */
export const keypairRules: Rule[] = projectRules({
  'os_compute_api:os-keypairs:index': ownerOrAdmin,
  'os_compute_api:os-keypairs:create': ownerOrAdmin,
  'os_compute_api:os-keypairs:delete': ownerOrAdmin,
  'os_compute_api:os-keypairs:show': ownerOrAdmin,
});
