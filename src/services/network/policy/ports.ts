import { type Rule, rule } from '../../../platform/policy/rule.ts';
import { checks, either, projectRules } from './base.ts';

const { admin, service, member, ownMember, ownReader, networkMember, networkReader, networkManager } = checks;
const networkSide = either(admin, service, networkMember);
const networkSideOrShared = either(networkSide, 'rule:shared');
const pairs = either(admin, networkMember, service);
const bound = either(admin, service);
const seen = either(admin, service, networkReader, ownReader);
const advanced = 'rule:context_is_advsvc';

export const portRules: Rule[] = [
  rule('network_device', 'field:port:device_owner=~^network:'),
  ...projectRules({
    create_port: networkSideOrShared,
    'create_port:device_id': either(member, service),
    'create_port:device_owner': either('not rule:network_device', networkSide),
    'create_port:mac_address': networkSide,
    'create_port:fixed_ips': networkSideOrShared,
    'create_port:fixed_ips:ip_address': networkSide,
    'create_port:fixed_ips:subnet_id': networkSideOrShared,
    'create_port:port_security_enabled': networkSide,
    'create_port:binding:host_id': bound,
    'create_port:binding:profile': service,
    'create_port:binding:vnic_type': either(member, service),
    'create_port:allowed_address_pairs': pairs,
    'create_port:allowed_address_pairs:mac_address': pairs,
    'create_port:allowed_address_pairs:ip_address': pairs,
    get_port: seen,
    'get_port:binding:vif_type': bound,
    'get_port:binding:vif_details': bound,
    'get_port:binding:host_id': bound,
    'get_port:binding:profile': bound,
    update_port: either(admin, service, ownMember),
    'update_port:device_id': either(member, service),
    'update_port:device_owner': either('not rule:network_device', networkSide),
    'update_port:mac_address': either(admin, service, networkManager),
    'update_port:fixed_ips': networkSide,
    'update_port:fixed_ips:ip_address': networkSide,
    'update_port:fixed_ips:subnet_id': networkSideOrShared,
    'update_port:port_security_enabled': networkSide,
    'update_port:binding:host_id': bound,
    'update_port:binding:profile': service,
    'update_port:binding:vnic_type': either(admin, service, ownMember),
    'update_port:allowed_address_pairs': pairs,
    'update_port:allowed_address_pairs:mac_address': pairs,
    'update_port:allowed_address_pairs:ip_address': pairs,
    delete_port: either(networkSide, ownMember),
    'create_port:tags': either(member, advanced),
    'get_port:tags': either(advanced, admin, networkReader, ownReader),
    'update_port:tags': either(member, advanced),
    'delete_port:tags': either(advanced, ownMember, admin, networkMember),
  }),
];
