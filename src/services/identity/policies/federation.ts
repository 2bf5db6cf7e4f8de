import { type Rule, rule } from '../../../platform/policy/rule.ts';
import { admin, adminOrSystemReader, notDomain } from './personas.ts';

const verbs = (one: string, many: string): Rule[] => [
  rule(`identity:create_${one}`, admin, notDomain),
  rule(`identity:list_${many}`, adminOrSystemReader, notDomain),
  rule(`identity:get_${one}`, adminOrSystemReader, notDomain),
  rule(`identity:update_${one}`, admin, notDomain),
  rule(`identity:delete_${one}`, admin, notDomain),
];

/** Upstream: keystone/common/policies/{identity_provider,mapping,protocol,service_provider}.py. */
export const federationRules: readonly Rule[] = [
  ...verbs('identity_provider', 'identity_providers'),
  ...verbs('mapping', 'mappings'),
  ...verbs('protocol', 'protocols'),
  ...verbs('service_provider', 'service_providers'),
];
