import { rule } from '../../../platform/policy/rule.ts';
import { adminOrSystemReader, notDomain } from './personas.ts';

const trustor = 'user_id:%(target.trust.trustor_user_id)s';
const trustee = 'user_id:%(target.trust.trustee_user_id)s';
const everybodyOfIt = `(${adminOrSystemReader}) or ${trustor} or ${trustee}`;

/** Of trusts and their roles. */
export const trustRules = [
  rule('identity:create_trust', trustor, { scopes: ['project'] }),
  rule('identity:list_trusts', adminOrSystemReader, notDomain),
  rule('identity:list_trusts_for_trustor', `(${adminOrSystemReader}) or ${trustor}`, notDomain),
  rule('identity:list_trusts_for_trustee', `(${adminOrSystemReader}) or ${trustee}`, notDomain),
  rule('identity:list_roles_for_trust', everybodyOfIt, notDomain),
  rule('identity:get_role_for_trust', everybodyOfIt, notDomain),
  rule('identity:delete_trust', `rule:admin_required or ${trustor}`, notDomain),
  rule('identity:get_trust', everybodyOfIt, notDomain),
];
