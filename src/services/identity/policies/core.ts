import { rule } from '../../../platform/policy/rule.ts';
import { admin, adminOrSystemReader, any, notDomain } from './personas.ts';

const adminOrDomainManagerOfUser =
  '(rule:admin_required) or (role:manager and token.domain.id:%(target.user.domain_id)s)';
const whoMayReadProject =
  '(rule:admin_required) or ' +
  '(role:reader and system_scope:all) or ' +
  '(role:reader and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s) or ' +
  'project_id:%(target.project.id)s';
const whoMayListOfDomain =
  '(rule:admin_required) or ' +
  '(role:reader and system_scope:all) or ' +
  '(role:reader and domain_id:%(target.domain_id)s)';
const adminOrDomainManagerOfProject =
  '(rule:admin_required) or ' +
  '(role:manager and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s)';
const whoMayReadGroup =
  '(rule:admin_required) or ' +
  '(role:reader and system_scope:all) or ' +
  '(role:reader and domain_id:%(target.group.domain_id)s)';
const adminOrDomainManagerOfGroup =
  '(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s)';
const adminOrDomainManagerOfMember =
  '(rule:admin_required) or ' +
  '(role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)';

const whoMayGrant =
  '(rule:admin_required) or ' +
  '((role:admin and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or ' +
  '(role:admin and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or ' +
  '(role:admin and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or ' +
  '(role:admin and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and (domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s) or ' +
  '((role:manager and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or ' +
  '(role:manager and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or ' +
  '(role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or ' +
  '(role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and rule:domain_managed_target_role';

