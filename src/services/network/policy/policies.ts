import { policyDefaults } from '../../../platform/policy/rule.ts';
import { addressGroupRules } from './address-groups.ts';
import { baseRules } from './base.ts';
import { networkRules } from './networks.ts';
import { operationRules } from './operations.ts';
import { portRules } from './ports.ts';
import { floatingipRules, routerRules } from './routers.ts';
import { securityGroupRules } from './security-groups.ts';
import { subnetpoolRules, subnetRules } from './subnets.ts';

/** Upstream's current defaults, by upstream's names, for what this service has. */
export const networkPolicies = policyDefaults('network', [
  baseRules,
  networkRules,
  subnetRules,
  subnetpoolRules,
  portRules,
  routerRules,
  floatingipRules,
  securityGroupRules,
  addressGroupRules,
  operationRules,
]);
