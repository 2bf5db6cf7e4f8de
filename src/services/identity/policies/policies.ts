import { policyDefaults } from '../../../platform/policy/rule.ts';
import { applicationCredentialRules } from './application-credentials.ts';
import { catalogRules } from './catalog.ts';
import { coreRules } from './core.ts';
import { credentialRules } from './credentials.ts';
import { domainConfigurationRules } from './domain-configurations.ts';
import { federationRules } from './federation.ts';
import { limitRules } from './limits.ts';
import { oauth1Rules } from './oauth1.ts';
import { trustRules } from './trusts.ts';

/** Upstream's current defaults under their own names; its deprecated rules are off. A file for each topic. */
export const identityPolicies = policyDefaults('identity', [
  coreRules,
  federationRules,
  catalogRules,
  limitRules,
  domainConfigurationRules,
  applicationCredentialRules,
  trustRules,
  oauth1Rules,
  credentialRules,
]);
