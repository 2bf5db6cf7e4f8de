import { rule } from '../../../platform/policy/rule.ts';
import { adminOrSystemReader, any, notDomain } from './personas.ts';

const owner = 'user_id:%(target.credential.user_id)s';
const readers = `(${adminOrSystemReader}) or ${owner}`;
const writers = `(rule:admin_required) or ${owner}`;
const memberItself = `(rule:admin_required) or (role:member and ${owner})`;

/** Of credentials, EC2 key pairs and what is signed with them. */
export const credentialRules = [
  rule('identity:get_credential', readers, any),
  rule('identity:list_credentials', readers, any),
  rule('identity:create_credential', writers, any),
  rule('identity:update_credential', writers, any),
  rule('identity:delete_credential', writers, any),
  rule('identity:ec2_get_credential', readers, notDomain),
  rule('identity:ec2_list_credentials', `(${adminOrSystemReader}) or rule:owner`, notDomain),
  rule('identity:ec2_create_credential', memberItself, notDomain),
  rule('identity:ec2_delete_credential', memberItself, notDomain),
  rule('identity:ec2tokens_validate', 'rule:service_or_admin', any),
  rule('identity:s3tokens_validate', 'rule:service_or_admin', any),
];
