import { rule } from '../../../platform/policy/rule.ts';
import { admin, any, notDomain } from './personas.ts';

/** Of registered limits and limits. */
export const limitRules = [
  rule('identity:get_registered_limit', '', any),
  rule('identity:list_registered_limits', '', any),
  rule('identity:create_registered_limits', admin, notDomain),
  rule('identity:update_registered_limit', admin, notDomain),
  rule('identity:delete_registered_limit', admin, notDomain),
  rule('identity:get_limit_model', '', any),
  rule(
    'identity:get_limit',
    'rule:admin_required or ' +
      '(role:reader and system_scope:all) or ' +
      '(domain_id:%(target.limit.domain.id)s or domain_id:%(target.limit.project.domain_id)s) or ' +
      '(project_id:%(target.limit.project_id)s and not None:%(target.limit.project_id)s)',
    any,
  ),
  rule('identity:list_limits', '', any),
  rule('identity:create_limits', admin, notDomain),
  rule('identity:update_limit', admin, notDomain),
  rule('identity:delete_limit', admin, notDomain),
];
