import type { Store } from '../../../../platform/store/store.ts';
import { effectiveRoleIds } from '../../model/assignments.ts';
import type { Scope } from '../../model/scope.ts';
import { type Directory, toAssignment } from '../../store/directory.ts';
import { grantsToGroups } from '../../store/expiring-memberships.ts';
import type { IdentityTables } from '../../store/schema.ts';
import type { BoundsOf } from '../bounds.ts';

/**
 * A federated token has the roles of its user and those of the groups that his provider put him in, for as long as
 * the provider and the protocol are there, and the provider enabled.
 */
export const federationBounds =
  (store: Store<IdentityTables>, directory: Directory): BoundsOf<'federation'> =>
  async ({ groupIds, identityProviderId, protocolId }, { user, scope, rolesOf }) => {
    const provider = await store.db
      .selectFrom('identity_providers')
      .innerJoin('federation_protocols', 'federation_protocols.identity_provider_id', 'identity_providers.id')
      .select('identity_providers.enabled')
      .where('identity_providers.id', '=', identityProviderId)
      .where('federation_protocols.id', '=', protocolId)
      .executeTakeFirst();
    if (!provider?.enabled) return undefined;
    const roleIds = scope
      ? [...(await rolesOf(user.id)), ...(await rolesOfGroups(store, directory, user.id, groupIds, scope))]
      : [];
    return {
      roleIds: [...new Set(roleIds)],
      shownOfUser: {
        'OS-FEDERATION': {
          groups: groupIds.map((id) => ({ id })),
          identity_provider: { id: identityProviderId },
          protocol: { id: protocolId },
        },
        // Who has no password here is not shown that it never ends.
        password_expires_at: undefined,
      },
    };
  };

async function rolesOfGroups(
  store: Store<IdentityTables>,
  directory: Directory,
  userId: string,
  groupIds: readonly string[],
  scope: Scope,
): Promise<string[]> {
  if (groupIds.length === 0) return [];
  const rows = await directory.assignmentRows(userId, scope);
  const assignments = (await grantsToGroups(store, groupIds)).map(toAssignment);
  const memberships = groupIds.map((groupId) => ({ groupId, userId }));
  return effectiveRoleIds({ ...rows, assignments, memberships }, { userId, scope });
}
