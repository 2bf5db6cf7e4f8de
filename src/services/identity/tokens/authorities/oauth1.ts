import { withImplied } from '../../model/implied-roles.ts';
import { parseIsoTime } from '../../model/timestamps.ts';
import type { Directory } from '../../store/directory.ts';
import { hasRunOut, type OAuth1 } from '../../store/oauth1.ts';
import type { BoundsOf } from '../bounds.ts';

/**
 * A token of an OAuth access token has those roles that its user gave with it and that he still has himself, on its
 * project.
 */
export const oauth1Bounds =
  (oauth1: OAuth1, directory: Directory): BoundsOf<'oauth1'> =>
  async ({ accessTokenId }, { user, scope, rolesOf }) => {
    const found = await oauth1.accessToken(accessTokenId);
    if (!found || found.user_id !== user.id || hasRunOut(found)) return undefined;
    if (scope?.kind !== 'project' || scope.projectId !== found.project_id) return undefined;
    const { implications } = await directory.shared();
    const held = new Set(await rolesOf(user.id));
    return {
      roleIds: withImplied(found.role_ids, implications).filter((id) => held.has(id)),
      ...(found.expires_at === null ? {} : { expiresAt: parseIsoTime(found.expires_at) }),
      shown: { 'OS-OAUTH1': { access_token_id: found.id, consumer_id: found.consumer_id } },
    };
  };
