import { rule } from '../../../platform/policy/rule.ts';
import { admin, adminOrSystemReader, notDomain } from './personas.ts';

const read = (...names: string[]) =>
  names.map((name) => rule(`identity:${name}`, adminOrSystemReader, notDomain));
const write = (...names: string[]) => names.map((name) => rule(`identity:${name}`, admin, notDomain));

/** Of endpoint groups, of what projects see of the catalog, and of policies and what they hold for. */
export const catalogRules = [
  ...read(
    'list_endpoint_groups',
    'get_endpoint_group',
    'list_projects_associated_with_endpoint_group',
    'list_endpoints_associated_with_endpoint_group',
    'get_endpoint_group_in_project',
    'list_endpoint_groups_for_project',
    'list_projects_for_endpoint',
    'check_endpoint_in_project',
    'list_endpoints_for_project',
  ),
  ...write(
    'create_endpoint_group',
    'update_endpoint_group',
    'delete_endpoint_group',
    'add_endpoint_group_to_project',
    'remove_endpoint_group_from_project',
    'add_endpoint_to_project',
    'remove_endpoint_from_project',
  ),
  ...read(
    'get_policy',
    'list_policies',
    'check_policy_association_for_endpoint',
    'check_policy_association_for_service',
    'check_policy_association_for_region_and_service',
    'get_policy_for_endpoint',
    'list_endpoints_for_policy',
  ),
  ...write(
    'create_policy',
    'update_policy',
    'delete_policy',
    'create_policy_association_for_endpoint',
    'delete_policy_association_for_endpoint',
    'create_policy_association_for_service',
    'delete_policy_association_for_service',
    'create_policy_association_for_region_and_service',
    'delete_policy_association_for_region_and_service',
  ),
];
