import { type Rule, rule } from '../../../platform/policy/rule.ts';
import { checks, either, projectRules } from './base.ts';

const { member, reader } = checks;

export const addressGroupRules: Rule[] = [
  rule('shared_address_groups', 'field:address_groups:shared=True'),
  ...projectRules({
    create_address_group: member,
    get_address_group: either(reader, 'rule:shared_address_groups'),
    update_address_group: member,
    delete_address_group: member,
    add_addresses: member,
    remove_addresses: member,
  }),
];
