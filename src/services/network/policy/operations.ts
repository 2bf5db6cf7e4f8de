import { type Rule, rule } from '../../../platform/policy/rule.ts';
import { checks, projectRules } from './base.ts';

const { admin, member, reader } = checks;
const notEverybody = '(rule:admin_only) or (not field:rbac_policy:target_project=*)';

/** Rules of what operators see to: quotas, agents, sharing. */
export const operationRules: Rule[] = [
  rule('restrict_wildcard', notEverybody),
  ...projectRules({
    get_quota: '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
    update_quota: admin,
    delete_quota: admin,
    get_agent: admin,
    update_agent: admin,
    delete_agent: admin,
    'create_dhcp-network': admin,
    'get_dhcp-networks': admin,
    'delete_dhcp-network': admin,
    'create_l3-router': admin,
    'get_l3-routers': admin,
    'delete_l3-router': admin,
    'get_dhcp-agents': admin,
    'get_l3-agents': admin,
    get_availability_zone: 'role:reader',
    get_service_provider: 'role:reader',
    create_rbac_policy: member,
    'create_rbac_policy:target_project': notEverybody,
    get_rbac_policy: reader,
    update_rbac_policy: member,
    'update_rbac_policy:target_project': notEverybody,
    delete_rbac_policy: member,
  }),
];
