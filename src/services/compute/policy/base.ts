import { type Rule, rule } from '../../../platform/policy/rule.ts';

/** The checks of which nearly all of compute's rules consist. Source: nova/policies/base.py. */
export const checks = {
  anyone: '@',
  admin: 'rule:context_is_admin',
  member: 'rule:project_member_or_admin',
  reader: 'rule:project_reader_or_admin',
  service: 'rule:service_api',
} as const;

/** Rules of one resource, meant for tokens with a project. */
export const projectRules = (rules: Record<string, string>): Rule[] =>
  Object.entries(rules).map(([name, check]) => rule(name, check, { scopes: ['project'] }));

export const baseRules: Rule[] = [
  rule('context_is_admin', 'role:admin'),
  rule('admin_or_owner', 'is_admin:True or project_id:%(project_id)s'),
  rule('admin_api', 'is_admin:True'),
  rule('project_manager_api', 'role:manager and project_id:%(project_id)s'),
  rule('project_member_api', 'role:member and project_id:%(project_id)s'),
  rule('project_reader_api', 'role:reader and project_id:%(project_id)s'),
  rule('project_manager_or_admin', 'rule:project_manager_api or rule:context_is_admin'),
  rule('project_member_or_admin', 'rule:project_member_api or rule:context_is_admin'),
  rule('project_reader_or_admin', 'rule:project_reader_api or rule:context_is_admin'),
  rule('service_api', 'role:service'),
  rule('service_or_admin', 'rule:service_api or rule:context_is_admin'),
];
