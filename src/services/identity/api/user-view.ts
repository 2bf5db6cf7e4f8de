import type { Call } from '../../../platform/http/call.ts';
import type { UserRow } from '../store/tables.ts';

/** A user in the lists of other resources. */
export const userView = (row: UserRow, call: Call): Record<string, unknown> => ({
  ...row.extra,
  id: row.id,
  name: row.name,
  domain_id: row.domain_id,
  enabled: row.enabled,
  ...(row.default_project_id === null ? {} : { default_project_id: row.default_project_id }),
  options: row.options,
  password_expires_at: row.password_expires_at,
  links: { self: `${call.origin}/v3/users/${row.id}` },
});
