import { repository } from '../../../platform/store/repository.ts';
import { ensureDomain, ensureGrant, ensureProject, ensureRoles, ensureUser } from '../bootstrap.ts';
import type { Identity } from '../identity.ts';
import { projects, users } from '../store/tables.ts';

/**
 * Makes the user `admin` of the default domain an administrator again, whatever became of him: there, enabled, not
 * locked out, with this password, and with the role admin on project admin and on the system.
 */
export async function recoverAdmin(
  identity: Identity,
  password: string,
): Promise<{ userId: string; projectId: string }> {
  const { passwords, store } = identity;
  // Hashing takes its time on purpose, so it is done before the transaction.
  const columns = await passwords.configured(password);
  return identity.atomically(async () => {
    await ensureDomain(identity);
    const projectId = await ensureProject(identity, 'admin', 'Bootstrap project for initializing the cloud.');
    const roleIds = await ensureRoles(identity);
    const userId = await ensureUser(identity, 'admin', columns);
    const people = repository(store, users);
    const user = await people.get(userId);
    // One who was told to authenticate by more than a password may have lost just that.
    const { multi_factor_auth_enabled: _, multi_factor_auth_rules: _rules, ...options } = user?.options ?? {};
    const lastActive = { last_active_at: user?.last_active_at ?? null };
    await people.update({ id: userId }, { enabled: true, options, ...passwords.readmitted(lastActive) });
    for (const id of [projectId, 'default'])
      await repository(store, projects).update({ id }, { enabled: true });
    await ensureGrant(identity, userId, { kind: 'project', id: projectId }, roleIds.admin);
    await ensureGrant(identity, userId, { kind: 'system', id: 'system' }, roleIds.admin);
    identity.changes.revoked();
    return { userId, projectId };
  });
}
