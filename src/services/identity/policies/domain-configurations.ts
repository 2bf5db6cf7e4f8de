import { rule } from '../../../platform/policy/rule.ts';
import { admin, adminOrSystemReader, any, notDomain } from './personas.ts';

/** Of what is configured for single domains. */
export const domainConfigurationRules = [
  rule('identity:create_domain_config', admin, notDomain),
  rule('identity:get_domain_config', adminOrSystemReader, notDomain),
  rule('identity:get_security_compliance_domain_config', '', any),
  rule('identity:update_domain_config', admin, notDomain),
  rule('identity:delete_domain_config', admin, notDomain),
  rule('identity:get_domain_config_default', adminOrSystemReader, notDomain),
];
