import type { Identity } from '../identity.ts';
import type { Elsewhere } from '../store/elsewhere.ts';
import type { Extra, UserRow } from '../store/tables.ts';
import { keptExtra } from './fields.ts';

interface Given {
  name?: string | undefined;
  enabled?: boolean | undefined;
  password?: string | null | undefined;
  default_project_id?: string | null | undefined;
}

/**
 * Makes a user in the backend of his domain. Rules for passwords are that backend's own, and options are not kept, as
 * upstream.
 */
export const createElsewhere = (
  elsewhere: Elsewhere,
  domainId: string,
  { name, enabled = true, password, default_project_id: defaultProjectId }: Given & { name: string },
  extra: Extra,
): Promise<UserRow> =>
  elsewhere.createUser(domainId, {
    name,
    enabled,
    extra: keptExtra(extra),
    ...(password === undefined ? {} : { password }),
    ...(defaultProjectId === undefined ? {} : { defaultProjectId }),
  });

/** Changes a user in the backend of his domain; his tokens end as they do for any other. */
export async function updateElsewhere(
  identity: Identity,
  elsewhere: Elsewhere,
  row: UserRow,
  { name, enabled, password, default_project_id: defaultProjectId }: Given,
  extra: Extra,
): Promise<UserRow> {
  const changed = await elsewhere.updateUser(row.id, {
    extra: keptExtra(extra),
    ...(name === undefined ? {} : { name }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(password === undefined ? {} : { password }),
    ...(defaultProjectId === undefined ? {} : { defaultProjectId }),
  });
  if (password !== undefined || enabled === false) {
    await identity.atomically(() => identity.revocations.revoke({ userId: row.id }));
  }
  return changed;
}
