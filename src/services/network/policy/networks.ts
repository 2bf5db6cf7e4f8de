import { type Rule, rule } from '../../../platform/policy/rule.ts';
import { checks, either, projectRules, tagRules } from './base.ts';

const { admin, member, reader, service } = checks;
const seen = either(reader, service, 'rule:shared', 'rule:external', 'rule:context_is_advsvc');

export const networkRules: Rule[] = [
  rule('external', 'field:networks:router:external=True'),
  ...projectRules({
    create_network: member,
    'create_network:shared': admin,
    'create_network:router:external': admin,
    'create_network:is_default': admin,
    'create_network:port_security_enabled': member,
    'create_network:provider:network_type': admin,
    'create_network:provider:physical_network': admin,
    'create_network:provider:segmentation_id': admin,
    get_network: seen,
    'get_network:provider:network_type': admin,
    'get_network:provider:physical_network': admin,
    'get_network:provider:segmentation_id': admin,
    update_network: member,
    'update_network:shared': admin,
    'update_network:provider:network_type': admin,
    'update_network:provider:physical_network': admin,
    'update_network:provider:segmentation_id': admin,
    'update_network:router:external': admin,
    'update_network:is_default': admin,
    'update_network:port_security_enabled': member,
    delete_network: member,
    ...tagRules('network', seen, member),
    get_network_ip_availability: either(admin, service),
  }),
];
