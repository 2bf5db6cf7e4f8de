import { withImplied } from '../../model/implied-roles.ts';
import { parseIsoTime } from '../../model/timestamps.ts';
import type { Directory } from '../../store/directory.ts';
import type { UserRow } from '../../store/tables.ts';
import type { Trusts } from '../../store/trusts.ts';
import type { BoundsOf } from '../bounds.ts';

/**
 * A token of a trust has the trust's roles, as long as he who first gave them has all of them himself and all whom the
 * trust went through are there and enabled. With impersonation it speaks for the trustor.
 */
export const trustBounds =
  (trusts: Trusts, directory: Directory): BoundsOf<'trust'> =>
  async ({ trustId }, { user: trustee, scope, rolesOf }) => {
    const pedigree = await trusts.pedigree(trustId);
    if (!pedigree) return undefined;
    const [trust] = pedigree;
    const first = pedigree.at(-1) ?? trust;
    if (trust.trustee_user_id !== trustee.id) return undefined;
    if (scope?.kind !== 'project' || scope.projectId !== trust.project_id) return undefined;
    const agents = new Set(pedigree.flatMap((each) => [each.trustor_user_id, each.trustee_user_id]));
    for (const id of agents) if (!(await enabledUser(directory, id))) return undefined;
    const { implications, domainRoleIds } = await directory.shared();
    const roleIds = withImplied(trust.role_ids, implications);
    const held = new Set(await rolesOf(first.trustor_user_id));
    if (!roleIds.every((id) => domainRoleIds.has(id) || held.has(id))) return undefined;
    const trustor = await directory.user(trust.trustor_user_id);
    if (!trustor) return undefined;
    return {
      roleIds: roleIds.filter((id) => !domainRoleIds.has(id)),
      ...(trust.expires_at === null ? {} : { expiresAt: parseIsoTime(trust.expires_at) }),
      ...(trust.impersonation ? { speaksFor: trustor } : {}),
      shown: {
        'OS-TRUST:trust': {
          id: trust.id,
          trustor_user: { id: trust.trustor_user_id },
          trustee_user: { id: trust.trustee_user_id },
          impersonation: trust.impersonation,
        },
      },
      credentials: {
        trustId: trust.id,
        trustorUserId: trust.trustor_user_id,
        trusteeUserId: trust.trustee_user_id,
      },
    };
  };

async function enabledUser(directory: Directory, id: string): Promise<UserRow | undefined> {
  const user = await directory.user(id);
  if (!user?.enabled) return undefined;
  return (await directory.domain(user.domain_id))?.enabled ? user : undefined;
}
