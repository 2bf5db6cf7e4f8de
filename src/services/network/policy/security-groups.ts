import { type Rule, rule } from '../../../platform/policy/rule.ts';
import { checks, either, projectRules, tagRules } from './base.ts';

const { member, reader, securityGroupMember, securityGroupReader } = checks;
const seen = either(reader, 'rule:shared_security_group');

export const securityGroupRules: Rule[] = [
  rule('admin_or_sg_owner', 'rule:context_is_admin or project_id:%(security_group:project_id)s'),
  rule('admin_owner_or_sg_owner', 'rule:owner or rule:admin_or_sg_owner'),
  rule('shared_security_group', 'field:security_groups:shared=True'),
  ...projectRules({
    create_security_group: member,
    get_security_group: seen,
    update_security_group: member,
    delete_security_group: member,
    ...tagRules('security_group', seen, member),
    create_security_group_rule: securityGroupMember,
    get_security_group_rule: securityGroupReader,
    delete_security_group_rule: securityGroupMember,
  }),
];