/** Of users, groups, projects, domains, roles, grants, the catalog and tokens; and what all rules build on. */
export const coreRules = [
  rule('admin_required', 'role:admin or is_admin:1'),
  rule('service_role', 'role:service'),
  rule('service_or_admin', 'rule:admin_required or rule:service_role'),
  rule('owner', 'user_id:%(user_id)s'),
  rule('admin_or_owner', 'rule:admin_required or rule:owner'),
  rule('token_subject', 'user_id:%(target.token.user_id)s'),
  rule('admin_or_token_subject', 'rule:admin_required or rule:token_subject'),
  rule('service_admin_or_token_subject', 'rule:service_or_admin or rule:token_subject'),
  rule(
    'domain_managed_target_role',
    "'manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s",
  ),
  rule(
    'identity:get_user',
    '(rule:admin_required) or ' +
      '(role:reader and system_scope:all) or ' +
      '(role:reader and token.domain.id:%(target.user.domain_id)s) or user_id:%(target.user.id)s',
    any,
  ),
  rule('identity:list_users', whoMayListOfDomain, any),
  rule('identity:list_projects_for_user', ''),
  rule('identity:list_domains_for_user', ''),
  rule('identity:create_user', adminOrDomainManagerOfUser, any),
  rule('identity:update_user', adminOrDomainManagerOfUser, any),
  rule('identity:delete_user', adminOrDomainManagerOfUser, any),
  rule('identity:get_project', whoMayReadProject, any),
  rule('identity:list_projects', whoMayListOfDomain, any),
  rule(
    'identity:list_user_projects',
    '(rule:admin_required) or ' +
      '(role:reader and system_scope:all) or ' +
      '(role:reader and domain_id:%(target.user.domain_id)s) or user_id:%(target.user.id)s',
    any,
  ),
  rule('identity:create_project', adminOrDomainManagerOfProject, any),
  rule('identity:update_project', adminOrDomainManagerOfProject, any),
  rule('identity:delete_project', adminOrDomainManagerOfProject, any),
  rule('identity:list_project_tags', whoMayReadProject, any),
  rule('identity:get_project_tag', whoMayReadProject, any),
  rule('identity:update_project_tags', adminOrDomainManagerOfProject, any),
  rule('identity:create_project_tag', adminOrDomainManagerOfProject, any),
  rule('identity:delete_project_tags', adminOrDomainManagerOfProject, any),
  rule('identity:delete_project_tag', adminOrDomainManagerOfProject, any),
  rule(
    'identity:get_domain',
    'rule:admin_required or ' +
      '(role:reader and system_scope:all) or token.domain.id:%(target.domain.id)s or token.project.domain.id:%(target.domain.id)s',
    any,
  ),
  rule(
    'identity:list_domains',
    'rule:admin_required or ' +
      '(role:reader and system_scope:all) or ' +
      '(role:reader and domain_id:%(target.domain.id)s)',
    any,
  ),
  rule('identity:create_domain', admin, notDomain),
  rule('identity:update_domain', admin, notDomain),
  rule('identity:delete_domain', admin, notDomain),
  rule('identity:get_group', whoMayReadGroup, any),
  rule('identity:list_groups', whoMayReadGroup, any),
  rule(
    'identity:list_groups_for_user',
    '(rule:admin_required) or ' +
      '(role:reader and system_scope:all) or ' +
      '(role:reader and domain_id:%(target.user.domain_id)s) or user_id:%(user_id)s',
    any,
  ),
  rule('identity:create_group', adminOrDomainManagerOfGroup, any),
  rule('identity:update_group', adminOrDomainManagerOfGroup, any),
  rule('identity:delete_group', adminOrDomainManagerOfGroup, any),
  rule('identity:list_users_in_group', whoMayReadGroup, any),
  rule('identity:remove_user_from_group', adminOrDomainManagerOfMember, any),
  rule(
    'identity:check_user_in_group',
    '(rule:admin_required) or ' +
      '(role:reader and system_scope:all) or ' +
      '(role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)',
    any,
  ),
  rule('identity:add_user_to_group', adminOrDomainManagerOfMember, any),
  rule(
    'identity:get_role',
    '(rule:admin_required or ' +
      '(role:reader and system_scope:all)) or ' +
      '(role:manager and rule:domain_managed_target_role)',
    any,
  ),
  rule(
    'identity:list_roles',
    '(rule:admin_required or (role:reader and system_scope:all)) or (role:manager and not domain_id:None)',
    any,
  ),
  rule('identity:create_role', admin, notDomain),
  rule('identity:update_role', admin, notDomain),
  rule('identity:delete_role', admin, notDomain),
  rule('identity:get_domain_role', adminOrSystemReader, notDomain),
  rule('identity:list_domain_roles', adminOrSystemReader, notDomain),
  rule('identity:create_domain_role', admin, notDomain),
  rule('identity:update_domain_role', admin, notDomain),
  rule('identity:delete_domain_role', admin, notDomain),
  rule('identity:get_implied_role', adminOrSystemReader, notDomain),
  rule('identity:list_implied_roles', adminOrSystemReader, notDomain),
  rule('identity:create_implied_role', admin, notDomain),
  rule('identity:delete_implied_role', admin, notDomain),
  rule('identity:list_role_inference_rules', adminOrSystemReader, notDomain),
  rule('identity:check_implied_role', adminOrSystemReader, notDomain),
  rule(
    'identity:check_grant',
    '(rule:admin_required) or ' +
      '((role:reader and system_scope:all) or ' +
      '((role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or ' +
      '(role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or ' +
      '(role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or ' +
      '(role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and (domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s))',
    any,
  ),
  rule(
    'identity:list_grants',
    '(rule:admin_required) or ' +
      '((role:reader and system_scope:all) or ' +
      '(role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or ' +
      '(role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or ' +
      '(role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or ' +
      '(role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s))',
    any,
  ),
  rule('identity:create_grant', whoMayGrant, any),
  rule('identity:revoke_grant', whoMayGrant, any),
  rule('identity:list_system_grants_for_user', adminOrSystemReader, notDomain),
  rule('identity:check_system_grant_for_user', adminOrSystemReader, notDomain),
  rule('identity:create_system_grant_for_user', admin, notDomain),
  rule('identity:revoke_system_grant_for_user', admin, notDomain),
  rule('identity:list_system_grants_for_group', adminOrSystemReader, notDomain),
  rule('identity:check_system_grant_for_group', adminOrSystemReader, notDomain),
  rule('identity:create_system_grant_for_group', admin, notDomain),
  rule('identity:revoke_system_grant_for_group', admin, notDomain),
  rule('identity:list_role_assignments', whoMayListOfDomain, any),
  rule('identity:list_role_assignments_for_tree', whoMayListOfDomain, any),
  rule('identity:get_service', adminOrSystemReader, notDomain),
  rule('identity:list_services', adminOrSystemReader, notDomain),
  rule('identity:create_service', admin, notDomain),
  rule('identity:update_service', admin, notDomain),
  rule('identity:delete_service', admin, notDomain),
  rule('identity:get_endpoint', adminOrSystemReader, notDomain),
  rule('identity:list_endpoints', adminOrSystemReader, notDomain),
  rule('identity:create_endpoint', admin, notDomain),
  rule('identity:update_endpoint', admin, notDomain),
  rule('identity:delete_endpoint', admin, notDomain),
  rule('identity:get_region', '', any),
  rule('identity:list_regions', '', any),
  rule('identity:create_region', admin, notDomain),
  rule('identity:update_region', admin, notDomain),
  rule('identity:delete_region', admin, notDomain),
  rule(
    'identity:check_token',
    'rule:admin_required or (role:reader and system_scope:all) or rule:token_subject',
    any,
  ),
  rule(
    'identity:validate_token',
    'rule:admin_required or (role:reader and system_scope:all) or rule:service_role or rule:token_subject',
    any,
  ),
  rule('identity:revoke_token', 'rule:admin_required or rule:token_subject', any),
  rule('identity:get_auth_catalog', ''),
  rule('identity:get_auth_projects', ''),
  rule('identity:get_auth_domains', ''),
  rule('identity:get_auth_system', ''),
  rule('identity:list_revoke_events', 'rule:service_or_admin', notDomain),
];
