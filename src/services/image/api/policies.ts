import { policyDefaults, rule } from '../../../platform/policy/rule.ts';
import { metadefPolicies } from './metadef-policies.ts';

const admin = 'rule:context_is_admin';
const memberOfProject = 'role:member and project_id:%(project_id)s';
const readerOfProject = 'role:reader and project_id:%(project_id)s';
const sharedWithCaller = 'project_id:%(member_id)s';
/** Images that are not visible are not found before these are asked, so that `shared` needs no more here. */
const visible = `project_id:%(project_id)s or ${sharedWithCaller} or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s`;

const adminOrMember = `${admin} or (${memberOfProject})`;
const adminOrReader = `${admin} or (${readerOfProject})`;
const adminOrVisibleToReader = `${admin} or (role:reader and (${visible}))`;
const adminOrVisibleToMember = `${admin} or (role:member and (${visible}))`;
const adminOrReaderOrShared = `${admin} or role:reader and (project_id:%(project_id)s or ${sharedWithCaller})`;
const adminOrSharedMember = `${admin} or (role:member and ${sharedWithCaller})`;
const project = { scopes: ['project'] } as const;

/** Glance's current defaults under their own names; its deprecated rules are off. */
export const imagePolicies = policyDefaults('image', [
  rule('default', ''),
  rule('context_is_admin', 'role:admin'),
  rule('service_api', 'role:service or role:admin'),
  rule('add_image', `${admin} or (${memberOfProject} and project_id:%(owner)s)`, project),
  rule('delete_image', adminOrMember, project),
  rule('get_image', adminOrVisibleToReader, project),
  rule('get_images', adminOrReader, project),
  rule('modify_image', adminOrMember, project),
  rule('publicize_image', admin, project),
  rule('communitize_image', adminOrMember, project),
  rule('download_image', adminOrVisibleToMember, project),
  rule('download_from_store', adminOrVisibleToMember, project),
  rule('upload_image', adminOrMember, project),
  rule('delete_image_location', admin, project),
  rule('get_image_location', adminOrReader, project),
  rule('set_image_location', adminOrMember, project),
  rule('add_image_location', `rule:service_api or (${memberOfProject} and project_id:%(owner)s)`, project),
  rule('fetch_image_location', 'rule:service_api', project),
  rule('copy_image', admin, project),
  rule('add_member', adminOrMember, project),
  rule('delete_member', adminOrMember, project),
  rule('get_member', adminOrReaderOrShared, project),
  rule('get_members', adminOrReaderOrShared, project),
  rule('modify_member', adminOrSharedMember, project),
  rule('deactivate', adminOrMember, project),
  rule('reactivate', adminOrMember, project),
  rule('get_task', 'rule:default', project),
  rule('get_tasks', 'rule:default', project),
  rule('add_task', 'rule:default', project),
  rule('modify_task', 'rule:default', project),
  rule('tasks_api_access', admin, project),
  rule('cache_image', admin, project),
  rule('cache_list', admin, project),
  rule('cache_delete', admin, project),
  rule('cache_clean', admin, project),
  rule('cache_prune', admin, project),
  rule('stores_info_detail', `${admin} or rule:service_api`, project),
  metadefPolicies,
]);
