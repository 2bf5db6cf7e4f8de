import { policyDefaults } from '../../../platform/policy/rule.ts';
import { baseRules } from './base.ts';
import { flavorRules } from './flavors.ts';
import { hostRules } from './hosts.ts';
import { keypairRules } from './keypairs.ts';
import { quotaRules } from './quotas.ts';
import { reportRules } from './reports.ts';
import { serverGroupRules } from './server-groups.ts';
import { serverRules } from './servers.ts';

/** All rules of compute: one file for each resource, one line here for each file. */
export const computePolicies = policyDefaults('compute', [
  baseRules,
  flavorRules,
  keypairRules,
  quotaRules,
  hostRules,
  serverGroupRules,
  reportRules,
  serverRules,
]);
