import type { Rule } from '../../../platform/policy/rule.ts';
import { checks, projectRules } from './base.ts';

const { admin, anyone } = checks;

/** Source: nova/policies/availability_zone.py, services.py, hypervisors.py, aggregates.py. */
export const hostRules: Rule[] = projectRules({
  'os_compute_api:os-availability-zone:list': anyone,
  'os_compute_api:os-availability-zone:detail': admin,
  'os_compute_api:os-services:list': admin,
  'os_compute_api:os-services:update': admin,
  'os_compute_api:os-services:delete': admin,
  'os_compute_api:os-hypervisors:list': admin,
  'os_compute_api:os-hypervisors:list-detail': admin,
  'os_compute_api:os-hypervisors:statistics': admin,
  'os_compute_api:os-hypervisors:show': admin,
  'os_compute_api:os-hypervisors:uptime': admin,
  'os_compute_api:os-hypervisors:search': admin,
  'os_compute_api:os-hypervisors:servers': admin,
  'os_compute_api:os-aggregates:set_metadata': admin,
  'os_compute_api:os-aggregates:add_host': admin,
  'os_compute_api:os-aggregates:create': admin,
  'os_compute_api:os-aggregates:remove_host': admin,
  'os_compute_api:os-aggregates:update': admin,
  'os_compute_api:os-aggregates:index': admin,
  'os_compute_api:os-aggregates:delete': admin,
  'os_compute_api:os-aggregates:show': admin,
  'compute:aggregates:images': admin,
});
