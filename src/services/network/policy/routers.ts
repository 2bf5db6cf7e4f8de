import type { Rule } from '../../../platform/policy/rule.ts';
import { checks, either, projectRules, tagRules } from './base.ts';

const { admin, member, reader } = checks;
const manager = '(rule:admin_only) or (role:manager and project_id:%(project_id)s)';

export const routerRules: Rule[] = projectRules({
  create_router: member,
  'create_router:distributed': admin,
  'create_router:ha': admin,
  'create_router:external_gateway_info': member,
  'create_router:external_gateway_info:network_id': member,
  'create_router:external_gateway_info:enable_snat': admin,
  'create_router:external_gateway_info:external_fixed_ips': admin,
  get_router: reader,
  'get_router:distributed': admin,
  'get_router:ha': admin,
  update_router: member,
  'update_router:distributed': admin,
  'update_router:ha': admin,
  'update_router:external_gateway_info': member,
  'update_router:external_gateway_info:network_id': member,
  'update_router:external_gateway_info:enable_snat': admin,
  'update_router:external_gateway_info:external_fixed_ips': admin,
  delete_router: member,
  add_router_interface: member,
  remove_router_interface: member,
  add_extraroutes: member,
  remove_extraroutes: member,
  ...tagRules('router', reader, member),
});

export const floatingipRules: Rule[] = projectRules({
  create_floatingip: member,
  'create_floatingip:floating_ip_address': either(admin, manager),
  get_floatingip: reader,
  update_floatingip: member,
  delete_floatingip: member,
  ...tagRules('floatingip', reader, member),
});
