import type { Store } from '../../../platform/store/store.ts';
import { batches } from './batches.ts';
import type { IdentityTables } from './schema.ts';

/** Takes from users or groups what was granted to them, and what users have handed out. */
export async function removeActor(
  store: Store<IdentityTables>,
  kind: 'user' | 'group',
  ids: readonly string[],
): Promise<void> {
  for (const some of batches(ids)) {
    await store.db
      .deleteFrom('assignments')
      .where('actor_kind', '=', kind)
      .where('actor_id', 'in', some)
      .execute();
    if (kind === 'user') await removeHandedOut(store, some);
  }
}

/** Application credentials of some users, and their access rules: whose user is disabled, they never come back. */
export async function removeApplicationCredentials(
  store: Store<IdentityTables>,
  userIds: readonly string[],
): Promise<void> {
  await store.db.deleteFrom('application_credentials').where('user_id', 'in', userIds).execute();
  await store.db.deleteFrom('access_rules').where('user_id', 'in', userIds).execute();
}

/** Application credentials with their access rules, trusts, and the secrets that are kept for them. */
async function removeHandedOut(store: Store<IdentityTables>, userIds: readonly string[]): Promise<void> {
  await removeApplicationCredentials(store, userIds);
  await store.db.deleteFrom('trusts').where('trustor_user_id', 'in', userIds).execute();
  await store.db.deleteFrom('trusts').where('trustee_user_id', 'in', userIds).execute();
  await store.db.deleteFrom('credentials').where('user_id', 'in', userIds).execute();
  await store.db.deleteFrom('oauth_request_tokens').where('user_id', 'in', userIds).execute();
  await store.db.deleteFrom('oauth_access_tokens').where('user_id', 'in', userIds).execute();
}

/** Takes away what was granted on projects or domains, and makes them nobody's default. */
export async function removeTarget(store: Store<IdentityTables>, ids: readonly string[]): Promise<void> {
  for (const some of batches(ids)) {
    await store.db.deleteFrom('assignments').where('target_id', 'in', some).execute();
    await store.db.deleteFrom('application_credentials').where('project_id', 'in', some).execute();
    await store.db.deleteFrom('trusts').where('project_id', 'in', some).execute();
    await store.db.deleteFrom('credentials').where('project_id', 'in', some).execute();
    await store.db.deleteFrom('oauth_request_tokens').where('project_id', 'in', some).execute();
    await store.db.deleteFrom('oauth_access_tokens').where('project_id', 'in', some).execute();
    await store.db
      .updateTable('users')
      .set({ default_project_id: null })
      .where('default_project_id', 'in', some)
      .execute();
  }
}
