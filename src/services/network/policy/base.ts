import { type Rule, rule } from '../../../platform/policy/rule.ts';

const admin = 'rule:admin_only';
const service = 'rule:service_api';
const owner = 'project_id:%(project_id)s';
const networkOwner = 'rule:network_owner';
const securityGroupOwner = 'rule:sg_owner';

/** The checks of which nearly all rules consist: an administrator, or somebody with a role in the right project. */
export const checks = {
  admin,
  service,
  anyone: '',
  member: `(${admin}) or (role:member and ${owner})`,
  reader: `(${admin}) or (role:reader and ${owner})`,
  ownMember: `role:member and ${owner}`,
  ownReader: `role:reader and ${owner}`,
  networkMember: `role:member and ${networkOwner}`,
  networkReader: `role:reader and ${networkOwner}`,
  networkManager: `role:manager and ${networkOwner}`,
  securityGroupMember: `(${admin}) or (role:member and ${securityGroupOwner})`,
  securityGroupReader: `(${admin}) or (role:reader and ${securityGroupOwner})`,
} as const;

export const either = (...parts: string[]): string => parts.map((part) => `(${part})`).join(' or ');

/** Rules of one resource, meant for tokens with a project. */
export const projectRules = (rules: Record<string, string>): Rule[] =>
  Object.entries(rules).map(([name, check]) => rule(name, check, { scopes: ['project'] }));

/** The four rules with which upstream guards the tags of a resource. */
export const tagRules = (resource: string, read: string, write: string): Record<string, string> => ({
  [`create_${resource}:tags`]: write,
  [`get_${resource}:tags`]: read,
  [`update_${resource}:tags`]: write,
  [`delete_${resource}:tags`]: write,
});

export const baseRules: Rule[] = [
  rule('context_is_admin', 'role:admin'),
  rule('service_api', 'role:service'),
  rule('owner', owner),
  rule('admin_or_owner', 'rule:context_is_admin or rule:owner'),
  rule('context_is_advsvc', 'role:advsvc'),
  rule('admin_or_network_owner', 'rule:context_is_admin or project_id:%(network:project_id)s'),
  rule('admin_owner_or_network_owner', 'rule:owner or rule:admin_or_network_owner'),
  rule('network_owner', 'project_id:%(network:project_id)s'),
  rule('admin_only', 'rule:context_is_admin'),
  rule('regular_user', ''),
  rule('shared', 'field:networks:shared=True'),
  rule('default', 'rule:admin_or_owner'),
  rule('sg_owner', 'project_id:%(security_group:project_id)s'),
];
