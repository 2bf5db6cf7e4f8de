import { type Rule, rule } from '../../../platform/policy/rule.ts';
import { checks, either, projectRules, tagRules } from './base.ts';

const { admin, member, reader, service, ownMember, ownReader, networkMember, networkReader } = checks;
const written = either(ownMember, admin, networkMember);
const seen = either(ownReader, 'rule:shared', 'rule:external_network', admin, networkReader, service);

export const subnetRules: Rule[] = [
  rule('external_network', 'field:subnets:router:external=True'),
  ...projectRules({
    create_subnet: either(admin, networkMember),
    'create_subnet:service_types': admin,
    get_subnet: seen,
    update_subnet: written,
    'update_subnet:service_types': admin,
    delete_subnet: written,
    ...tagRules('subnet', seen, written),
  }),
];

const pooled = either(reader, 'rule:shared_subnetpools');

export const subnetpoolRules: Rule[] = [
  rule('shared_subnetpools', 'field:subnetpools:shared=True'),
  ...projectRules({
    create_subnetpool: member,
    'create_subnetpool:shared': admin,
    'create_subnetpool:is_default': admin,
    get_subnetpool: pooled,
    update_subnetpool: member,
    'update_subnetpool:is_default': admin,
    delete_subnetpool: member,
    ...tagRules('subnetpool', pooled, member),
  }),
];
