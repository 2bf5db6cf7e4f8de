import { policyDefaults } from '../../../platform/policy/rule.ts';
import { baseRules } from './base.ts';
import { flavorRules } from './flavors.ts';
import { keypairRules } from './keypairs.ts';
import { serverRules } from './servers.ts';

/** All rules of compute: one file for each resource, one line here for each file. */
export const computePolicies = policyDefaults('compute', [baseRules, flavorRules, keypairRules, serverRules]);
