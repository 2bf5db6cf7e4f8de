import { type Rule, rule } from '../../../platform/policy/rule.ts';

const project = { scopes: ['project'] } as const;
const readerOfProject = 'rule:context_is_admin or (role:reader and project_id:%(project_id)s)';
const readerOfNamespace =
  "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))";

const forAdmins = [
  'add_metadef_namespace',
  'modify_metadef_namespace',
  'delete_metadef_namespace',
  'add_metadef_object',
  'modify_metadef_object',
  'delete_metadef_object',
  'add_metadef_property',
  'modify_metadef_property',
  'remove_metadef_property',
  'add_metadef_tag',
  'add_metadef_tags',
  'modify_metadef_tag',
  'delete_metadef_tag',
  'delete_metadef_tags',
  'add_metadef_resource_type_association',
  'remove_metadef_resource_type_association',
];
const forReaders = [
  'get_metadef_namespace',
  'get_metadef_object',
  'get_metadef_objects',
  'get_metadef_property',
  'get_metadef_properties',
  'get_metadef_tag',
  'get_metadef_tags',
  'list_metadef_resource_types',
  'get_metadef_resource_type',
];

/** Glance's current defaults for metadata definitions (glance/policies/metadef.py). */
export const metadefPolicies: readonly Rule[] = [
  rule('metadef_default', ''),
  rule('metadef_admin', 'rule:context_is_admin'),
  rule('get_metadef_namespaces', readerOfProject, project),
  ...forReaders.map((name) => rule(name, readerOfNamespace, project)),
  ...forAdmins.map((name) => rule(name, 'rule:metadef_admin', project)),
];
