import { rule } from '../../../platform/policy/rule.ts';
import { admin, adminOrSystemReader, notDomain } from './personas.ts';

const project = { scopes: ['project'] } as const;

/** Of consumers, and of what users let them do. */
export const oauth1Rules = [
  rule('identity:get_consumer', adminOrSystemReader, notDomain),
  rule('identity:list_consumers', adminOrSystemReader, notDomain),
  rule('identity:create_consumer', admin, notDomain),
  rule('identity:update_consumer', admin, notDomain),
  rule('identity:delete_consumer', admin, notDomain),
  rule('identity:authorize_request_token', admin, project),
  rule('identity:get_access_token', admin, project),
  rule('identity:get_access_token_role', admin, project),
  rule('identity:list_access_tokens', admin, project),
  rule('identity:list_access_token_roles', admin, project),
  rule('identity:delete_access_token', admin, project),
];
