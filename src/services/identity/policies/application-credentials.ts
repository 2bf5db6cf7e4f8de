import { rule } from '../../../platform/policy/rule.ts';
import { adminOrSystemReader, notDomain } from './personas.ts';

const adminOrSystemReaderOrOwner = `(${adminOrSystemReader}) or rule:owner`;
const systemReaderOrOwner = '(role:reader and system_scope:all) or user_id:%(target.user.id)s';
const systemAdminOrOwner = '(role:admin and system_scope:all) or user_id:%(target.user.id)s';

/** Of application credentials and their access rules. */
export const applicationCredentialRules = [
  rule('identity:get_application_credential', adminOrSystemReaderOrOwner, notDomain),
  rule('identity:list_application_credentials', adminOrSystemReaderOrOwner, notDomain),
  rule('identity:create_application_credential', 'user_id:%(user_id)s', { scopes: ['project'] }),
  rule('identity:delete_application_credential', 'rule:admin_or_owner', notDomain),
  rule('identity:get_access_rule', systemReaderOrOwner, notDomain),
  rule('identity:list_access_rules', systemReaderOrOwner, notDomain),
  rule('identity:delete_access_rule', systemAdminOrOwner, notDomain),
];
